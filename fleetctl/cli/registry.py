"""The table of commands: name, where it lives, one line of help.

`fleetctl --help` reads this table alone; a command's module is imported when the command is called.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One command: `target` is "module:attribute", a Typer app or a function."""

    name: str
    target: str
    help: str


COMMANDS: tuple[Row, ...] = (
    Row("init", "fleetctl.cli.init:init", "Make a fleet directory: fleet.yaml, sites/ and the fleet's keys."),
    Row("status", "fleetctl.cli.status:status", "Show every site: verdict, why, next action."),
    Row("top", "fleetctl.cli.top:top", "Watch GPUs, queues and latencies of every site."),
    Row("health", "fleetctl.cli.health:app", "Check sites and GPUs; explain, acknowledge, history, drift."),
    Row("site", "fleetctl.cli.site:app", "Add, hold, preflight, burn in, provision and verify sites."),
    Row("profile", "fleetctl.cli.profile:app", "List, show and validate hardware profiles; size a site."),
    Row("image", "fleetctl.cli.image:app", "Build the signed OS image and model images."),
    Row("release", "fleetctl.cli.release:app", "Build, sign, approve, revoke and carry releases."),
    Row("rollout", "fleetctl.cli.rollout:app", "Plan, start and steer rollouts; ask what they do and why."),
    Row("watch", "fleetctl.cli.watch:watch", "Watch the fleet, and tell people of what lasts."),
    Row("alerts", "fleetctl.cli.alerts:app", "Show alerts, silence them for a while, test their receivers."),
    Row("monitoring", "fleetctl.cli.monitoring:app", "Configure Prometheus and Grafana for the fleet."),
    Row("egress", "fleetctl.cli.egress:app", "Show what may leave a site, and prove that nothing else can."),
    Row("audit", "fleetctl.cli.audit:app", "Verify a site's audit log away from the site, and witness it."),
    Row("disk", "fleetctl.cli.disk:app", "Show encryption of disks and test escrowed recovery keys."),
    Row("keys", "fleetctl.cli.keys:app", "Show and renew the fleet's own certificates."),
    Row("lock", "fleetctl.cli.lock:app", "Show or release the lock of a site."),
    Row("lab", "fleetctl.cli.lab:app", "Run virtual sites on this machine."),
    Row("doctor", "fleetctl.cli.doctor:doctor", "Say what this machine lacks, and how to get it."),
    Row("version", "fleetctl.cli.version:version", "Show versions."),
)
