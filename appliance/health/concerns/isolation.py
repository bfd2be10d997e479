"""The firewall: are the live rules the sealed ones?"""

from typing import Any

from pydantic import ValidationError

from appliance.contract.health import EgressProof, IsolationPart, Verdict
from appliance.facts.reading import UnreadableError
from appliance.health.concerns.part import NOT_SEALED, PROVISION

_PROVE = "fleetctl egress prove"


def judge(firewall: dict[str, Any], seal: dict[str, Any] | None, proof: dict[str, Any] | None) -> IsolationPart:
    """Are the live firewall rules the sealed ones, and did nothing get out when that was last tried?

    That nobody has tried is said and is no fault: whether a proof is due is the operator's to know.
    """
    last = _proof(proof)
    counters = firewall["counters"]
    found: dict[str, Any] = {
        "ruleset_digest": firewall["digest"],
        "sealed_digest": seal["ruleset_digest"] if seal else None,
        "egress_denied_packets": counters["egress_denied"][0] if "egress_denied" in counters else None,
        "ingress_denied_packets": counters["ingress_denied"][0] if "ingress_denied" in counters else None,
        "last_proof": last,
    }
    if seal is None:
        return IsolationPart(verdict=Verdict.DEGRADED, reason=NOT_SEALED, next_action=PROVISION, **found)
    if firewall["digest"] != seal["ruleset_digest"]:
        return IsolationPart(
            verdict=Verdict.CRITICAL, reason="the live firewall rules differ from the sealed ones",
            next_action="unplug the network or load the rules again: systemctl restart nftables", **found,
        )  # fmt: skip
    same = "digest of the live firewall rules equals the sealed one"
    if last is None:
        return IsolationPart(verdict=Verdict.OK, reason=f"{same}; nobody has tried to get out yet", **found)
    when = f"{last.finished_at:%Y-%m-%d %H:%M}Z"
    if last.ruleset_digest != seal["ruleset_digest"]:
        return IsolationPart(verdict=Verdict.OK, reason=f"{same}; last tried at {when}, with other rules", **found)
    if last.verdict == "reached":
        return IsolationPart(
            verdict=Verdict.CRITICAL, reason=f"{last.reached} of {last.attempts} attempts got out at {when}",
            next_action=f"unplug the network; then {_PROVE} with the reason found", **found,
        )  # fmt: skip
    if last.verdict == "incomplete":
        return IsolationPart(
            verdict=Verdict.DEGRADED, reason=f"{same}; the last try to get out, at {when}, was not complete",
            next_action=_PROVE, **found,
        )  # fmt: skip
    return IsolationPart(
        verdict=Verdict.OK, reason=f"{same}; {last.attempts} attempts to get out at {when}: none arrived", **found
    )


def _proof(found: dict[str, Any] | None) -> EgressProof | None:
    try:
        return None if found is None else EgressProof.model_validate(found)
    except ValidationError:
        raise UnreadableError("what is kept of the last try to get out is not understood") from None
