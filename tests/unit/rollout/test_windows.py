"""Windows: DST both ways to the minute, grace, merging, and a comparison with a minute-by-minute reading of clocks."""

from __future__ import annotations

import itertools
import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fleetctl.models.alerts import WEEKDAYS, MaintenanceWindow
from fleetctl.models.rollout import WindowSpec
from fleetctl.rollout.windows import SiteWindows, activation, download, local

MINUTE = timedelta(minutes=1)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def window(zone: str, days: str, start: str, duration: str, **scope: object) -> MaintenanceWindow:
    given = {"name": "w", "time_zone": zone, "days": days.split(), "start": start, "duration": duration, **scope}
    return MaintenanceWindow.model_validate(given)


def of(*windows: MaintenanceWindow, grace: timedelta = timedelta()) -> SiteWindows:
    return SiteWindows(windows, limited=True, grace=grace)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_no_window_is_always_open() -> None:
    free = activation(WindowSpec.model_validate({}), "north", {})
    now = at("2026-11-26T12:00Z")
    assert free.is_open(now)
    assert free.next_opening(now) == now
    assert free.closes_at(now) is None
    assert free.latest_switch(now) is None
    assert free.words() == ""


def test_a_policy_whose_windows_are_for_others_is_never_open_here() -> None:
    spec = WindowSpec.model_validate(
        {"activation": [window(BERLIN, "mon", "22:00", "4h", selectors={"country": "de"})], "default_time_zone": BERLIN}
    )
    here, there = activation(spec, "north", {"country": "us"}), activation(spec, "south", {"country": "de"})
    assert here.never
    assert not here.is_open(at("2026-11-23T22:30+01:00"))
    assert here.next_opening(at("2026-11-23T22:30+01:00")) is None
    assert "no window" in here.words()
    assert here.time_zone == BERLIN
    assert there.is_open(at("2026-11-23T22:30+01:00"))
    assert download(spec, "north", {}).is_open(at("2026-11-23T12:00Z"))


def test_begin_end_and_grace() -> None:
    night = of(window(BERLIN, "mon", "22:00", "4h"), grace=timedelta(minutes=15))
    begins, ends = at("2026-11-23T22:00+01:00"), at("2026-11-24T02:00+01:00")
    assert [night.is_open(t) for t in (begins - MINUTE, begins, ends - MINUTE, ends)] == [False, True, True, False]
    assert night.next_opening(begins - MINUTE) == begins
    assert night.next_opening(begins + MINUTE) == begins + MINUTE
    assert night.next_opening(ends) == begins + timedelta(days=7)
    assert night.closes_at(begins) == ends
    assert night.closes_at(ends) is None
    assert night.latest_switch(ends - MINUTE) == ends + timedelta(minutes=15)
    with pytest.raises(ValueError, match="closed"):
        night.latest_switch(ends)


def test_overlapping_and_touching_windows_are_one() -> None:
    both = of(
        window(BERLIN, "mon", "22:00", "2h"), window(BERLIN, "mon", "23:00", "3h"), window(BERLIN, "tue", "02:00", "1h")
    )
    assert both.closes_at(at("2026-11-23T22:30+01:00")) == at("2026-11-24T03:00+01:00")
    apart = of(window(BERLIN, "mon", "22:00", "1h"), window(BERLIN, "mon", "23:01", "1h"))
    assert apart.closes_at(at("2026-11-23T22:30+01:00")) == at("2026-11-23T23:00+01:00")


def test_windows_that_leave_no_gap_do_not_close() -> None:
    daily = of(window("UTC", " ".join(WEEKDAYS), "00:00", "24h"))
    assert daily.is_open(at("2026-11-23T00:00Z"))
    assert daily.closes_at(at("2026-11-23T00:00Z")) is None


def test_a_start_in_the_skipped_hour_begins_an_hour_later_on_the_clock() -> None:
    """New York, 8 March 2026: 02:00 becomes 03:00. 02:30 as before the change is 07:30 UTC, a clock shows 03:30."""
    skipped = of(window(NEW_YORK, "sun", "02:30", "1h"))
    begins = at("2026-03-08T07:30Z")
    assert [skipped.is_open(t) for t in (begins - MINUTE, begins, begins + timedelta(hours=1))] == [False, True, False]
    assert local(begins, NEW_YORK) == "Sun 2026-03-08 03:30 -04:00"


def test_a_start_in_the_doubled_hour_opens_once_with_the_first() -> None:
    """New York, 1 November 2026: 02:00 becomes 01:00. 01:30 comes twice; it opens at the first, 05:30 UTC."""
    doubled = of(window(NEW_YORK, "sun", "01:30", "30m"))
    first, second = at("2026-11-01T05:30Z"), at("2026-11-01T06:30Z")
    assert local(first, NEW_YORK)[:20] == local(second, NEW_YORK)[:20] == "Sun 2026-11-01 01:30"
    assert doubled.is_open(first)
    assert not doubled.is_open(second)
    assert doubled.next_opening(first + timedelta(minutes=30)) == at("2026-11-08T06:30Z")


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("2026-03-28T22:00+01:00", "2026-03-29T05:00+02:00"),  # one hour is skipped: the clock shows one more
        ("2026-10-24T22:00+02:00", "2026-10-25T03:00+01:00"),  # one hour comes twice: one less
        ("2026-11-21T22:00+01:00", "2026-11-22T04:00+01:00"),
    ],
)
def test_across_midnight_and_the_change_it_lasts_as_long_in_real_time(begins: str, ends: str) -> None:
    night = of(window(BERLIN, "sat", "22:00", "6h"))
    assert at(ends) - at(begins) == timedelta(hours=6)
    assert night.next_opening(at(begins) - MINUTE) == at(begins)
    assert night.closes_at(at(begins)) == at(ends)
    assert night.is_open(at(ends) - MINUTE)
    assert not night.is_open(at(ends))


