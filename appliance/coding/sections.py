"""The sentences of a note or a transcript, each with the section that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.clinical.source import MAX_SOURCE_CHARS, Passage, Speaker
from appliance.coding.headers import SHORT, STATUS_KEYS, key_of, normalised
from appliance.coding.suggestion import Segment
from appliance.grounding.tokens import words

_MAX_HEADER = 70
# Lines are joined up to here: no sentence is longer, and what looks back over one stays bounded.
_MAX_JOINED = 4000
# What may stand before a header: a mark of a list, a number, the marks of Markdown.
_LEAD = r"[ \t]*(?:#{1,6}[ \t]+|[-*\u2022\u00b7][ \t]+|\(?(?:\d{1,2}|[ivxIVX]{1,4}|[a-hA-H])[.)][ \t]+)?"
_OPEN = r"(?:\*\*|__|\*)?"
_WITH_COLON = re.compile(
    rf"(?P<lead>{_LEAD}){_OPEN}(?P<name>[A-Za-z][^:\n]{{0,{_MAX_HEADER}}}?){_OPEN}[ \t]*:{_OPEN}(?!\d)"
)
_ALONE = re.compile(
    rf"(?P<lead>{_LEAD}){_OPEN}(?P<name>[A-Za-z][^:\n]{{0,{_MAX_HEADER}}}?){_OPEN}[ \t]*[:\-\u2013]*[ \t]*$"
)
_CAPITALS = re.compile(r"[ \t]*(?P<name>[A-Z][A-Z/&]+(?:[ ](?:[A-Z/&]{2,}))*)(?=[ \t]+[A-Z]?[a-z])")
_DASHED = re.compile(rf"{_LEAD}{_OPEN}(?P<name>[A-Za-z][A-Za-z /&]{{2,40}}?){_OPEN}[ \t]+[-\u2013\u2014][ \t]+")
# Inside of a line: "... pain. PMH: hypertension. Family history: ..."
_INSIDE = re.compile(r"(?:(?<=[.;!?)])|(?<=[ \t]{2}))[ \t]+(?P<name>[A-Z][A-Za-z/&]*(?:[ ][A-Za-z/&]+){0,4})[ \t]*:")
_DASHES, _WHOLE = frozenset("-*\u2022\u00b7"), frozenset({"assessment", "plan"})
_BULLET = re.compile(r"[ \t]*(?:[-*\u2022\u00b7\u25aa\u25cf]|\(?\d{1,2}[.)]|[a-hA-H][.)])[ \t]+")
# A question mark behind a blank asks about what follows: "? pneumonia".
_END = re.compile(r"(?<!\s)[.!?;]+[\"')\]]*(?=\s|$)|(?<=[a-z])\.(?=[A-Z][a-z])")
_ABBREVIATED = re.compile(
    r"\b(?:dr|mr|mrs|ms|vs|approx|st|e\.g|i\.e|eg|ie|pt|hx|jr|sr|prof|fig|cf|dept)\.$", re.IGNORECASE
)
_TAG = re.compile(r"[ \t]*(?:\[(?P<in>[A-Za-z_ ]{1,24})\]|(?P<out>[A-Za-z_]{1,24}(?: \d{1,2})?)[ \t]*:)[ \t]*")
_SPEAKERS = {
    **dict.fromkeys(words(
        "doctor dr d clinician provider physician nurse md do np pa dietitian therapist"
    ), "clinician"),
    **dict.fromkeys(words(
        "patient pt p"
    ), "patient"),
    **dict.fromkeys(
        words(
        "patient_guest guest guest_family guest_clinician mother father parent wife husband daughter son caregiver"
        " family spouse sister brother mom dad"
    ), "other",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text is built.

    Args:
        segments: Its sentences, in order; lines that a writer broke are joined.
        turns: What is said by whom, for a dialogue; empty for a note.
    """

    segments: tuple[Segment, ...]
    turns: tuple[Passage, ...] = ()


def layout(text: str, turns: Sequence[Passage] = ()) -> Layout:
    """Read the sentences, sections and speakers of a text of up to `MAX_SOURCE_CHARS` characters.

    `turns`: what is said by whom, where that is known; else it is read from the tags of the lines.

    Raises:
        ValueError: The text is longer.
    """
    if len(text) > MAX_SOURCE_CHARS:
        raise ValueError(f"a text of {len(text)} characters; at most {MAX_SOURCE_CHARS} are read")
    told = tuple(turns) or _turns(text)
    if told:
        return Layout(tuple(_spoken(text, told)), told)
    return Layout(tuple(_written(text)))


def segments(text: str) -> tuple[Segment, ...]:
    """Return the sentences of a text with their sections (see `layout`)."""
    return layout(text).segments


def _turns(text: str) -> tuple[Passage, ...]:
    """Return the turns of a dialogue with tags such as "[doctor]" or "Patient:"; nothing for any other text."""
    found: list[tuple[int, int, Speaker | None]] = []
    lines = tagged = 0
    for start, end in _lines(text):
        if not text[start:end].strip():
            continue
        lines += 1
        tag = _TAG.match(text, start, end)
        name = (tag["in"] or tag["out"]).strip().casefold() if tag else ""
        speaker = _SPEAKERS.get(name.split(" ")[0])
        if tag is not None and speaker is not None:
            tagged += 1
            found.append((tag.end(), end, Speaker(speaker)))
        elif found:
            found[-1] = (found[-1][0], end, found[-1][2])
        else:
            found.append((start, end, None))
    speakers = {speaker for _, _, speaker in found} - {None}
    if tagged < 2 or len(speakers) < 2 or tagged * 3 < lines:
        return ()
    return tuple(Passage(start=start, end=end, speaker=speaker) for start, end, speaker in found if start < end)


