"""When a site may be changed, and when it may receive: the windows of a policy for one site, merged, in real time."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetctl.models.alerts import WEEKDAYS as DAYS
from fleetctl.models.alerts import MaintenanceWindow, Weekday, seconds
from fleetctl.models.rollout import WindowSpec

# Every window opens at least once a week; a zone that skips a whole day (Apia, 30 December 2011) makes it a day more.
_NEXT = timedelta(days=9)
# What stays open for so long is as good as always open: no step of a rollout lasts weeks.
_ENDLESS = timedelta(days=35)
_LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class SiteWindows:
    """The windows of one site. `limited` without `windows`: never open, because the policy has windows for others."""

    windows: tuple[MaintenanceWindow, ...]
    limited: bool
    grace: timedelta = timedelta()
    default_time_zone: str = "UTC"

    @property
    def never(self) -> bool:
        """Whether it is never open. A plan with such a site is refused."""
        return self.limited and not self.windows

    @property
    def time_zone(self) -> str:
        """The site's zone: that of its first window, else the policy's default."""
        return self.windows[0].time_zone if self.windows else self.default_time_zone

    def is_open(self, now: datetime) -> bool:
        """Whether it is open now. The begin of a window belongs to it, its end does not."""
        return not self.limited or any(window.is_open(now) for window in self.windows)

    def next_opening(self, now: datetime) -> datetime | None:
        """When it is open next: `now` itself while it is open. None: never."""
        if self.is_open(now):
            return now
        return min((begins for begins, _ in self._spans(now, now + _NEXT) if begins > now), default=None)

    def closes_at(self, now: datetime) -> datetime | None:
        """When it closes that is open now; windows that overlap or touch are one. None: it is closed, or stays open."""
        limit = now + _ENDLESS
        ends: datetime | None = None
        for begins, end in sorted(self._spans(now, limit)):
            if begins > (ends or now):
                break
            ends = end if ends is None else max(ends, end)
        return None if ends is None or ends >= limit else ends

    def latest_switch(self, begun: datetime) -> datetime | None:
        """The last moment at which what began at `begun` may be switched: the end and the grace. None: no limit.

        Raises ValueError if it was closed at `begun`: nothing begins outside of a window.
        """
        if not self.is_open(begun):
            raise ValueError(f"the windows are closed at {begun.isoformat()}")
        ends = self.closes_at(begun)
        return None if ends is None else ends + self.grace

    def words(self) -> str:
        """The windows for a person, at most 300 characters; empty: at any time."""
        if self.never:
            return "never: no window of the policy fits this site"
        parts = [_words(window) for window in self.windows]
        text = "; ".join(parts)
        while len(text) > 300:
            parts.pop()
            text = "; ".join([*parts, f"and {len(self.windows) - len(parts)} more"])
        return text

    def _spans(self, now: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Begin and end, in UTC, of every window that is not over at `now` and begins before `until`."""
        for window in self.windows:
            zone = zoneinfo.ZoneInfo(window.time_zone)
            day = (now - _LONGEST).astimezone(zone).date() - timedelta(days=1)
            last = until.astimezone(zone).date()
            while day <= last:
                begins = window.begins_on(day)
                if begins is not None and begins + window.length > now and begins < until:
                    yield begins, begins + window.length
                day += timedelta(days=1)


def activation(spec: WindowSpec, site: str, labels: Mapping[str, str]) -> SiteWindows:
    """When the site may be switched. A policy without activation windows: at any time."""
    return _of(spec, spec.activation, site, labels)


def download(spec: WindowSpec, site: str, labels: Mapping[str, str]) -> SiteWindows:
    """When the site may receive. A policy without download windows: at any time."""
    return _of(spec, spec.download, site, labels)


def local(moment: datetime, time_zone: str) -> str:
    """The moment as a clock at the site shows it, with the offset: Fri 2026-11-27 22:00 +01:00."""
    shown = moment.astimezone(zoneinfo.ZoneInfo(time_zone))
    offset = shown.strftime("%z")
    return f"{DAYS[shown.weekday()].capitalize()} {shown:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"


def _of(spec: WindowSpec, windows: list[MaintenanceWindow], site: str, labels: Mapping[str, str]) -> SiteWindows:
    # A window is about sites; check ids say nothing here, and WindowSpec refuses them.
    fitting = tuple(window for window in windows if window.fits(site, dict(labels), ""))
    grace = timedelta(seconds=seconds(spec.grace))
    return SiteWindows(fitting, bool(windows), grace, spec.default_time_zone)


def _words(window: MaintenanceWindow) -> str:
    return f"{_days(window.days)} {window.start} for {window.duration} ({window.time_zone})"


def _days(days: list[Weekday]) -> str:
    """mon tue wed fri as Mon-Wed, Fri."""
    chosen = [number for number, day in enumerate(DAYS) if day in days]
    if len(chosen) == len(DAYS):
        return "daily"
    runs: list[list[int]] = []
    for number in chosen:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_run(run) for run in runs)


def _run(run: list[int]) -> str:
    first, last = (DAYS[number].capitalize() for number in (run[0], run[-1]))
    if len(run) == 1:
        return first
    return f"{first}, {last}" if len(run) == 2 else f"{first}-{last}"