def test_a_whole_day_that_begins_before_a_short_one() -> None:
    """The day of the change has 23 hours: a window of 24 from 23:30 the day before ends behind the day after it."""
    whole = of(window(BERLIN, "sat", "23:30", "24h"))
    assert whole.is_open(at("2026-03-30T00:29+02:00"))
    assert not whole.is_open(at("2026-03-30T00:30+02:00"))
    assert whole.windows[0].is_open(at("2026-03-30T00:29+02:00"))


def test_words_are_short_and_say_the_zone() -> None:
    some = of(
        window(BERLIN, "mon tue wed sat sun", "22:00", "4h"), window(NEW_YORK, " ".join(WEEKDAYS), "01:00", "30m")
    )
    assert some.words() == "Mon-Wed, Sat, Sun 22:00 for 4h (Europe/Berlin); daily 01:00 for 30m (America/New_York)"
    many = of(*[window("America/Argentina/ComodRivadavia", "mon", "22:00", "4h") for _ in range(20)])
    assert len(many.words()) <= 300
    assert many.words().endswith("more")


def test_a_rollout_window_has_no_checks_and_no_twins() -> None:
    with pytest.raises(ValidationError, match="checks belong to alerts"):
        WindowSpec.model_validate({"activation": [window(BERLIN, "mon", "22:00", "4h", checks=["gpu_*"])]})
    with pytest.raises(ValidationError, match="same name"):
        WindowSpec.model_validate({"download": [window(BERLIN, "mon", "22:00", "4h")] * 2})


ZONES = (
    BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu",
    "Africa/Casablanca", "America/St_Johns", "Pacific/Chatham", "Asia/Tehran",
)  # fmt: skip


def open_minutes(windows: list[MaintenanceWindow], first: datetime, last: datetime) -> set[datetime]:
    """Walk over real time minute by minute and read clocks, as a person with a watch would; no arithmetic with zones.

    A start that a clock jumps over is waited for on a watch that was not put forward.
    """
    found: set[datetime] = set()
    for each in windows:
        zone = zoneinfo.ZoneInfo(each.time_zone)
        opened: set[date] = set()
        watch, watch_until = timedelta(), first.replace(year=1, tzinfo=None)
        now = first - timedelta(days=10)
        offset = now.astimezone(zone).utcoffset()
        while now <= last:
            before, offset = offset, now.astimezone(zone).utcoffset()
            assert before is not None
            assert offset is not None
            if offset > before:
                watch, watch_until = before, (now + offset).replace(tzinfo=None)
            clocks = [(now + offset).replace(tzinfo=None)]
            if (late := (now + watch).replace(tzinfo=None)) < watch_until:
                clocks.append(late)
            for clock in clocks:
                if f"{clock:%H:%M}" == each.start and clock.date() not in opened:
                    opened.add(clock.date())
                    if WEEKDAYS[clock.weekday()] in each.days:
                        length = int(each.length / MINUTE)
                        found |= {now + MINUTE * passed for passed in range(length)}
            now += MINUTE
    return {minute for minute in found if first <= minute <= last}


def changes(zone: str, year: int) -> list[datetime]:
    """Hours of the year in which the zone changes its offset."""
    hour = datetime(year, 1, 1, tzinfo=UTC)
    places = [hour + timedelta(hours=count) for count in range(0, 365 * 24, 12)]
    info = zoneinfo.ZoneInfo(zone)
    return [
        after
        for before, after in itertools.pairwise(places)
        if before.astimezone(info).utcoffset() != after.astimezone(info).utcoffset()
    ]


@st.composite
def around_a_change(draw: st.DrawFn) -> tuple[list[MaintenanceWindow], datetime]:
    """One or two windows, and a time near a change of the first one's zone, or anywhere in years without."""
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2))
    made = []
    for zone in zones:
        minutes = draw(st.integers(1, 7 * 24 * 60) | st.integers(1, 300))
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True))
        hour = draw(st.sampled_from((0, 1, 2, 3)) | st.integers(0, 23))
        minute = draw(st.sampled_from((0, 29, 30, 59)))
        made.append(window(zone, " ".join(days), f"{hour:02}:{minute:02}", f"{minutes}m"))
    year = draw(st.sampled_from((2011, 2016, 2018, 2024, 2026, 2030)))
    near = draw(st.sampled_from(changes(zones[0], year) or [datetime(year, 6, 1, tzinfo=UTC)]))
    return made, near + timedelta(minutes=draw(st.integers(-2000, 1000)))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(around_a_change())
def test_it_agrees_with_clocks_that_are_read_each_minute(case: tuple[list[MaintenanceWindow], datetime]) -> None:
    windows, first = case
    last = first + timedelta(days=2)
    wanted = open_minutes(windows, first, last)
    ours = of(*windows)
    minutes = [first + MINUTE * passed for passed in range(2 * 1440 + 1)]
    assert {minute for minute in minutes[::7] if ours.is_open(minute)} == {m for m in minutes[::7] if m in wanted}

    now = minutes[0]
    if now in wanted:
        assert ours.next_opening(now) == now
        closes = next((minute for minute in minutes if minute not in wanted), None)
        if closes is not None:
            assert ours.closes_at(now) == closes
        else:
            assert (ours.closes_at(now) or last + MINUTE) > last
    else:
        opens = next((minute for minute in minutes if minute in wanted), None)
        found = ours.next_opening(now)
        assert found is not None
        assert (found == opens) if opens is not None else (found > last)
