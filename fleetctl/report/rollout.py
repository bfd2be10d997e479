"""Rollouts for a screen of 80 columns and for a pipe: status, history, one site explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from fleetctl.report.lines import Line, counted, wrapped
from fleetctl.rollout.story import Explanation, RolloutShown, Told

_STYLES = {
    "done": "green", "failed": "bold red", "rolled_back": "bold red", "refused": "bold red", "timed_out": "bold red",
    "offline": "bold magenta", "rolling_back": "bold red", "stopped": "bold red", "aborted": "bold red",
    "paused": "bold", "passed": "green",
}  # fmt: skip
# Sites that are alike are told once, when there are more of them than a screen takes.
_MOST_LINES = 15


def status_lines(found: RolloutShown, width: int | None) -> list[Line]:
    """One rollout: its waves, then its sites, those that are done counted."""
    lines = wrapped(f"{found.state}  ", f"{found.id[:12]}  {found.release} ({found.channel})", width,
                    _STYLES.get(found.state, ""), 2)  # fmt: skip
    if found.wanted != found.state and found.wanted != "running":
        lines += wrapped("", f"  an operator wants it {found.wanted}", width, hang=4)
    if found.reason:
        lines += wrapped("", f"  {found.reason}", width, hang=4)
    who = (
        f"controlled by {found.controlled_by}, unless that was killed"
        if found.controlled_by
        else "nobody controls it now"
    )
    lines += wrapped("", f"  started {_at(found.started_at)} by {found.started_by}; {who}", width, hang=4)
    for wave in found.waves:
        kind = " (canary)" if wave.canary else ""
        parts = {"done": wave.done, "failed": wave.failed, "timed out": wave.timed_out, "skipped": wave.skipped,
                 "away": wave.away}  # fmt: skip
        told = ", ".join(f"{number} {word}" for word, number in parts.items() if number or word == "done")
        text = f"{counted(wave.selected)}: {told}; {wave.threshold:.0%} have to succeed"
        lines += wrapped(f"  {wave.state:<9}", f"{wave.wave}{kind}: {text}", width, _STYLES.get(wave.state, ""), 11)
    return lines + _sites(found, width)


def _sites(found: RolloutShown, width: int | None) -> list[Line]:
    done = [each for each in found.sites if each.state in ("done", "waiting")]
    others = [each for each in found.sites if each not in done]
    shown = found.sites if len(found.sites) <= _MOST_LINES else others
    lines = []
    for each in shown:
        text = f"{each.site} ({each.wave})" + (f": {each.reason}" if each.reason and each.state != "done" else "")
        lines += wrapped(f"  {each.state:<13}", text, width, _STYLES.get(each.state, ""), 15)
    if shown is others and done:
        told = ", ".join(f"{number} {state}" for state, number in sorted(Counter(each.state for each in done).items()))
        lines += wrapped("  ", told, width, hang=4)
    return lines


def list_lines(found: Sequence[RolloutShown], width: int | None) -> list[Line]:
    """Every rollout in a line."""
    return [
        line
        for each in found
        for line in wrapped(f"{each.state:<12}", f"{each.id[:12]}  {each.release}  {_at(each.started_at)} by "
                            f"{each.started_by}, {counted(len(each.sites))}", width, _STYLES.get(each.state, ""), 12)
    ]  # fmt: skip


def history_lines(found: Sequence[Told], width: int | None) -> list[Line]:
    """What happened, a line each."""
    return [line for each in found for line in wrapped(f"{_at(each.at)}  ", _told(each), width, "", 4)]


def explained_lines(found: Iterable[Explanation], width: int | None) -> list[Line]:
    """One paragraph a site."""
    return [line for each in found for line in wrapped("", each.says, width)]


def _told(each: Told) -> str:
    who = f" by {each.actor}" if each.actor not in ("engine", "") else ""
    where = f"{each.site}: " if each.site else ""
    return f"{where}{each.what}{who}" + (f": {each.text}" if each.text else "")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
