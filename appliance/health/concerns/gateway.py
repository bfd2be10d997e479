"""The gateway: does it log, store, and reach its engines?"""

from typing import Any

from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import GatewayPart, Verdict

_JOURNAL = "read the journal of the unit: journalctl -u appliance-gateway"


def judge(answer: GatewayHealth, seal: dict[str, Any] | None) -> GatewayPart:
    """Does the gateway work as it should at this site?

    A log that takes no entry releases nothing, so that is critical; an engine that is down stops a part of the work.
    """
    found: dict[str, Any] = {
        "audit_size": answer.audit.size,
        "audit_root_hash": answer.audit.root_hash,
        "checkpoint_age_s": answer.audit.checkpoint_age_s,
        "open_transcripts": answer.open_transcripts,
        "failed_transcripts": answer.failed_transcripts,
    }

    def part(verdict: Verdict, reason: str, next_action: str = "") -> GatewayPart:
        return GatewayPart(verdict=verdict, reason=reason, next_action=next_action, **found)

    if not answer.audit.writable:
        return part(Verdict.CRITICAL, "the audit log takes no entry, so that nothing is released", _JOURNAL)
    if not answer.database.ok:
        return part(Verdict.CRITICAL, "the clinical store does not answer", _JOURNAL)
    sealed = {model["task"] for model in seal["models"]} if seal else None
    if sealed is not None and ("drafting" in sealed) is not (answer.engines.drafting is not None):
        has = "names a drafting engine" if "drafting" in sealed else "names no drafting engine"
        return part(
            Verdict.DEGRADED, f"the seal {has}; the gateway is configured otherwise",
            "provision the site again: fleetctl site provision",
        )  # fmt: skip
    silent = [
        name
        for name, answers in (("transcription", answer.engines.transcription), ("drafting", answer.engines.drafting))
        if answers is False
    ]
    if silent:
        return part(
            Verdict.DEGRADED, f"the gateway does not reach: {', '.join(silent)}",
            f"read the journal of the unit: journalctl -u appliance-{silent[0]}",
        )  # fmt: skip
    # A recording that nobody can transcribe is shown as a number: it is a clinician's matter, not the machine's.
    if answer.status != "ok":
        return part(Verdict.DEGRADED, "the gateway calls itself degraded", _JOURNAL)
    return part(Verdict.OK, "audit log, store and engines answer")
