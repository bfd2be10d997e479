"""What a word can be by the lists: a given name, a surname, a clinical word; and whether it names a disease here."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from appliance.deid.lexicon import Words, around
from appliance.deid.reading import Word


class Weight(IntEnum):
    """How much a word by itself says that it is a name."""

    NEVER = 0
    ORDINARY = 1
    """A word of English or of medicine."""
    UNKNOWN = 2
    """In no list."""
    WORD_SURNAME = 3
    """A surname that is a word as well: young, bell."""
    WORD_GIVEN = 4
    """A given name that is a word as well: grace, mark."""
    SURNAME = 5
    GIVEN = 6


STATES_AND_COUNTRIES = around("name_class.states_and_countries")
"""They stay: geography is an identifier below a state."""

PARTICLES = around("name_class.particles")
# What makes an eponym of any name before it, listed as one or not.
_SURE_HEADS = around("name_class.sure_heads")
_ENDINGS = (
    "s",
    "es",
    "ed",
    "d",
    "ing",
    "ly",
    "er",
    "ers",
    "al",
    "ally",
    "ness",
    "less",
    "able",
    "ity",
    "ation",
    "ic",
    "y",
)
_CONTRACTED = ("'m", "'ve", "'ll", "'d", "'re", "n't")
_LONGEST_NAME = 40  # characters
_PREFIXES = (
    "non",
    "un",
    "re",
    "pre",
    "post",
    "dis",
    "over",
    "under",
    "mis",
    "multi",
    "anti",
    "hyper",
    "hypo",
    "sub",
    "inter",
    "a",
)
_REMEMBERED = 50_000  # words whose weight is kept; more would let a text fill the memory
_CLINICAL_ENDINGS = (
    "itis",
    "osis",
    "emia",
    "ectomy",
    "otomy",
    "ostomy",
    "plasty",
    "pathy",
    "algia",
    "uria",
    "oma",
    "omas",
    "gram",
    "scopy",
    "pril",
    "sartan",
    "statin",
    "olol",
    "prazole",
    "cillin",
    "mycin",
    "floxacin",
    "cycline",
    "azole",
    "gliptin",
    "gliflozin",
    "glutide",
    "triptan",
    "setron",
    "dipine",
    "parin",
    "xaban",
    "azepam",
    "zolam",
    "oxetine",
    "semide",
    "thiazide",
    "formin",
    "mab",
    "tinib",
    "caine",
    "codone",
    "sone",
    "solone",
    "tidine",
    "phen",
    "fenac",
    "vir",
    "ology",
    "ologist",
    "iatry",
    "iatric",
    "iatrics",
    "iatrist",
    "ical",
    "ular",
    "tion",
    "ness",
    "ment",
)


class NameWords:
    """Classes of words, from the lists alone."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._weights: dict[str, Weight] = {}

    def weight(self, low: str) -> Weight:
        """The weight of one word in lower case; of a hyphenated one, the least of its parts."""
        weight = self._weights.get(low)
        if weight is None:
            weight = self._weigh(low)
            if len(self._weights) < _REMEMBERED:
                self._weights[low] = weight
        return weight

    def _ordinary(self, low: str, *, prefixed: bool = False) -> bool:
        known = self.words.ordinary
        if low in known:
            return True
        for ending in _ENDINGS:
            if low.endswith(ending) and len(low) - len(ending) > 2:
                stem = low[: -len(ending)]
                if stem in known or stem + "e" in known or (stem[-1] == stem[-2] and stem[:-1] in known):
                    return True
        if low.endswith("ies") and low[:-3] + "y" in known:
            return True
        if prefixed:
            return False
        prefix = next((prefix for prefix in _PREFIXES if low.startswith(prefix)), "")
        return bool(prefix) and len(low) - len(prefix) > 3 and self._ordinary(low[len(prefix) :], prefixed=True)

    def _weigh(self, low: str) -> Weight:
        known = self.words
        if low in known.titles or low in known.relatives or low in known.credentials or low.endswith(_CONTRACTED):
            return Weight.NEVER
        if not 2 <= len(low) <= _LONGEST_NAME or low in known.not_a_name or low in known.clinical:
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
        if low[:2] in ("o'", "d'") and low[2:] in known.surnames | known.surname_words:
            return Weight.SURNAME
        if low in known.heads or low.endswith(_CLINICAL_ENDINGS):
            return Weight.NEVER
        return Weight.ORDINARY if self._ordinary(low) else Weight.UNKNOWN

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
            head = following.low if following.low in known.heads else following.low.removesuffix("s")
            if head in known.heads and (eponym or (head in _SURE_HEADS and not possessive)):
                return index == at + 1 or eponym
            if not (eponym and (following.low in known.eponyms or index == at + 1)):
                return False
            if following.low in known.not_a_name and following.low not in ("and", "or", "grey"):
                return False
        return False
