"""What a title asks of a text beyond the title above it: words that must stand there, words that must not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from appliance.grounding.tokens import stem, tokenise, words

# Words of titles that ask for nothing by themselves.
EMPTY = frozenset(
    map(
        stem,
        words(
            "the of a an and or with without due to in by on at for as from other unspecified specified elsewhere"
            " classified not nos nec encounter type disease disorder diseases disorders syndrome condition conditions"
            " associated involving including site sites part parts region stage through side affecting"
            " structure level episode current caused uncomplicated"
        ),
    )
)
# Words that ask for something only where nothing else does: "with unspecified complications", "with complications".
_WEAK = frozenset(map(stem, words("complication complications manifestation manifestations symptoms symptom features")))
SIDES = frozenset({"right", "left", "bilateral", "unilateral"})
# What the guidelines let a coder assume where a record is silent: an injury not said to be open is closed, a fracture
# not said to be undisplaced is displaced (ICD-10-CM Official Guidelines FY 2026, I.C.19.c); active treatment has the
# initial encounter (I.C.19.a), and healing is routine where nothing else is said.
ASSUMED = frozenset(map(stem, words("closed displaced initial routine healing fracture")))
_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
# What is absent ends where the title names its place or goes on: "without foreign body of right hand".
_LISTED = r"(?:(?!with\b)[^,;]+, ){1,4}and (?!with\b)[^,;]+"
_ALONE = r"(?:(?!\b(?:with|in|of (?:right|left|bilateral|unspecified|other))\b)[^,;])+"
_ABSENT = re.compile(rf"\b(?:without(?: mention of)?|not) ({_LISTED}|{_ALONE})", re.IGNORECASE)
# What is called unspecified is not asked for: "of unspecified ligament", "unspecified severity".
_UNKNOWN = re.compile(
    r"\bunspecified((?: (?!(?:with|without|of|in|due|as|and|or|affecting|right|left|bilateral)\b)[a-z-]+){1,2})", re.I
)
# "Suppurative and unspecified otitis media" does not say of what is below it that it is suppurative.
_HALF = re.compile(r"\b(?!other\b)[\w-]+ and unspecified\b", re.IGNORECASE)
_ANY_HALF = re.compile(r"\b[\w-]+ and unspecified\b")
_UNCOMPLICATED = re.compile(r"\buncomplicated\b", re.IGNORECASE)
_ROMAN_STAGE = re.compile(r"(i{1,3}|iv|vi?)([a-c]?)")
_DIGIT_STAGE = re.compile(r"(\d)[a-c]")
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"}
_NUMBERED = frozenset({"stage", "type", "grade", "class", "stag", "typ", "grad", "clas"})
_ABBREVIATED = {
    "t2dm": ("type", "2", "diabetes"), "dm2": ("type", "2", "diabetes"), "niddm": ("type", "2", "diabetes"),
    "t1dm": ("type", "1", "diabetes"), "dm1": ("type", "1", "diabetes"), "iddm": ("type", "1", "diabetes"),
    "ckd": ("chronic", "kidney", "disease"), "esrd": ("end", "stage", "renal", "disease"),
    "chf": ("congestive", "heart", "failure"), "hf": ("heart", "failure"), "afib": ("atrial", "fibrillation"),
    "copd": ("chronic", "obstructive", "pulmonary", "disease"), "exacerbated": ("exacerbation",),
    "flare": ("exacerbation",), "ckd3": ("chronic", "kidney", "stage", "3"), "hfref": ("systolic", "heart", "failure"),
    "hfpef": ("diastolic", "heart", "failure"), "stemi": ("st", "elevation"), "lt": ("left",), "rt": ("right",),
    "bilaterally": ("bilateral",), "both": ("bilateral",), "malignancy": ("malignant", "neoplasm"),
    "leg": ("leg", "lower", "limb"), "legs": ("leg", "lower", "limb"), "arm": ("arm", "upper", "limb"),
    "arms": ("arm", "upper", "limb"), "cheek": ("cheek", "face"), "forehead": ("forehead", "face"),
    "chin": ("chin", "face"), "kidney": ("kidney", "renal"), "renal": ("renal", "kidney"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a child's title asks for beyond its parent's.

    Args:
        either: Sets of stems; one of them must stand in the text. One empty set: nothing is asked for.
        absent: Stems of what must not be present ("without complications", "not intractable").
        unspecified: Whether the title is for what nobody said more of.
        other: Whether it is for what has no title of its own.
        words: What it adds to the title above, for a reader.
    """

    either: tuple[frozenset[str], ...]
    absent: frozenset[str]
    unspecified: bool
    other: bool
    words: str

    @property
    def all_stems(self) -> frozenset[str]:
        """Every stem that any of its alternatives asks for."""
        return frozenset[str]().union(*self.either)


