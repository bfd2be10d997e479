"""The Xid table: every row of the project's field facts, and what an unlisted Xid means."""

from __future__ import annotations

import pytest

from appliance.contract.xid import judge_xids, policy_of

ROWS = [
    ((13, 31, 32, 68, 69, 94), "degraded"),
    ((43, 92, 93), "ok"),
    ((45, 63), "degraded"),
    ((48, 46, 62, 95, 109, 110, 119, 120, 140, 143, 158, 64, 79, 54), "critical"),
    ((154, 1, 99, 100_000), "unknown"),
]


@pytest.mark.parametrize(("xid", "verdict"), [(xid, verdict) for xids, verdict in ROWS for xid in xids])
def test_each_xid_has_its_verdict_and_an_action(xid: int, verdict: str) -> None:
    (finding,) = judge_xids([xid])
    assert finding.verdict == verdict
    assert finding.next_action == policy_of(xid).action
    assert f"Xid {xid} (catalogue:" in finding.said


def test_an_application_error_that_comes_back_is_diagnosed() -> None:
    assert judge_xids([31, 31])[0].next_action == "restart the service that used the GPU"
    assert "diagnostic" in judge_xids([31, 31, 31])[0].next_action


def test_a_card_that_is_lost_again_is_hardware() -> None:
    assert judge_xids([79])[0].next_action == "reboot the machine"
    assert "replace the card" in judge_xids([79, 79])[0].next_action


def test_a_cleanup_counts_only_when_it_follows_nothing() -> None:
    assert [finding.verdict for finding in judge_xids([48, 45])] == ["critical", "ok"]
    assert [finding.verdict for finding in judge_xids([45])] == ["degraded"]
