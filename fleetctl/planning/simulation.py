"""A working day on one host as a discrete-event simulation (SimPy): every job waits for a GPU of its own turn.

Each GPU carries all three stages and works on one job at a time; a job that has begun is finished. The recording of a
visit arrives whole when the visit ends. Visits are served in the order in which they ended, transcript and note alike;
coding takes what is left.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from fleetctl.planning.demand import DayLoad
from fleetctl.planning.service import GpuService, StageTime

SEED = 20_240_801  # any number: the same plan gives the same answer
HOUR_S = 3600
DAY_S = 24 * HOUR_S
# A backlog at midnight is served in the night; what is left after one more day never would be.
END_S = 2 * DAY_S
STAGES = ("transcription", "drafting", "coding")
# Above this many jobs a smaller pool with the same load per GPU stands for the host (it waits longer, never less).
MAX_JOBS = 16_000
# Below this many, further days are drawn: percentiles of an hour with forty visits are luck.
MIN_JOBS = 12_000
MAX_DAYS = 10


@dataclass(frozen=True)
class Waits:
    """Waiting times in seconds: the mean; half, 95 and 99 of 100 jobs wait at most this long."""

    jobs: int
    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float


@dataclass(frozen=True)
class HourWaits:
    """The waits of the jobs of one stage that arrived in one hour."""

    hour: int
    stage: str
    waits: Waits


@dataclass(frozen=True)
class SimulatedDay:
    """What came out: waits over the day and by hour, and from the end of a visit to its note.

    `gpus` and `encounters` are what was simulated of one day, which may be less than the host's share (see
    `MAX_JOBS`), and `days` how many such days.
    """

    days: int
    gpus: int
    encounters: int
    day: dict[str, Waits]
    worst_hour: dict[str, HourWaits]
    by_hour: tuple[HourWaits, ...]
    note_ready: Waits | None
    busy_share: float


@dataclass
class _Record:
    """Notes of a running simulation: (arrival, wait) a job of each stage, GPU-seconds worked, ends of notes."""

    waits: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    notes: list[float] = field(default_factory=list)
    busy_s: float = 0.0


@dataclass
class _Job:
    stage: str
    arrival_s: float
    gpu_seconds: float
    parts_left: int
    since_s: float  # end of the visit, or arrival of the record
    wait_s: float = 0.0


def simulate_day(load: DayLoad, service: GpuService, gpus: int, share: float = 1.0) -> SimulatedDay:
    """A day of `share` (0 to 1) of `load` on `gpus` GPUs. The same arguments give the same result.

    The load per GPU must be below what a GPU can do, else the queue grows to the end of the day and so do the waits.
    """
    jobs = share * (2 * load.encounters + load.coding_records)
    pool = gpus
    if jobs > MAX_JOBS:
        pool = max(1, service.model.tensor_parallel, int(gpus * MAX_JOBS / jobs))
    share *= pool / gpus
    days = min(MAX_DAYS, max(1, round(MIN_JOBS / jobs)))
    record = _Record()
    for day in range(days):
        _run(load, service, pool, share, random.Random(SEED + day), record)  # noqa: S311 - a simulation, no secret
    return _summary(record, days, pool, share * load.encounters, service)


def _run(load: DayLoad, service: GpuService, gpus: int, share: float, rng: random.Random, record: _Record) -> None:
    """One day, noted in `record`."""
    env = simpy.Environment()
    queue = simpy.PriorityStore(env)
    minutes = load.minutes_sampler(rng)
    seconds_per_minute = service.transcription.gpu_seconds / load.visit_minutes
    arrivals = sorted(
        [(at, "transcription") for at in _arrivals(load, load.encounters * share, rng)]
        + [(at, "coding") for at in _arrivals(load, load.coding_records * share, rng)]
    )
    numbers = itertools.count()  # jobs themselves have no order

    def put(job: _Job) -> None:
        for _ in range(job.parts_left):
            queue.put((job.stage == "coding", job.since_s, next(numbers), job))

    def visits() -> Generator[Any, Any, None]:
        for at, stage in arrivals:
            yield env.timeout(at - env.now)
            if stage == "transcription":
                put(_Job(stage, at, minutes() * seconds_per_minute, 1, at))
            else:
                put(_job(service.coding, at, at))

    def gpu() -> Generator[Any, Any, None]:
        while True:
            *_, job = yield queue.get()
            job.wait_s = env.now - job.arrival_s  # of a job over several GPUs: until the last of them has begun
            yield env.timeout(job.gpu_seconds)
            record.busy_s += job.gpu_seconds
            job.parts_left -= 1
            if job.parts_left:
                continue
            record.waits[job.stage].append((job.arrival_s, job.wait_s))
            if job.stage == "transcription":
                put(_job(service.drafting, env.now, job.since_s))
            elif job.stage == "drafting":
                record.notes.append(env.now - job.gpu_seconds - job.since_s)

    env.process(visits())
    for _ in range(gpus):
        env.process(gpu())
    env.run(until=END_S)


def _job(time: StageTime, at: float, since_s: float) -> _Job:
    return _Job(time.stage, at, time.gpu_seconds, time.gpus, since_s)


def _arrivals(load: DayLoad, count: float, rng: random.Random) -> list[float]:
    """Times in seconds of `count` arrivals: each hour gets its share of them, as a booked day does, at any minute."""
    times: list[float] = []
    due = 0.0
    for hour, share in enumerate(load.hourly_share):
        due += count * share
        times += [(hour + rng.random()) * HOUR_S for _ in range(round(due) - len(times))]
    return times


def _summary(record: _Record, days: int, gpus: int, encounters: float, service: GpuService) -> SimulatedDay:
    hourly: dict[tuple[str, int], list[float]] = defaultdict(list)
    for stage, jobs in record.waits.items():
        for arrival, wait in jobs:
            hourly[stage, int(arrival // HOUR_S) % 24].append(wait)
    by_hour = tuple(HourWaits(hour, stage, _waits(found)) for (stage, hour), found in sorted(hourly.items()))
    worst = {
        stage: max((row for row in by_hour if row.stage == stage), key=lambda row: row.waits.p95_s)
        for stage in record.waits
    }
    return SimulatedDay(
        days=days,
        gpus=gpus,
        encounters=round(encounters),
        day={stage: _waits([wait for _, wait in jobs]) for stage, jobs in record.waits.items()},
        worst_hour=worst,
        by_hour=by_hour,
        note_ready=_waits([start + service.draft_s for start in record.notes]) if record.notes else None,
        busy_share=record.busy_s / (days * gpus * DAY_S),
    )


def _waits(seconds: list[float]) -> Waits:
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Waits(len(ordered), sum(ordered) / len(ordered), at(0.5), at(0.95), at(0.99))
