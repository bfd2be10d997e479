"""Which inputs of a case move its answer most: one at a time from its low to its high value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from fleetctl.planning.figures import Figure
from fleetctl.planning.roi import evaluate
from fleetctl.planning.scenario import Case, CostScenarioSpec

# Where a scenario names no low and high.
SPREAD = 0.2

Path = tuple[str, ...]


@dataclass(frozen=True)
class Swing:
    """The answer with one input at its low and at its high value; `stated` when the scenario names these two."""

    input: str
    low: float
    high: float
    stated: bool
    answer_low_usd: float
    answer_high_usd: float

    @property
    def width_usd(self) -> float:
        """How far the answer moves."""
        return abs(self.answer_high_usd - self.answer_low_usd)


@dataclass(frozen=True)
class Tornado:
    """Swings of one case, the widest first. `answer` names what moves: net value, or the saving where no price is."""

    case: str
    answer: str
    answer_usd: float
    swings: tuple[Swing, ...]


def tornado(case: Case, spec: CostScenarioSpec) -> Tornado:
    """Vary each figure of `case`, and the two that all cases share."""
    answer = "net_usd" if evaluate(case, spec).net_usd is not None else "saving_usd_year"

    def answered(changed: CostScenarioSpec, with_case: Case) -> float:
        value: float = getattr(evaluate(with_case, changed), answer)
        return value

    swings = []
    for path, figure in figures_in(case):
        low, high = _ends(figure)
        results = [answered(spec, _replaced(case, path, value)) for value in (low, high)]
        swings.append(Swing(".".join(path), low, high, _stated(figure), *results))
    for name in ("horizon_years", "discount_percent"):
        figure = getattr(spec, name)
        low, high = _ends(figure)
        results = [answered(_replaced(spec, (name,), value), case) for value in (low, high)]
        swings.append(Swing(name, low, high, _stated(figure), *results))
    moving = [swing for swing in swings if swing.width_usd > 0]
    moving.sort(key=lambda swing: (-swing.width_usd, swing.input))
    return Tornado(case.name, answer, answered(spec, case), tuple(moving))


def figures_in(model: BaseModel, prefix: Path = ()) -> Iterator[tuple[Path, Figure]]:
    """Every figure inside a model, with its path."""
    for name, value in model:
        if isinstance(value, Figure):
            yield (*prefix, name), value
        elif isinstance(value, BaseModel):
            yield from figures_in(value, (*prefix, name))


def _ends(figure: Figure) -> tuple[float, float]:
    away = SPREAD * abs(figure.value)
    low = figure.low if figure.low is not None else figure.value - away
    high = figure.high if figure.high is not None else figure.value + away
    return low, high


def _stated(figure: Figure) -> bool:
    return figure.low is not None and figure.high is not None


def _replaced(model: Any, path: Path, value: float) -> Any:
    head, *rest = path
    inner = getattr(model, head)
    changed = (
        inner.model_copy(update={"value": value}) if isinstance(inner, Figure) else _replaced(inner, tuple(rest), value)
    )
    return model.model_copy(update={head: changed})
