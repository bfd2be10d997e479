"""IsolateNetwork: default-deny in both directions, before anything is installed."""

from __future__ import annotations

import re

from fleetctl.errors import ChangeError
from fleetctl.phases.base import HostRun, PhaseResult, summary
from fleetctl.remote.tasks import PlayResult


class IsolateNetwork:
    """Loads the nftables rules. It comes before the stack, so that a hidden download fails here.

    The operator's side keeps the digest of the rules: what the box says of itself later is compared with that.
    """

    title = "IsolateNetwork"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        spec = run.site.spec
        result = run.apply("isolation", networks=spec.networks.model_dump(), egress=spec.egress.model_dump())
        run.operator.record_isolation(_digest(result, run.site.name))
        return summary(result)


def _digest(result: PlayResult, host: str) -> str:
    """The digest of the rules, as the module made them on the box and found them loaded."""
    digest = str(result.fleet.get("isolation", {}).get("ruleset_digest", ""))
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ChangeError(
            "the box returned no digest of its rules", hint="run it again; the same words twice are a defect", host=host
        )
    return digest
