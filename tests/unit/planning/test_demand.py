"""The working day: totals, growth, the shape over the hours, lengths of visits."""

from __future__ import annotations

import random
import statistics

import pytest

from fleetctl.errors import UsageError
from fleetctl.planning.demand import day_load, given, with_options
from fleetctl.planning.figures import FiguresSpec


def changed(figures: FiguresSpec, **values: float) -> FiguresSpec:
    return with_options(figures, {name: given(value, f"--{name}") for name, value in values.items()})


def test_300_providers_see_6000_patients(figures: FiguresSpec) -> None:
    load = day_load(figures, 300)
    assert load.encounters == 6000
    assert load.coding_records == 3000
    assert sum(load.hourly_share) == pytest.approx(1)
    assert load.peak_share == pytest.approx(1.5 / 9)


@pytest.mark.parametrize("hours", [(8, 17), (0, 24), (7, 19), (9, 10), (9, 11), (10, 13)])
@pytest.mark.parametrize("factor", [1.0, 1.2, 1.5])
def test_the_day_keeps_its_hours_and_its_peak(figures: FiguresSpec, hours: tuple[int, int], factor: float) -> None:
    opening, closing = hours
    load = day_load(changed(figures, opening_hour=opening, closing_hour=closing, peak_factor=factor), 50)
    assert sum(load.hourly_share) == pytest.approx(1)
    assert all(share >= 0 for share in load.hourly_share)
    assert {hour for hour, share in enumerate(load.hourly_share) if share > 0} <= set(range(opening, closing))
    assert load.peak_share <= factor / (closing - opening) + 1e-9


def test_an_impossible_peak_names_the_largest_possible(figures: FiguresSpec) -> None:
    with pytest.raises(UsageError) as refused:
        day_load(changed(figures, peak_factor=5), 50)
    most = float(refused.value.hint.split()[2])
    assert day_load(changed(figures, peak_factor=most), 50).peak_share == pytest.approx(most / 9)


def test_growth_compounds_over_the_horizon(figures: FiguresSpec) -> None:
    load = day_load(changed(figures, growth_percent=10, horizon_years=2), 100)
    assert load.encounters == pytest.approx(2000 * 1.21)
    assert load.coding_records == pytest.approx(1000 * 1.21)


def test_lengths_have_the_mean_and_variation_of_the_figures(figures: FiguresSpec) -> None:
    load = day_load(figures, 300)
    draw = load.minutes_sampler(random.Random(1))  # noqa: S311 - no secret
    lengths = [draw() for _ in range(40_000)]
    assert statistics.fmean(lengths) == pytest.approx(9.1, rel=0.02)
    assert statistics.pstdev(lengths) / statistics.fmean(lengths) == pytest.approx(0.63, rel=0.05)
    assert min(lengths) > 0


def test_measured_hours_and_lengths_replace_the_shape(figures: FiguresSpec) -> None:
    hourly = [0.0] * 24
    hourly[9], hourly[20] = 30.0, 10.0
    site = figures.model_copy(update={"hourly_encounters": hourly, "visit_lengths_minutes": [4.0, 6.0]})
    load = day_load(site, 10)
    assert load.peak_share == pytest.approx(0.75)
    assert load.peak_hour == 9
    draw = load.minutes_sampler(random.Random(1))  # noqa: S311 - no secret
    assert {draw() for _ in range(50)} == {4.0, 6.0}
    assert "peak_factor" not in {row.name for row in load.inputs}


def test_every_input_says_where_it_is_from(figures: FiguresSpec) -> None:
    load = day_load(changed(figures, peak_factor=1.2), 300)
    rows = {row.name: row for row in load.inputs}
    assert all(row.source and row.basis in ("measured", "derived", "assumed", "given") for row in load.inputs)
    assert rows["visit_minutes"].basis == "measured"
    assert rows["peak_factor"].source == "--peak_factor"
    assert rows["opening_hour"].basis == "assumed"
