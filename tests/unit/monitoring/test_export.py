"""What is exported is what Prometheus takes: its own checker says so."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleetctl.actions.monitoring import LISTED, documents, export
from fleetctl.errors import UsageError
from fleetctl.monitoring.dashboards import dashboards
from fleetctl.monitoring.rules import rules
from tests.fakes.site import SITE

AUTHORITY = "-----BEGIN CERTIFICATE-----\n"


def site(name: str, address: str = "127.0.0.1", **labels: str) -> Any:
    management = SITE.spec.management.model_copy(update={"address": address})
    return SITE.model_copy(
        update={
            "metadata": SITE.metadata.model_copy(update={"name": name, "labels": labels}),
            "spec": SITE.spec.model_copy(update={"management": management}),
        }
    )


SITES = [site("a", region="east"), site("b", "fd00::1", region="west", **{"tier/x": "1"}), site("c")]


def wanted(**more: Any) -> dict[str, str]:
    return documents("sim", SITES, AUTHORITY, **more)


def federated() -> dict[str, str]:
    return wanted(
        alertmanagers=["127.0.0.1:9093"], region_label="region", remote_write="https://metrics.example.org/write"
    )


def promtool(*arguments: str | Path) -> str:
    program = shutil.which("promtool")
    assert program, "no promtool; hint: setup/host.sh test"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_site_is_a_target_with_its_labels_and_none_poses_as_ours() -> None:
    targets = json.loads(wanted()["targets/fleetctl.json"])
    assert [target["targets"] for target in targets] == [["127.0.0.1:9543"], ["[fd00::1]:9543"], ["127.0.0.1:9543"]]
    assert targets[1]["labels"] == {
        "site_region": "west", "site_tier_x": "1", "fleet": "sim", "site": "b", "profile": "lab-vm",
    }  # fmt: skip


def test_promtool_takes_the_rules_and_every_configuration(tmp_path: Path) -> None:
    export(tmp_path, federated(), 3)
    for name in ("monitoring.crt", "monitoring.key"):  # promtool looks whether they exist
        (tmp_path / "tls" / name).write_text("")
    assert "17 rules found" in promtool("check", "rules", tmp_path / "rules/fleetctl.yml")
    promtool("check", "config", tmp_path / "prometheus.yml")
    for region in ("east", "west", "none"):
        promtool("check", "config", "--agent", tmp_path / f"agents/{region}.yml")


def test_each_site_is_in_exactly_one_region() -> None:
    found = federated()
    regions = [name for name in found if name.startswith("targets/") and name != "targets/fleetctl.json"]
    members = [target["labels"]["site"] for name in regions for target in json.loads(found[name])]
    assert sorted(members) == ["a", "b", "c"]


def test_a_region_without_a_place_to_write_to_is_refused() -> None:
    with pytest.raises(UsageError, match="place to write"):
        wanted(region_label="region")


def test_an_export_twice_changes_nothing_and_a_smaller_one_removes_its_own_files_alone(tmp_path: Path) -> None:
    export(tmp_path, federated(), 3)
    (tmp_path / "agents/mine.yml").write_text("mine")
    again = export(tmp_path, federated(), 3)
    assert (again.written, again.removed) == ((), ())
    less = export(tmp_path, wanted(), 3)
    assert "agents/east.yml" in less.removed
    assert (tmp_path / "agents/mine.yml").read_text() == "mine"
    assert not (tmp_path / "agents/east.yml").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = export(tmp_path / "new", wanted(), 3, dry_run=True)
    assert done.written
    assert not (tmp_path / "new").exists()


def test_a_touched_list_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("keep")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / LISTED).write_text(json.dumps(["../victim", "/etc/hostname", 7]))
    assert export(folder, wanted(), 3).removed == ()
    assert (tmp_path / "victim").read_text() == "keep"


def test_every_alert_says_what_to_do_next() -> None:
    for group in rules()["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                assert rule["annotations"]["next_action"], rule["alert"]
                assert rule["labels"]["severity"] in ("page", "ticket")


def test_dashboards_say_unknown_where_there_is_no_data_and_no_panels_overlap() -> None:
    for name, board in dashboards().items():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, name
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken, f"{name}: {panel['title']}"
            taken |= cells
            assert panel["fieldConfig"]["defaults"]["noValue"] == "no data: unknown"
            assert panel["targets"]


@pytest.mark.slow
def test_rules_fire_and_stay_silent_as_they_say(tmp_path: Path) -> None:
    """promtool evaluates the rules over series that we give it."""
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules()))
    up = 'up{job="fleetctl",fleet="sim",site="a",instance="a:1"}'
    verdict = 'fleetctl_part_verdict{fleet="sim",site="a",part="storage",verdict="critical"}'
    watch = 'fleetctl_watch_last_round_timestamp_seconds{fleet="sim"}'
    tests = [
        _fires({up: "1x30"}, "FleetctlWatcherDead", True, "15m"),
        _fires({up: "1x30", watch: "0+60x60"}, "FleetctlWatcherDead", False, "15m"),
        _fires({up: "1x10 0x30", watch: "0+60x60"}, "FleetctlSiteSilent", False, "13m"),
        _fires({up: "1x10 0x30", watch: "0+60x60"}, "FleetctlSiteSilent", True, "17m"),
        _fires({watch: "0+60x60"}, "FleetctlNoSites", True, "6m"),
        _fires({up: "1x60", watch: "0+60x60", verdict: "0x10 1x30"}, "FleetctlPartCritical", False, "12m"),
        _fires({up: "1x60", watch: "0+60x60", verdict: "0x10 1x30"}, "FleetctlPartCritical", True, "14m"),
        _fires({up: "1x60", watch: "0+60x60", verdict: "1x10 0x30"}, "FleetctlPartCritical", False, "14m"),
    ]
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": tests}))
    promtool("test", "rules", tmp_path / "test.yml")


def _fires(series: dict[str, str], alert: str, fires: bool, at: str) -> dict[str, Any]:
    labels = {
        "FleetctlWatcherDead": {}, "FleetctlNoSites": {"job": "fleetctl"},
        "FleetctlSiteSilent": {"job": "fleetctl", "fleet": "sim", "site": "a", "instance": "a:1"},
        "FleetctlPartCritical": {"fleet": "sim", "site": "a", "part": "storage", "verdict": "critical"},
    }[alert]  # fmt: skip
    (rule,) = [r for group in rules()["groups"] for r in group["rules"] if r.get("alert") == alert]
    annotations = {
        key: text.replace("{{ $labels.site }}", labels.get("site", "")).replace("{{ $labels.part }}", "storage")
        for key, text in rule["annotations"].items()
    }
    expected = [{"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": annotations}] if fires else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": expected}],
    }
