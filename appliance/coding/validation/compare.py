"""Compares answers with the coders' codes and counts."""

from __future__ import annotations

import statistics as plain
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from appliance.coding.edits import Editor
from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.codes import PackedTable
from appliance.coding.validation.answers import Answer
from appliance.coding.validation.pairs import category, chapter, pair
from appliance.coding.validation.records import CodedRecord
from appliance.coding.validation.result import Agreement, ChapterRow, Crossing, EditRow, Kappa, Miss, Times
from appliance.coding.validation.statistics import bootstrap, f1, kappa, wilson

LEAST_FOR_KAPPA = 10
"""Fewer records of a code than this, and its kappa says next to nothing."""

_WORST = 10
_LEVELS = ("code", "category", "chapter")


@dataclass
class Tally:
    """Counts over records; see `compare`."""

    rows: dict[str, list[tuple[int, int, int]]] = field(default_factory=lambda: {level: [] for level in _LEVELS})
    exact: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    crossings: Counter[tuple[str, str]] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    of_code: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    edits: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    billable: Counter[str] = field(default_factory=Counter)
    judged: list[tuple[float, bool]] = field(default_factory=list)
    sure_right: int = 0
    misses: list[Miss] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)


def compare(
    records: Sequence[CodedRecord],
    answered: Sequence[Answer],
    editor: Editor,
    *,
    threshold: float,
    sure: float,
    names: bool,
) -> Tally:
    """Count over all records.

    Args:
        records: The practice's.
        answered: One answer a record, in the same order.
        editor: Judges both sides' codes on the date of service.
        threshold: Suggestions below are left out of everything but the calibration.
        sure: The confidence that is looked at by itself.
        names: Whether misses carry the practice's names of records.
    """
    tally = Tally()
    for record, answer in zip(records, answered, strict=True):
        table = editor.library.table(CodeSystem.ICD_10_CM, record.on)
        if table is None:
            raise AssertionError("ICD-10-CM is built in")
        tally.tables.add(f"ICD-10-CM {table.version} (SHA-256 {table.digest})")
        confidence = {_written(code): value for code, value in answer.codes}
        suggested = [code for code, value in confidence.items() if value >= threshold]
        tally.judged += [(value, code in record.codes) for code, value in confidence.items()]
        tally.sure_right += sum(value >= sure and code in record.codes for code, value in confidence.items())
        _sets(tally, record.codes, suggested, table)
        findings = _edits(tally, record, suggested, editor, table)
        pairs, beyond = pair(record.codes, suggested, table)
        for one in pairs:
            home = chapter(table, one.coded)
            tally.outcomes[home][one.outcome] += 1
            if one.outcome == "other chapter":
                tally.crossings[home, chapter(table, one.suggested)] += 1
            if one.loss:
                tally.losses[one.loss] += 1
        for code in beyond:
            tally.outcomes[chapter(table, code)]["beyond"] += 1
        name = record.id if names else record.place
        rows: list[tuple[str, str, str, str]] = [
            (one.coded, one.suggested, one.outcome, one.loss) for one in pairs if one.outcome != "agreed"
        ]
        rows += [("", code, "beyond", "") for code in beyond]
        tally.misses += [
            Miss(
                record=name, coded=coded, suggested=code, confidence=confidence.get(code), outcome=outcome, loss=loss,
                edits=" ".join(sorted(findings.get(code, ()))),
            )
            for coded, code, outcome, loss in rows
        ]  # fmt: skip
    return tally


def _written(code: str) -> str:
    bare = code.upper().replace(".", "")
    return bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"


def _sets(tally: Tally, coded: Sequence[str], suggested: Sequence[str], table: PackedTable) -> None:
    views: tuple[Callable[[str], str], ...] = (str, category, lambda code: chapter(table, code))
    for level, seen in zip(_LEVELS, views, strict=True):
        ours, theirs = {seen(code) for code in suggested}, {seen(code) for code in coded}
        tally.rows[level].append((len(ours & theirs), len(ours), len(theirs)))
    ours, theirs = set(suggested), set(coded)
    tally.exact += ours == theirs
    for code in ours | theirs:
        tally.of_code[code]["both"] += code in ours and code in theirs
        tally.of_code[code]["suggested"] += code in ours
        tally.of_code[code]["coded"] += code in theirs


