"""Consent: events are recorded and never changed; what they allow is answered with its basis."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from appliance.contract.audit import Digest, Tool
from appliance.gateway import recordings
from appliance.gateway.api import Answer, Given, UsState, Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.capture import events_of, place, requirement_of, state_now, withdraw
from appliance.gateway.consent.event import ConsentEvent, Party, Scope
from appliance.gateway.consent.line import consent_line
from appliance.gateway.consent.record import admit
from appliance.gateway.consent.requirement import Requirement
from appliance.gateway.consent.state import ConsentState, state_of
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, open_encounter
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.store import encounters
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/encounters/{encounter}", tags=["consent"])


class NewConsentEvent(Given):
    """What a person said about consent. A refusal or withdrawal may leave the states out."""

    id: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"), Field(description="The caller's.")
    ]
    kind: Literal["given", "refused", "withdrawn"]
    party: Party
    method: Literal["verbal", "written", "electronic"]
    patient_state: UsState | None = None
    clinician_state: UsState | None = None
    others_present: Annotated[int, Field(ge=0, le=20, description="Beside patient, representative and clinician.")] = 0
    at: Annotated[AwareDatetime, Field(description="When it was said, with its time zone.")]
    scope: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=2)] = tuple(Scope)
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] = "en"
    wording: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")] | None = None


class BasisAnswer(Answer):
    """What one state contributes."""

    state: str
    rule: str
    citation: str | None
    override: str | None
    parties: str


class ConsentAnswer(Answer):
    """What the record allows now, and why."""

    capture_allowed: bool
    reason: str
    drafting_allowed: bool
    drafting_reason: str
    withdrawn_at: datetime | None
    parties_needed: Annotated[str, Field(description="all: everybody who can be heard; one: the patient's side.")]
    basis: tuple[BasisAnswer, ...]
    table_version: str
    table_sha256: str
    overrides_sha256: str | None
    events: int
    statement: Annotated[str, Field(description="The line of the note, from the events.")]


def _answer(
    core: Core, requirement: Requirement, state: ConsentState, events: tuple[ConsentEvent, ...]
) -> ConsentAnswer:
    return ConsentAnswer(
        capture_allowed=state.capture_allowed, reason=state.reason, drafting_allowed=state.drafting_allowed,
        drafting_reason=state.drafting_reason, withdrawn_at=state.withdrawn_at, parties_needed=requirement.parties,
        basis=tuple(
            BasisAnswer(
                state=part.state, rule=part.rule.value, citation=core.law.law(part.state).citation,
                override=part.override, parties=part.parties,
            )
            for part in requirement.basis
        ),
        table_version=requirement.table_version, table_sha256=requirement.table_sha256,
        overrides_sha256=requirement.overrides_sha256, events=len(events), statement=consent_line(events),
    )  # fmt: skip


def law_tools(requirement: Requirement) -> tuple[Tool, ...]:
    """Return the tables that a decision about consent rests on, for the log."""
    tools = [Tool(kind="table", name=f"recording-law/{requirement.table_version}", digest=requirement.table_sha256)]
    if requirement.overrides_sha256:
        tools.append(Tool(kind="table", name="consent-overrides", digest=requirement.overrides_sha256))
    return tuple(tools)


def _event(given: NewConsentEvent, recorded_by: str) -> ConsentEvent:
    """Raises ProblemError 422 where the parts do not fit together."""
    try:
        return ConsentEvent(**given.model_dump(exclude={"party"}), party=given.party, recorded_by=recorded_by)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the event"
        raise ProblemError(422, "consent-event", "Not a consent event", f"{where}: {first['msg']}") from None


@router.post("/consent-events", status_code=201, summary="Record what somebody said about consent")
def record(encounter: Uuid, given: NewConsentEvent, caller: Caller, core: TheCore) -> ConsentAnswer:
    """A withdrawal stops a running capture at once, and what was captured is handled as the policy says."""
    now = datetime.now(UTC)
    with core.database.write() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.RECORD_CONSENT)
        opened.require_open()
        event = _event(given, caller.member_id)
        before = events_of(connection, encounter, opened.key)
        events = admit(before, event, now, core.settings.consent)
        requirement = requirement_of(core, opened.row)
        state = state_of(events, requirement, now, core.settings.consent)
        if not state.capture_allowed:
            core.live.stop(encounter, state.reason)
        content = event.model_dump_json().encode()
        encounters.add_consent(
            connection, event.id, encounter, opened.key.seal(content, place(event.id)), len(before)
        )  # fmt: skip
        counts = {}
        if not event.gives and state.handling is not None:
            counts = withdraw(connection, opened.row, state.handling.disposition)
            encounters.stop_capture(connection, encounter, now)
        elif state.capture_allowed:
            encounters.allow_capture(connection, encounter)
        _log(core, opened, event, content, requirement, state, counts)
    if not state.drafting_allowed or not state.capture_allowed:
        core.readings.forget(encounter)
    if state.handling is not None and state.handling.delete_recording and not event.gives:
        # After the commit: a withdrawal that could not be recorded must not have deleted anything.
        recordings.remove_all(core.settings.state_dir, encounter)
        core.database.forget()
    return _answer(core, requirement, state, events)


def _log(
    core: Core, opened: Opened, event: ConsentEvent, content: bytes, requirement: Requirement, state: ConsentState,
    counts: dict[str, float],
) -> None:  # fmt: skip
    produced: tuple[Digest, ...] = (commitment("event", opened.key.commit(content)),)
    core.trail.append(
        opened.actor,
        Act(
            f"consent.{event.kind}", opened.row.id, tools=law_tools(requirement), produced=produced,
            outcome="allowed" if state.capture_allowed else "refused", reason=state.reason, numbers=counts,
        ),
    )  # fmt: skip


@router.get("/consent", summary="What the record of consent allows now")
def show(encounter: Uuid, caller: Caller, core: TheCore) -> ConsentAnswer:
    """With the law that it rests on and the statement that goes into the note."""
    with core.database.read() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.READ_CONSENT)
        events = events_of(connection, encounter, opened.key)
        state = state_now(core, connection, opened.row, opened.key)
    return _answer(core, requirement_of(core, opened.row), state, events)
