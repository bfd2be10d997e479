"""Break-glass: emergency access to one encounter for reading, with a reason and an end (45 CFR 164.312(a)(2)(ii))."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.principal import Principal, Role
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.settings import AccessPolicy

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # tab and new line are fine


@dataclass(frozen=True)
class Grant:
    """Access of one person to one encounter until `expires_at`.

    `reason` is a person's words and may name a patient: it is stored like content, the log gets a commitment to it, and
    `repr` leaves it out. Opening a grant and each use of it are logged by the caller.
    """

    id: str
    encounter: str
    member_id: str
    opened_at: datetime
    expires_at: datetime
    reason: str = field(repr=False)

    def covers(self, principal: Principal, encounter: str, now: datetime) -> bool:
        """Whether it opens this encounter to this person now."""
        mine = self.encounter == encounter and self.member_id == principal.member_id
        return mine and self.opened_at <= now < self.expires_at


def _refused(code: str) -> AccessError:
    return AccessError(code, action=Action.BREAK_GLASS.value)


def break_glass(
    principal: Principal, encounter: str, reason: str, now: datetime, policy: AccessPolicy | None = None
) -> Grant:
    """Return a grant. Raises AccessError: role, console-cannot-sign, mfa-required, or break-glass-reason."""
    rules = policy or AccessPolicy()
    if Role.CLINICIAN not in principal.roles:
        raise _refused("role")
    if Role.CONSOLE in principal.roles and not rules.console_may_sign:
        raise _refused("console-cannot-sign")
    if rules.break_glass_requires_mfa and not principal.mfa:
        raise _refused("mfa-required")
    words = reason.strip()
    if not rules.break_glass_min_chars <= len(words) <= rules.break_glass_max_chars or _CONTROL.search(words):
        raise _refused("break-glass-reason")
    if len(set(words.lower())) < 4:  # "..........", "xxxxxxxxxx": long enough, and no reason
        raise _refused("break-glass-reason")
    return Grant(
        id=f"bg-{secrets.token_hex(16)}",
        encounter=encounter,
        member_id=principal.member_id,
        opened_at=now,
        expires_at=now + timedelta(seconds=rules.break_glass_s),
        reason=words,
    )
