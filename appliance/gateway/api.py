"""What the routes take and give. The OpenAPI document is made from these; a description is written once, here."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from appliance.clinical.document import MAX_STATEMENT_CHARS, Document, DocumentKind
from appliance.clinical.model import Identifier
from appliance.clinical.source import Passage
from appliance.clinical.transcript import Transcript
from appliance.transcription.vocabulary import MAX_TERMS

# XML and C0 controls are no text of a person; a NUL would not even be storable everywhere.
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
# A subject of the caller's own identity provider, or issuer#subject as answers name people.
Subject = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/+|~%-]{0,199}(#[A-Za-z0-9][A-Za-z0-9._:@/+|-]{0,199})?$"),
]
UsState = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="Postal code, for instance CA.")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_TEXT)]
Reason = Annotated[str, StringConstraints(min_length=10, max_length=500, pattern=_TEXT)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Given(BaseModel):
    """What a client sends. Keys that nobody reads are refused: a misspelt key must not be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What the gateway answers."""

    model_config = ConfigDict(frozen=True)


class Problem(BaseModel):
    """A refusal (RFC 9457). It never holds patient data."""

    type: Annotated[str, Field(description="urn:fleetctl:problem:CODE")]
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="The request's id, as it stands in the log.")]
    model_config = ConfigDict(extra="allow")


class NewEncounter(Given):
    """A visit, or a piece of paperwork without one."""

    patient_ref: Annotated[Line, Field(description="The EHR's reference to the patient. Stored sealed.")]
    patient_state: Annotated[UsState, Field(description="Where the patient is.")]
    clinician_state: Annotated[UsState, Field(description="Where the clinician is.")]
    clinician: Annotated[Subject | None, Field(description="The clinician's subject; the caller when absent.")] = None
    team: Annotated[tuple[Subject, ...], Field(max_length=20, description="Others who care for the patient.")] = ()
    title: Annotated[Line | None, Field(description="Stored sealed.")] = None
    names: Annotated[
        tuple[Line, ...],
        Field(
            max_length=20,
            description="Full names that may be said: patient, relatives, clinicians. Stored sealed, and looked for "
            "where text is de-identified.",
        ),
    ] = ()


class EncounterAnswer(Answer):
    """An encounter. `patient_ref` and `title` only for those who may see clinical content."""

    id: Uuid
    state: Literal["open", "closed", "deleted"]
    created_at: datetime
    clinician: str
    team: tuple[str, ...]
    patient_state: str
    clinician_state: str
    capture_stopped_at: datetime | None
    patient_ref: str | None = None
    title: str | None = None


class EncounterPage(Answer):
    """Encounters, newest first."""

    encounters: tuple[EncounterAnswer, ...]
    next: Annotated[str | None, Field(description="Give it as `after` for the next page.")] = None


class CareTeam(Given):
    """Who cares for the patient, the responsible clinician aside."""

    team: Annotated[tuple[Subject, ...], Field(max_length=20)]


class GlassBroken(Answer):
    """Emergency access."""

    expires_at: datetime


class WhyGiven(Given):
    """A person's reason. It is stored sealed, and committed to in the log."""

    reason: Reason


class RecordingAnswer(Answer):
    """A recording. `interrupted`: it was cut off; what arrived before is kept."""

    id: Uuid
    state: Literal["receiving", "stored", "interrupted", "deleted"]
    created_at: datetime
    media_type: str
    bytes: int


class TranscriptWanted(Given):
    """Which recording to transcribe."""

    recording: Uuid


class TranscriptAnswerBody(Answer):
    """A transcript and how far it is."""

    id: Uuid
    recording: Uuid
    state: Literal["queued", "running", "done", "failed"]
    created_at: datetime
    finished_at: datetime | None = None
    problem: Annotated[str | None, Field(description="Why it failed: a code, never what was said.")] = None
    transcript: Transcript | None = None
    text: Annotated[str | None, Field(description="The text that evidence offsets point into.")] = None


class RecordAnswer(Answer):
    """A record that can be a source."""

    id: Uuid
    format: Literal["fhir", "text"]
    characters: int
    notices: tuple[str, ...] = ()


class SourceAnswer(Answer):
    """A source as the drafts cite it."""

    id: Uuid
    kind: str
    text: str
    passages: tuple[Passage, ...]


