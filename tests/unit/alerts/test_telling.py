"""Who is told: once, not under a silence, again after a while, and of the end if of the beginning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance.contract.health import Verdict
from fleetctl.alerts.state import Alert, AlertFinding, AlertKey, Phase
from fleetctl.alerts.telling import Policy, due, quiet_because, told
from fleetctl.models.alerts import AlertSpec, MaintenanceWindow, Silence

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
KEY = AlertKey("bad", "north", "storage")
FIRING = Alert(
    KEY, "page", Phase.FIRING, AlertFinding("storage", Verdict.CRITICAL, "array degraded", "replace the disk"),
    since=NOW - timedelta(minutes=5), fired_at=NOW - timedelta(minutes=3), labels={"region": "east"},
)  # fmt: skip


def spec(*silences: Silence, **more: object) -> Policy:
    rule = {"name": "bad", "severity": "page", "repeat": "4h"}
    return Policy(AlertSpec.model_validate({"rules": [rule], **more}), silences)


def silence(**changed: object) -> Silence:
    given = {"until": "2026-11-26T04:00Z", "by": "on-call", "reason": "disk on its way", **changed}
    return Silence.model_validate(
        {"apiVersion": "fleetctl/v1", "kind": "Silence", "metadata": {"name": "s1"}, "spec": given}
    )


def change(alert: Alert, **values: object) -> Alert:
    from dataclasses import replace

    return replace(alert, **values)  # type: ignore[arg-type]


def test_a_firing_alert_is_told_once_and_again_after_its_time() -> None:
    (notice,) = due(spec(), [FIRING], NOW)
    known = told({KEY: FIRING}, [notice], NOW)
    assert due(spec(), known.values(), NOW + timedelta(hours=3, minutes=59)) == []
    (again,) = due(spec(), known.values(), NOW + timedelta(hours=4))
    assert again.again
    assert again.identity != notice.identity


def test_repeat_can_be_off() -> None:
    rules = {"rules": [{"name": "bad", "severity": "page", "repeat": "0s"}]}
    known = told({KEY: FIRING}, due(spec(), [FIRING], NOW), NOW)
    assert due(Policy(AlertSpec.model_validate(rules)), known.values(), NOW + timedelta(days=300)) == []


def test_pending_and_clearing_tell_nothing_new() -> None:
    assert due(spec(), [change(FIRING, phase=Phase.PENDING, fired_at=None)], NOW) == []
    known = told({KEY: FIRING}, due(spec(), [FIRING], NOW), NOW)
    assert due(spec(), [change(known[KEY], phase=Phase.CLEARING)], NOW) == []


def test_the_end_is_told_to_who_knew_and_then_forgotten() -> None:
    over = change(FIRING, phase=Phase.RESOLVED, ended_at=NOW, told_at=NOW, told_phase=Phase.FIRING)
    notices = due(spec(), [over], NOW)
    assert [notice.alert.phase for notice in notices] == [Phase.RESOLVED]
    assert told({KEY: over}, notices, NOW) == {}
    unknown = change(FIRING, phase=Phase.RESOLVED, ended_at=NOW)
    assert due(spec(), [unknown], NOW) == []
    assert told({KEY: unknown}, [], NOW) == {}


def test_a_silence_holds_back_and_its_end_lets_through_what_is_still_true() -> None:
    quiet = spec(silence())
    assert due(quiet, [FIRING], NOW) == []
    assert "disk on its way" in quiet_because(quiet, FIRING, NOW)
    assert len(due(quiet, [FIRING], NOW + timedelta(hours=1))) == 1


@pytest.mark.parametrize(
    "changed",
    [{"sites": ["south"]}, {"checks": ["gpu_*"]}, {"selectors": {"region": "west"}}, {"since": "2026-11-26T03:30Z"}],
)
def test_a_silence_is_about_what_it_names(changed: dict[str, object]) -> None:
    assert len(due(spec(silence(**changed)), [FIRING], NOW)) == 1


def test_who_heard_of_the_beginning_hears_of_the_end_in_a_silence_too() -> None:
    over = change(FIRING, phase=Phase.RESOLVED, ended_at=NOW, told_at=NOW, told_phase=Phase.FIRING)
    assert len(due(spec(silence()), [over], NOW)) == 1


def window(**changed: object) -> MaintenanceWindow:
    given = {"name": "w", "time_zone": "America/New_York", "days": ["sun"], "start": "01:30", "duration": "2h"}
    return MaintenanceWindow.model_validate({**given, **changed})


def new_york(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York"), fold=fold).astimezone(UTC)


def test_a_window_lasts_as_long_as_it_says_when_the_clocks_change() -> None:
    # Spring 2026-03-08: 02:00 becomes 03:00. Two hours from 01:30 end at 04:30 on the wall.
    assert window().is_open(new_york("2026-03-08T04:29"))
    assert not window().is_open(new_york("2026-03-08T04:31"))
    # Autumn 2026-11-01: 02:00 becomes 01:00 again. Two hours from the first 01:30 end at 02:30 on the wall.
    assert window().is_open(new_york("2026-11-01T01:45", fold=1))
    assert window().is_open(new_york("2026-11-01T02:29"))
    assert not window().is_open(new_york("2026-11-01T02:31"))


def test_a_window_whose_start_the_clocks_skip_still_opens() -> None:
    skipped = window(start="02:30", duration="1h")
    assert skipped.is_open(new_york("2026-03-08T03:45"))
    assert not skipped.is_open(new_york("2026-03-08T04:45"))


def test_a_window_goes_past_midnight() -> None:
    late = window(days=["sat"], start="23:00", duration="4h")
    assert late.is_open(new_york("2026-11-29T02:30"))
    assert not late.is_open(new_york("2026-11-29T03:30"))
    assert not late.is_open(new_york("2026-11-28T02:30"))


def test_a_window_is_quiet() -> None:
    open_now = {"name": "w", "time_zone": "UTC", "days": ["thu"], "start": "02:00", "duration": "2h"}
    assert due(spec(maintenance=[open_now]), [FIRING], NOW) == []
    assert "maintenance window w" in quiet_because(spec(maintenance=[open_now]), FIRING, NOW)
    assert len(due(spec(maintenance=[open_now]), [FIRING], NOW + timedelta(hours=1))) == 1
