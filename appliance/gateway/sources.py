"""The sources of a draft: transcripts and records of the same encounter, and the running visit as heard so far."""

from dataclasses import dataclass

from sqlalchemy import Connection

from appliance.clinical.document import Notice
from appliance.clinical.source import Source
from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.contract.audit import Digest
from appliance.drafting.records import Record, read_bundle, read_text
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, not_found
from appliance.gateway.store import captures
from appliance.gateway.store.captures import RecordRow
from appliance.gateway.trail import commitment
from appliance.gateway.vault import EncounterKey
from appliance.problems import ProblemError

LIVE = "live"


@dataclass(frozen=True)
class Gathered:
    """Sources with what the log says of them. `captured`: speech is among them, so consent to drafting is needed.

    `facts`: the structured record, if there is exactly one; `notices`: what of the records was not read.
    """

    sources: tuple[Source, ...]
    captured: bool
    facts: Record | None = None
    notices: tuple[Notice, ...] = ()


def commitments(key: EncounterKey, sources: tuple[Source, ...]) -> tuple[Digest, ...]:
    """Return what the log says of the sources of a draft."""
    return tuple(
        commitment(f"source.{number}", key.commit(source.model_dump_json().encode()))
        for number, source in enumerate(sources)
    )


@dataclass(frozen=True)
class Brought:
    """A record as it was brought, read anew."""

    source: Source
    facts: Record | None


def read_record(opened: Opened, row: RecordRow) -> Brought:
    """Open and read a record. Raises IntegrityError."""
    data = opened.key.open(row.sealed, f"record/{row.id}")
    if row.format == "fhir":
        record = read_bundle(data, identifier=row.id)
        return Brought(record.source, record)
    return Brought(read_text(data, identifier=row.id), None)


def gather(core: Core, connection: Connection, opened: Opened, wanted: tuple[str, ...]) -> Gathered:
    """Open the sources that were asked for. Raises ProblemError 404, 409 (not ready), IntegrityError."""
    sources: list[Source] = []
    records: list[Record] = []
    captured = False
    for identifier in dict.fromkeys(wanted):
        if identifier == LIVE:
            sources.append(core.live.source(opened.row.id))
            captured = True
        elif (row := captures.transcript(connection, identifier)) is not None and row.encounter_id == opened.row.id:
            if row.sealed is None:
                raise ProblemError(409, "not-ready", "Not transcribed yet", f"the transcript is {row.state}")
            found = TranscriptAnswer.model_validate_json(opened.key.open(row.sealed, f"transcript/{row.id}"))
            sources.append(found.transcript.source(row.id))
            captured = True
        elif (record := captures.record(connection, identifier)) and record.encounter_id == opened.row.id:
            brought = read_record(opened, record)
            sources.append(brought.source)
            records += [brought.facts] if brought.facts else []
        else:
            raise not_found("source")
    notices = tuple(notice for record in records for notice in record.notices)
    return Gathered(tuple(sources), captured, records[0] if len(records) == 1 else None, notices)