def _edits(
    tally: Tally, record: CodedRecord, suggested: Sequence[str], editor: Editor, table: PackedTable
) -> dict[str, set[str]]:
    """Count the edits that either side fails; return, for each suggested code, those it fails."""
    of_code: dict[str, set[str]] = defaultdict(set)
    for side, codes in (("suggested", suggested[:200]), ("coded", record.codes)):
        held = editor.check(list(codes), record.on, record.age_years) if codes else ()
        for rule, severity in {(each.rule, each.severity) for each in held}:
            tally.edits[rule, severity][side] += 1
        if side == "suggested":
            for each in held:
                for code in each.codes:
                    if each.severity != "advisory":
                        of_code[code].add(each.rule)
        tally.billable[side] += len(codes)
        tally.billable[f"not {side}"] += sum(not table.billable_on(code, record.on) for code in codes)
    return of_code


def agreements(tally: Tally, *, seed: int, rounds: int) -> tuple[Agreement, ...]:
    """Agreement at each level."""
    made = []
    for level in _LEVELS:
        rows = tally.rows[level]
        agreed, suggested, coded = (sum(row[at] for row in rows) for at in range(3))
        made.append(
            Agreement(
                level=level, coded=coded, suggested=suggested, agreed=agreed, precision=wilson(agreed, suggested),
                recall=wilson(agreed, coded), f1=bootstrap(rows, f1, seed=seed, rounds=rounds),
            )
        )  # fmt: skip
    return tuple(made)


def kappas(tally: Tally, records: int, *, seed: int, rounds: int) -> Kappa:
    """Kappa pooled over codes, and by code where there are enough records."""
    codes = len(tally.of_code)

    def pooled(both: float, suggested: float, coded: float) -> float | None:
        return kappa(both, suggested, coded, float(records * codes))

    found = {
        code: value
        for code, seen in tally.of_code.items()
        if max(seen["coded"], seen["suggested"]) >= LEAST_FOR_KAPPA
        and (value := kappa(seen["both"], seen["suggested"], seen["coded"], records)) is not None
    }
    worst = sorted(found, key=lambda code: (found[code], code))[:_WORST]
    return Kappa(
        pooled=bootstrap(tally.rows["code"], pooled, seed=seed, rounds=rounds),
        codes=codes,
        judged=len(found),
        least=LEAST_FOR_KAPPA,
        median=plain.median(found.values()) if found else None,
        lowest=tuple((code, found[code], tally.of_code[code]["coded"]) for code in worst),
    )


def chapter_rows(tally: Tally) -> tuple[ChapterRow, ...]:
    """By chapter, in the table's order."""
    rows = []
    for name, seen in sorted(tally.outcomes.items(), key=lambda one: _place(one[0])):
        kinds = ("agreed", "same category", "same chapter", "other chapter", "nothing")
        counts = {kind.replace(" ", "_"): seen[kind] for kind in kinds}
        rows.append(ChapterRow(chapter=name, coded=sum(counts.values()), beyond=seen["beyond"], **counts))
    return tuple(rows)


def _place(name: str) -> tuple[int, str]:
    number = name.split(" ")[0]
    return (int(number) if number.isdecimal() else 99, name)


def crossings(tally: Tally) -> tuple[Crossing, ...]:
    """Pairs of chapters that stood for each other, the most frequent first."""
    ranked = sorted(tally.crossings.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Crossing(coded=coded, suggested=suggested, count=count) for (coded, suggested), count in ranked)


def edit_rows(tally: Tally) -> tuple[EditRow, ...]:
    """By edit, errors first."""
    order = ("error", "warning", "advisory")
    ranked = sorted(tally.edits.items(), key=lambda one: (order.index(one[0][1]), one[0]))
    return tuple(
        EditRow(rule=rule, severity=severity, suggested=seen["suggested"], coded=seen["coded"])
        for (rule, severity), seen in ranked
    )


def times(answered: Iterable[Answer]) -> Times | None:
    """Seconds per record, by nearest rank; None when the answers came without."""
    taken = sorted(answer.seconds for answer in answered)
    if not taken or not taken[-1]:
        return None
    return Times(
        median=plain.median(taken), p95=taken[max(0, -(-95 * len(taken) // 100) - 1)], longest=taken[-1],
        total=round(sum(taken), 6),
    )  # fmt: skip