def _spoken(text: str, turns: tuple[Passage, ...]) -> Iterator[Segment]:
    for turn in turns:
        yield from _sentences(text, turn.start, turn.end, "")


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line)
        start += len(line) + 1


def _written(text: str) -> Iterator[Segment]:
    section = ""
    block: tuple[int, int] | None = None
    blank = True
    for start, end in _lines(text):
        if end > start and text[end - 1] == "\r":
            end -= 1
        if not text[start:end].strip():
            blank = True
            continue
        headed = _header(text, start, end, section)
        if headed is None and block is not None and not blank and _wrapped(text, block, start):
            block = block[0], end
            continue
        if block is not None:
            yield from _pieces(text, *block, section)
        blank = False
        if headed is None:
            block = start, end
        else:
            section, behind = headed
            block = (behind, end) if text[behind:end].strip() else None
        if block is not None:
            for inner in _INSIDE.finditer(text, *block):
                key = _inside(inner["name"])
                if key:
                    yield from _pieces(text, block[0], inner.start("name"), section)
                    section, block = key, (inner.end(), block[1])
    if block is not None:
        yield from _pieces(text, *block, section)


def _inside(name: str) -> str:
    """Return the key of a header inside of a line: a whole name, or capitals for what is also an everyday word."""
    plain = normalised(name)
    return "" if plain in SHORT and not (len(name) > 1 and name.isupper()) else key_of(name)


def _header(text: str, start: int, end: int, section: str) -> tuple[str, int] | None:
    """Return (section, where its text begins) for a line that opens one."""
    if (found := _ALONE.match(text, start, end)) is not None:
        name, colon = found["name"], ":" in text[found.end("name") : end]
        key = key_of(name)
        if key and (colon or normalised(name) not in SHORT or (name.isupper() and len(name) > 2)):
            return key, end
        # A header that nobody knows ends what only its section says of a mention; else the section goes on.
        marked = (name.isupper() and len(name) > 3 and not found["lead"].strip()) or found["lead"].lstrip().startswith(
            "#"
        )
        if section in STATUS_KEYS and (marked or (colon and name[0].isupper() and not _sub(name))):
            return "", end
    if (found := _WITH_COLON.match(text, start, min(end, start + _MAX_HEADER + 20))) is not None:
        if key := key_of(found["name"]):
            # "- Medications: increase lisinopril" below an assessment is a point of the assessment.
            return None if section in _WHOLE and found["lead"].strip()[:1] in _DASHES else (key, found.end())
        if section in STATUS_KEYS and found["name"].isupper() and len(found["name"].split()) > 1:
            return "", found.end()
    for pattern in (_CAPITALS, _DASHED):
        found = pattern.match(text, start, min(end, start + _MAX_HEADER + 20))
        if found is not None and normalised(found["name"]) not in SHORT and (key := key_of(found["name"])):
            return key, found.end()
    return None


# Parts of a section that carry a colon of their own, as "Mother:" below a family history.
_SUBHEADS = re.compile(
    r"mother|father|maternal|paternal|sister|brother|sibling|son|daughter|parent|grand|aunt|uncle|cousin|medical|surgical"
    r"|cardiac|cardiovascular|respiratory|pulmonary|neuro|gastro|endocrine|musculo|psych|derm|renal|gyn|ob\b|hema|onc",
    re.IGNORECASE,
)


def _sub(name: str) -> bool:
    return _SUBHEADS.search(name) is not None


def _wrapped(text: str, block: tuple[int, int], start: int) -> bool:
    """Whether a line goes on with the sentence of the line before it: broken by width, not by meaning."""
    if _BULLET.match(text, start):
        return False
    if start - block[0] > _MAX_JOINED:
        return False
    before = text[max(block[0], block[1] - 200) : block[1]].rstrip()
    first = text[start : start + 80].lstrip()[:1]
    if not before or before[-1] in ".;:!?":
        return False
    return first.islower() or before.endswith(",") or before.split()[-1].casefold() in _GOES_ON


_GOES_ON = frozenset(
    [
        "and",
        "or",
        "of",
        "the",
        "a",
        "an",
        "with",
        "no",
        "for",
        "to",
        "in",
        "nor",
        "without",
        "denies",
        "by",
        "from",
        "on",
        "his",
        "her",
        "as",
    ]
)


def _pieces(text: str, start: int, end: int, section: str) -> Iterator[Segment]:
    bullet = _BULLET.match(text, start, end)
    yield from _sentences(text, bullet.end() if bullet else start, end, section)


def _sentences(text: str, start: int, end: int, section: str) -> Iterator[Segment]:
    """Cut [start, end) behind each mark that ends a sentence; a mark of an abbreviation ends none."""
    while end - start > _MAX_JOINED:  # no sentence: cut at a blank, so that what looks back over one stays bounded
        cut = max(text.rfind(" ", start, start + _MAX_JOINED), start) or start
        cut = cut if cut > start else start + _MAX_JOINED
        yield from _sentences(text, start, cut, section)
        start = cut
    at = start
    for found in _END.finditer(text, start, end):
        if found.group() == "." and _ABBREVIATED.search(text, max(at, found.end() - 8), found.end()):
            continue
        if (piece := _trimmed(text, at, found.end(), section)) is not None:
            yield piece
        at = found.end()
    if (piece := _trimmed(text, at, end, section)) is not None:
        yield piece


def _trimmed(text: str, start: int, end: int, section: str) -> Segment | None:
    held = text[start:end]
    left = len(held) - len(held.lstrip())
    right = len(held.rstrip())
    return Segment(start + left, start + right, section) if right > left else None
