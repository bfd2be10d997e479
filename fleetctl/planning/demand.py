"""The load of a site's working day: how much, how it spreads over the hours, and where each number is from."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fleetctl.errors import UsageError
from fleetctl.planning import bounds
from fleetctl.planning.figures import HOURS, Demand, Figure, FiguresSpec


@dataclass(frozen=True)
class Input:
    """One line of what a plan started from; `of` says what it is a figure of."""

    of: str
    name: str
    value: float
    unit: str
    basis: str
    source: str


@dataclass(frozen=True)
class DayLoad:
    """A working day at the end of the planning horizon.

    `hourly_share` has 24 numbers that add up to 1; the busiest is the peak hour.
    """

    providers: int
    encounters: float
    coding_records: float
    hourly_share: tuple[float, ...]
    visit_minutes: float
    visit_variation: float
    visit_lengths_minutes: tuple[float, ...]
    inputs: tuple[Input, ...]

    @property
    def peak_hour(self) -> int:
        """The busiest hour; the first one if several are."""
        return self.hourly_share.index(max(self.hourly_share))

    @property
    def peak_share(self) -> float:
        """Share of the day's work that arrives in the busiest hour."""
        return max(self.hourly_share)

    def minutes_sampler(self, rng: random.Random) -> Callable[[], float]:
        """Draws the length of one visit in minutes: a recorded one, else log-normal with the mean and variation."""
        if self.visit_lengths_minutes:
            return lambda: rng.choice(self.visit_lengths_minutes)
        if self.visit_variation == 0:
            return lambda: self.visit_minutes
        variance = math.log(1 + self.visit_variation**2)
        mu, sigma = math.log(self.visit_minutes) - variance / 2, math.sqrt(variance)
        return lambda: rng.lognormvariate(mu, sigma)


def given(value: float, option: str) -> Figure:
    """A figure from the command line."""
    return Figure(value=value, basis="given", source=option)


def with_options(figures: FiguresSpec, options: Mapping[str, Figure]) -> FiguresSpec:
    """`figures` with fields of `demand` replaced."""
    return figures.model_copy(update={"demand": figures.demand.model_copy(update=dict(options))})


def day_load(figures: FiguresSpec, providers: int, coding_records: Figure | None = None) -> DayLoad:
    """The day that is planned for. `coding_records`: of all providers together, today. Raises `UsageError`."""
    demand = figures.demand
    growth = (1 + demand.growth_percent.value / 100) ** demand.horizon_years.value
    today = providers * demand.encounters_per_provider.value
    records = coding_records or Figure(
        value=providers * demand.coding_records_per_provider.value,
        basis="derived",
        source=f"providers x {demand.coding_records_per_provider.value:g} a day;"
        f" {demand.coding_records_per_provider.source}",
    )
    share = hourly_share(figures)
    if today <= 0:
        raise UsageError("the site has no encounters", hint="--encounters-per-provider must be above 0")
    for what, count in (("encounters", today * growth), ("records to code", records.value * growth)):
        if count > bounds.JOBS_PER_DAY.most:
            raise UsageError(
                f"{count:,.0f} {what} a day, growth included, are more than {bounds.JOBS_PER_DAY.most:,}",
                hint="no site has so many: see --providers, --encounters-per-provider, --coding-records, --growth",
            )
    return DayLoad(
        providers=providers,
        encounters=today * growth,
        coding_records=records.value * growth,
        hourly_share=share,
        visit_minutes=demand.visit_minutes.value,
        visit_variation=demand.visit_variation.value,
        visit_lengths_minutes=tuple(figures.visit_lengths_minutes or ()),
        inputs=_inputs(figures, providers, records, share),
    )


def hourly_share(figures: FiguresSpec) -> tuple[float, ...]:
    """Share of the day's visits that end in each hour: measured, else two equal humps between opening and closing.

    The busiest hour has `peak_factor` times the visits of the mean hour. Raises `UsageError` when that cannot be.
    """
    if figures.hourly_encounters is not None:
        total = sum(figures.hourly_encounters)
        return tuple(count / total for count in figures.hourly_encounters)
    demand = figures.demand
    opening, closing = int(demand.opening_hour.value), int(demand.closing_hour.value)
    hours = closing - opening
    if hours < 1:
        raise UsageError(f"the site opens at {opening} and closes at {closing}", hint="for example: --hours 8-17")
    raw = [-math.cos(4 * math.pi * (hour + 0.5) / hours) for hour in range(hours)]
    mean = sum(raw) / hours
    top = max(raw) - mean
    humps = [(value - mean) / top if top > 1e-9 else 0.0 for value in raw]
    factor = demand.peak_factor.value if top > 1e-9 else 1.0
    weights = [1 + (factor - 1) * hump for hump in humps]
    if min(weights) < 0:
        most = 1 - 1 / min(humps)
        raise UsageError(
            f"a busiest hour of {factor:g} times the mean leaves other hours below zero",
            hint=f"at most {math.floor(most * 100) / 100:g} here; other days: hourly_encounters in a --measured file",
        )
    return tuple(weights[hour - opening] / hours if opening <= hour < closing else 0.0 for hour in range(HOURS))


_UNITS = {
    "encounters_per_provider": "a day",
    "visit_minutes": "min",
    "visit_variation": "SD / mean",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "coding_input_tokens": "tokens",
    "coding_output_tokens": "tokens",
    "opening_hour": "h",
    "closing_hour": "h",
    "peak_factor": "x mean",
    "growth_percent": "% a year",
    "horizon_years": "years",
}


def _inputs(figures: FiguresSpec, providers: int, records: Figure, share: tuple[float, ...]) -> tuple[Input, ...]:
    hourly = figures.hourly_encounters is not None
    unused = {"opening_hour", "closing_hour", "peak_factor"} if hourly else set()
    if figures.visit_lengths_minutes is not None:
        unused.add("visit_variation")
    lines = [Input("site", "providers", providers, "", "given", "--providers")]
    for name in Demand.model_fields:
        if name in unused:
            continue
        if name == "coding_records_per_provider":
            lines.append(Input("site", "coding_records", records.value, "a day", records.basis, records.source))
            continue
        figure = getattr(figures.demand, name)
        lines.append(Input("site", name, figure.value, _UNITS[name], figure.basis, figure.source))
    if hourly:
        lines.append(
            Input("site", "busiest_hour", max(share) * 100, "% of the day", "measured", figures.site_source or "")
        )
    return tuple(lines)
