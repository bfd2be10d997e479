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
            " complication complications associated involving including site sites part parts region stage through"
            " structure level episode current status manifestation manifestations caused uncomplicated"
        ),
    )
)
SIDES = frozenset({"right", "left", "bilateral", "unilateral"})
# What the guidelines let a coder assume where a record is silent: an injury not said to be open is closed, a fracture
# not said to be undisplaced is displaced (ICD-10-CM Official Guidelines FY 2026, I.C.19.c); active treatment has the
# initial encounter (I.C.19.a), and healing is routine where nothing else is said.
ASSUMED = frozenset(map(stem, words("closed displaced initial routine healing fracture")))
_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_ABSENT = re.compile(r"\b(?:without(?: mention of)?|not) ((?:(?!\bwith\b)[^,;])+)", re.IGNORECASE)
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
        if before in _NUMBERED and token.text in _ROMAN:
            found.append(_ROMAN[token.text])
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
    known = set(stems(_PARENTHESES.sub(" ", above)))
    absent: set[str] = set()
    for found in _ABSENT.finditer(plain):
        absent |= set(stems(found[1])) - EMPTY | _kept_empty(found[1])
    positive = _ABSENT.sub(" ", plain)
    alternatives = [part for part in re.split(r",?\s+or\s+", positive) if part.strip()] or [""]
    # "..., or unspecified": the alternative asks for nothing, so numbers of the others are no condition.
    open_end = any("unspecified" in part.casefold() for part in alternatives[1:])
    either = []
    for part in alternatives[:1] if open_end else alternatives:
        wanted = set(stems(part)) - EMPTY - known
        either.append(frozenset(one for one in wanted if not (open_end and one.isdigit())))
    lower = plain.casefold()
    return Asked(
        tuple(either), frozenset(absent), "unspecified" in lower, lower.startswith("other ") or ", other" in lower,
        _beyond(title, above),
    )  # fmt: skip


def _kept_empty(text: str) -> set[str]:
    """"Without complications" asks for the absence of a word that asks for nothing elsewhere."""
    found = set(stems(text))
    return found if found <= EMPTY else set()


def _beyond(title: str, above: str) -> str:
    """Return the part of a title that is not the title above: what a coder chooses between."""
    if title.startswith(above):
        return title[len(above) :].strip(" ,") or title
    known = {word.casefold().strip(",") for word in above.split()}
    kept = [word for word in title.split() if word.casefold().strip(",") not in known]
    return " ".join(kept).strip(" ,") or title
