"""Finds places of a source that read like instructions to software. What only such a place says supports nothing.

Patterns find what they were written for and no more: they are one line behind the structure (fixed template, schema,
data marks), which holds whatever a source says.
"""

import re
from dataclasses import dataclass

from appliance.clinical.document import MAX_STATEMENT_CHARS, Finding, FindingKind, Grounding
from appliance.clinical.source import Source
from appliance.drafting.consent import plain
from appliance.drafting.events import Suspect
from appliance.drafting.neutral import neutralise
from appliance.drafting.suspect_rules import RULES

_BASE64 = re.compile(r"\b[A-Za-z0-9+/]{40,80}")
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f\ue000-\uf8ff]")
# Letters of other alphabets that look like Latin ones, as far as they are used to hide a word.
_LOOKALIKES = str.maketrans("аеорсухіјѕһԁԛԝɡоΑΒΕΗΙΚΜΝΟΡΤΥΧαορυν", "aeopcyxijshdqwgoabehikmnoptyxaopuv")
_DISTRUST = "Only a place that reads like an instruction to software says so."


def _read_like(text: str) -> str:
    """Return the text as the rules read it: folded, look-alikes to Latin, spaced-out and dotted letters joined."""
    folded = plain(text).translate(_LOOKALIKES)
    return re.sub(r"\b(?:\w[ .\-_*]){4,}\w\b", lambda match: re.sub(r"[ .\-_*]", "", match[0]), folded)


def _rule_of(text: str) -> str | None:
    read = _read_like(text)
    for name, rule in RULES:
        if rule.search(read):
            return name
    if len(_HIDDEN.findall(text)) >= 3:
        return "hidden"
    return "encoded" if _BASE64.search(text) else None


def suspects(source: Source) -> tuple[Suspect, ...]:
    """Return the suspect places: whole passages or lines, because what surrounds an instruction belongs to it."""
    spans = [(passage.start, passage.end) for passage in source.passages] or _lines(source.text)
    found = []
    for start, end in spans:
        if (rule := _rule_of(source.text[start:end])) is not None:
            found.append(Suspect(source.id, start, end, rule))
    return tuple(found)


@dataclass(frozen=True)
class Scan:
    """What stood out in one source: suspect places, and how many marks its copy in a prompt does not have."""

    suspects: tuple[Suspect, ...]
    neutralised: int


def scan(source: Source) -> Scan:
    """Look a source through. It depends on the source alone, so it may be kept as long as that is."""
    return Scan(suspects(source), neutralise(source.text).changed)


def trusted(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """Return the sources as grounding should read them: suspect places blanked, every offset as it was.

    A grounder that reads all of a source may take one word of a statement from a suspect place and cite another place.
    """
    return tuple(without(source, suspects(source)) for source in sources)


def without(source: Source, found: tuple[Suspect, ...]) -> Source:
    """Return a source with its suspect places blanked."""
    if not found:
        return source
    pieces, at = [], 0
    for one in found:
        pieces += [source.text[at : one.start], " " * (one.end - one.start)]
        at = one.end
    taken = {(one.start, one.end) for one in found}
    return Source(
        id=source.id,
        kind=source.kind,
        text="".join(pieces) + source.text[at:],
        passages=tuple(one for one in source.passages if (one.start, one.end) not in taken),
        doubts=tuple(
            one for one in source.doubts if not any(one.start < end and start < one.end for start, end in taken)
        ),
    )


def _lines(text: str) -> list[tuple[int, int]]:
    spans, at = [], 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            spans.append((at, at + len(line.rstrip("\r\n")) or at + 1))
        at += len(line)
    return spans


def distrust(grounding: Grounding, found: tuple[Suspect, ...], length: int) -> Grounding:
    """Return the grounding without the evidence that lies in suspect places; a statement left without any is marked.

    `length`: characters of the statement.
    """

    def tainted(source: str, start: int, end: int) -> bool:
        return any(one.source == source and start < one.end and end > one.start for one in found)

    evidence = tuple(one for one in grounding.evidence if not tainted(one.source, one.start, one.end))
    if len(evidence) == len(grounding.evidence):
        return grounding
    findings = grounding.findings
    # Any tainted place taints the statement: half of it may come from there, and nobody can tell which half.
    mark = Finding(
        start=0, end=min(length, MAX_STATEMENT_CHARS), kind=FindingKind.UNSUPPORTED, seen="", wanted=_DISTRUST
    )
    return Grounding(status="unsupported", evidence=evidence, findings=(*findings[:49], mark))
