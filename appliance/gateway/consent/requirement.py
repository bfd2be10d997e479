"""Whose consent is needed: the stricter of the patient's and the clinician's state."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from appliance.clinical.document import Notice
from appliance.gateway.consent.law import LawTable, Rule
from appliance.gateway.consent.overrides import Overrides

Parties = Literal["all", "one"]


@dataclass(frozen=True)
class Basis:
    """What one state contributes: how the table classes it, and counsel's override if one is in force."""

    state: str
    rule: Rule
    override: str | None
    parties: Parties


@dataclass(frozen=True)
class Requirement:
    """What consent must be recorded before capture, and what that rests on. The audit log names the digests."""

    parties: Parties
    patient_state: str
    clinician_state: str
    basis: tuple[Basis, ...]
    on: date
    table_version: str
    table_sha256: str
    overrides_sha256: str | None
    notices: tuple[Notice, ...] = ()


def required(patient_state: str, clinician_state: str, table: LawTable, overrides: Overrides, on: date) -> Requirement:
    """Return the requirement on a day. Raises ConsentError state-unknown.

    Every state is all-party, except one for which an override of counsel that says `one` is in force.
    """
    states = dict.fromkeys((patient_state, clinician_state))
    basis = tuple(_basis(state, table, overrides, on) for state in states)
    return Requirement(
        parties="one" if all(part.parties == "one" for part in basis) else "all",
        patient_state=patient_state,
        clinician_state=clinician_state,
        basis=basis,
        on=on,
        table_version=table.version,
        table_sha256=table.sha256,
        overrides_sha256=overrides.sha256,
        notices=overrides.notices(on),
    )


def _basis(state: str, table: LawTable, overrides: Overrides, on: date) -> Basis:
    law = table.law(state)
    override = overrides.of(state, on)
    if override is None:
        return Basis(state, law.rule, None, "all")
    return Basis(state, law.rule, override.id, override.parties)
