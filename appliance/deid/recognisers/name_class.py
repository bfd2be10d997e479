"""What a word can be by the lists: a given name, a surname, a clinical word; and whether it names a disease here."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from appliance.deid.lexicon import Words
from appliance.deid.reading import Word


class Weight(IntEnum):
    """How much a word by itself says that it is a name."""

    NEVER = 0
    UNKNOWN = 1
    WORD_SURNAME = 2
    """A surname that is a word as well: young, bell."""
    WORD_GIVEN = 3
    """A given name that is a word as well: grace, mark."""
    SURNAME = 4
    GIVEN = 5


PARTICLES = frozenset("de la del der den di da dos du van von bin ibn al el le st saint mc mac ter ten san".split())
# What makes an eponym of any name before it, listed as one or not.
_SURE_HEADS = frozenset(
    "disease syndrome sign maneuver procedure criteria classification catheter palsy scale reflex fracture phenomenon virus lymphoma"
    " equation formula test score contracture deformity drain reaction anomaly dystrophy cyst nodes bodies prosthesis forceps".split()
)
_CLINICAL_ENDINGS = (
    "itis", "osis", "emia", "ectomy", "otomy", "ostomy", "plasty", "pathy", "algia", "uria", "oma", "omas", "gram", "scopy", "pril", "sartan",
    "statin", "olol", "prazole", "cillin", "mycin", "floxacin", "cycline", "azole", "gliptin", "gliflozin", "glutide", "triptan", "setron",
    "dipine", "parin", "xaban", "azepam", "zolam", "oxetine", "semide", "thiazide", "formin", "mab", "tinib", "caine", "codone", "sone",
    "solone", "tidine", "phen", "fenac", "vir", "ology", "ologist", "ical", "ular", "tion", "ness", "ment",
)  # fmt: skip


class NameWords:
    """Classes of words, from the lists alone."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def weight(self, low: str) -> Weight:
        """The weight of one word in lower case; of a hyphenated one, the least of its parts."""
        known = self.words
        if len(low) < 2 or low in known.not_a_name or low in known.clinical:
            return Weight.NEVER
        if low in known.given:
            return Weight.GIVEN
        if low in known.given_words:
            return Weight.WORD_GIVEN
        if low in known.surnames:
            return Weight.SURNAME
        if low in known.surname_words:
            return Weight.WORD_SURNAME
        if "-" in low:
            parts = low.split("-")
            return min(self.weight(part) for part in parts) if all(len(part) > 2 for part in parts) else Weight.NEVER
        if low in known.titles or low in known.credentials or low in known.relatives:
            return Weight.NEVER
        if low[:2] in ("o'", "d'") and low[2:] in known.surnames | known.surname_words:
            return Weight.SURNAME
        if low in known.heads or low.endswith(_CLINICAL_ENDINGS):
            return Weight.NEVER
        return Weight.UNKNOWN

    def clinical(self, words: Sequence[Word], at: int) -> bool:
        """Whether the word at `at` names a disease, a sign, a device: "Wilson disease", "Foley", "Parkinson's"."""
        word = words[at]
        known = self.words
        if word.low in known.always_clinical or word.text.lower().replace("’", "'") in known.always_clinical:
            return True
        parts = word.low.split("-")
        eponym = any(part in known.eponyms for part in parts)
        possessive = word.text.lower().endswith(("'s", "’s", "s'", "s’"))
        for index in range(at + 1, min(at + 4, len(words))):
            following = words[index]
            if following.gap not in (" ", "-", "–", "/", " - "):
                return False
            if following.low in known.heads and (eponym or (following.low in _SURE_HEADS and not possessive)):
                return index == at + 1 or eponym
            if not (eponym and (following.low in known.eponyms or index == at + 1)):
                return False
            if following.low in known.not_a_name and following.low not in ("and", "or", "grey"):
                return False
        return False
