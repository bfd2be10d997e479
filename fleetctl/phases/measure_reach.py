"""MeasureReach: what could leave the box before its network was closed."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult


class MeasureReach:
    """Reads only. The isolation proof needs it: "blocked" means little where nothing ever got through.

    Costs nothing once everything has been reached: later runs keep that record.
    """

    title = "MeasureReach"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        reached = run.operator.measure_reach(run.host)
        if reached is None:
            return PhaseResult(detail="no canaries for this site", skipped=True)
        return PhaseResult(detail=f"{reached} canaries and hosts were reachable before isolation")
