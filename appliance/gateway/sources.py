"""The sources of a draft: transcripts and records of the same encounter, and the running visit as heard so far."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection

from appliance.clinical.document import Notice
from appliance.clinical.source import Source
from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.contract.audit import Digest
from appliance.drafting.records import Record, read_bundle, read_text
from appliance.gateway.core import Core
from appliance.gateway.deid import LIVE
from appliance.gateway.opening import Opened, not_found
from appliance.gateway.readings import Reading
from appliance.gateway.store import captures
from appliance.gateway.store.captures import RecordRow, TranscriptRow
from appliance.gateway.trail import commitment
from appliance.gateway.vault import EncounterKey
from appliance.problems import ProblemError

FORM = "form"
"""The identifier of the request's own fields among sources."""


@dataclass(frozen=True)
class Gathered:
    """Sources that were read. `captured`: speech is among them, so consent to drafting is needed.

    `facts`: the structured record, if there is exactly one; `notices`: what of the records was not read.
    """

    readings: tuple[Reading, ...]
    captured: bool
    facts: Record | None = None
    notices: tuple[Notice, ...] = ()

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """What they say."""
        return tuple(reading.source for reading in self.readings)


def commitments(key: EncounterKey, readings: tuple[Reading, ...]) -> tuple[Digest, ...]:
    """Return what the log says of the sources of a draft."""
    return tuple(
        commitment(f"source.{number}", reading.commitment(key)) for number, reading in enumerate(readings)
    )  # fmt: skip


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


def reading_of(core: Core, opened: Opened, row: TranscriptRow | RecordRow, since: int) -> Reading:
    """Return what a row says: kept from before, or opened now. Raises IntegrityError."""
    assert row.sealed is not None  # noqa: S101 (the caller looked)
    encounter, key, sealed = opened.row.id, opened.key, row.sealed
    reading = core.readings.find(encounter, row.id, key, sealed)
    if reading is None:
        if isinstance(row, RecordRow):
            brought = read_record(opened, row)
            reading = Reading(brought.source, brought.facts)
        else:
            found = TranscriptAnswer.model_validate_json(key.open(sealed, f"transcript/{row.id}"))
            reading = Reading(found.transcript.source(row.id))
        core.readings.keep(encounter, row.id, key, sealed, reading, since=since)
    return reading


def keep_transcript(
    core: Core, key: EncounterKey, row: TranscriptRow, sealed: bytes, answer: TranscriptAnswer, since: int
) -> None:  # fmt: skip
    """Keep a transcript that was stored just now: it is drafted from soon. `since` as in `gather`."""
    with suppress(Exception):  # it is stored; what is wrong with it is told to whoever drafts from it
        reading = Reading(answer.transcript.source(row.id))
        reading.index()
        core.readings.keep(row.encounter_id, row.id, key, sealed, reading, since=since)


def gather(core: Core, connection: Connection, opened: Opened, wanted: tuple[str, ...], since: int) -> Gathered:
    """Open the sources that were asked for. `since`: the mark of the readings from before the transaction.

    Raises ProblemError 404, 409 (not ready), IntegrityError.
    """
    readings: list[Reading] = []
    captured = False
    for identifier in dict.fromkeys(wanted):
        if identifier == LIVE:
            readings.append(core.live.reading(opened.row.id))
            captured = True
        elif (row := captures.transcript(connection, identifier)) is not None and row.encounter_id == opened.row.id:
            if row.sealed is None:
                raise ProblemError(409, "not-ready", "Not transcribed yet", f"the transcript is {row.state}")
            readings.append(reading_of(core, opened, row, since))
            captured = True
        elif (record := captures.record(connection, identifier)) and record.encounter_id == opened.row.id:
            readings.append(reading_of(core, opened, record, since))
        else:
            raise not_found("source")
    records = [reading.facts for reading in readings if reading.facts is not None]
    notices = tuple(notice for record in records for notice in record.notices)
    return Gathered(tuple(readings), captured, records[0] if len(records) == 1 else None, notices)
