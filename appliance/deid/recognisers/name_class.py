"""What a word can be by the lists: a given name, a surname, a clinical word; and whether it names a disease here."""

from __future__ import annotations

import re
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

PARTICLES = around("name_class.particles") | around("roles.particles")
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
_JOINED_PARTICLES = frozenset(("al", "el", "ul", "as", "abu", "bin", "ben", "ibn"))
_BESIDE = (" ", "-", "–")
# Short words that are joined to others without being a syllable of a name.
_NO_SYLLABLES = around("roles.no_syllables")
_ROMAN = re.compile(r"(?:i{1,3}|iv|vi{0,3})", re.I)
# A grade or a measure behind an eponym: "Rankin 2", "Hertel 21 mm", "Hawkins 4/5"; not an age, not a date.
_GRADE = re.compile(r"(?:[ ]|: |-)(?:\d{1,2}(?:\.\d|[ab])?(?![\d/])|\d/\d(?![\d/])|[x+]\d?\b|x ?\d)")
_COUNTED = re.compile(r" ?[x×] ?\d\b")  # Kelly x2
_GERMS = frozenset(
    ["serotype", "serovar", "serogroup", "biovar", "genotype", "strain", "subspecies", "variant", "virus"]
)
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
_NAMES_TOO = ("al", "ally")
"""Endings that names have as well, so that a stem of three letters says nothing: Dugal."""
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
        self.name_words = words.given | words.given_words | words.surnames | words.surname_words
        """Every word of the lists of names."""
        self.fixed_terms = (words.clinical | words.always_clinical) - words.surname_words
        """What no model may call a person."""
        self._weights: dict[str, Weight] = {}

    def weight(self, low: str) -> Weight:
        """The weight of one word in lower case; of a hyphenated one, the least of its parts."""
        weight = self._weights.get(low)
        if weight is None:
            weight = self._weigh(low)
            if len(self._weights) < _REMEMBERED:
                self._weights[low] = weight
        return weight

    def is_ordinary(self, low: str) -> bool:
        """Whether it is a word of the ordinary ones, or a form of one."""
        return self._ordinary(low)

    def _ordinary(self, low: str, *, prefixed: bool = False) -> bool:
        known = self.words.ordinary
        if low in known:
            return True
        for ending in _ENDINGS:
            if low.endswith(ending) and len(low) - len(ending) > (3 if ending in _NAMES_TOO else 2):
                stem = low[: -len(ending)]
                if ending == "d" and stem[-1] != "e":
                    continue  # cared, not furd
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
            return self._hyphenated(low.split("-"))
        if low[:2] in ("o'", "d'") and low[2:] in known.surnames | known.surname_words:
            return Weight.SURNAME
        if low in known.heads or (low.endswith(_CLINICAL_ENDINGS) and (len(low) > 6 or low in known.ordinary)):
            return Weight.NEVER
        return Weight.ORDINARY if self._ordinary(low) else Weight.UNKNOWN

    def _hyphenated(self, parts: list[str]) -> Weight:
        """Double names: of surnames the more telling counts ("ward-peters"), of others the less telling.

        Parts of names from languages that join syllables ("young-mi", "li-hua") are short or words as well.
        """
        if not all(len(part) > 1 for part in parts):
            return Weight.NEVER
        known = self.words
        if parts[0] in _JOINED_PARTICLES and len(parts) == 2 and len(parts[1]) > 2:
            weight = self.weight(parts[1])
            return max(weight, Weight.UNKNOWN) if parts[1] in known.surname_words else weight
        weights = [self.weight(part) if len(part) > 2 else self._syllable(part) for part in parts]
        named = [
            weight > Weight.UNKNOWN or part in known.surname_words or part in known.given_words
            for part, weight in zip(parts, weights, strict=True)
        ]
        if all(named) and max(weights) >= Weight.SURNAME:
            return Weight.SURNAME
        strange = [weight == Weight.UNKNOWN for weight in weights]
        # "tay-sachs" is clinical before it comes here; "x-ray" and "follow-up" have no part of a name.
        if any(strange) and all(one or other for one, other in zip(named, strange, strict=True)):
            return Weight.UNKNOWN
        return min(weights)

    def _syllable(self, part: str) -> Weight:
        if part in self.words.not_a_name or part in _PREFIXES or part in _NO_SYLLABLES or self._ordinary(part):
            return Weight.NEVER
        return Weight.UNKNOWN

    def clinical(self, words: Sequence[Word], at: int) -> bool:
        """Whether the word at `at` names a disease, a sign, a device: "Wilson disease", "Foley", "Parkinson's"."""
        word = words[at]
        known = self.words
        if word.low in known.always_clinical or word.text.lower().replace("’", "'") in known.always_clinical:
            return True
        before = words[at - 1] if at else None
        beside = words[at + 1] if at + 1 < len(words) else None
        titled = before is not None and before.low in known.titles
        if beside is not None and beside.gap in _BESIDE and f"{word.low} {beside.low}" in known.eponym_pairs:
            return not titled
        if before is not None and word.gap in _BESIDE and f"{before.low} {word.low}" in known.eponym_pairs:
            return at < 2 or words[at - 2].low not in known.titles
        if before is not None and before.low in ("of", "du") and word.gap == " " and self._structure(words, at):
            return True
        if word.low in known.graded and not titled and (_GRADE.match(word.behind) or self._roman(beside)):
            return True
        parts = word.low.split("-")
        eponym = any(part in known.eponyms for part in parts)
        if eponym and not titled and _COUNTED.match(word.behind):
            return True
        if before is not None and word.gap == " " and before.low in _GERMS:
            return True
        if eponym and beside is not None and beside.gap == " " and beside.low in known.signs and not titled:
            return at + 2 == len(words) or words[at + 2].low != "for" or words[at + 2].gap != " "
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

    def _structure(self, words: Sequence[Word], at: int) -> bool:
        """Whether a part of the body is called by the name at `at`: "circle of Willis"."""
        known = self.words
        listed = words[at].low in known.eponyms or words[at].low in known.always_clinical
        return at > 1 and listed and words[at - 2].low in known.structures and words[at - 1].gap == " "

    def _roman(self, word: Word | None) -> bool:
        return word is not None and word.gap == " " and word.text.isupper() and bool(_ROMAN.fullmatch(word.text))
