"""`appliancectl health snapshot`: the agent's own snapshot, or one that is taken here where it does not answer."""

import os
import sys

from appliance.contract.health import HealthSnapshot
from appliance.contract.health_reading import SnapshotError, read_snapshot
from appliance.facts.gather import gather
from appliance.facts.reading import UnreadableError
from appliance.health.agent import SOCKET
from appliance.health.inputs import ask, parse_facts
from appliance.health.snapshot import Sources, take

# A snapshot waits for its slowest source; the agent gives each one less.
_TIMEOUT_S = 20.0


def taken(*, now: bool) -> HealthSnapshot:
    """Return a snapshot of now."""
    if not now:
        try:
            return read_snapshot(ask(SOCKET, "/v1/health", timeout_s=_TIMEOUT_S))
        except (UnreadableError, SnapshotError) as error:
            print(f"note: judged here, because the health agent does not answer: {error}", file=sys.stderr)
    # Root reads the facts itself; anybody else gets those that their keeper left.
    facts = gather() if os.geteuid() == 0 else None
    return take(Sources(), facts=parse_facts(facts, facts["boottime_s"]) if facts else None)
