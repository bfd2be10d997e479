"""The answer of `fleetctl profile roi`: every case, and the sensitivity of one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from fleetctl.errors import UsageError
from fleetctl.nearest import nearest_or_all
from fleetctl.planning.demand import Input
from fleetctl.planning.roi import CaseResult, evaluate
from fleetctl.planning.scenario import Case, CostScenario
from fleetctl.planning.sensitivity import Tornado, figures_in, tornado


class Roi(BaseModel):
    """Cases in the order of the file; `sensitivity` and `inputs` are of one of them."""

    model_config = ConfigDict(frozen=True)

    scenario: str
    horizon_years: float
    discount_percent: float
    cases: tuple[CaseResult, ...]
    sensitivity: Tornado
    inputs: tuple[Input, ...]

    @property
    def chosen(self) -> CaseResult:
        """The case that the sensitivity is of."""
        return next(case for case in self.cases if case.name == self.sensitivity.case)


def return_on_investment(scenario: CostScenario, case: str | None = None) -> Roi:
    """All cases of `scenario`. `case` chooses the one to vary; default: the first that names a price, else the first.

    Raises `UsageError` for a case that is not there.
    """
    spec = scenario.spec
    chosen = _chosen(scenario, case)
    shared = [("horizon_years", spec.horizon_years), ("discount_percent", spec.discount_percent)]
    own = [(".".join(path), figure) for path, figure in figures_in(chosen)]
    return Roi(
        scenario=scenario.name,
        horizon_years=spec.horizon_years.value,
        discount_percent=spec.discount_percent.value,
        cases=tuple(evaluate(each, spec) for each in spec.cases),
        sensitivity=tornado(chosen, spec),
        inputs=tuple(
            Input(chosen.name, name, figure.value, "", figure.basis, figure.source) for name, figure in own + shared
        ),
    )


def _chosen(scenario: CostScenario, name: str | None) -> Case:
    cases = {case.name: case for case in scenario.spec.cases}
    if name is None:
        priced = [case for case in cases.values() if case.investment and case.investment.usd_per_host]
        return (priced or list(cases.values()))[0]
    if name not in cases:
        raise UsageError(f"scenario {scenario.name} has no case {name}", hint=nearest_or_all(name, cases, "cases"))
    return cases[name]
