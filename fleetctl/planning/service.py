"""How long a GPU is busy with one job: log-log interpolation between published throughputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleetctl.planning.figures import Basis, DraftingModel, FiguresSpec, Serving, ThroughputPoint

# Outside of what was measured: time grows with this power of the tokens upwards (the L40S's own growth from 5,000/500
# to 20,000/2,000 is 1.79), and in proportion downwards. Both err towards too slow.
GROWTH_BEYOND = 1.8
_TOLERANCE = 1e-9

# ln(input tokens), ln(output tokens), ln(seconds)
Place = tuple[float, float, float]


@dataclass(frozen=True)
class ServiceTime:
    """Seconds for one request at full load, and how they were found."""

    seconds: float
    how: str


def seconds_per_request(points: Sequence[ThroughputPoint], input_tokens: float, output_tokens: float) -> ServiceTime:
    """Seconds that a full server spends on one request.

    A point is `output_tokens / output_tokens_per_s` seconds. Between points the logarithm of the time is linear over
    the logarithms of both token counts, within the Delaunay triangle (or on the segment) around the request.
    """
    places = [_place(point) for point in points]
    x, y = math.log(input_tokens), math.log(output_tokens)
    for place in places:
        if math.dist(place[:2], (x, y)) < _TOLERANCE:
            return ServiceTime(math.exp(place[2]), _MEASURED)
    for triangle in _delaunay(places):
        weights = _barycentric(triangle, x, y)
        if weights is not None and min(weights) >= -_TOLERANCE:
            return ServiceTime(
                math.exp(sum(w * place[2] for w, place in zip(weights, triangle, strict=True))), _BETWEEN
            )
    edges = list(_on_segments(places, x, y))
    at = [place[2] for place in edges if math.dist(place[:2], (x, y)) < _TOLERANCE]
    if at:
        return ServiceTime(math.exp(at[0]), _BETWEEN)
    return ServiceTime(math.exp(min(_beyond(place, x, y) for place in [*places, *edges])), _OUTSIDE)


_MEASURED = "as measured"
_BETWEEN = "interpolated (log-log)"
_OUTSIDE = "extrapolated"


def _beyond(place: Place, x: float, y: float) -> float:
    """ln(seconds) that a request takes at most, judged from one known point by the token count that grew most."""
    over = max(x - place[0], y - place[1])
    return place[2] + over * (GROWTH_BEYOND if over > 0 else 1)


def _place(point: ThroughputPoint) -> Place:
    seconds = point.output_tokens / point.output_tokens_per_s
    return math.log(point.input_tokens), math.log(point.output_tokens), math.log(seconds)


def _delaunay(places: Sequence[Place]) -> Iterator[tuple[Place, Place, Place]]:
    """Triangles whose circumcircle holds no other point. A dozen points at most: trying all of them is fine."""
    for triangle in itertools.combinations(places, 3):
        circle = _circumcircle(triangle)
        if circle is None:
            continue
        centre, radius = circle
        others = (place for place in places if place not in triangle)
        if all(math.dist(centre, place[:2]) >= radius - _TOLERANCE for place in others):
            yield triangle


def _circumcircle(triangle: tuple[Place, Place, Place]) -> tuple[tuple[float, float], float] | None:
    (ax, ay, _), (bx, by, _), (cx, cy, _) = triangle
    d = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
    if abs(d) < _TOLERANCE:
        return None  # on one line
    a, b, c = ax**2 + ay**2, bx**2 + by**2, cx**2 + cy**2
    ux = (a * (by - cy) + b * (cy - ay) + c * (ay - by)) / d
    uy = (a * (cx - bx) + b * (ax - cx) + c * (bx - ax)) / d
    return (ux, uy), math.hypot(ux - ax, uy - ay)


def _barycentric(triangle: tuple[Place, Place, Place], x: float, y: float) -> tuple[float, float, float] | None:
    (ax, ay, _), (bx, by, _), (cx, cy, _) = triangle
    d = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
    if abs(d) < _TOLERANCE:
        return None
    first = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / d
    second = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / d
    return first, second, 1 - first - second


def _on_segments(places: Sequence[Place], x: float, y: float) -> Iterator[Place]:
    """Points between two places that have the same input or the same output tokens as (x, y)."""
    for first, second in itertools.combinations(places, 2):
        for axis, value in ((0, x), (1, y)):
            length = second[axis] - first[axis]
            if abs(length) < _TOLERANCE:
                continue
            along = (value - first[axis]) / length
            if -_TOLERANCE <= along <= 1 + _TOLERANCE:
                yield (
                    first[0] + along * (second[0] - first[0]),
                    first[1] + along * (second[1] - first[1]),
                    first[2] + along * (second[2] - first[2]),
                )


@dataclass(frozen=True)
class StageTime:
    """GPU time of one job of a stage.

    `gpu_seconds` is what the job takes of one GPU; a model over several GPUs takes as much of each of `gpus` of them.
    """

    stage: str
    gpu_seconds: float
    gpus: int
    basis: Basis
    how: str

    @property
    def total_gpu_seconds(self) -> float:
        """GPU-seconds of the job over all its GPUs."""
        return self.gpu_seconds * self.gpus


@dataclass(frozen=True)
class GpuService:
    """What one kind of GPU needs for the three stages, and the pace of one draft."""

    gpu: str
    model: DraftingModel
    serving: Serving
    transcription: StageTime
    drafting: StageTime
    coding: StageTime
    first_token_s: float
    draft_s: float
    coding_record_s: float

    @property
    def stages(self) -> tuple[StageTime, StageTime, StageTime]:
        return self.transcription, self.drafting, self.coding


def gpu_service(figures: FiguresSpec, gpu: str, model: DraftingModel) -> GpuService | None:
    """The times of `gpu` with `model`, or None when the figures lack this GPU or this pair."""
    speech, serving = figures.gpu(gpu), figures.serving_of(gpu, model.name)
    if speech is None or serving is None:
        return None
    demand = figures.demand
    transcription = StageTime(
        "transcription",
        demand.visit_minutes.value * 60 / speech.transcription_speed.value,
        1,
        speech.transcription_speed.basis,
        f"{demand.visit_minutes.value:g} min at {speech.transcription_speed.value:g} x real time",
    )
    draft = (demand.input_tokens.value, demand.output_tokens.value)
    record = (demand.coding_input_tokens.value, demand.coding_output_tokens.value)
    interval_s = serving.token_interval_ms.value / 1000
    prefill = serving.prefill_tokens_per_s.value
    return GpuService(
        gpu=gpu,
        model=model,
        serving=serving,
        transcription=transcription,
        drafting=_language_stage("drafting", serving, model, *draft),
        coding=_language_stage("coding", serving, model, *record),
        first_token_s=draft[0] / prefill,
        draft_s=draft[0] / prefill + draft[1] * interval_s,
        coding_record_s=record[0] / prefill + record[1] * interval_s,
    )


def _language_stage(
    stage: str, serving: Serving, model: DraftingModel, input_tokens: float, output_tokens: float
) -> StageTime:
    found = seconds_per_request(serving.throughput.points, input_tokens, output_tokens)
    own = found.how == _MEASURED and serving.throughput.basis == "measured"
    return StageTime(
        stage,
        found.seconds / serving.derate.value,
        model.tensor_parallel,
        "measured" if own else "derived",
        f"{input_tokens:,.0f} in, {output_tokens:,.0f} out: {found.how} {found.seconds:.2f} s"
        f" / {serving.derate.value:g} derate",
    )
