"""Which hardware profiles carry a site, on how many hosts, with a GPU to spare or without; ranked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from fleetctl.models.profile import HardwareProfile, PriceRange
from fleetctl.planning.attempt import Attempt, StageLoad, Trial
from fleetctl.planning.demand import DayLoad, Input
from fleetctl.planning.figures import DraftingModel, FiguresSpec, Targets
from fleetctl.planning.service import gpu_service


class Verdict(StrEnum):
    """How a profile carries the load on the hosts that the site may have; the best first."""

    spare = "fits with a spare GPU"
    no_spare = "fits, no spare"
    more_hosts = "needs more hosts"
    never = "does not fit"
    unsized = "cannot be sized"


# See docs/design/planner.md. The best profile decides; an unconfirmed one is at most degraded.
UNCONFIRMED_CODE = 3
EXIT_CODES = {Verdict.spare: 0, Verdict.no_spare: 3, Verdict.more_hosts: 4, Verdict.never: 4, Verdict.unsized: 5}


@dataclass(frozen=True)
class ProfileSizing:
    """One hardware profile under the load. `hosts` and `hosts_n_plus_1` are None when no number of hosts is enough.

    `plan` is the site of `hosts_n_plus_1` hosts with everything working, `fault` the same with a GPU or a host out.
    `busiest_hour_load` is GPU time wanted over GPU time there is, on the hosts that the site may have. `unconfirmed`
    says why nobody has confirmed that this machine can be ordered; None when it is.
    """

    profile: str
    verdict: Verdict
    why: str
    gpu: str = ""
    gpus: int = 0
    hosts: int | None = None
    hosts_n_plus_1: int | None = None
    busiest_hour_load: float | None = None
    bottleneck: str = ""
    host_encounters_per_day: float | None = None
    stages: tuple[StageLoad, ...] = ()
    plan: Attempt | None = None
    fault: Attempt | None = None
    first_token_s: float | None = None
    draft_s: float | None = None
    coding_record_s: float | None = None
    price: PriceRange | None = None
    unconfirmed: str | None = None

    @property
    def rank(self) -> tuple[int | bool | str, ...]:
        """Smaller is better. What carries the load on some number of hosts comes first, of that what is confirmed."""
        order = list(Verdict)
        carries_not = max(0, order.index(self.verdict) - order.index(Verdict.more_hosts))
        hosts = self.hosts_n_plus_1 or 0
        unconfirmed = self.unconfirmed is not None
        return carries_not, unconfirmed, order.index(self.verdict), hosts, hosts * self.gpus, self.profile


class Sizing(BaseModel):
    """The answer of `fleetctl profile size`."""

    model_config = ConfigDict(frozen=True)

    hosts_allowed: int
    model: str
    encounters_per_day: float
    coding_records_per_day: float
    audio_hours_per_day: float
    peak_hour: int
    peak_share: float
    hourly_share: tuple[float, ...]
    profiles: tuple[ProfileSizing, ...]
    inputs: tuple[Input, ...]
    targets: Targets
    notes: tuple[str, ...]

    @property
    def best(self) -> ProfileSizing:
        """The first of the ranked profiles."""
        return self.profiles[0]

    @property
    def exit_code(self) -> int:
        code = EXIT_CODES[self.best.verdict]
        return UNCONFIRMED_CODE if code == 0 and self.best.unconfirmed is not None else code


def size(
    figures: FiguresSpec,
    load: DayLoad,
    model: DraftingModel,
    profiles: Mapping[str, HardwareProfile],
    hosts_allowed: int = 1,
) -> Sizing:
    """Size and rank `profiles` for a site that may have `hosts_allowed` hosts.

    Ranked by whether it carries the load on any number of hosts, whether it is confirmed, verdict, fewer hosts, fewer
    GPUs, name. Price does not rank: most profiles name none.
    """
    trials: dict[tuple[str, int], Trial] = {}
    sized = [_profile(figures, load, model, profile, hosts_allowed, trials) for profile in profiles.values()]
    sized.sort(key=lambda row: row.rank)
    return Sizing(
        hosts_allowed=hosts_allowed,
        model=model.title,
        encounters_per_day=load.encounters,
        coding_records_per_day=load.coding_records,
        audio_hours_per_day=load.encounters * load.visit_minutes / 60,
        peak_hour=load.peak_hour,
        peak_share=load.peak_share,
        hourly_share=load.hourly_share,
        profiles=tuple(sized),
        inputs=load.inputs
        + _target_inputs(figures.targets)
        + _gpu_inputs(figures, model, {row.gpu for row in sized if row.stages}),
        targets=figures.targets,
        notes=_notes(figures, sized[0], load),
    )


def _profile(
    figures: FiguresSpec,
    load: DayLoad,
    model: DraftingModel,
    profile: HardwareProfile,
    hosts_allowed: int,
    trials: dict[tuple[str, int], Trial],
) -> ProfileSizing:
    kinds, price, unconfirmed = profile.spec.gpus, profile.spec.price, profile.spec.unconfirmed
    if len(kinds) != 1:
        why = "it has no GPU" if not kinds else "it mixes kinds of GPU"
        return ProfileSizing(profile.name, Verdict.unsized, why, price=price, unconfirmed=unconfirmed)
    gpu, count, mib = kinds[0].reference, kinds[0].count, kinds[0].min_memory_mib
    service = gpu_service(figures, gpu, model)
    if service is None:
        lacking = gpu if figures.gpu(gpu) is None else f"{model.title} on {gpu}"
        why = f"no figures for {lacking}"
        return ProfileSizing(profile.name, Verdict.unsized, why, gpu, count, price=price, unconfirmed=unconfirmed)
    trial = trials.setdefault((gpu, mib), Trial(figures, load, service, mib))
    full = trial.fewest(count)
    hosts_n_plus_1, fault = _n_plus_1(trial, count, full)
    verdict, why = _verdict(trial.attempt(hosts_allowed, count), full, hosts_n_plus_1, hosts_allowed)
    peak = trial.peak_gpu_hours
    share = next(row.gpu_hours_busiest_hour for row in trial.stages if row.stage == trial.heaviest) / peak
    tight = "" if full.ok or full.at == trial.heaviest else f"; {full.at}: {full.problem}"
    return ProfileSizing(
        profile=profile.name,
        verdict=verdict,
        why=why,
        gpu=gpu,
        gpus=count,
        hosts=full.hosts if full.ok else None,
        hosts_n_plus_1=hosts_n_plus_1,
        busiest_hour_load=peak / (hosts_allowed * count),
        bottleneck=f"{trial.heaviest}, {share:.0%} of the GPU time{tight}",
        host_encounters_per_day=load.encounters * count / peak,
        stages=trial.stages,
        plan=trial.attempt(hosts_n_plus_1, count) if hosts_n_plus_1 else full,
        fault=fault,
        first_token_s=service.first_token_s,
        draft_s=service.draft_s,
        coding_record_s=service.coding_record_s,
        price=price,
        unconfirmed=unconfirmed,
    )


def _n_plus_1(trial: Trial, count: int, full: Attempt) -> tuple[int | None, Attempt | None]:
    """The fewest hosts that keep up with any one GPU out, and that state.

    Either the host with the fault carries its whole share on the GPUs left, or it is taken out and one host more
    than `full` needs does its work.
    """
    if not full.ok:
        return None, None
    if count > 1:
        fault = trial.attempt(full.hosts, count - 1)
        if fault.ok:
            return full.hosts, fault
    return full.hosts + 1, full


def _verdict(allowed: Attempt, full: Attempt, hosts_n_plus_1: int | None, hosts: int) -> tuple[Verdict, str]:
    if hosts_n_plus_1 is None:
        return Verdict.never, full.problem
    if hosts_n_plus_1 <= hosts:
        return Verdict.spare, ""
    if allowed.ok:
        return Verdict.no_spare, "with one GPU out it does not keep up"
    return Verdict.more_hosts, allowed.problem


def _target_inputs(targets: Targets) -> tuple[Input, ...]:
    units = {"busiest_hour_load": "of GPU time", "first_token_ms": "ms"}
    return tuple(
        Input("targets", name, figure.value, units.get(name, "s"), figure.basis, figure.source)
        for name, figure in targets
    )


def _gpu_inputs(figures: FiguresSpec, model: DraftingModel, gpus: set[str]) -> tuple[Input, ...]:
    """The figures of the GPUs that were sized."""
    lines = []
    for gpu in sorted(gpus):
        speech, serving = figures.gpu(gpu), figures.serving_of(gpu, model.name)
        if speech is None or serving is None:
            continue
        rows = (
            ("transcription_speed", speech.transcription_speed, "x real time"),
            ("derate", serving.derate, "of throughput"),
            ("token_interval_ms", serving.token_interval_ms, "ms"),
            ("prefill_tokens_per_s", serving.prefill_tokens_per_s, "tokens/s"),
        )
        lines += [Input(gpu, name, row.value, unit, row.basis, row.source) for name, row, unit in rows]
        points = serving.throughput
        lines.append(Input(gpu, "throughput", len(points.points), "points", points.basis, points.source))
    named = (
        ("weights_gb", model.weights_gb, "GB"),
        ("kv_kib_per_token", model.kv_kib_per_token, "KiB"),
        ("transcription_memory_gb", figures.engine.transcription_memory_gb, "GB"),
        ("working_memory_gb", figures.engine.working_memory_gb, "GB"),
        ("memory_share", figures.engine.memory_share, "of memory"),
    )
    lines += [Input(model.title, name, row.value, unit, row.basis, row.source) for name, row, unit in named]
    return tuple(lines)


def _notes(figures: FiguresSpec, best: ProfileSizing, load: DayLoad) -> tuple[str, ...]:
    """What was simulated, and what N+1 means here: shown with every answer."""
    notes = [
        "N+1: the targets hold with any one GPU out, or with a whole host out where there are several. One host alone"
        " survives a GPU, never itself.",
        "A recording arrives whole when its visit ends; a GPU works on one job at a time. Both make waits longer"
        " than a service that works during the visit.",
    ]
    plan = best.plan
    if plan is not None and plan.day is not None:
        days = "a day" if plan.day.days == 1 else f"{plan.day.days} days"
        part = f"{days} with {plan.day.encounters:,} of {load.encounters:,.0f} encounters"
        if plan.hosts > 1 or plan.day.gpus < plan.gpus:
            notes.insert(
                0,
                f"Simulated: {part}, the share of {plan.day.gpus} GPUs of one of {plan.hosts} hosts; the others are"
                " taken to be alike, each with the same share.",
            )
        else:
            notes.insert(0, f"Simulated: {part}, on all {plan.gpus} GPUs.")
    return (*notes, *_assumed_speed(figures, best))


def _assumed_speed(figures: FiguresSpec, best: ProfileSizing) -> Iterator[str]:
    """What the busiest hour would want if an assumed transcription speed were at its high end."""
    gpu = figures.gpu(best.gpu)
    if gpu is None or not best.stages or gpu.transcription_speed.basis != "assumed":
        return
    speed = gpu.transcription_speed
    if speed.high is None or speed.high == speed.value:
        return
    now = sum(row.gpu_hours_busiest_hour for row in best.stages)
    spoken = next(row.gpu_hours_busiest_hour for row in best.stages if row.stage == "transcription")
    then = now - spoken * (1 - speed.value / speed.high)
    yield (
        f"The transcription speed is assumed. At {speed.high:g} instead of {speed.value:g} x real time the busiest hour"
        f" wants {then:,.1f} instead of {now:,.1f} GPU-hours: measure it before you order."
    )
