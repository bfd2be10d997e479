"""IsolateNetwork: default-deny in both directions, before anything is installed."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult, summary


class IsolateNetwork:
    """Loads the nftables rules. It comes before the stack, so that a hidden download fails here."""

    title = "IsolateNetwork"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        spec = run.site.spec
        return summary(run.apply("isolation", networks=spec.networks.model_dump(), egress=spec.egress.model_dump()))
