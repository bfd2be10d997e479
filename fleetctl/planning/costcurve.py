"""What a year costs over encounters a day: a cloud's price each, against hosts of a profile that names a price."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fleetctl.planning.figures import Figure
from fleetctl.planning.roi import HOURS_PER_YEAR
from fleetctl.planning.scenario import Case, CostScenario
from fleetctl.planning.sizing import ProfileSizing, Sizing

POINTS = 240


@dataclass(frozen=True)
class CostCurve:
    """Yearly cost in US dollars at each of `encounters_per_day`; `low` and `high` differ by the price of a host."""

    name: str
    encounters_per_day: tuple[float, ...]
    low_usd_year: tuple[float, ...]
    high_usd_year: tuple[float, ...]


def hosts_for(encounters_per_day: float, row: ProfileSizing, fill: float) -> int:
    """Hosts with N+1, by load alone: one while a GPU can be missed, else what the load fills and one more.

    `fill` is the load of the busiest hour at which a host is full, below 1.
    """
    if not row.host_encounters_per_day:
        raise ValueError(f"{row.profile} was not sized")
    full = fill * row.host_encounters_per_day
    if encounters_per_day <= full * (row.gpus - 1) / row.gpus:
        return 1
    return math.ceil(encounters_per_day / full) + 1


def cost_curves(sizing: Sizing, scenario: CostScenario) -> tuple[CostCurve, ...]:
    """The cloud's curve first, then one for each sized profile that names a price; of equal ones the first.

    Prices of the cloud and of running a host are those of the scenario's last case that has both: the clinic's.
    """
    case = _case(scenario)
    largest = 1.6 * sizing.encounters_per_day
    days = tuple(largest * step / POINTS for step in range(POINTS + 1))
    price = cloud_price(scenario)
    cloud = tuple(count * _days_per_year(case) * price for count in days)
    curves = [CostCurve("cloud", days, cloud, cloud)]
    seen = set()
    for row in sizing.profiles:
        if row.price is None or not row.host_encounters_per_day:
            continue
        ends = (row.price.min_usd, row.price.max_usd)
        if (row.gpu, row.gpus, ends) in seen:
            continue
        seen.add((row.gpu, row.gpus, ends))
        hosts = [hosts_for(count, row, sizing.targets.busiest_hour_load.value) for count in days]
        low, high = (tuple(_year(number, end, case, scenario) for number in hosts) for end in ends)
        curves.append(CostCurve(row.profile, days, low, high))
    return tuple(curves)


def cloud_price(scenario: CostScenario) -> float:
    """US dollars an encounter at the cloud."""
    return _value(_case(scenario).before.usd_per_encounter)


def _case(scenario: CostScenario) -> Case:
    return next(
        case for case in reversed(scenario.spec.cases) if case.before.usd_per_encounter and case.running.kw_per_host
    )


def _days_per_year(case: Case) -> float:
    counted = case.encounters
    return 12 * _value(counted.working_days_per_month if counted else None)


def _year(hosts: int, price_usd: float, case: Case, scenario: CostScenario) -> float:
    """One year of `hosts` hosts: the price spread over the horizon, support, power, people."""
    running = case.running
    bought = hosts * price_usd
    power = hosts * _value(running.kw_per_host) * HOURS_PER_YEAR * _value(running.usd_per_kwh)
    people = 12 * _value(running.admin_hours_per_month) * _value(running.usd_per_admin_hour)
    support = bought * _value(running.support_percent) / 100
    return bought / scenario.spec.horizon_years.value + support + power + people


def _value(figure: Figure | None) -> float:
    return figure.value if figure is not None else 0.0
