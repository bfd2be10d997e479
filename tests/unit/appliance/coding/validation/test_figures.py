"""The figures: against values known from elsewhere, and against their own definitions."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.library import Library
from appliance.coding.validation.pairs import OUTSIDE, chapter, pair
from appliance.coding.validation.statistics import bootstrap, calibration, f1, kappa, wilson


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> PackedTable:
    found = Library(tmp_path_factory.mktemp("none")).table(CodeSystem.ICD_10_CM, datetime.date(2026, 5, 1))
    assert found is not None
    return found


def test_wilson_as_published() -> None:
    # Newcombe 1998, table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(hits, of)
        assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert wilson(0, 0).value is None


def test_kappa_as_published() -> None:
    # 50 proposals: both yes 20, only the first 5, only the second 10, both no 15: kappa 0.4.
    assert kappa(20, 25, 30, 50) == pytest.approx(0.4)
    assert kappa(3, 3, 3, 10) == pytest.approx(1.0)
    assert kappa(10, 10, 10, 10) is None
    assert kappa(0, 0, 0, 0) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_kappa_by_its_definition(cells: list[tuple[bool, bool]]) -> None:
    of = len(cells)
    agreed = sum(a == b for a, b in cells) / of
    first, second = (sum(cell[at] for cell in cells) / of for at in (0, 1))
    chance = first * second + (1 - first) * (1 - second)
    found = kappa(sum(a and b for a, b in cells), first * of, second * of, of)
    if chance > 1 - 1e-12:
        assert found is None or abs(found) < 1e-3 or found == pytest.approx(1)
    else:
        assert found == pytest.approx((agreed - chance) / (1 - chance), abs=1e-9)


def test_a_bootstrap_holds_its_value_and_repeats_with_its_seed() -> None:
    rows = [(n % 3, 3, 4) for n in range(60)]
    found = bootstrap(rows, f1, seed=3, rounds=300)
    assert found == bootstrap(rows, f1, seed=3, rounds=300)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low < found.value < found.high
    assert found != bootstrap(rows, f1, seed=4, rounds=300)
    assert bootstrap([(0, 0, 0)] * 5, f1, seed=1, rounds=100).value is None
    assert bootstrap([(1, 1, 1)], f1, seed=1, rounds=100).low is None


def test_calibration_counts_each_suggestion_once() -> None:
    bins, error = calibration([(0.0, False), (0.1, True), (0.95, True), (1.0, True), (0.949, False)])
    assert [one.count for one in bins] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    assert error == pytest.approx((0 + 0.9 + abs(0.95 + 1 + 0.949 - 2)) / 5)
    assert calibration([])[1] is None


def test_what_was_lost_is_named(table: PackedTable) -> None:
    cases = {
        ("M25.561", "M25.562"): ("same category", "other side"),
        ("M25.561", "M25.569"): ("same category", "laterality lost"),
        ("E11.65", "E11.9"): ("same category", "other code of the category"),
        ("J45.40", "J45.909"): ("same category", "specificity lost"),
        ("E11.65", "E11"): ("same category", "specificity lost"),
        ("E11.9", "E10.9"): ("same chapter", ""),
        ("E11.9", "I10"): ("other chapter", ""),
        ("E11.9", "E11.9"): ("agreed", ""),
        ("E11.9", "Q99.99X"): ("other chapter", ""),
    }
    for (coded, suggested), wanted in cases.items():
        pairs, beyond = pair([coded], [suggested], table)
        assert (pairs[0].outcome, pairs[0].loss) == wanted, (coded, suggested)
        assert beyond == ()
    assert chapter(table, "U99.99") == OUTSIDE or chapter(table, "U99.99").startswith("22")


@settings(deadline=None)
@given(st.data())
def test_pairs_lose_and_double_nothing(table: PackedTable, data: st.DataObject) -> None:
    some = ["E11.9", "E11.65", "E10.9", "I10", "M25.561", "M25.562", "J45.40", "Q99.99X", "R05.9"]
    coded = data.draw(st.lists(st.sampled_from(some), unique=True))
    suggested = data.draw(st.lists(st.sampled_from(some), unique=True))
    pairs, beyond = pair(coded, suggested, table)
    assert [each.coded for each in pairs] == coded
    used = [each.suggested for each in pairs if each.suggested]
    assert sorted([*used, *beyond]) == sorted(suggested)
    assert sum(each.outcome == "agreed" for each in pairs) == len(set(coded) & set(suggested))


def test_no_chapter_is_left_out(table: PackedTable, tmp_path: Path) -> None:
    names = {chapter(table, code.code) for code in itertools.islice(table.entries(), 0, None, 400)}
    assert len(names) >= 20
    assert OUTSIDE not in names
