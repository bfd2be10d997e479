"""The parts of a record summary that need no model: problem list, medicines and allergies, timeline, by date."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from appliance.clinical.document import MAX_STATEMENT_CHARS, Evidence, Grounding, Notice, Section, Statement
from appliance.drafting.assembly import MAX_SECTION_STATEMENTS
from appliance.drafting.kinds import Template
from appliance.drafting.records.bundle import Record
from appliance.drafting.records.facts import Fact

# What a statement may cite (see Grounding); longer groups are cut into several statements.
_MAX_EVIDENCE = 20
_MEDICINES = frozenset({"MedicationRequest", "MedicationStatement"})
_NO_EVENTS = frozenset({"Patient"})


def skeleton(record: Record, template: Template) -> tuple[tuple[Section, ...], tuple[Notice, ...]]:
    """Return the sections of origin `facts` that the record fills, and what a reader must know about them.

    Each statement cites the lines it was made from. Dates are the record's: no model reads or writes them.
    """
    numbered = list(enumerate(record.facts))
    made = {
        "problem_list": _groups(record, ([one] for one in _problems(numbered))),
        "medications_allergies": _groups(record, ([one] for one in _medicines(numbered))),
        "timeline": _groups(record, _events(numbered)),
    }
    sections, notices = [], []
    for section in template.sections:
        if section.origin != "facts" or not made.get(section.name):
            continue
        statements = made[section.name]
        if len(statements) > MAX_SECTION_STATEMENTS:
            left = len(statements) - MAX_SECTION_STATEMENTS
            text = f"{section.title}: the oldest {left} of {len(statements)} entries are only in the record."
            notices.append(Notice(code=f"skeleton.cut.{section.name}", text=text))
            statements = statements[:MAX_SECTION_STATEMENTS]
        named = tuple(
            statement.model_copy(update={"id": f"{section.name}.{number}"})
            for number, statement in enumerate(statements, 1)
        )
        sections.append(Section(name=section.name, title=section.title, statements=named))
    return tuple(sections), tuple(notices)


_Numbered = tuple[int, Fact]


def _newest_first(facts: Iterable[_Numbered]) -> list[_Numbered]:
    return sorted(facts, key=lambda one: one[1].date, reverse=True)


def _problems(facts: list[_Numbered]) -> list[_Numbered]:
    """Open problems first, each group newest first."""
    problems = _newest_first(one for one in facts if one[1].kind == "Condition")
    return sorted(problems, key=lambda one: not one[1].open)


def _medicines(facts: list[_Numbered]) -> list[_Numbered]:
    """Allergies first: they are what must not be missed."""
    allergies = _newest_first(one for one in facts if one[1].kind == "AllergyIntolerance")
    medicines = _newest_first(one for one in facts if one[1].kind in _MEDICINES)
    return allergies + sorted(medicines, key=lambda one: not one[1].open)


def _events(facts: list[_Numbered]) -> Iterator[list[_Numbered]]:
    """Facts of one day and kind, newest day first; a sitting's twenty measurements are one statement."""
    events = _newest_first(one for one in facts if one[1].kind not in _NO_EVENTS)
    for _, group in groupby(events, key=lambda one: (one[1].date, one[1].kind)):
        yield list(group)


def _groups(record: Record, groups: Iterable[list[_Numbered]]) -> list[Statement]:
    statements = []
    for group in groups:
        batch: list[_Numbered] = []
        size = 0
        for one in group:
            if batch and (len(batch) == _MAX_EVIDENCE or size + len(one[1].text) > MAX_STATEMENT_CHARS - 200):
                statements.append(_statement(record, batch))
                batch, size = [], 0
            batch.append(one)
            size += len(one[1].text) + 2
        if batch:
            statements.append(_statement(record, batch))
    return statements


def _statement(record: Record, group: list[_Numbered]) -> Statement:
    first = group[0][1]
    text = f"{first.date or 'undated'} {first.label}: {'; '.join(fact.text for _, fact in group)}"
    passages = [record.source.passages[index] for index, _ in group]
    return Statement(
        id="s",
        text=text if text.endswith((".", "…")) else text + ".",
        author="template",
        grounding=Grounding(
            status="supported",
            evidence=tuple(
                Evidence(source=record.source.id, start=passage.start, end=passage.end, score=1.0)
                for passage in passages
            ),
        ),
    )
