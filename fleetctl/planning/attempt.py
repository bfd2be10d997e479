"""Whether so many hosts with so many working GPUs each keep up with a day, and what stops them if not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fleetctl.planning.demand import DayLoad
from fleetctl.planning.figures import FiguresSpec
from fleetctl.planning.memory import GpuMemory, gpu_memory
from fleetctl.planning.service import GpuService
from fleetctl.planning.simulation import STAGES, SimulatedDay, simulate_day

HOUR_S = 3600
# A queue that misses its target although GPUs are nine tenths idle misses it with any number of hosts.
HOPELESS_LOAD = 0.1
# Above this many hosts their number is found to a part in so many; what is assumed is not known as exactly.
RESOLUTION = 100
# More is no plan but a slip of the pen in a figure.
MAX_HOSTS = 1_000_000


@dataclass(frozen=True)
class StageLoad:
    """What one stage takes of the GPUs of the whole site."""

    stage: str
    jobs_per_day: float
    gpu_seconds_per_job: float
    gpu_hours_per_day: float
    gpu_hours_busiest_hour: float
    basis: str
    how: str


def stage_loads(load: DayLoad, service: GpuService) -> tuple[StageLoad, ...]:
    """The three stages of `load`, in GPU-hours."""
    jobs = {"transcription": load.encounters, "drafting": load.encounters, "coding": load.coding_records}
    rows = []
    for time in service.stages:
        hours = jobs[time.stage] * time.total_gpu_seconds / HOUR_S
        rows.append(
            StageLoad(
                stage=time.stage,
                jobs_per_day=jobs[time.stage],
                gpu_seconds_per_job=time.total_gpu_seconds,
                gpu_hours_per_day=hours,
                gpu_hours_busiest_hour=hours * load.peak_share,
                basis=time.basis,
                how=time.how,
            )
        )
    return tuple(rows)


@dataclass(frozen=True)
class Attempt:
    """`hosts` hosts with `gpus` working GPUs each. `problem` is empty when they keep up; `at` names what does not.

    `load_share` is GPU time wanted in the busiest hour over GPU time there is.
    """

    hosts: int
    gpus: int
    load_share: float
    problem: str
    at: str
    memory: GpuMemory | None = None
    day: SimulatedDay | None = None

    @property
    def ok(self) -> bool:
        return not self.problem


@dataclass
class Trial:
    """Tries numbers of hosts of one kind. Profiles with the same GPUs share one, and so its simulations."""

    figures: FiguresSpec
    load: DayLoad
    service: GpuService
    gpu_mib: int
    _done: dict[tuple[int, int], Attempt] = field(default_factory=dict)

    @property
    def stages(self) -> tuple[StageLoad, ...]:
        return stage_loads(self.load, self.service)

    @property
    def peak_gpu_hours(self) -> float:
        """GPU-hours that the busiest hour wants of the whole site."""
        return sum(row.gpu_hours_busiest_hour for row in self.stages)

    @property
    def heaviest(self) -> str:
        """The stage that takes most GPU time."""
        return max(self.stages, key=lambda row: row.gpu_hours_busiest_hour).stage

    def fewest(self, gpus: int) -> Attempt:
        """The fewest hosts with `gpus` working GPUs each that keep up, or why no number does.

        Starts from what the GPU time alone asks for, doubles its steps until a number keeps up, and halves them again.
        """
        start = max(1, math.ceil(self.peak_gpu_hours / gpus / self.figures.targets.busiest_hour_load.value))
        finest = step = max(1, start // RESOLUTION)
        enough, short = self.attempt(start, gpus), start
        while not enough.ok:
            if enough.at in ("model", "memory", "hosts") or enough.load_share < HOPELESS_LOAD:
                return enough
            short = enough.hosts
            enough = self.attempt(short + step, gpus)
            step *= 2
        while enough.hosts - short > finest:
            between = self.attempt((short + enough.hosts) // 2, gpus)
            if between.ok:
                enough = between
            else:
                short = between.hosts
        return enough

    def attempt(self, hosts: int, gpus: int) -> Attempt:
        """`hosts` hosts, `gpus` working GPUs in each; every host gets the same share of the load."""
        if (hosts, gpus) not in self._done:
            self._done[hosts, gpus] = self._judge(hosts, gpus)
        return self._done[hosts, gpus]

    def _judge(self, hosts: int, gpus: int) -> Attempt:
        model = self.service.model
        wanted, there = self.peak_gpu_hours, hosts * gpus
        share = wanted / there
        if gpus < model.tensor_parallel:
            problem = f"{model.title} needs {model.tensor_parallel} GPUs in one host, {gpus} work"
            return Attempt(hosts, gpus, share, problem, "model")
        if hosts > MAX_HOSTS:
            return Attempt(hosts, gpus, share, f"it takes more than {MAX_HOSTS:,} hosts", "hosts")
        copies = hosts * (gpus // model.tensor_parallel)
        open_drafts = self.load.encounters * self.load.peak_share / HOUR_S * self.service.draft_s / copies
        memory = gpu_memory(self.figures, model, self.gpu_mib, open_drafts)
        if memory.drafts_room < 1:
            problem = (
                f"{memory.kv_gb:.1f} GB of a GPU's {memory.gpu_gb:.1f} GB stay for the KV cache;"
                f" one draft needs {memory.kv_per_draft_gb / model.tensor_parallel:.2f} GB"
            )
            return Attempt(hosts, gpus, share, problem, "memory", memory)
        limit = self.figures.targets.busiest_hour_load.value
        if share > limit:
            problem = f"the busiest hour wants {wanted:.1f} GPU-hours of {there}" + (
                ": the queue only grows" if share >= 1 else f", above {limit:.0%}"
            )
            return Attempt(hosts, gpus, share, problem, self.heaviest, memory)
        if not memory.fits:
            problem = f"{memory.drafts_peak} drafts are open at once, {memory.drafts_room} fit into the KV cache"
            return Attempt(hosts, gpus, share, problem, "KV cache", memory)
        day = simulate_day(self.load, self.service, gpus, 1 / hosts)
        late, stage = self._late(day)
        return Attempt(hosts, gpus, share, late, stage, memory, day)

    def _late(self, day: SimulatedDay) -> tuple[str, str]:
        for stage in STAGES:
            target_s = getattr(self.figures.targets, f"{stage}_wait_s").value
            worst = day.worst_hour.get(stage)
            if worst is not None and worst.waits.p95_s > target_s:
                return (
                    f"{stage} waits {worst.waits.p95_s:,.0f} s from {worst.hour}:00 (95 of 100 jobs);"
                    f" {target_s:,.0f} s are wanted",
                    stage,
                )
        return "", ""
