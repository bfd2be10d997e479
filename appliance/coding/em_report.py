"""The report of E/M support for a terminal: every line carries the mark, so that none can pass for documentation."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.coding.em_result import Support, Verdict
from appliance.coding.em_rules import FAMILIES
from appliance.coding.em_words import BLANK, phrase


def report(found: Support) -> str:
    """The report, a line each, without a last line break."""
    return "\n".join(f"{BLANK} {line}" for line in _lines(found))


def _lines(found: Support) -> Iterator[str]:
    yield phrase("report", visit=found.visit, day=found.day)
    yield _verdict(found)
    if found.elements:
        yield from _basis(found)
    for element in found.elements:
        if element.name != "time":
            yield phrase("capped" if element.enough else "element", element=element.name, level=element.level)
        for fact in element.facts:
            same = fact.reason == fact.kind
            name = ("fact_plain" if same else "fact") if fact.counted else "uncounted"
            yield phrase(name, span=f"{fact.start}-{fact.end}", quote=fact.quote, kind=fact.kind, reason=fact.reason)
    yield from found.missing
    yield from found.questions


def _verdict(found: Support) -> str:
    if found.verdict is Verdict.SUPPORTS and found.claimed is not None:
        return phrase("claim_kept", claimed=found.claimed)
    if found.verdict is Verdict.SUPPORTS:
        return phrase("supports", code=found.supported)
    if found.verdict is Verdict.SUPPORTS_LESS:
        return phrase("supports_less", claimed=found.claimed, code=found.supported)
    return phrase("questions")


def _basis(found: Support) -> Iterator[str]:
    timed = any(code.minutes for code in FAMILIES[found.visit].codes)
    if "time" in found.by:
        yield phrase("by_time", code=found.supported, minutes=f"{found.minutes} minutes")
    else:
        yield phrase("no_time" if timed else "clock_never")
    if "mdm" in found.by:
        yield phrase("by_mdm", code=found.supported, level=found.mdm)
    else:
        yield phrase("no_mdm")
