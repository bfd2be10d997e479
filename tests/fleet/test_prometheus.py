"""The real Prometheus and Alertmanager over a simulated fleet: from a fault in a machine to somebody who is told."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleetctl.monitoring import metrics
from fleetctl.monitoring.dashboards import dashboards
from fleetctl.monitoring.rules import rules
from tests.fakes.ports import free_port
from tests.fakes.web import Web, web
from tests.fleet.processes import poll, serving
from tests.fleet.program import fleetctl
from tests.sim.fleet.directory import PORT, SimFleet
from tests.sim.fleet.running import Running, running
from tests.sim.fleet.scenario import Scenario

pytestmark = pytest.mark.slow

ALERTMANAGER = """\
route: {{receiver: hook, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: hook
    webhook_configs: [{{url: "{url}/alert", send_resolved: true}}]
"""


@dataclass
class World:
    """A simulated fleet, a Prometheus that watches it, and whoever is told."""

    sim: Running
    prometheus: str
    told: Web

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        url = f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 (a Prometheus on loopback)
            body = json.load(answer)
        assert body["status"] == "success", (expression, body)
        found: list[dict[str, Any]] = body["data"]["result"]
        return found

    def alerts(self) -> set[tuple[str, str, str]]:
        """Name, site and status of every alert that arrived."""
        bodies = [json.loads(posted.body) for posted in self.told.posted]
        return {
            (alert["labels"]["alertname"], alert["labels"].get("site", ""), alert["status"])
            for body in bodies
            for alert in body["alerts"]
        }


def hurried(folder: Path) -> None:
    """The exported files with short waits: what is tested is who is told of what, not how long they wait.

    A site that is asked has longer: on a loaded machine a good one must not be silent.
    """
    for path in (folder / "prometheus.yml", folder / "rules/fleetctl.yml"):
        text = re.sub(r"(evaluation_interval|for): \d+[smh]", r"\1: 1s", path.read_text())
        path.write_text(re.sub(r"(scrape_interval|scrape_timeout): \d+[smh]", r"\1: 5s", text))


def certificate(folder: Path, fleet: SimFleet) -> None:
    """A key and a request as Prometheus' machine makes them, and the certificate that fleetctl signs."""
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
         "/CN=prometheus", "-keyout", str(folder / "tls/monitoring.key"), "-out", str(folder / "request.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    done = fleetctl(fleet, "monitoring", "certificate", str(folder / "request.pem"))
    assert done.returncode == 0, done.stderr
    (folder / "tls/monitoring.crt").write_text(done.stdout)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("prometheus")
    port, manager = free_port(), free_port()
    with web() as told, running(folder / "sim", 6) as sim:
        done = fleetctl(
            sim.fleet, "monitoring", "export", str(folder / "out"), "--alertmanager", f"127.0.0.1:{manager}"
        )
        assert done.returncode == 0, done.stderr
        certificate(folder / "out", sim.fleet)
        hurried(folder / "out")
        (folder / "alertmanager.yml").write_text(ALERTMANAGER.format(url=told.url))
        with (
            serving(
                "prometheus-alertmanager",
                [f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'am'}",
                 f"--web.listen-address=127.0.0.1:{manager}", "--cluster.listen-address="],
                manager, folder,
            ),
            serving(
                "prometheus",
                [f"--config.file={folder / 'out/prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
                 f"--web.listen-address=127.0.0.1:{port}", "--rules.alert.resend-delay=1s"],
                port, folder,
            ),
        ):  # fmt: skip
            yield World(sim, f"http://127.0.0.1:{port}", told)


def test_every_site_is_scraped(world: World) -> None:
    poll(lambda: len(world.ask(f'up{{job="{metrics.JOB}"}} == 1')) == 6, "not every site is scraped")
    (site,) = world.ask('up{site="site-0003"}')
    assert site["metric"]["site_region"] == "r3"


def test_every_metric_that_rules_and_dashboards_name_exists(world: World) -> None:
    """But those of GPUs, which these sites have not, and the watcher's own, which comes another way."""
    poll(lambda: bool(world.ask(metrics.VERDICT)), "no verdicts")
    expressions = [rule["expr"] for group in rules()["groups"] for rule in group["rules"]]
    expressions += [
        target["expr"] for board in dashboards().values() for panel in board["panels"] for target in panel["targets"]
    ]
    named = set(re.findall(r"fleetctl_[a-z_]+", " ".join(expressions))) - {"fleetctl_critical", "fleetctl_unknown"}
    named -= {"fleetctl_degraded", "fleetctl_sites", "fleetctl_sites_silent", metrics.WATCH_ROUND, metrics.FAULTS}
    missing = {name for name in named if not world.ask(name)}
    assert not missing
    assert len(named) >= 12


def test_prometheus_takes_every_expression_of_the_dashboards(world: World) -> None:
    for board in dashboards().values():
        for panel in board["panels"]:
            for target in panel["targets"]:
                world.ask(target["expr"].replace("$site", "site-0001"))


def test_a_fault_and_its_repair_and_a_silent_site_are_told(world: World) -> None:
    broken = {
        "groups": [
            {"sites": "site-0001", "faults": ["audit-stuck"]}, {"sites": "site-0002", "faults": ["array-degraded"]},
            {"sites": "site-0004", "wire": "refused"}, {"sites": "site-0005", "wire": "strange-certificate"},
        ]
    }  # fmt: skip
    world.sim.play(Scenario.model_validate(broken))
    wanted = {
        ("FleetctlPartCritical", "site-0001", "firing"), ("FleetctlPartDegraded", "site-0002", "firing"),
        ("FleetctlSiteSilent", "site-0004", "firing"), ("FleetctlSiteSilent", "site-0005", "firing"),
        ("FleetctlWatcherDead", "", "firing"),
    }  # fmt: skip
    poll(lambda: wanted <= world.alerts(), f"not told of {wanted}")
    assert not {(name, site) for name, site, _ in world.alerts() if site in ("site-0000", "site-0003")}
    assert world.ask("fleet:fleetctl_sites_silent:count")[0]["value"][1] == "2"

    world.sim.play(Scenario())
    over = {(name, site, "resolved") for name, site, _ in wanted if site}
    poll(lambda: over <= world.alerts(), f"the end of {over} was not told")


def test_the_metrics_reader_reads_nothing_else(world: World) -> None:
    out = world.sim.fleet.folder.parent / "out"
    tls = yaml.safe_load((out / "prometheus.yml").read_text())["scrape_configs"][0]["tls_config"]
    context = ssl.create_default_context(cafile=str(out / tls["ca_file"]))
    context.load_cert_chain(out / tls["cert_file"], out / tls["key_file"])
    for path, status in (("/metrics", 200), ("/v1/health", 403), ("/v1/audit/checkpoint", 403)):
        connection = HTTPSConnection(world.sim.fleet.sites[0].address, PORT, timeout=60, context=context)
        connection.request("GET", path)
        assert connection.getresponse().status == status, path
        connection.close()
