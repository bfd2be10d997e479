"""Provisioning that is killed in every phase and loses its power while it makes the disks: the next run finishes."""

from __future__ import annotations

import os
import signal

import pytest

from fleetctl.actions.provision import PROVISION
from tests.e2e.operator import SITE, Operator


def test_a_power_cut_while_the_disks_are_made_is_finished_by_the_next_run(bare_site: Operator) -> None:
    """The plug is pulled as soon as the storage phase has begun to write; the machine comes back and is provisioned."""
    process = bare_site.start("site", "provision", SITE, "--yes", "-o", "json")
    journal = "until test -s /var/lib/fleetctl/storage.json; do sleep 0.2; done; cat /var/lib/fleetctl/storage.json"
    assert "luks" in bare_site.ssh(f"timeout 300 sh -c '{journal}'").out
    bare_site.run("lab", "down", SITE, "--power-cut")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    bare_site.run("lab", "up", SITE)


@pytest.mark.parametrize("phase", [phase.title for phase in PROVISION])
def test_fleetctl_killed_in_a_phase_leaves_nothing_that_stops_the_next_run(bare_site: Operator, phase: str) -> None:
    """Each run meets what the one before it left half-done, the lock included."""
    arguments = ("site", "provision", SITE, "--yes", "-o", "json")
    assert bare_site.run_until({"phase": phase, "status": "started"}, *arguments)
