"""Patients' secrets: made with a patient's first encounter, gone with the last."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from appliance.gateway.store import patient_tables as p
from appliance.gateway.store import tables as t


@dataclass(frozen=True)
class PatientRow:
    """What is kept of an encounter's patient. `wrapped`: their secret; None when somebody took it from the store."""

    tag: str
    wrapped: bytes | None
    sealed: bytes | None


def add(connection: Connection, encounter: str, tag: str, sealed: bytes | None, make: Callable[[], bytes]) -> None:
    """Say of a new encounter whose it is. `make` wraps a fresh secret, for a patient who has none yet."""
    if connection.execute(select(p.patient_secret.c.tag).where(p.patient_secret.c.tag == tag)).first() is None:
        connection.execute(insert(p.patient_secret).values(tag=tag, wrapped=make()))
    connection.execute(insert(p.encounter_patient).values(encounter_id=encounter, tag=tag, sealed=sealed))


def find(connection: Connection, encounter: str) -> PatientRow | None:
    """Return what is kept of an encounter's patient. None: the encounter is older than patients' secrets."""
    query = (
        select(p.encounter_patient.c.tag, p.patient_secret.c.wrapped, p.encounter_patient.c.sealed)
        .outerjoin(p.patient_secret, p.patient_secret.c.tag == p.encounter_patient.c.tag)
        .where(p.encounter_patient.c.encounter_id == encounter)
    )
    found = connection.execute(query).first()
    return None if found is None else PatientRow(found.tag, found.wrapped, found.sealed)


def forget_destroyed(connection: Connection) -> None:
    """Remove what is kept of destroyed encounters, and the secrets of patients of whom no encounter is left.

    Also what an older release left, which destroys encounters and does not know these tables.
    """
    gone = select(t.encounter.c.id).where(t.encounter.c.state == "deleted")
    connection.execute(delete(p.encounter_patient).where(p.encounter_patient.c.encounter_id.in_(gone)))
    kept = select(p.encounter_patient.c.tag)
    connection.execute(delete(p.patient_secret).where(p.patient_secret.c.tag.not_in(kept)))
