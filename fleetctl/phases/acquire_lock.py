"""AcquireLock: one operator at a time changes a host."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult


class AcquireLock:
    """Writes owner, host, reason and expiry on the box. Someone else's unexpired lock ends the run (exit code 8)."""

    title = "AcquireLock"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        run.claim_lock()
        return PhaseResult(detail=f"{run.claim.owner} on {run.claim.host}, for {run.claim.expires_s // 60} min")
