"""Connect: reach the host, and make sure that it is the one."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult


class Connect:
    """Opens the SSH connection; a host key other than the pinned one ends the run."""

    title = "Connect"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        run.host.open()
        management = run.site.spec.management
        return PhaseResult(detail=f"{management.address}:{management.ssh_port}, host key as pinned")
