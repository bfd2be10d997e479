"""AcquireLock: one operator at a time changes a host."""

from __future__ import annotations

from fleetctl.errors import LockHeldError
from fleetctl.phases.base import HostRun, PhaseResult


class AcquireLock:
    """Writes owner, host, reason and expiry on the box. Someone else's unexpired lock ends the run (exit code 8)."""

    title = "AcquireLock"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        # Set before the attempt: a run that is cut off in the middle may hold the lock. Releasing what is not ours
        # does nothing, since the box compares the token.
        run.lock_taken = True
        try:
            run.apply("lock", bookkeeping=True)
        except LockHeldError:
            run.lock_taken = False
            raise
        return PhaseResult(detail=f"{run.claim.owner} on {run.claim.host}, for {run.claim.expires_s // 60} min")
