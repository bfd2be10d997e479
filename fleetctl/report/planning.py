"""Shows a sizing to people: what was asked, what each stage takes, which profiles carry it, and from which figures."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleetctl.planning.attempt import Attempt
from fleetctl.planning.demand import Input
from fleetctl.planning.simulation import STAGES
from fleetctl.planning.sizing import ProfileSizing, Sizing, Verdict

WIDTH = 80
_STYLES = {
    Verdict.spare: "green",
    Verdict.no_spare: "yellow",
    Verdict.more_hosts: "red",
    Verdict.never: "red",
    Verdict.unsized: "magenta",
}


def sizing_view(sizing: Sizing) -> RenderableType:
    """The whole answer, the verdict first."""
    best = sizing.best
    parts: list[RenderableType] = [_answer(sizing), _load(sizing)]
    if best.stages:
        parts += [heading(f"GPU time on {best.gpu}"), _stages(best)]
    parts += [heading(f"Profiles, best first (allowed: {_hosts(sizing.hosts_allowed)})"), _profiles(sizing)]
    if best.plan is not None and best.plan.day is not None and best.hosts_n_plus_1 is not None:
        parts += [heading(f"Waiting on {_hosts(best.hosts_n_plus_1)} of {best.profile}"), _waits(sizing, best)]
    if best.plan is not None and best.plan.memory is not None:
        parts += [heading("Memory of one GPU"), _memory(best.plan)]
    parts += [heading("Figures (replace them with --measured FILE)"), inputs_table(sizing.inputs)]
    parts += [heading("Notes"), *(wrapped(f"- {note}") for note in sizing.notes)]
    return Group(*parts)


def verdict_line(sizing: Sizing) -> str:
    """The answer in one sentence."""
    doubt = sizing.best.unconfirmed
    return _verdict(sizing) + (f"; but the profile is unconfirmed: {doubt}" if doubt is not None else "")


def _verdict(sizing: Sizing) -> str:
    best, hosts = sizing.best, sizing.hosts_allowed
    match best.verdict:
        case Verdict.spare:
            needed = best.hosts_n_plus_1 or hosts
            carry = "carries this load with a GPU to spare" if needed == 1 else "carry this load with N+1"
            allowed = f", of up to {hosts:,} allowed" if hosts > needed else ""
            return f"{_hosts(needed)} of {best.profile} {carry}{allowed}"
        case Verdict.no_spare:
            carry = "carries" if hosts == 1 else "carry"
            return f"{_hosts(hosts)} of {best.profile} {carry} this load, but not with one GPU out"
        case Verdict.more_hosts:
            fewer = f" ({best.hosts} with nothing to spare)" if best.hosts != best.hosts_n_plus_1 else ""
            return (
                f"no profile carries this load on {_hosts(hosts)}: {best.hosts_n_plus_1} hosts of {best.profile} do"
                f" with N+1, at one site or over several{fewer}"
            )
        case Verdict.never:
            return f"no profile carries this load on any number of hosts: {best.why}"
    return f"no profile can be sized: {best.profile}: {best.why}"


def inputs_table(inputs: tuple[Input, ...]) -> Table:
    """Every figure with its source, under what it is a figure of."""
    table = Table(box=None, width=WIDTH, pad_edge=False)
    table.add_column("FIGURE", max_width=27, overflow="fold")
    table.add_column("VALUE", justify="right", no_wrap=True)
    table.add_column("BASIS", no_wrap=True)
    table.add_column("SOURCE", overflow="fold")
    of = ""
    for row in inputs:
        if row.of != of and any(other.of != row.of for other in inputs):
            table.add_row(Text(row.of, style="bold"))
        of = row.of
        table.add_row(row.name, f"{row.value:,.10g} {row.unit}".strip(), row.basis, row.source)
    return table


def _answer(sizing: Sizing) -> RenderableType:
    best = sizing.best
    doubted = best.verdict is Verdict.spare and best.unconfirmed is not None
    text = Text(verdict_line(sizing) + ".", style=f"bold {'yellow' if doubted else _STYLES[best.verdict]}")
    if best.bottleneck:
        text.append(f"\nBottleneck: {best.bottleneck}.", style="not bold default")
    return wrapped(text)


def _load(sizing: Sizing) -> RenderableType:
    hour = sizing.peak_hour
    return wrapped(
        f"Load: {sizing.encounters_per_day:,.0f} encounters a day with {sizing.audio_hours_per_day:,.0f} h of audio,"
        f" {sizing.coding_records_per_day:,.0f} records to code. Busiest hour {hour:02d}:00 to {hour + 1:02d}:00:"
        f" {sizing.encounters_per_day * sizing.peak_share:,.0f} encounters ({sizing.peak_share:.1%} of the day)."
        f" Drafting and coding: {sizing.model}."
    )


def _stages(best: ProfileSizing) -> Table:
    table = Table(box=None, pad_edge=False, width=WIDTH)
    table.add_column("STAGE")
    for title in ("A JOB", "A DAY", "BUSIEST HOUR"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("BASIS")
    table.add_column("HOW")
    for row in best.stages:
        table.add_row(
            row.stage,
            f"{row.gpu_seconds_per_job:,.2f} s",
            f"{row.gpu_hours_per_day:,.1f} h",
            f"{row.gpu_hours_busiest_hour:,.2f} h",
            row.basis,
            row.how,
        )
    peak = sum(row.gpu_hours_busiest_hour for row in best.stages)
    day = sum(row.gpu_hours_per_day for row in best.stages)
    table.add_row("all", "", f"{day:,.1f} h", f"{peak:,.2f} h", "", f"= {peak:,.2f} GPUs busy in the busiest hour")
    return table


def _profiles(sizing: Sizing) -> Table:
    table = Table(box=None, pad_edge=False, width=WIDTH)
    table.add_column("PROFILE", no_wrap=True)
    for title in ("GPUS", "LOAD", "HOSTS", "N+1"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("VERDICT")
    for row in sizing.profiles:
        load = "-" if row.busiest_hour_load is None else f"{row.busiest_hour_load:,.0%}"
        words = row.verdict.value + (f": {row.why}" if row.why else "")
        verdict = Text(words, style=_STYLES[row.verdict])
        if row.unconfirmed is not None:
            verdict.append(f"\nunconfirmed: {row.unconfirmed}", style="yellow")
        if row.verdict is not Verdict.unsized:
            verdict.append(f"\nprice: {_price(row)}", style="dim")
        table.add_row(
            row.profile, str(row.gpus or "-"), load, str(row.hosts or "-"), str(row.hosts_n_plus_1 or "-"), verdict
        )
    return table


def _price(row: ProfileSizing) -> str:
    if row.price is None:
        return "none named"
    hosts = row.hosts_n_plus_1 or 1
    low, high = row.price.min_usd * hosts, row.price.max_usd * hosts
    return f"${low:,} to ${high:,}" + (f" for {hosts}" if hosts > 1 else "")


def _waits(sizing: Sizing, best: ProfileSizing) -> RenderableType:
    table = Table(box=None, pad_edge=False, width=WIDTH)
    table.add_column("STAGE")
    for title in ("50 %", "95 %", "99 %", "WORST HOUR 95 %", "WITH A FAULT", "WANTED"):
        table.add_column(title, justify="right", no_wrap=True)
    day, fault = best.plan.day if best.plan else None, best.fault.day if best.fault else None
    for stage in STAGES:
        if day is None or stage not in day.day:
            continue
        waits, worst = day.day[stage], day.worst_hour[stage]
        broken = fault.worst_hour.get(stage) if fault is not None else None
        table.add_row(
            f"{stage} starts",
            *(f"{value:,.0f} s" for value in (waits.p50_s, waits.p95_s, waits.p99_s)),
            f"{worst.waits.p95_s:,.0f} s",
            f"{broken.waits.p95_s:,.0f} s" if broken is not None else "-",
            f"{getattr(sizing.targets, f'{stage}_wait_s').value:,.0f} s",
        )
    if day is not None and day.note_ready is not None:
        ready = day.note_ready
        table.add_row("note is ready", *(f"{value:,.0f} s" for value in (ready.p50_s, ready.p95_s, ready.p99_s)))
    return Group(table, *_pace(sizing, best))


def _pace(sizing: Sizing, best: ProfileSizing) -> Iterator[RenderableType]:
    if best.first_token_s is None or best.draft_s is None or best.coding_record_s is None:
        return
    wanted_ms = sizing.targets.first_token_ms.value
    yield wrapped(f"A note is ready so long after its visit has ended; writing it takes {best.draft_s:,.0f} s of that.")
    first_ms = best.first_token_s * 1000
    late = f", above the {wanted_ms:,.0f} ms of live drafting: read the prompt during the visit (cached prefix)"
    yield wrapped(
        f"First token of a prompt that nothing cached: {first_ms:,.0f} ms (derived)"
        f"{late if first_ms > wanted_ms else ''}."
    )
    yield wrapped(
        f"Coding one record takes {best.coding_record_s:,.0f} s once it starts;"
        f" {sizing.targets.coding_record_s.value:,.0f} s is the number to beat."
    )


def _memory(plan: Attempt) -> RenderableType:
    memory = plan.memory
    if memory is None:
        return Text("")
    parts = (
        ("weights", memory.weights_gb),
        ("Whisper", memory.transcription_gb),
        ("working memory", memory.working_gb),
        ("kept free", memory.reserve_gb),
        ("KV cache", memory.kv_gb),
    )
    listed = " + ".join(f"{name} {value:.1f}" for name, value in parts)
    return wrapped(
        f"{memory.gpu_gb:.1f} GB = {listed}. One draft takes {memory.kv_per_draft_gb:.2f} GB of KV cache:"
        f" room for {memory.drafts_room}, {memory.drafts_peak} open at once in the busiest hour."
    )


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count:,} hosts"


def heading(text: str) -> RenderableType:
    """A line above a table."""
    return Padding(Text(text, style="bold"), (1, 0, 0, 0), expand=False)


def wrapped(text: str | Text) -> RenderableType:
    """Text folded at 80 columns."""
    grid = Table.grid()
    grid.add_column(max_width=WIDTH)
    grid.add_row(text)
    return grid
