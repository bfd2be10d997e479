"""What is recorded about consent: one event, append-only. Who, what, how, when, and where they were."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from appliance.clinical.model import ClinicalModel, Identifier

MAX_OTHERS = 20

_State = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class PartyKind(StrEnum):
    """Who takes part in what is recorded."""

    PATIENT = "patient"
    REPRESENTATIVE = "representative"  # speaks for a patient who cannot: a minor, or an adult without capacity
    CLINICIAN = "clinician"
    OTHER_PARTY = "other_party"  # family, interpreter, student: anybody else who can be heard


class Relation(StrEnum):
    """Why a representative may speak for the patient."""

    PARENT = "parent"
    LEGAL_GUARDIAN = "legal_guardian"
    HEALTHCARE_AGENT = "healthcare_agent"
    OTHER_AUTHORISED = "other_authorised"


class Scope(StrEnum):
    """What is consented to: that speech is recorded, and that documents are drafted from it."""

    RECORDING = "recording"
    DRAFTING = "drafting"


def _in_order(given: tuple[Scope, ...]) -> tuple[Scope, ...]:
    # One form for one meaning, so that an event has one digest.
    if len(set(given)) != len(given):
        raise ValueError("a scope is given twice")
    return tuple(scope for scope in Scope if scope in given)


class Party(ClinicalModel):
    """Who said it. `ref` tells several of a kind apart (guest-1), and is no name. `count`: how many they are."""

    kind: PartyKind
    ref: Identifier = "1"
    relation: Relation | None = None
    count: Annotated[int, Field(ge=1, le=MAX_OTHERS)] = 1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.kind is PartyKind.REPRESENTATIVE) != (self.relation is not None):
            raise ValueError("a representative, and nobody else, has a relation to the patient")
        if self.count > 1 and self.kind is not PartyKind.OTHER_PARTY:
            raise ValueError("only other parties are counted")
        return self


class ConsentEvent(ClinicalModel):
    """One thing that happened.

    `others_present`: how many beside patient, representative and clinician could be heard. `at`: when it was said, with
    its time zone. `recorded_by`: a principal's member id. `wording`: names the text that was read or shown. The states
    are where patient and clinician were; they may be missing only where somebody refuses or withdraws, because nothing
    about form may stand in the way of that.
    """

    id: Identifier
    kind: Literal["given", "refused", "withdrawn"]
    party: Party
    method: Literal["verbal", "written", "electronic"]
    patient_state: _State | None = None
    clinician_state: _State | None = None
    others_present: Annotated[int, Field(ge=0, le=MAX_OTHERS)] = 0
    at: AwareDatetime
    recorded_by: Annotated[str, Field(min_length=1, max_length=500)]
    scope: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=2), AfterValidator(_in_order)] = tuple(Scope)
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] = "en"
    wording: Identifier | None = None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.party.kind is PartyKind.OTHER_PARTY and self.others_present < self.party.count:
            raise ValueError("others_present counts the party who speaks, also one who leaves after it")
        return self

    @property
    def gives(self) -> bool:
        """Whether it is a yes."""
        return self.kind == "given"
