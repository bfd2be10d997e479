"""The fleet on one screen: counts, then what is not ok, worst first and alike together, then how many are ok."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.contract.health import Verdict
from fleetctl.actions.status import SiteStatus
from fleetctl.checks.site_health import RANK, same_words
from fleetctl.report.lines import Line, counted, wrapped
from fleetctl.report.verdicts import STYLES, shown, sign

# So many sites of which the same is said stand on one line; each alone would push the others off the screen.
ALIKE = 4
_NAMES_SHOWN = 6
_WORD = max(len(verdict.value) for verdict in Verdict)


@dataclass(frozen=True)
class Head:
    """What the first line says beside the counts."""

    at: datetime
    took_s: float
    every_s: float | None = None


def status_lines(
    statuses: Sequence[SiteStatus], head: Head, width: int | None, *, everything: bool = False
) -> list[Line]:
    """The whole screen. `everything`: each site by itself, the good ones too."""
    lines = _counts(statuses, head, width)
    bad = [status for status in statuses if status.verdict is not Verdict.OK]
    groups: dict[tuple[Verdict, str], list[SiteStatus]] = {}
    for status in bad:
        groups.setdefault((status.verdict, _alike(status)), []).append(status)
    entries: list[tuple[int, str, list[SiteStatus]]] = []
    for (verdict, _), members in groups.items():
        if len(members) >= ALIKE and not everything:
            entries.append((RANK[verdict], members[0].site, members))
        else:
            entries += [(RANK[verdict], each.site, [each]) for each in members]
    for _, _, members in sorted(entries, key=lambda entry: entry[:2]):
        lines += _one(members[0], width) if len(members) == 1 else _many(members, width)
    good = [status for status in statuses if status.verdict is Verdict.OK]
    if everything:
        for status in sorted(good, key=lambda each: each.site):
            runs = ", ".join(part for part in (status.image, *status.models) if part)
            lines += wrapped(_label(Verdict.OK), f"{status.site}  {runs}", width, STYLES[Verdict.OK], _WORD + 4)
    elif good and bad:
        lines += wrapped(_label(Verdict.OK), counted(len(good)), width, STYLES[Verdict.OK])
    return lines


def change_lines(before: dict[str, SiteStatus], now: Sequence[SiteStatus]) -> list[Line]:
    """What became different, a line a site: for a pipe, where a screen cannot be drawn anew."""
    lines = []
    for status in now:
        earlier = before.get(status.site)
        if earlier is not None and not is_news(earlier, status):
            continue
        if earlier is None and status.verdict is Verdict.OK:
            continue
        was = f"{earlier.verdict.value} -> " if earlier else ""
        at = f"{status.asked_at:%Y-%m-%dT%H:%M:%SZ} " if status.asked_at else ""
        lines += wrapped(f"{at}{status.site} {was}{status.verdict.value}: ", status.why, None)
    return lines


def is_news(before: SiteStatus, now: SiteStatus) -> bool:
    """Whether verdict or reasons became others, figures aside."""
    return before.verdict is not now.verdict or same_words(before.why) != same_words(now.why)


def _counts(statuses: Sequence[SiteStatus], head: Head, width: int | None) -> list[Line]:
    counts = Counter(status.verdict for status in statuses)
    parts = [f"{sign(verdict)} {counts[verdict]} {verdict.value}" for verdict in RANK if counts[verdict]]
    every = f", every {head.every_s:g} s" if head.every_s else ""
    text = f"{counted(len(statuses))}: {'  '.join(parts)}   ({head.at:%H:%M:%S}Z, {head.took_s:.1f} s{every})"
    return wrapped("", text, width)


def _label(verdict: Verdict) -> str:
    return f"{sign(verdict)} {verdict.value:<{_WORD}}  "


def _alike(status: SiteStatus) -> str:
    return "; ".join(reason.alike or reason.said for reason in status.reasons) or status.why


def _one(status: SiteStatus, width: int | None) -> list[Line]:
    hang = _WORD + 4
    later = f" (asked again at {status.next_ask_at:%H:%M:%S}Z)" if status.next_ask_at and _backed_off(status) else ""
    lines = wrapped(_label(status.verdict), f"{status.site}  {status.why}{later}", width, STYLES[status.verdict], hang)
    return lines + _action(status.next_action, width)


def _backed_off(status: SiteStatus) -> bool:
    return status.next_ask_at is not None and status.asked_at is not None and status.next_ask_at > status.asked_at


def _many(members: Sequence[SiteStatus], width: int | None) -> list[Line]:
    first = members[0]
    names = [status.site for status in members]
    listed = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        listed += f" and {len(names) - _NAMES_SHOWN} more (--all)"
    text = f"{len(names)} sites  {_alike(first)}: {listed}"
    lines = wrapped(_label(first.verdict), text, width, STYLES[first.verdict], _WORD + 4)
    return lines + _action(first.next_action.replace(first.site, "SITE"), width)


def _action(action: str, width: int | None) -> list[Line]:
    if not action:
        return []
    indent = " " * (_WORD + 4)
    return wrapped(f"{indent}{shown('→')} ", action, width, "", _WORD + 6)
