"""The real Alertmanager of the distribution: an alert reaches a receiver, and our silence does, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleetctl.alerts.alertmanager import WATCHDOG, deliver, document, expiry
from fleetctl.alerts.state import Alert, Phase
from fleetctl.models.alerts import Alertmanager
from tests.fakes.ports import free_port
from tests.fakes.web import Web, web
from tests.fleet.processes import poll, serving
from tests.unit.alerts.conftest import NOW

CONFIGURATION = """\
route:
  receiver: hook
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - url: {url}/alert
        send_resolved: true
"""


@pytest.fixture
def receiver() -> Iterator[Web]:
    with web() as server:
        yield server


@pytest.fixture
def alertmanager(tmp_path: Path, receiver: Web) -> Iterator[Alertmanager]:
    configuration, port = tmp_path / "alertmanager.yml", free_port()
    configuration.write_text(CONFIGURATION.format(url=receiver.url))
    arguments = [
        f"--config.file={configuration}", f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    with serving("prometheus-alertmanager", arguments, port, tmp_path):
        yield Alertmanager(url=f"http://127.0.0.1:{port}")


def heard(receiver: Web) -> list[tuple[str, str]]:
    """Name and status of each alert that arrived, in order."""
    bodies = [json.loads(posted.body) for posted in receiver.posted]
    return [(alert["labels"]["alertname"], alert["status"]) for body in bodies for alert in body["alerts"]]


@pytest.mark.slow
def test_an_alert_its_end_and_our_own_death_arrive(alert: Alert, alertmanager: Alertmanager, receiver: Web) -> None:
    now = datetime.now(UTC)
    firing = replace(alert, since=now - timedelta(minutes=3), fired_at=now - timedelta(minutes=1))
    # Alertmanager keeps the latest end that it was told, so the first word already says when we count as dead.
    until = now + timedelta(seconds=10)
    deliver(alertmanager, "sim", [firing], now, until)
    poll(lambda: set(heard(receiver)) == {("bad", "firing"), (WATCHDOG, "firing")}, "the alert did not arrive")
    arrived: dict[str, Any] = next(
        alert
        for posted in receiver.posted
        for alert in json.loads(posted.body)["alerts"]
        if alert["labels"]["alertname"] == "bad"
    )
    assert arrived["labels"] == {
        "alertname": "bad", "fleet": "sim", "site": "north", "check": "storage", "severity": "page",
        "site_region": "east", "site_tier_x": "1",
    }  # fmt: skip
    assert arrived["annotations"]["description"] == "array degraded[2J"

    over = replace(firing, phase=Phase.RESOLVED, ended_at=datetime.now(UTC))
    # The last word before we die: nobody renews the watchdog after it.
    deliver(alertmanager, "sim", [over], datetime.now(UTC), until)
    poll(lambda: ("bad", "resolved") in heard(receiver), "the end was not told")
    assert datetime.now(UTC) >= until or (WATCHDOG, "resolved") not in heard(receiver)
    wanted = {("bad", "firing"), ("bad", "resolved"), (WATCHDOG, "firing"), (WATCHDOG, "resolved")}
    poll(lambda: set(heard(receiver)) == wanted, "the end, or our death, was not told")
    assert heard(receiver).count(("bad", "firing")) == 1


def test_a_change_of_words_is_the_same_alert(alert: Alert) -> None:
    until = expiry(NOW, 30)
    changed = replace(alert, finding=replace(alert.finding, reason="two disks gone"))
    first, second = (document("sim", [one], NOW, until)[1] for one in (alert, changed))
    assert first["labels"] == second["labels"]
    assert first["startsAt"] == second["startsAt"]


def test_a_site_label_cannot_pose_as_ours(alert: Alert) -> None:
    labelled = replace(alert, labels={"severity": "none", "site": "elsewhere", "alertname": "x"})
    labels = document("sim", [labelled], NOW, expiry(NOW, 30))[1]["labels"]
    assert (labels["severity"], labels["site"], labels["alertname"]) == ("page", "north", "bad")


def test_an_alertmanager_believes_us_for_several_rounds() -> None:
    assert expiry(NOW, 30) == NOW + timedelta(minutes=2)
    assert expiry(NOW, 600) == NOW + timedelta(minutes=40)
