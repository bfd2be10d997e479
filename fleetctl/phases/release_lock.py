"""ReleaseLock: always, also after a failure or Ctrl-C."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult


class ReleaseLock:
    """Removes our lock from the box. A lock that this run never took stays as it is."""

    title = "ReleaseLock"
    after_failure = True

    def run(self, run: HostRun) -> PhaseResult:
        if not run.lock_taken:
            return PhaseResult(detail="no lock was taken", skipped=True)
        run.apply("unlock", bookkeeping=True)
        run.lock_taken = False
        return PhaseResult()
