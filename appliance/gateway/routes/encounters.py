"""Encounters: made, found, shared with a care team, opened in an emergency, destroyed."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from appliance.gateway.api import (
    CareTeam,
    Deleted,
    Deletion,
    EncounterAnswer,
    EncounterPage,
    GlassBroken,
    NewEncounter,
    Uuid,
    WhyGiven,
)
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.break_glass import break_glass
from appliance.gateway.auth.policy import may
from appliance.gateway.auth.principal import Principal, Role
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.core import Core
from appliance.gateway.destroy import destroy_encounter
from appliance.gateway.known import seal_names
from appliance.gateway.opening import Details, decide, details, details_place, not_found, open_encounter
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.store import encounters, patients
from appliance.gateway.store.encounters import EncounterRow
from appliance.gateway.trail import Act, actor_of, commitment
from appliance.problems import ProblemError, invalid

router = APIRouter(prefix="/v1/encounters", tags=["encounters"])


def _member_id(core: Core, caller: Principal, subject: str) -> str:
    """Return the identifier under which a person of the caller's identity provider is stored."""
    if "#" in subject:
        return subject
    if Role.EHR not in caller.roles:
        return f"{caller.issuer}#{subject}"
    issuers = core.settings.all_access.issuers
    if len(issuers) != 1:
        raise invalid("clinician", "there are several identity providers: name the person as issuer#subject")
    return f"{issuers[0].issuer}#{subject}"


def _answer(row: EncounterRow, shown: Details | None) -> EncounterAnswer:
    return EncounterAnswer(
        id=row.id, state=row.state, created_at=row.created_at, clinician=row.clinician, team=tuple(sorted(row.team)),
        patient_state=row.patient_state, clinician_state=row.clinician_state,
        capture_stopped_at=row.capture_stopped_at, patient_ref=shown.patient_ref if shown else None,
        title=shown.title if shown else None,
    )  # fmt: skip


@router.post("", status_code=201, summary="Begin an encounter")
def create(given: NewEncounter, caller: Caller, core: TheCore) -> EncounterAnswer:
    """A clinician who gives no other becomes the responsible one; a system or the front desk must name one."""
    may(caller, Action.CREATE_ENCOUNTER, None, now=datetime.now(UTC)).require()
    core.require_room()
    if given.clinician is None and Role.CLINICIAN not in caller.roles:
        raise invalid("clinician", "name the responsible clinician")
    for state in (given.patient_state, given.clinician_state):
        core.law.law(state)
    owner = caller.member_id if given.clinician is None else _member_id(core, caller, given.clinician)
    team = frozenset(_member_id(core, caller, subject) for subject in given.team) | {owner}
    identifier = str(uuid.uuid4())
    key, wrapped = core.vault.new_key(identifier)
    kept = Details(patient_ref=given.patient_ref, title=given.title)
    content = kept.model_dump_json().encode()
    row = EncounterRow(
        id=identifier, state="open", created_at=datetime.now(UTC), created_by=caller.member_id, clinician=owner,
        patient_state=given.patient_state, clinician_state=given.clinician_state, capture_stopped_at=None,
        sealed=key.seal(content, details_place(identifier)), team=team,
    )  # fmt: skip
    with core.database.write() as connection:
        encounters.add(connection, row, wrapped)
        tag = core.vault.patient_tag(given.patient_ref)
        names = seal_names(key, identifier, given.names)
        patients.add(connection, identifier, tag, names, lambda: core.vault.new_patient_secret(tag))
        produced = (commitment("encounter", key.commit(content)),)
        core.trail.append(actor_of(caller), Act("encounter.created", identifier, produced=produced))
    return _answer(row, kept)


@router.get("", summary="List encounters, newest first")
def listed(
    caller: Caller,
    core: TheCore,
    state: Literal["open", "closed", "deleted"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=80)] = None,
) -> EncounterPage:
    """A clinician sees those of their care teams, with what is sealed; others see that they are there."""
    may(caller, Action.LIST_ENCOUNTERS, None, now=datetime.now(UTC)).require()
    own = Role.CLINICIAN in caller.roles
    with core.database.read() as connection:
        rows = encounters.page(
            connection, member=caller.member_id if own else None, state=state, after=_cursor(after), limit=limit + 1
        )
        shown = []
        for row in rows[:limit]:
            wrapped = encounters.wrapped_key(connection, row.id) if own else None
            key = core.vault.unwrap(row.id, wrapped) if wrapped else None
            shown.append(_answer(row, details(row, key) if key else None))
    if own and shown:
        # References to patients are shown: who looked is on record.
        core.trail.append(actor_of(caller), Act("encounter.listed", numbers={"encounters": len(shown)}))
    last = rows[limit - 1] if len(rows) > limit else None
    return EncounterPage(
        encounters=tuple(shown), next=f"{last.created_at.isoformat()}~{last.id}" if last is not None else None
    )


