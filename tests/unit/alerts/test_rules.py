"""Findings that last become alerts; gone for long enough they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.contract.health import Verdict
from fleetctl.alerts.rules import end_orphans, judge
from fleetctl.alerts.state import Alert, AlertFinding, AlertKey, Phase, Sighting
from fleetctl.models.alerts import AlertRule

START = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
RULE = AlertRule.model_validate({"name": "bad", "severity": "page", "for": "2m", "clear_after": "5m"})
KEY = AlertKey("bad", "north", "storage")


def finding(
    verdict: Verdict = Verdict.CRITICAL, check: str = "storage", reason: str = "array degraded"
) -> AlertFinding:
    return AlertFinding(check, verdict, reason, "replace the disk")


def look(minutes: float, *findings: AlertFinding, site: str = "north", **labels: str) -> Sighting:
    return Sighting(site, labels, START + timedelta(minutes=minutes), findings)


def after(*sightings: Sighting, rules: tuple[AlertRule, ...] = (RULE,)) -> dict[AlertKey, Alert]:
    alerts: dict[AlertKey, Alert] = {}
    for one in sightings:
        alerts = judge(rules, alerts, [one])
    return alerts


def test_a_fault_waits_for_its_time_and_then_fires() -> None:
    assert after(look(0, finding()))[KEY].phase is Phase.PENDING
    assert after(look(0, finding()), look(1.9, finding()))[KEY].phase is Phase.PENDING
    fired = after(look(0, finding()), look(2, finding()))[KEY]
    assert (fired.phase, fired.since, fired.fired_at) == (Phase.FIRING, START, START + timedelta(minutes=2))


def test_a_fault_that_goes_before_its_time_was_none() -> None:
    assert after(look(0, finding()), look(1, finding()), look(1.5)) == {}
    # and the time begins anew
    assert after(look(0, finding()), look(1.5), look(3, finding()))[KEY].phase is Phase.PENDING


def test_an_alert_ends_only_after_a_while_of_good_answers() -> None:
    seen = [look(0, finding()), look(2, finding()), look(3)]
    assert after(*seen)[KEY].phase is Phase.CLEARING
    assert after(*seen, look(7.9))[KEY].phase is Phase.CLEARING
    over = after(*seen, look(8))[KEY]
    assert (over.phase, over.ended_at, over.end_reason) == (
        Phase.RESOLVED, START + timedelta(minutes=8), "the fault is gone",
    )  # fmt: skip


def test_a_fault_that_comes_back_while_clearing_is_the_same_alert() -> None:
    alert = after(look(0, finding()), look(2, finding()), look(3), look(4, finding()))[KEY]
    assert (alert.phase, alert.since, alert.good_since) == (Phase.FIRING, START, None)
    # the good time counts from its last beginning
    later = after(look(0, finding()), look(2, finding()), look(3), look(4, finding()), look(6), look(9))[KEY]
    assert later.phase is Phase.CLEARING


def test_a_fault_after_the_end_is_a_new_alert() -> None:
    seen = [look(0, finding()), look(2, finding()), look(3), look(8), look(9, finding())]
    alert = after(*seen)[KEY]
    assert (alert.phase, alert.since, alert.told_phase) == (Phase.PENDING, START + timedelta(minutes=9), None)


def test_a_site_that_was_not_looked_at_changes_nothing() -> None:
    alerts = after(look(0, finding()), look(2, finding()))
    assert judge([RULE], alerts, [look(60, site="south")]) == alerts


def test_the_worst_finding_of_a_check_speaks_and_the_words_follow_the_last_look() -> None:
    alert = after(look(0, finding(Verdict.UNKNOWN, reason="cannot be read"), finding(reason="array failed")))[KEY]
    assert alert.finding.reason == "array failed"
    assert after(look(0, finding()), look(1, finding(reason="two disks gone")))[KEY].finding.reason == "two disks gone"


def test_degraded_is_for_rules_that_name_it() -> None:
    assert after(look(0, finding(Verdict.DEGRADED))) == {}
    rule = AlertRule.model_validate({"name": "all", "severity": "ticket", "verdicts": ["degraded"], "for": "0s"})
    assert after(look(0, finding(Verdict.DEGRADED)), rules=(rule,))[AlertKey("all", "north", "storage")].is_active


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        ({"selectors": {"region": "east"}}, True), ({"selectors": {"region": "west"}}, False),
        ({"checks": ["stor*"]}, True), ({"checks": ["*age"]}, True), ({"checks": ["gpu_*", "disk"]}, False),
        ({"checks": ["s.orage"]}, False), ({"sites": ["north"]}, True), ({"sites": ["south"]}, False),
        ({"sites": ["north"], "checks": ["disk"]}, False),
    ],
)  # fmt: skip
def test_a_rule_is_about_what_it_names(scope: dict[str, object], fits: bool) -> None:
    rule = AlertRule.model_validate({"name": "bad", "severity": "page", "for": "0s", **scope})
    assert bool(after(look(0, finding(), region="east"), rules=(rule,))) is fits


def test_a_clock_that_was_set_back_ends_no_alert_and_fires_in_time() -> None:
    alerts = after(look(0, finding()), look(-60, finding()), look(-58, finding()))
    assert alerts[KEY].phase is Phase.FIRING
    assert after(look(0, finding()), look(2, finding()), look(-60), look(-58))[KEY].phase is Phase.CLEARING


def test_what_nothing_can_end_any_more_is_ended_with_the_reason() -> None:
    alerts = after(look(0, finding()), look(2, finding()))
    gone = end_orphans(alerts, ["bad"], ["south"], START)[KEY]
    assert (gone.phase, gone.end_reason) == (Phase.RESOLVED, "the site is not in the fleet any more")
    assert end_orphans(alerts, ["other"], ["north"], START)[KEY].end_reason == "the rule is not in the policy any more"
    assert end_orphans(after(look(0, finding())), ["other"], ["north"], START) == {}
    assert end_orphans(alerts, ["bad"], ["north"], START) == alerts


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=60))
def test_an_alert_is_active_only_after_its_time_of_unbroken_fault(steps: list[tuple[int, bool]]) -> None:
    """Against a second, simpler way to say the same: look at the whole history each time."""
    alerts: dict[AlertKey, Alert] = {}
    history: list[tuple[float, bool]] = []
    at_s, active, bad_since, good_since = 0.0, False, None, None
    for gap_s, bad in steps:
        at_s += gap_s
        history.append((at_s, bad))
        alerts = judge([RULE], alerts, [look(at_s / 60, *([finding()] if bad else []))])
        if bad:
            bad_since, good_since = at_s if bad_since is None else bad_since, None
            active = active or at_s - bad_since >= 120
        else:
            good_since = at_s if good_since is None else good_since
            if active and at_s - good_since >= 300:
                active, bad_since = False, None
            elif not active:
                bad_since = None
        assert (KEY in alerts and alerts[KEY].is_active) is active, history
