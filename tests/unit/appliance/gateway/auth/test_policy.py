"""Who may do what: the complete table against a matrix that is written out here, and what lies between the rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from appliance.clinical.document import DocumentKind
from appliance.gateway.auth.actions import TABLE, UNBOUND, Action, Rule
from appliance.gateway.auth.break_glass import Grant, break_glass
from appliance.gateway.auth.policy import Decision, EncounterFacts, may
from appliance.gateway.auth.principal import Principal, Role
from appliance.gateway.auth.refusal import REFUSALS, AccessError
from appliance.gateway.auth.settings import AccessPolicy

NOW = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
REASON = "Patient unconscious in the emergency department"

# Columns: what the caller is to the encounter. o: its owner, m: a member, g: outside with an open break-glass grant,
# x: outside. A letter: allowed; a dot: refused. Before the colon the document is a clinical draft.
# After it, for the roles whose answer depends on the document: d draft, r in review, c corrected, s signed, j rejected,
# f a front-desk template in draft, n no document. "=": the same for every one of them.
MATRIX = """
                         clinician  coder    front_desk  auditor  admin    ehr      console
encounter.create         omgx:=     ....:=   omgx:=      ....:=   ....:=   omgx:=   ....:=
encounter.list           omgx:=     omgx:=   omgx:=      omgx:=   omgx:=   ....:=   omgx:=
encounter.read_metadata  omg.:=     all:rcs  omgx:=      omgx:=   omgx:=   ....:=   omgx:=
encounter.change_team    o...:=     ....:=   ....:=      ....:=   omgx:=   ....:=   ....:=
consent.record           om..:=     ....:=   omgx:=      ....:=   ....:=   omgx:=   ....:=
consent.read             omg.:=     ....:=   omgx:=      omgx:=   ....:=   ....:=   ....:=
audio.upload             om..:=     ....:=   ....:=      ....:=   ....:=   omgx:=   ....:=
audio.listen             om..:=     ....:=   ....:=      ....:=   ....:=   ....:=   ....:=
transcript.read          omg.:=     ....:=   ....:=      ....:=   ....:=   ....:=   ....:=
record.upload            om..:=     ....:=   ....:=      ....:=   ....:=   omgx:=   ....:=
record.read              omg.:=     ....:=   ....:=      ....:=   ....:=   ....:=   ....:=
document.draft           om..:=     ....:=   all:f       ....:=   ....:=   ....:=   ....:=
document.read            omg.:=     all:rcs  all:f       ....:=   ....:=   ....:=   ....:=
document.edit            om..:=     ....:=   all:f       ....:=   ....:=   ....:=   ....:=
document.sign            om..:=     ....:=   ....:=      ....:=   ....:=   ....:=   ....:=
document.reject          om..:=     ....:=   ....:=      ....:=   ....:=   ....:=   ....:=
document.addendum        om..:=     ....:=   ....:=      ....:=   ....:=   ....:=   ....:=
document.read_signed     omg.:=     all:s    all:f       ....:=   ....:=   all:s    ....:=
document.export          om..:=     ....:=   all:f       ....:=   ....:=   all:s    ....:=
codes.read               omg.:=     all:rcs  ....:=      ....:=   ....:=   ....:=   ....:=
codes.review             om..:=     all:rcs  ....:=      ....:=   ....:=   ....:=   ....:=
codes.export             om..:=     all:s    ....:=      ....:=   ....:=   all:s    ....:=
codes.search             omgx:=     omgx:=   ....:=      ....:=   ....:=   ....:=   ....:=
access.break_glass       omgx:=     ....:=   ....:=      ....:=   ....:=   ....:=   ....:=
audit.read               ....:=     ....:=   ....:=      omgx:=   ....:=   ....:=   omgx:=
retention.delete         ....:=     ....:=   ....:=      ....:=   omgx:=   ....:=   omgx:=
practice.configure       ....:=     ....:=   ....:=      ....:=   omgx:=   ....:=   omgx:=
"""
NOTE, TEMPLATE = DocumentKind.VISIT_NOTE, DocumentKind.FRONT_DESK_TEMPLATE
DOCUMENTS = {
    "d": (NOTE, "draft"), "r": (NOTE, "in_review"), "c": (NOTE, "corrected"), "s": (NOTE, "signed"),
    "j": (NOTE, "rejected"), "f": (TEMPLATE, "draft"), "n": (None, None), "?": (NOTE, "some_new_state"),
}  # fmt: skip
HEADER, *LINES = [line.split() for line in MATRIX.strip().splitlines()]
EXPECTED = {(name, role): cell for name, *cells in LINES for role, cell in zip(HEADER, cells, strict=True)}


def person(*roles: Role, subject: str = "me", mfa: bool = True, npi: str | None = None) -> Principal:
    return Principal(subject=subject, roles=frozenset(roles), issuer="https://idp.example", mfa=mfa, npi=npi)


def grant(who: Principal, encounter: str = "enc-1", opened: datetime = NOW) -> Grant:
    return Grant("bg-1", encounter, who.member_id, opened, opened + timedelta(hours=4), REASON)


def facts(who: Principal, relation: str, document: str = "d") -> EncounterFacts:
    kind, state = DOCUMENTS[document]
    return EncounterFacts(
        encounter="enc-1",
        owner=who.member_id if relation == "o" else "https://idp.example#owner",
        members=frozenset({"https://idp.example#nurse"} | ({who.member_id} if relation == "m" else set())),
        grants=(grant(who),) if relation == "g" else (),
        document_kind=kind,
        document_state=state,
    )


def test_matrix_and_table_name_the_same_actions_and_roles() -> None:
    assert [line[0] for line in LINES] == [action.value for action in Action]
    assert set(HEADER) == {role.value for role in Role}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_every_action_role_relation_and_document(action: Action, role: Role) -> None:
    relations, documents = EXPECTED[action.value, role.value].split(":")
    relations = "omgx" if relations == "all" else relations
    documents = "drcsjfn?" if documents == "=" else documents
    who = person(role)
    for relation, document in product("omgx", DOCUMENTS):
        decision = may(who, action, facts(who, relation, document), now=NOW)
        assert decision.allowed == (relation in relations and document in documents), (relation, document)
        # Only a clinician outside of the team rests on the grant, and the caller is told so.
        glass = decision.allowed and role is Role.CLINICIAN and relation == "g" and TABLE[action, role] is Rule.READ
        assert (decision.grant is not None) == glass
        if not decision.allowed:
            assert decision.reason in REFUSALS
            with pytest.raises(AccessError) as refused:
                decision.require()
            assert refused.value.status == 403


@pytest.mark.parametrize("action", list(Action))
def test_nobody_without_a_role_and_nothing_without_an_encounter(action: Action) -> None:
    nobody = person()
    assert may(nobody, action, facts(nobody, "o"), now=NOW) == Decision(False, "role", action=action)
    everybody = person(*Role)
    alone = may(everybody, action, None, now=NOW)
    assert alone.allowed == (action in UNBOUND)
    if action not in UNBOUND:
        assert alone.reason == "no-encounter"


def test_unbound_actions_ask_for_nothing_of_an_encounter() -> None:
    assert {TABLE[action, role] for action, role in TABLE if action in UNBOUND} == {Rule.ANY}


def test_admin_auditor_ehr_and_console_never_see_unsigned_content() -> None:
    content = [Action.LISTEN, Action.READ_TRANSCRIPT, Action.READ_RECORD, Action.READ_DOCUMENT, Action.READ_CODES]
    for role, action in product((Role.ADMIN, Role.AUDITOR, Role.EHR, Role.CONSOLE), content):
        who = person(role)
        assert not any(
            may(who, action, facts(who, rel, doc), now=NOW).allowed for rel, doc in product("omgx", DOCUMENTS)
        )


def test_several_roles_add_up_and_the_nearest_reason_is_told() -> None:
    both = person(Role.CLINICIAN, Role.CODER)
    assert may(both, Action.READ_DOCUMENT, facts(both, "x", "s"), now=NOW).role is Role.CODER
    assert may(both, Action.READ_DOCUMENT, facts(both, "x", "d"), now=NOW).reason == "document-state"
    unsure = person(Role.ADMIN, Role.CLINICIAN, mfa=False)
    assert may(unsure, Action.SIGN, facts(unsure, "o"), now=NOW).reason == "mfa-required"


def test_same_subject_of_another_issuer_is_somebody_else() -> None:
    who = person(Role.CLINICIAN)
    twin = replace(who, issuer="https://other.example")
    for relation in "omg":
        assert may(who, Action.READ_TRANSCRIPT, facts(who, relation), now=NOW).allowed
        assert may(twin, Action.READ_TRANSCRIPT, facts(who, relation), now=NOW).reason == "not-in-team"


@pytest.mark.parametrize(
    ("mfa", "npi", "rules", "reason"),
    [
        (True, None, {}, "allowed"),
        (False, None, {}, "mfa-required"),
        (False, None, {"sign_requires_mfa": False}, "allowed"),
        (True, None, {"sign_requires_npi": True}, "npi-required"),
        (True, "1234567893", {"sign_requires_npi": True}, "allowed"),
        (False, "1234567893", {"sign_requires_npi": True}, "mfa-required"),
    ],
)
def test_what_signing_needs(mfa: bool, npi: str | None, rules: dict[str, bool], reason: str) -> None:
    who = person(Role.CLINICIAN, mfa=mfa, npi=npi)
    policy = AccessPolicy.model_validate(rules)
    for action in (Action.SIGN, Action.ADD):
        assert may(who, action, facts(who, "m"), now=NOW, policy=policy).reason == reason


def test_root_cannot_sign_as_a_clinician() -> None:
    root = person(Role.CONSOLE, Role.CLINICIAN)
    assert may(root, Action.SIGN, facts(root, "o"), now=NOW).reason == "console-cannot-sign"
    assert may(root, Action.DRAFT, facts(root, "o"), now=NOW).allowed
    lab = AccessPolicy(console_may_sign=True)
    assert may(root, Action.SIGN, facts(root, "o"), now=NOW, policy=lab).allowed


def test_grant_opens_one_encounter_to_one_person_for_a_time() -> None:
    who = person(Role.CLINICIAN)
    other = person(Role.CLINICIAN, subject="other")
    opened = break_glass(who, "enc-1", REASON, NOW)
    base = replace(facts(who, "x"), grants=(opened,))

    def ask(by: Principal = who, at: EncounterFacts = base, after: timedelta = timedelta(0)) -> Decision:
        return may(by, Action.READ_TRANSCRIPT, at, now=NOW + after)

    assert ask() == Decision(True, "break-glass", Role.CLINICIAN, opened)
    assert ask(by=other).reason == "not-in-team"
    assert ask(at=replace(base, encounter="enc-2")).reason == "not-in-team"
    assert ask(after=timedelta(hours=4) - timedelta(seconds=1)).allowed
    assert ask(after=timedelta(hours=4)).reason == "grant-expired"
    assert not ask(after=-timedelta(seconds=1)).allowed
    assert may(who, Action.SIGN, base, now=NOW).reason == "grant-does-not-cover"
    # A member who also broke the glass reads as a member.
    assert ask(at=replace(base, members=frozenset({who.member_id}))).grant is None
    # A grant that ended beside one that is open.
    old = grant(who, opened=NOW - timedelta(hours=9))
    assert ask(at=replace(base, grants=(old, opened))).grant == opened


def test_grant_is_the_clinicians_and_not_another_roles() -> None:
    who = person(Role.CODER)
    assert may(who, Action.READ_TRANSCRIPT, replace(facts(who, "x"), grants=(grant(who),)), now=NOW).reason == "role"


def test_breaking_the_glass() -> None:
    who = person(Role.CLINICIAN)
    policy = AccessPolicy(break_glass_s=600)
    opened = break_glass(who, "enc-1", f"  {REASON}\n", NOW, policy)
    assert (opened.reason, opened.member_id, opened.encounter) == (REASON, who.member_id, "enc-1")
    assert opened.expires_at == NOW + timedelta(minutes=10)
    assert REASON not in repr(opened)
    assert break_glass(who, "enc-1", REASON, NOW).id != opened.id


@pytest.mark.parametrize(
    "reason",
    [
        "",
        " " * 50,
        "too short",
        "x" * 1001,
        "." * 40,
        "abababababab",
        f"{REASON}\x00",
        f"{REASON}\x1b[2J",
        f"{REASON}\ud800",
    ],
)
def test_reason_that_is_none(reason: str) -> None:
    with pytest.raises(AccessError) as refused:
        break_glass(person(Role.CLINICIAN), "enc-1", reason, NOW)
    assert (refused.value.code, refused.value.status) == ("break-glass-reason", 422)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLINICIAN])
def test_only_clinicians_break_the_glass(role: Role) -> None:
    with pytest.raises(AccessError) as refused:
        break_glass(person(role), "enc-1", REASON, NOW)
    assert refused.value.code == "role"


def test_console_and_single_factor_do_not_break_the_glass() -> None:
    for who, code in (
        (person(Role.CONSOLE, Role.CLINICIAN), "console-cannot-sign"),
        (person(Role.CLINICIAN, mfa=False), "mfa-required"),
    ):
        with pytest.raises(AccessError) as refused:
            break_glass(who, "enc-1", REASON, NOW)
        assert refused.value.code == code
    assert break_glass(
        person(Role.CLINICIAN, mfa=False), "e", REASON, NOW, AccessPolicy(break_glass_requires_mfa=False)
    )
