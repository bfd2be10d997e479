"""The firewall: are the live rules the sealed ones?"""

from typing import Any

from appliance.contract.health import IsolationPart, Verdict
from appliance.health.concerns.part import NOT_SEALED, PROVISION


def judge(firewall: dict[str, Any], seal: dict[str, Any] | None) -> IsolationPart:
    """Are the live firewall rules the sealed ones?"""
    counters = firewall["counters"]
    found: dict[str, Any] = {
        "ruleset_digest": firewall["digest"],
        "sealed_digest": seal["ruleset_digest"] if seal else None,
        "egress_denied_packets": counters["egress_denied"][0] if "egress_denied" in counters else None,
        "ingress_denied_packets": counters["ingress_denied"][0] if "ingress_denied" in counters else None,
    }
    if seal is None:
        return IsolationPart(verdict=Verdict.DEGRADED, reason=NOT_SEALED, next_action=PROVISION, **found)
    if firewall["digest"] != seal["ruleset_digest"]:
        return IsolationPart(
            verdict=Verdict.CRITICAL, reason="the live firewall rules differ from the sealed ones",
            next_action="unplug the network or load the rules again: systemctl restart nftables", **found,
        )  # fmt: skip
    return IsolationPart(verdict=Verdict.OK, reason="digest of the live firewall rules equals the sealed one", **found)
