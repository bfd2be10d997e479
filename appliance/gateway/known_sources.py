"""Gathers what is known of who occurs in an encounter's texts.

It comes from the encounter's opening, from every record of the encounter (also those that this draft does not read),
from the practice's vocabulary and from who asks. It goes nowhere but to the detector, in this process.
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import islice

from sqlalchemy import Connection

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.known_values import Value
from appliance.drafting.records import People, RecordRefusedError
from appliance.gateway.core import Core
from appliance.gateway.known import Known, Told, names_place
from appliance.gateway.opening import Opened
from appliance.gateway.practice import vocabulary_terms
from appliance.gateway.sources import reading_of
from appliance.gateway.store import captures, patients
from appliance.gateway.vault import IntegrityError

MAX_RECORDS = 20
"""Records of one encounter that are looked through for names, the newest first."""
MAX_NAMES, MAX_VALUES = 300, 4_000
MAX_TOLD_CHARS = 200_000
"""Of records that came as text, all together: about three seconds of the detector, once while they are kept."""
_NUMBER = re.compile(r"[^\W_]*\d[\w-]*")


def known_of(core: Core, opened: Opened, *, clinical: bool = True) -> Known:
    """Return what is known. Raises IntegrityError: what was stored is not what was sealed.

    `clinical`: the act is on clinical content. Who may only draft a form from a form is not to learn by what was
    replaced in it who the patient is.
    """
    since = core.readings.mark()
    with core.database.read() as connection:
        patient = patients.find(connection, opened.row.id)
        terms = vocabulary_terms(connection)
        people = _people(core, connection, opened, since) if clinical else []
        records = _told(core, connection, opened, since) if clinical else ()
    if not clinical:
        own = (opened.principal.name,) if opened.principal.name else ()
        return Known(names=own, terms=terms, dates_key=_dates_key(core, patient))
    shown = opened.details()
    given = () if patient is None or patient.sealed is None else _names(opened, patient.sealed)
    # In this order: what is beyond the bound is the least likely to be said.
    names = [*given, *([opened.principal.name] if opened.principal.name else [])]
    for one in people:
        names += one.names
    values = [*_of_reference(shown.patient_ref)]
    for one in people:
        values += (Value(Kind(value.kind), value.text) for value in one.values)
    hints = [shown.title] if shown.title else []
    if not any(letter.isdigit() for letter in shown.patient_ref):
        hints.append(shown.patient_ref)
    return Known(
        names=tuple(islice(dict.fromkeys(names), MAX_NAMES)),
        values=tuple(islice(dict.fromkeys(values), MAX_VALUES)),
        hints=tuple(hints), terms=terms, records=records, dates_key=_dates_key(core, patient),
    )  # fmt: skip


def _names(opened: Opened, sealed: bytes) -> tuple[str, ...]:
    return tuple(opened.key.open(sealed, names_place(opened.row.id)).decode().split("\n"))


def _of_reference(patient_ref: str) -> list[Value]:
    """Return a reference to a patient, and the number in it: "Patient/883421" is said as 883421."""
    if not any(letter.isdigit() for letter in patient_ref):
        return []
    return [Value(Kind.RECORD, one) for one in (patient_ref, *_NUMBER.findall(patient_ref))]


def _people(core: Core, connection: Connection, opened: Opened, since: int) -> list[People]:
    found = []
    for row in captures.records(connection, opened.row.id, "fhir")[:MAX_RECORDS]:
        # One that this release does not read any more is told to whoever drafts from it; here it names nobody.
        with suppress(RecordRefusedError):
            reading = reading_of(core, opened, row, since)
            if reading.facts is not None:
                found.append(reading.facts.people)
    return found


def _told(core: Core, connection: Connection, opened: Opened, since: int) -> tuple[Told, ...]:
    found: list[Told] = []
    left = MAX_TOLD_CHARS
    for row in captures.records(connection, opened.row.id, "text")[:MAX_RECORDS]:
        if left <= 0:
            break
        with suppress(RecordRefusedError):
            reading = reading_of(core, opened, row, since)
            # Its beginning has the head of the page, and with it who it is about.
            text = reading.source.text[:left]
            left -= len(text)
            found.append(Told(text, reading.alone))
    return tuple(found)


def _dates_key(core: Core, patient: patients.PatientRow | None) -> bytes | None:
    if patient is None:
        return None
    if patient.wrapped is None:
        # Another shift than before would give two dates for one day; nothing is better.
        raise IntegrityError(
            "the secret that a patient's dates move by is gone from the store",
            hint="restore the store; until then no text of this encounter is de-identified",
        )
    return core.vault.patient_secret(patient.tag, patient.wrapped)
