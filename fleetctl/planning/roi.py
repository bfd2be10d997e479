"""Cost before and after, payback and net value of a case; and where a document's own figures do not add up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fleetctl.planning.figures import Figure
from fleetctl.planning.scenario import Case, Claim, CostScenarioSpec

HOURS_PER_YEAR = 8760
# Two figures that differ by less are the same but for rounding in the document.
ROUNDING = 0.005
# A yearly saving below it is none, in US dollars.
CENT = 0.01
# What `without_support` is about.
NEEDS_SUPPORT = ("running_usd_year", "saving_usd_year")


@dataclass(frozen=True)
class CaseResult:
    """What a case comes to. Money in US dollars; None: an input that it needs is not named.

    `net_usd` is the value today of all savings over the horizon less the investment. `investment_limit_usd` is the
    investment at which that is zero, its support paid: more never pays back within the horizon. `without_support` is a
    sentence where running cost and saving cannot hold the support that the case asks for, else None.
    """

    name: str
    description: str
    encounters_per_month: float | None
    cost_before_usd_month: float
    cost_before_usd_year: float
    running_usd_year: float
    saving_usd_year: float
    investment_usd: float | None
    payback_months: float | None
    net_usd: float | None
    investment_limit_usd: float
    without_support: str | None = None
    findings: tuple[str, ...] = ()


def evaluate(case: Case, spec: CostScenarioSpec) -> CaseResult:
    """All figures of one case, and what is wrong with the claims about it."""
    encounters = encounters_per_month(case)
    before = _before_usd_year(case, encounters)
    investment = _investment_usd(case)
    support = _value(case.running.support_percent) / 100
    running_without_support = _running_usd_year(case)
    running = running_without_support + support * (investment or 0)
    saving = before - running
    factor = annuity(spec.horizon_years.value, spec.discount_percent.value)
    result = CaseResult(
        name=case.name,
        description=case.description,
        encounters_per_month=encounters,
        cost_before_usd_month=before / 12,
        cost_before_usd_year=before,
        running_usd_year=running,
        saving_usd_year=saving,
        investment_usd=investment,
        payback_months=None if investment is None or saving < CENT else investment / saving * 12,
        net_usd=None if investment is None else saving * factor - investment,
        investment_limit_usd=max(0.0, (before - running_without_support) * factor / (1 + support * factor)),
        without_support=_without_support(support * 100) if investment is None and support else None,
    )
    findings = (*_own_findings(case, spec, result), *(_judged(claim, result, support) for claim in case.claims))
    return CaseResult(**{**vars(result), "findings": findings})


def annuity(years: float, discount_percent: float) -> float:
    """What one dollar at the end of each of `years` years is worth today."""
    rate = discount_percent / 100
    return years if rate == 0 else -math.expm1(-years * math.log1p(rate)) / rate  # exact for tiny rates too


def _without_support(percent: float) -> str:
    return f"running_usd_year and saving_usd_year are without support ({percent:g} % of a price that is not named)"


def encounters_per_month(case: Case) -> float | None:
    """Encounters of a case, or None where it counts none."""
    if case.encounters is None:
        return None
    stated = case.encounters.per_month
    return stated.value if stated is not None else _by_providers(case)


def _by_providers(case: Case) -> float | None:
    counted = case.encounters
    if counted is None or not (counted.providers and counted.per_provider_day and counted.working_days_per_month):
        return None
    return counted.providers.value * counted.per_provider_day.value * counted.working_days_per_month.value


def _before_usd_year(case: Case, encounters: float | None) -> float:
    if case.before.usd_per_year is not None:
        return case.before.usd_per_year.value
    return (encounters or 0) * _value(case.before.usd_per_encounter) * 12


def _investment_usd(case: Case) -> float | None:
    bought = case.investment
    if bought is None or bought.usd_per_host is None:
        return None
    return bought.hosts.value * bought.usd_per_host.value + _value(bought.other_usd)


def _running_usd_year(case: Case) -> float:
    """What a year costs besides support."""
    running = case.running
    hosts = case.investment.hosts.value if case.investment else 0
    power = hosts * _value(running.kw_per_host) * HOURS_PER_YEAR * _value(running.usd_per_kwh)
    people = _value(running.admin_hours_per_month) * 12 * _value(running.usd_per_admin_hour)
    return _value(running.usd_per_year) + power + people


def _value(figure: Figure | None) -> float:
    return figure.value if figure is not None else 0.0


def _own_findings(case: Case, spec: CostScenarioSpec, result: CaseResult) -> Iterator[str]:
    counted, product = case.encounters, _by_providers(case)
    if counted is not None and counted.per_month is not None and product and counted.providers:
        stated = counted.per_month.value
        if not same(stated, product):
            yield (
                f"{stated:,.0f} encounters a month are {stated / counted.providers.value:,.0f} per provider;"
                f" {counted.providers.value:,.0f} providers x {_value(counted.per_provider_day):g} x"
                f" {_value(counted.working_days_per_month):g} days are {product:,.0f}"
                f" (${product * _value(case.before.usd_per_encounter) * 12:,.0f} a year)"
            )
    if result.saving_usd_year < CENT:
        yield f"running costs ${max(0.0, -result.saving_usd_year):,.0f} a year more than before: it never pays back"
    elif result.investment_usd is None:
        yield (
            f"no investment is named, so there is no payback; up to ${result.investment_limit_usd:,.0f} pays back"
            f" within {spec.horizon_years.value:g} years at {spec.discount_percent.value:g} %"
            + (", its support paid" if result.without_support else "")
        )
    elif result.net_usd is not None and result.net_usd < 0:
        yield f"does not pay back within {spec.horizon_years.value:g} years at {spec.discount_percent.value:g} %"


def _judged(claim: Claim, result: CaseResult, support: float) -> str:
    """One claim held against the recomputed figure. `support` is paid a year, as a share of the investment."""
    ours: float | None = getattr(result, claim.metric)
    name = claim.metric.replace("_usd", "").replace("_", " ")
    stated = f"{'$' if 'usd' in claim.metric else ''}{claim.value:,.10g}"
    if ours is None and claim.metric == "payback_months":
        years = claim.value / 12
        implied = years * result.saving_usd_year / (1 + support * years)
        before = " before support" if result.without_support else ""
        return (
            f"claimed payback of {claim.value:g} months cannot be checked: at ${result.saving_usd_year:,.0f} saved a"
            f" year{before} it implies an investment of ${implied:,.0f}, which {claim.source} does not name"
        )
    if ours is None:
        return f"claimed {name} of {stated} ({claim.source}) cannot be computed from this case"
    without = ", without support" if result.without_support and claim.metric in NEEDS_SUPPORT else ""
    if same(ours, claim.value):
        return f"claimed {name} of {stated} adds up{without}"
    return f"claimed {name} of {stated} ({claim.source}) does not add up: {ours:,.10g}{without}"


def same(ours: float, theirs: float) -> bool:
    """Whether two figures differ by rounding only."""
    return abs(ours - theirs) <= ROUNDING * max(abs(ours), abs(theirs))
