"""GPU time of one job: the published points, what lies between them, and what lies beyond."""

from __future__ import annotations

import pytest

from fleetctl.planning.demand import day_load, given
from fleetctl.planning.figures import DraftingModel, FiguresSpec, ThroughputPoint
from fleetctl.planning.service import gpu_service, seconds_per_request

L40S = "NVIDIA L40S"


def points(figures: FiguresSpec, model: DraftingModel) -> list[ThroughputPoint]:
    serving = figures.serving_of(L40S, model.name)
    assert serving is not None
    return serving.throughput.points


def test_a_measured_point_is_given_back(figures: FiguresSpec, small_model: DraftingModel) -> None:
    for point in points(figures, small_model):
        found = seconds_per_request(points(figures, small_model), point.input_tokens, point.output_tokens)
        assert found.seconds == pytest.approx(point.output_tokens / point.output_tokens_per_s)
        assert found.how == "as measured"


def test_8b_on_one_l40s_takes_1_78_s_an_encounter(figures: FiguresSpec, small_model: DraftingModel) -> None:
    found = seconds_per_request(points(figures, small_model), 10_000, 1_000)
    assert found.seconds == pytest.approx(1.78, abs=0.005)
    assert found.how.startswith("interpolated")
    assert 3600 / found.seconds == pytest.approx(2000, rel=0.02)
    assert 6000 * found.seconds / 3600 == pytest.approx(3, rel=0.02)


def test_70b_over_four_l40s_takes_5_1_s(figures: FiguresSpec, large_model: DraftingModel) -> None:
    found = seconds_per_request(points(figures, large_model), 10_000, 1_000)
    assert found.seconds == pytest.approx(5.1, abs=0.01)
    assert 6000 * found.seconds / 3600 == pytest.approx(8.5, abs=0.05)


def test_derate_and_transcription_give_the_gpu_hours_of_a_day(figures: FiguresSpec, small_model: DraftingModel) -> None:
    service = gpu_service(figures, L40S, small_model)
    assert service is not None
    assert 6000 * service.drafting.gpu_seconds / 3600 == pytest.approx(5, rel=0.02)
    assert 6000 * service.transcription.gpu_seconds / 3600 == pytest.approx(18.2)
    assert service.first_token_s == pytest.approx(0.36, abs=0.005)
    load = day_load(figures, 300)
    assert load.encounters * load.visit_minutes / 60 == pytest.approx(910)


@pytest.mark.parametrize("factor", [1.05, 1.5, 2.0, 7.0])
def test_more_tokens_of_both_kinds_take_longer(
    figures: FiguresSpec, small_model: DraftingModel, large_model: DraftingModel, factor: float
) -> None:
    for model in (small_model, large_model):
        measured = points(figures, model)
        for input_tokens in range(200, 30_000, 650):
            for output_tokens in (50, 120, 300, 700, 1500, 3000):
                less = seconds_per_request(measured, input_tokens, output_tokens)
                more = seconds_per_request(measured, input_tokens * factor, output_tokens * factor)
                assert more.seconds > less.seconds, (input_tokens, output_tokens)


def test_beyond_what_was_measured_is_said_and_errs_towards_slow() -> None:
    one = [ThroughputPoint(input_tokens=1000, output_tokens=100, output_tokens_per_s=100)]
    beyond, below = seconds_per_request(one, 2000, 200), seconds_per_request(one, 500, 50)
    assert beyond.how == below.how == "extrapolated"
    assert beyond.seconds == pytest.approx(2**1.8)
    assert below.seconds == pytest.approx(0.5)


@pytest.mark.parametrize(("speed", "gpu_hours"), [(50, 18.2), (100, 9.1)])
def test_6000_visits_take_9_to_18_gpu_hours_of_transcription(
    figures: FiguresSpec, small_model: DraftingModel, speed: float, gpu_hours: float
) -> None:
    gpus = [gpu.model_copy(update={"transcription_speed": given(speed, "test")}) for gpu in figures.gpus]
    service = gpu_service(figures.model_copy(update={"gpus": gpus}), L40S, small_model)
    assert service is not None
    assert 6000 * service.transcription.gpu_seconds / 3600 == pytest.approx(gpu_hours)


def test_no_figures_are_no_times(figures: FiguresSpec, small_model: DraftingModel, large_model: DraftingModel) -> None:
    assert gpu_service(figures, "NVIDIA T4", small_model) is None
    assert gpu_service(figures, "NVIDIA RTX 6000 Ada Generation", large_model) is None
