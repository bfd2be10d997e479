"""The audit log: does it take entries, sign itself, and verify?"""

from datetime import UTC, datetime
from typing import Any

from appliance.contract.audit_check import AuditCheck
from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import AuditPart, Verdict
from appliance.facts.reading import UnreadableError

_JOURNAL = "read the journal of the unit: journalctl -u appliance-gateway"
_KEEP = "keep the disk as it is; compare with a copy: fleetctl audit verify"
# The log signs a checkpoint at most two seconds after an entry (docs/design/audit-log.md): a much older one is no fault
# where nothing was written. The check runs daily; two that did not run are one too many.
CHECK_STALE_S = 2.5 * 86400


def judge(
    answer: GatewayHealth | UnreadableError, check: AuditCheck | UnreadableError | None, now: datetime | None = None
) -> AuditPart:
    """Judge what the log's writer says, and what the last verification on the box found. A failed one comes first."""
    at = now or datetime.now(UTC)
    found: dict[str, Any] = {}
    if isinstance(answer, GatewayHealth):
        log = answer.audit
        found |= {"size": log.size, "root_hash": log.root_hash, "checkpoint_age_s": log.checkpoint_age_s}
    if isinstance(check, AuditCheck):
        found |= {"verified_at": check.at, "verified": check.verified, "verified_size": check.size}

    def part(verdict: Verdict, reason: str, next_action: str = "") -> AuditPart:
        return AuditPart(verdict=verdict, reason=reason[:500], next_action=next_action, **found)

    if isinstance(check, AuditCheck) and check.verified is False:
        return part(Verdict.CRITICAL, f"the log does not verify: {check.reason}", _KEEP)
    if isinstance(answer, UnreadableError):
        return part(Verdict.UNKNOWN, f"cannot be read: {answer}", _JOURNAL)
    if not answer.audit.writable:
        return part(Verdict.CRITICAL, "the audit log takes no entry, so that nothing is released", _JOURNAL)
    if isinstance(check, UnreadableError):
        return part(Verdict.UNKNOWN, f"its last verification cannot be read: {check}", "look on the box")
    size = answer.audit.size
    if check is None:
        return part(Verdict.OK, f"takes entries ({size}); not verified since the machine was started")
    if check.verified is None:
        return part(
            Verdict.UNKNOWN, f"it could not be verified: {check.reason}", "appliancectl audit verify on the box"
        )
    if check.size is not None and check.size > size:
        return part(Verdict.CRITICAL, f"{check.size} entries were verified, {size} are left: rolled back", _KEEP)
    age_s = (at - check.at).total_seconds()
    if age_s > CHECK_STALE_S:
        return part(
            Verdict.DEGRADED, f"last verified {age_s / 86400:.1f} days ago",
            "systemctl status appliance-audit-check.timer on the machine's console",
        )  # fmt: skip
    return part(Verdict.OK, f"takes entries ({size}); the first {check.size} verified {age_s / 3600:.0f} h ago")