def stems(text: str) -> list[str]:
    """Return the stems of a text in order, Roman numbers of stages and types as digits, common short forms written out.

    ICD-10-CM writes a stage 3a; a note may write "IIIa".
    """
    found: list[str] = []
    for token in tokenise(text):
        if token.kind == "m":
            continue
        before = found[-1] if found else ""
        if before in _NUMBERED and (roman := _ROMAN_STAGE.fullmatch(token.text)):
            number = _ROMAN[roman[1]]
            found += [number, number + roman[2]] if roman[2] else [number]
        elif stage := _DIGIT_STAGE.fullmatch(token.text):
            found += [stage[1], token.text]  # stage 3a is a stage 3
        elif token.text in _ABBREVIATED:
            found += [stem(word) for word in _ABBREVIATED[token.text]]
        else:
            found.append(token.stem)
    return found


@lru_cache(maxsize=100_000)
def asked(title: str, above: str) -> Asked:
    """Return what a title asks for beyond the title above it.

    Words in brackets are nonessential modifiers (conventions I.A.7), so they ask for nothing.
    """
    plain = _PARENTHESES.sub(" ", title)
    known = set(stems(_HALF.sub(" ", _PARENTHESES.sub(" ", above))))
    absent: set[str] = set()
    for found in _ABSENT.finditer(plain):
        absent |= set(stems(found[1])) - EMPTY
    for found in _ABSENT.finditer(_PARENTHESES.sub(" ", above)):
        absent -= set(stems(found[1]))
    if _UNCOMPLICATED.search(plain) and not _UNCOMPLICATED.search(above):
        absent |= _WEAK
    positive = _UNKNOWN.sub(" unspecified", _ABSENT.sub(" ", plain))
    alternatives = [part for part in re.split(r",?\s+or\s+", positive) if part.strip()] or [""]
    # "..., or unspecified": the alternative asks for nothing, so numbers of the others are no condition.
    open_end = any("unspecified" in part.casefold() for part in alternatives[1:])
    either = []
    for part in alternatives[:1] if open_end else alternatives:
        wanted = set(stems(part)) - EMPTY - known
        wanted = wanted - _WEAK or wanted
        either.append(frozenset(one for one in wanted if not (open_end and one.isdigit())))
    lower = plain.casefold()
    # What the title above leaves unspecified, all below it do.
    unspecified = lower.count("unspecified") > _ANY_HALF.sub(" ", above.casefold()).count("unspecified")
    other = lower.startswith("other ") or ", other" in lower
    return Asked(tuple(either), frozenset(absent), unspecified, other, _beyond(title, above))


def named(title: str) -> frozenset[str]:
    """Return the stems of what a title names, what it calls unspecified included and what it calls absent not."""
    return frozenset(stems(_ABSENT.sub(" ", _PARENTHESES.sub(" ", title)))) - EMPTY


def _beyond(title: str, above: str) -> str:
    """Return the part of a title that is not the title above: what a coder chooses between."""
    if title.startswith(above):
        return title[len(above) :].strip(" ,") or title
    known = {word.casefold().strip(",") for word in above.split()}
    kept = [word for word in title.split() if word.casefold().strip(",") not in known]
    return " ".join(kept).strip(" ,") or title
