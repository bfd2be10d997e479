"""The scenario file of `fleetctl profile roi`: what a site pays today, what it would buy and run instead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fleetctl.models.base import Name, Resource, StrictModel
from fleetctl.models.load import load
from fleetctl.planning import bounds
from fleetctl.planning.figures import Figure

BUILT_IN = Path(__file__).parent / "data" / "roi.yaml"

Text = Annotated[str, Field(min_length=1, max_length=300)]
Metric = Literal[
    "encounters_per_month",
    "cost_before_usd_month",
    "cost_before_usd_year",
    "running_usd_year",
    "saving_usd_year",
    "investment_usd",
    "payback_months",
    "net_usd",
]


class Encounters(StrictModel):
    """How many encounters a month there are. `per_month` counts before the product of the other three."""

    providers: Annotated[Figure, bounds.PROVIDERS.figure] | None = None
    per_provider_day: Annotated[Figure, bounds.ENCOUNTERS_PER_PROVIDER.figure] | None = None
    working_days_per_month: Annotated[Figure, bounds.DAYS_PER_MONTH.figure] | None = None
    per_month: Annotated[Figure, bounds.ENCOUNTERS_PER_MONTH.figure] | None = None

    @model_validator(mode="after")
    def _some_number(self) -> Self:
        if self.per_month is None and None in (self.providers, self.per_provider_day, self.working_days_per_month):
            raise ValueError("needs per_month, or providers, per_provider_day and working_days_per_month")
        return self


class Before(StrictModel):
    """What is paid today, in US dollars: a price for each encounter, or a sum a year."""

    usd_per_encounter: Annotated[Figure, bounds.USD_PER_ENCOUNTER.figure] | None = None
    usd_per_year: Annotated[Figure, bounds.USD.figure] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.usd_per_encounter is None) == (self.usd_per_year is None):
            raise ValueError("needs usd_per_encounter or usd_per_year, one of both")
        return self


class Investment(StrictModel):
    """What is bought. Without `usd_per_host` no price is known: no payback is computed then, only its limit."""

    hosts: Annotated[Figure, bounds.HOSTS.figure]
    usd_per_host: Annotated[Figure, bounds.USD_PER_HOST.figure] | None = None
    other_usd: Annotated[Figure, bounds.USD.figure] | None = Field(
        default=None, description="Setting up, training, integration: once."
    )


class Running(StrictModel):
    """What the appliances cost in a year: a sum, or its parts."""

    usd_per_year: Annotated[Figure, bounds.USD.figure] | None = None
    kw_per_host: Annotated[Figure, bounds.KW_PER_HOST.figure] | None = Field(
        default=None, description="Mean power of one host with its cooling, in kW."
    )
    usd_per_kwh: Annotated[Figure, bounds.USD_PER_KWH.figure] | None = None
    support_percent: Annotated[Figure, bounds.SUPPORT_PERCENT.figure] | None = Field(
        default=None, description="Vendor support a year, of the investment."
    )
    admin_hours_per_month: Annotated[Figure, bounds.HOURS_PER_MONTH.figure] | None = None
    usd_per_admin_hour: Annotated[Figure, bounds.USD_PER_HOUR.figure] | None = None


class Claim(StrictModel):
    """A figure that a document states, to be held against ours."""

    metric: Metric
    value: Annotated[float, bounds.CLAIM.interval]
    source: Text

    @model_validator(mode="after")
    def _can_be_below_zero(self) -> Self:
        if self.value < 0 and self.metric not in ("saving_usd_year", "net_usd"):
            raise ValueError(f"{self.metric} cannot be below 0; is {self.value:g}")
        return self


class Case(StrictModel):
    """One site or group of sites."""

    name: Name
    description: Text
    encounters: Encounters | None = None
    before: Before
    investment: Investment | None = None
    running: Running
    claims: list[Claim] = Field(default_factory=list)

    @model_validator(mode="after")
    def _price_needs_encounters(self) -> Self:
        if self.before.usd_per_encounter is not None and self.encounters is None:
            raise ValueError("before.usd_per_encounter needs encounters")
        return self


class CostScenarioSpec(StrictModel):
    """Cases and the two figures that they share."""

    horizon_years: Annotated[Figure, bounds.HORIZON_YEARS.figure] = Field(
        description="Years over which money is counted."
    )
    discount_percent: Annotated[Figure, bounds.DISCOUNT_PERCENT.figure] = Field(
        description="Yearly rate at which later money counts less."
    )
    cases: list[Case] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [case.name for case in self.cases]
        if len(set(names)) != len(names):
            raise ValueError("two cases have the same name")
        return self


class CostScenario(Resource):
    """A scenario file."""

    kind: Literal["CostScenario"]
    spec: CostScenarioSpec


def load_scenario(path: Path | None = None) -> CostScenario:
    """The scenario at `path`, else the built-in one. Raises `ConfigError` with file, line and path of each problem."""
    return load(path or BUILT_IN, CostScenario)
