"""Edits by the notes of the tabular list: codes that exclude each other, and which has to stand before which."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence

from appliance.coding.edits_codes import edits_on, source
from appliance.coding.edits_finding import Finding, Severity
from appliance.coding.note_references import CodeRange, among, references
from appliance.coding.suggestion import Note
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.icd10cm import written

_OPTIONAL = re.compile(r"\b(?:if applicable|if known|any associated|any underlying|where applicable|if appropriate)\b")
_LONGEST = 240
_OPEN_LIST = re.compile(r"\bsuch as\b")


def excludes_findings(table: PackedTable, codes: Sequence[str], on: datetime.date) -> Iterator[Finding]:
    """Pairs of codes of which one has an Excludes 1 note for the other, at itself or at a level above.

    Two conditions that have nothing to do with each other may be coded together all the same (Official Guidelines
    I.A.12.a), which is why this is a warning and says so.
    """
    unique = list(dict.fromkeys(codes))
    reported: set[frozenset[str]] = set()
    for code in unique:
        others = [each for each in unique if each != code]
        if not others:
            return
        for level, notes in table.levels(code):
            for note in (each for each in notes if each.kind == "excludes1"):
                ranges = [each for each in references(note.text) if not each.holds(code)]
                for other in (each for each in others if among(each, ranges)):
                    pair = frozenset((code, other))
                    if pair not in reported:
                        reported.add(pair)
                        yield _excluded(table, code, other, level, note, on)


def _excluded(table: PackedTable, code: str, other: str, level: str, note: Note, on: datetime.date) -> Finding:
    sentence = (
        f"{written(other)} is not coded together with {written(code)} (Excludes 1 at {level}: {note.text}), "
        "unless the two conditions are unrelated."
    )
    return Finding(
        rule="excludes-1", codes=(written(code), written(other)), severity="warning", sentence=sentence,
        source=source(table, f"Excludes 1 at {level}"), on=on,
    )  # fmt: skip


def sequence_findings(table: PackedTable, codes: Sequence[str], on: datetime.date) -> Iterator[Finding]:
    """Codes with "code first" notes: what they ask for is missing, or stands behind them.

    Missing can only be what is always there: what a manifestation is due to, or an "underlying" disease. Most other
    notes hold for some patients ("if applicable", "complicating pregnancy") and ask only for the order. A list of
    examples ("such as") is met by any diagnosis before; a closed list by one of its codes.
    """
    for place, code in enumerate(codes):
        if code in codes[:place]:
            continue
        level, notes = _nearest(table, code)
        if not notes:
            continue
        before, behind = codes[:place], codes[place + 1 :]
        ranges = [each for note in notes for each in references(note.text)]
        words = "; ".join(note.text.lstrip(", ") for note in notes).replace(":; ", ": ")
        words = words if len(words) <= _LONGEST else words[:_LONGEST] + "…"
        if among_any(before, ranges):
            continue
        late = [each for each in behind if among(each, ranges)]
        if late:
            sentence = f"{written(late[0])} stands before {written(code)} (code first at {level}: {words})."
            yield _sequence(table, "code-first-order", (code, late[0]), "warning", sentence, level, on)
        elif _is_missing(table, code, notes, ranges, before, on):
            sentence = f"{written(code)} needs a code before it (code first at {level}: {words})."
            # At a manifestation the convention leaves no choice; elsewhere the chart may.
            severity: Severity = "error" if _is_manifestation(table, code, on) else "warning"
            yield _sequence(table, "code-first-missing", (code,), severity, sentence, level, on)


def additional_findings(table: PackedTable, codes: Sequence[str], on: datetime.date) -> Iterator[Finding]:
    """Codes that stand before the one whose "use additional" note asks for them.

    What the note asks for is secondary (Official Guidelines I.A.17, I.B.7). That it is missing is no finding here: most
    such notes hold for some patients. Where both codes ask for each other no order is told, and a "code first" note of
    the later one has its own finding.
    """
    reported: set[tuple[str, str]] = set()
    for place, code in enumerate(codes):
        early = codes[:place]
        for level, note in _additional(table, code) if early else ():
            for other in (each for each in early if each != code and among(each, references(note.text))):
                if (code, other) in reported or _asks_first(table, other, code):
                    continue
                reported.add((code, other))
                words = note.text if len(note.text) <= _LONGEST else note.text[:_LONGEST] + "…"
                sentence = f"{written(code)} stands before {written(other)} (use additional at {level}: {words})."
                yield Finding(
                    rule="use-additional-order", codes=(written(other), written(code)), severity="warning",
                    sentence=sentence, source=source(table, f"use additional at {level}"), on=on,
                )  # fmt: skip


def _additional(table: PackedTable, code: str) -> Iterator[tuple[str, Note]]:
    for level, notes in table.levels(code):
        yield from ((level, note) for note in notes if note.kind == "use_additional")


def _asks_first(table: PackedTable, code: str, other: str) -> bool:
    """Whether a code's own notes settle that it stands beside or behind another one in some other way."""
    asked = [note for _, note in _additional(table, code)]
    _, first = _nearest(table, code)
    return among_any([other], [each for note in (*asked, *first) for each in references(note.text)])


def among_any(codes: Sequence[str], ranges: Sequence[CodeRange]) -> bool:
    """Whether one of the codes is in one of the ranges."""
    return any(among(each, ranges) for each in codes)


def _is_missing(
    table: PackedTable, code: str, notes: Sequence[Note], ranges: Sequence[CodeRange], before: Sequence[str],
    on: datetime.date,
) -> bool:  # fmt: skip
    text = " ".join(note.text for note in notes)
    if not _is_manifestation(table, code, on) and (_OPTIONAL.search(text) or "underlying" not in text):
        return False
    if not ranges or _OPEN_LIST.search(text):
        return not before
    return True


def _is_manifestation(table: PackedTable, code: str, on: datetime.date) -> bool:
    period = edits_on(table, code, on)
    return period is not None and "manifestation" in period.flags


def _nearest(table: PackedTable, code: str) -> tuple[str, list[Note]]:
    for level, notes in table.levels(code):
        found = [note for note in notes if note.kind == "code_first"]
        if found:
            return level, found
    return "", []


def _sequence(
    table: PackedTable, rule: str, codes: Sequence[str], severity: Severity, sentence: str, level: str,
    on: datetime.date,
) -> Finding:  # fmt: skip
    return Finding(
        rule=rule, codes=tuple(written(each) for each in codes), severity=severity, sentence=sentence,
        source=source(table, f"code first at {level}"), on=on,
    )  # fmt: skip
