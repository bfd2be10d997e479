"""A plan on a screen: fits 80 columns, says when windows open next on the site's clock, groups what is alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fleetctl.report.rollout_plan import plan_lines, shown_plan, size_words, time_words
from tests.unit.rollout.plans import FLEET, NOW, plan, policy, site, subject

WINDOW = {"name": "night", "time_zone": "Europe/Berlin", "days": ["thu"], "start": "22:00", "duration": "4h"}


def shown(width: int | None = None, **values: object) -> str:
    lines = plan_lines(shown_plan(plan(subject(**values)), None), NOW, width)  # type: ignore[arg-type]
    return "\n".join(line.text for line in lines)


def test_it_fits_a_screen_of_80_columns() -> None:
    gates = {"service_level": {}, "clinical": {"evaluation_set": "visits", "countersigned_by": ["Dr. Okafor"]}}
    windows = {"activation": [WINDOW], "download": [WINDOW | {"days": ["mon", "tue"]}]}
    wide = "a-name-that-is-as-long-as-names-of-sites-may-be-and-then-no-more"[:63].rstrip("-")
    text = shown(80, policy=policy(gates=gates, windows=windows), candidates=[*FLEET, site(wide)])
    assert max(len(line) for line in text.splitlines()) <= 80
    assert wide in text


def test_what_stops_it_is_told_as_it_is_judged() -> None:
    """The budget may be used up, and a share is a limit that counts when it is reached."""
    abort = {"failed": 0.25, "timed_out": None, "all": 0.5, "failure_budget": 2, "minimum_sample": 4}
    stops = next(line for line in shown(policy=policy(abort=abort)).splitlines() if line.startswith("stops"))
    assert "when more than 2 sites failed or timed out" in stops
    assert "at 25% failed, 50% both together or more (from 4 sites on)" in stops


def test_windows_are_told_on_the_clock_of_the_site() -> None:
    text = shown(policy=policy(windows={"activation": [WINDOW]}))
    assert "switched Thu 22:00 for 4h (Europe/Berlin), next Thu 2026-11-26 22:00 +01:00" in text
    assert text.count("next Thu") == 2  # once a wave, not once a site


def test_a_window_that_is_open_says_until_when() -> None:
    made = shown_plan(plan(subject(policy=policy(windows={"activation": [WINDOW]}))), None)
    lines = plan_lines(made, NOW + timedelta(hours=10), None)
    assert any("open now, until Fri 2026-11-27 02:00 +01:00" in line.text for line in lines)


def test_an_expired_plan_says_so() -> None:
    made = shown_plan(plan(), None)
    assert not any("expired" in line.text for line in plan_lines(made, NOW, None))
    assert any("it has expired" in line.text for line in plan_lines(made, NOW + timedelta(days=8), None))


def test_dropped_waves_and_what_is_left_out() -> None:
    waves = [
        {"name": "canary", "sites": ["north"]},
        {"name": "pilots", "selectors": {"ring": "pilot"}},
        {"name": "rest", "percent": 100},
    ]
    text = shown(policy=policy(waves=waves, leave_out=["west"]))
    assert "The policy's waves without a site: pilots" in text
    assert "  west: left out by the policy" in text


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, "not known"),
        (0, "nothing"),
        (999, "999 B"),
        (1536, "1.5 KiB"),
        (1 << 30, "1.0 GiB"),
        (5 << 50, "5120 TiB"),
    ],
)
def test_sizes(size: int | None, words: str) -> None:
    assert size_words(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "not known"), (0, "0 s"), (61, "2 min"), (3600, "1 h"), (3661, "1 h 2 min"), (90_000, "1 d 1 h")],
)
def test_times(seconds: int | None, words: str) -> None:
    assert time_words(seconds) == words