class DraftWanted(Given):
    """A draft of a kind, from sources of this encounter."""

    kind: DocumentKind
    sources: Annotated[
        tuple[Uuid | Literal["live"], ...],
        Field(
            max_length=20, description="Transcripts and records; `live`: what was heard so far in the running visit."
        ),
    ] = ()
    template: Annotated[str | None, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")] = None
    fields: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,40}$")], Line],
        Field(max_length=20, description="What a form asks for, for instance recipient or subject of a template."),
    ] = {}
    preview: Annotated[
        bool, Field(description="A look at a running visit: nothing is stored, nothing can be signed.")
    ] = False
    deidentified: Annotated[
        bool | None,
        Field(
            description="Should the model read the sources without identifiers? Absent: as the practice's policy says."
        ),
    ] = None


class Acknowledged(Answer):
    """An explicit act on one unsupported statement."""

    statement: str
    subject: str
    at: datetime
    reason: str


class DocumentAnswer(Answer):
    """A document in its present state. `version` is the ETag of the next act (If-Match)."""

    id: Uuid
    encounter: Uuid
    kind: DocumentKind
    state: str
    version: int
    created_at: datetime
    created_by: str
    completed_at: datetime | None = None
    review_until: datetime | None = None
    reviewed_at: datetime | None = None
    closed_at: datetime | None = None
    problem: str | None = None
    edited_words: int | None = None
    of_words: int | None = None
    review_minutes: int | None = None
    document: Document | None = None
    text: str | None = None
    unsupported: Annotated[tuple[str, ...], Field(description="Statements that need an explicit act.")] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    audit_index: int | None = None


class DocumentList(Answer):
    """The documents of an encounter."""

    documents: tuple[DocumentAnswer, ...]


class StatementText(Given):
    """A statement as a person wants it. Without `id`: a new one."""

    id: Identifier | None = None
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_STATEMENT_CHARS, pattern=_TEXT)]


class Correction(Given):
    """The whole text: every section of the template, in any order, with its statements in reading order."""

    sections: Annotated[
        dict[
            Annotated[str, StringConstraints(max_length=100)],
            Annotated[tuple[StatementText, ...], Field(max_length=500)],
        ],
        Field(max_length=40),
    ]


class Acknowledgement(Given):
    """Statements that a person takes the responsibility for."""

    statements: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=500)]
    reason: Literal["verified_by_clinician", "known_from_chart", "observed_not_spoken"]


class Attestation(Given):
    """The signature. `attest` must be true: the person states what the attestation says."""

    attest: Literal[True]


class SignatureAnswer(Answer):
    """Who signed what."""

    document: Uuid
    subject: str
    name: str | None
    npi: str | None
    at: datetime
    attestation: str
    content_sha256: Annotated[str, Field(description="Digest of the signed text; compare with what the EHR stored.")]
    audit_index: int


class Rejection(Given):
    """Why a document is not used."""

    reason: Literal["wrong_patient", "too_many_errors", "not_needed", "consent_withdrawn", "other"]


class NewAddendum(Given):
    """Text that is added after the signature."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_STATEMENT_CHARS, pattern=_TEXT)]


class AddendumAnswer(Answer):
    """An addendum."""

    id: Uuid
    at: datetime
    subject: str
    text: str


class SignedAnswer(Answer):
    """A document of record, for the EHR."""

    id: Uuid
    kind: DocumentKind
    text: str
    signature: SignatureAnswer
    addenda: tuple[AddendumAnswer, ...] = ()


class RevisionAnswer(Answer):
    """One state of the content."""

    version: int
    at: datetime
    subject: str
    act: str
    text: str
    audit_index: int


class History(Answer):
    """How a document became what it is."""

    revisions: tuple[RevisionAnswer, ...]


class Vocabulary(Given):
    """Drug and clinician names of the practice, given to the recogniser."""

    terms: Annotated[tuple[Term, ...], Field(max_length=MAX_TERMS, description="The most important first.")]


class PracticeAnswer(Answer):
    """A practice's setting and its version."""

    name: str
    version: int
    at: datetime | None
    value: Any


class Deletion(Given):
    """Why an encounter is destroyed. There is no way back."""

    reason: Literal["retention", "patient_request", "withdrawn_consent", "created_in_error"]


class Deleted(Answer):
    """What was destroyed: the key, and with it everything of the encounter."""

    encounter: Uuid
    at: datetime
    recordings: int
    audit_index: int


class Me(Answer):
    """Who the gateway takes the caller for."""

    subject: str
    roles: tuple[str, ...]
    issuer: str
    expires_at: AwareDatetime | None