def _cursor(after: str | None) -> tuple[datetime, str] | None:
    if after is None:
        return None
    at, _, identifier = after.partition("~")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC), str(uuid.UUID(identifier))
    except (ValueError, OverflowError):
        raise invalid("after", "give the `next` of the page before") from None


@router.get("/{encounter}", summary="Show an encounter")
def show(encounter: Uuid, caller: Caller, core: TheCore) -> EncounterAnswer:
    """The sealed part only for those who may read clinical content."""
    with core.database.read() as connection:
        row = encounters.find(connection, encounter)
        if row is None:
            raise not_found("encounter")
        decide(core, connection, row, caller, Action.READ_METADATA, state="").require()
        wrapped = encounters.wrapped_key(connection, encounter)
        clinical = decide(core, connection, row, caller, Action.READ_TRANSCRIPT)
        if not clinical.allowed or wrapped is None:
            return _answer(row, None)
        opened = open_encounter(core, connection, caller, encounter, Action.READ_TRANSCRIPT)
    core.trail.append(opened.actor, Act("encounter.read", encounter))
    return _answer(row, details(row, opened.key))


@router.put("/{encounter}/care-team", summary="Change who cares for the patient")
def change_team(encounter: Uuid, given: CareTeam, caller: Caller, core: TheCore) -> EncounterAnswer:
    """The responsible clinician always belongs to it."""
    with core.database.write() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.CHANGE_TEAM)
        opened.require_open()
        team = frozenset(_member_id(core, caller, subject) for subject in given.team) | {opened.row.clinician}
        encounters.set_team(connection, encounter, team)
        core.trail.append(
            opened.actor, Act("encounter.team_changed", encounter, numbers={"members": len(team)})
        )  # fmt: skip
        row = encounters.find(connection, encounter)
    assert row is not None  # noqa: S101 (the transaction holds it)
    return _answer(row, None)


@router.post("/{encounter}/break-glass", status_code=201, summary="Open an encounter in an emergency")
def emergency(encounter: Uuid, given: WhyGiven, caller: Caller, core: TheCore) -> GlassBroken:
    """For a clinician outside of the care team: reading only, for a limited time, each use in the log."""
    now = datetime.now(UTC)
    with core.database.write() as connection:
        row = encounters.find(connection, encounter)
        wrapped = encounters.wrapped_key(connection, encounter)
        if row is None:
            raise not_found("encounter")
        decide(core, connection, row, caller, Action.BREAK_GLASS).require()
        if wrapped is None:
            raise ProblemError(410, "destroyed", "The encounter was destroyed", "its key is gone")
        grant = break_glass(caller, encounter, given.reason, now, core.settings.all_access.policy)
        key = core.vault.unwrap(encounter, wrapped)
        reason = given.reason.encode()
        encounters.add_grant(
            connection, grant.id, encounter, caller.member_id, now, grant.expires_at,
            key.seal(reason, f"break_glass/{grant.id}"),
        )  # fmt: skip
        core.trail.append(
            actor_of(caller, break_glass=True),
            Act(
                "access.break_glass", encounter, considered=(commitment("reason", key.commit(reason)),),
                numbers={"hours": (grant.expires_at - now).total_seconds() / 3600},
            ),
        )  # fmt: skip
    return GlassBroken(expires_at=grant.expires_at)


@router.post("/{encounter}/close", summary="Close an encounter: nothing can be added any more")
def close(encounter: Uuid, caller: Caller, core: TheCore) -> EncounterAnswer:
    """The responsible clinician closes it; its documents can still be read, and get addenda."""
    with core.database.write() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.CHANGE_TEAM)
        opened.require_open()
        core.live.stop(encounter, "closed")
        encounters.close(connection, encounter)
        core.trail.append(opened.actor, Act("encounter.closed", encounter))
        row = encounters.find(connection, encounter)
    assert row is not None  # noqa: S101 (the transaction holds it)
    core.readings.forget(encounter)
    return _answer(row, None)


@router.post("/{encounter}/destruction", summary="Destroy an encounter with its key")
def destroy(encounter: Uuid, given: Deletion, caller: Caller, core: TheCore) -> Deleted:
    """Everything sealed of it can never be read again; the entry in the log is the key-destroy record."""
    with core.database.read() as connection:
        row = encounters.find(connection, encounter)
        if row is None:
            raise not_found("encounter")
        decide(core, connection, row, caller, Action.DELETE).require()
    if row.state == "deleted":
        raise (
            AccessError("no-encounter")
            if not caller.roles
            else ProblemError(410, "destroyed", "The encounter was destroyed", "there is nothing left of it")
        )
    return destroy_encounter(core, row, Act("retention.key_destroyed", encounter, reason=given.reason), caller)
