"""The simulation against closed forms of queueing theory, and what more GPUs and less load must do."""

from __future__ import annotations

import dataclasses
import math

import pytest

from fleetctl.planning import simulation
from fleetctl.planning.demand import DayLoad, day_load
from fleetctl.planning.figures import DraftingModel, FiguresSpec
from fleetctl.planning.service import GpuService, gpu_service

SERVICE_S = 10.0


@pytest.fixture
def service(figures: FiguresSpec, small_model: DraftingModel) -> GpuService:
    found = gpu_service(figures, "NVIDIA L40S", small_model)
    assert found is not None
    return found


def even_day(figures: FiguresSpec, encounters: float, lengths: tuple[float, ...]) -> DayLoad:
    """Arrivals spread evenly over 24 hours, no coding."""
    return dataclasses.replace(
        day_load(figures, 1),
        encounters=encounters,
        coding_records=0,
        hourly_share=(1 / 24,) * 24,
        visit_minutes=sum(lengths) / len(lengths),
        visit_lengths_minutes=lengths,
    )


def only_transcription(service: GpuService) -> GpuService:
    """Transcription of a mean visit takes `SERVICE_S`; a note takes nothing."""
    return dataclasses.replace(
        service,
        transcription=dataclasses.replace(service.transcription, gpu_seconds=SERVICE_S),
        drafting=dataclasses.replace(service.drafting, gpu_seconds=0.0),
    )


def test_one_server_with_constant_times_waits_as_m_d_1(
    figures: FiguresSpec, service: GpuService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "MIN_JOBS", 100_000)
    load_share = 0.7
    load = even_day(figures, load_share * simulation.DAY_S / SERVICE_S, (5.0,))
    day = simulation.simulate_day(load, only_transcription(service), 1)
    expected_s = load_share * SERVICE_S / (2 * (1 - load_share))
    assert day.day["transcription"].mean_s == pytest.approx(expected_s, rel=0.08)
    assert day.busy_share == pytest.approx(load_share, rel=0.01)


def test_two_servers_with_exponential_times_wait_as_m_m_c(
    figures: FiguresSpec, service: GpuService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "MIN_JOBS", 100_000)
    monkeypatch.setattr(simulation, "MAX_JOBS", 100_000)
    servers, load_share, count = 2, 0.5, 4000
    quantiles = tuple(-math.log(1 - (index + 0.5) / count) for index in range(count))
    mean = sum(quantiles) / count
    load = even_day(figures, load_share * servers * simulation.DAY_S / SERVICE_S, tuple(q / mean for q in quantiles))
    day = simulation.simulate_day(load, only_transcription(service), servers)
    offered = servers * load_share
    tail = offered**servers / math.factorial(servers) / (1 - load_share)
    must_wait = tail / (sum(offered**n / math.factorial(n) for n in range(servers)) + tail)
    rate = servers * (1 - load_share) / SERVICE_S
    assert day.day["transcription"].mean_s == pytest.approx(must_wait / rate, rel=0.08)
    assert day.day["transcription"].p95_s == pytest.approx(math.log(must_wait / 0.05) / rate, rel=0.08)


def test_the_same_plan_gives_the_same_answer(figures: FiguresSpec, service: GpuService) -> None:
    load = day_load(figures, 40)
    assert simulation.simulate_day(load, service, 2) == simulation.simulate_day(load, service, 2)


def test_every_visit_gets_its_note(figures: FiguresSpec, service: GpuService) -> None:
    day = simulation.simulate_day(day_load(figures, 40), service, 1)
    assert day.day["transcription"].jobs == day.day["drafting"].jobs == 800 * day.days
    assert day.day["coding"].jobs == 400 * day.days
    assert day.note_ready is not None
    assert day.note_ready.jobs == 800 * day.days
    assert day.note_ready.p50_s > service.draft_s


def test_fewer_gpus_or_more_visits_never_wait_less(figures: FiguresSpec, service: GpuService) -> None:
    def p95_s(providers: int, gpus: int) -> float:
        return simulation.simulate_day(day_load(figures, providers), service, gpus).day["transcription"].p95_s

    by_gpus = [p95_s(120, gpus) for gpus in (2, 3, 4, 6)]
    assert by_gpus == sorted(by_gpus, reverse=True)
    by_load = [p95_s(providers, 2) for providers in (30, 60, 90, 120)]
    assert by_load == sorted(by_load)


def test_a_large_host_is_simulated_in_part_with_the_same_load(
    figures: FiguresSpec, service: GpuService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "MAX_JOBS", 2_000)
    day = simulation.simulate_day(day_load(figures, 160), service, 8)
    assert day.gpus == 2
    assert day.encounters == 800


def test_a_model_over_several_gpus_takes_time_of_each(
    figures: FiguresSpec, large_model: DraftingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = gpu_service(figures, "NVIDIA L40S", large_model)
    assert service is not None
    load = dataclasses.replace(day_load(figures, 10), coding_records=0)
    day = simulation.simulate_day(load, service, 4)
    expected_s = 200 * (service.transcription.gpu_seconds + 4 * service.drafting.gpu_seconds)
    assert day.busy_share * 4 * simulation.DAY_S == pytest.approx(expected_s, rel=0.05)
