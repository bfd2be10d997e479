"""The decision: may this principal do this to this encounter? A pure function of the table, the facts and the time."""

from dataclasses import dataclass, replace
from datetime import datetime

from appliance.clinical.document import DocumentKind
from appliance.gateway.auth.actions import TABLE, UNBOUND, Action, Rule
from appliance.gateway.auth.break_glass import Grant
from appliance.gateway.auth.principal import Principal, Role
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.settings import AccessPolicy

REVIEWABLE = frozenset({"in_review", "corrected", "signed"})
SIGNED = "signed"

# What a person with several roles is told: the reason of the role that came nearest.
_NEAREST = (
    "console-cannot-sign", "mfa-required", "npi-required", "grant-expired", "grant-does-not-cover", "not-owner",
    "document-state", "document-kind", "not-in-team", "no-encounter", "role",
)  # fmt: skip


@dataclass(frozen=True)
class EncounterFacts:
    """What a decision needs to know of an encounter, and of the document that it is about if there is one.

    `owner` and `members` are member ids of principals. `grants` are those stored for the encounter, of anybody.
    `document_state` is a word of the review's states; a word that this module does not know opens nothing.
    """

    encounter: str
    owner: str | None = None
    members: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()
    document_kind: DocumentKind | None = None
    document_state: str | None = None


@dataclass(frozen=True)
class Decision:
    """The answer. `reason` is `allowed`, `break-glass`, or a code of REFUSALS.

    With `grant`, the access rests on break-glass: the caller logs each such use before it answers. A refusal names the
    `action`.
    """

    allowed: bool
    reason: str
    role: Role | None = None
    grant: Grant | None = None
    action: Action | None = None

    def require(self) -> "Decision":
        """Return itself, or raise AccessError with the reason."""
        if not self.allowed:
            raise AccessError(self.reason, action=self.action)
        return self


def may(
    principal: Principal,
    action: Action,
    facts: EncounterFacts | None,
    *,
    now: datetime,
    policy: AccessPolicy | None = None,
) -> Decision:
    """Decide. `facts` is None only for actions that concern no encounter. One role that may is enough."""
    if facts is None and action not in UNBOUND:
        return Decision(False, "no-encounter", action=action)
    rules = policy or AccessPolicy()
    found = [_for_role(principal, role, action, facts, now, rules) for role in Role if role in principal.roles]
    allowed = [decision for decision in found if decision.allowed]
    if allowed:
        # Without a grant first: a member who also broke the glass acts as a member.
        return min(allowed, key=lambda decision: decision.grant is not None)
    nearest = min(found, key=lambda decision: _NEAREST.index(decision.reason), default=Decision(False, "role"))
    return replace(nearest, action=action)


def _for_role(
    principal: Principal,
    role: Role,
    action: Action,
    facts: EncounterFacts | None,
    now: datetime,
    policy: AccessPolicy,
) -> Decision:
    rule = TABLE.get((action, role))
    if rule is None:
        return Decision(False, "role", role)
    if rule is Rule.ANY:
        return Decision(True, "allowed", role)
    if facts is None:
        return Decision(False, "no-encounter", role)
    match rule:
        case Rule.REVIEW:
            return _answer(facts.document_state in REVIEWABLE, "document-state", role)
        case Rule.SIGNED:
            return _answer(facts.document_state == SIGNED, "document-state", role)
        case Rule.FRONT:
            return _answer(facts.document_kind is DocumentKind.FRONT_DESK_TEMPLATE, "document-kind", role)
    return _for_team(principal, role, rule, facts, now, policy)


def _for_team(
    principal: Principal, role: Role, rule: Rule, facts: EncounterFacts, now: datetime, policy: AccessPolicy
) -> Decision:
    owner = facts.owner == principal.member_id
    if not (owner or principal.member_id in facts.members):
        return _outside(principal, role, rule, facts, now)
    if rule is Rule.OWNER:
        return _answer(owner, "not-owner", role)
    if rule is Rule.SIGN:
        missing = _missing_for_signature(principal, policy)
        return _answer(missing is None, missing or "allowed", role)
    return Decision(True, "allowed", role)


def _outside(principal: Principal, role: Role, rule: Rule, facts: EncounterFacts, now: datetime) -> Decision:
    """Decide for somebody outside of the team, who may hold a grant."""
    mine = [grant for grant in facts.grants if grant.member_id == principal.member_id]
    open_now = [grant for grant in mine if grant.covers(principal, facts.encounter, now)]
    if open_now and rule is Rule.READ:
        return Decision(True, "break-glass", role, max(open_now, key=lambda grant: grant.expires_at))
    if open_now:
        return Decision(False, "grant-does-not-cover", role)
    ended = any(grant.encounter == facts.encounter and grant.expires_at <= now for grant in mine)
    return Decision(False, "grant-expired" if ended and rule is Rule.READ else "not-in-team", role)


def _missing_for_signature(principal: Principal, policy: AccessPolicy) -> str | None:
    if Role.CONSOLE in principal.roles and not policy.console_may_sign:
        return "console-cannot-sign"
    if policy.sign_requires_mfa and not principal.mfa:
        return "mfa-required"
    if policy.sign_requires_npi and principal.npi is None:
        return "npi-required"
    return None


def _answer(allowed: bool, otherwise: str, role: Role) -> Decision:
    return Decision(True, "allowed", role) if allowed else Decision(False, otherwise, role)
