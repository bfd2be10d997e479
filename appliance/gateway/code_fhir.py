"""Final codes as FHIR R4: a Condition for each diagnosis that a person accepted, and the draft of a Claim. Pure.

Elements and cardinalities: https://hl7.org/fhir/R4/condition.html and claim.html. Only what the box holds is stated;
what R4 requires and the box does not hold carries the extension data-absent-reason.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from appliance.clinical.document import DocumentKind
from appliance.coding.suggestion import CodeSystem

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_NPI = "http://hl7.org/fhir/sid/us-npi"


@dataclass(frozen=True)
class Diagnosis:
    """One code that counts, as the table of `version` writes it."""

    code: str
    title: str
    system: CodeSystem
    version: str


@dataclass(frozen=True)
class FinalCodes:
    """What a bundle is made of.

    Args:
        document: The signed document's id, a UUID.
        encounter: Its encounter's id, a UUID.
        kind: What the document is; a Claim is drafted for a visit note alone.
        patient_ref: The EHR's own reference to the patient.
        signer: Who signed, as `issuer#subject`.
        signer_name: As the identity provider names them; None: it does not.
        signer_npi: Their National Provider Identifier; None: it is not known.
        date_of_service: The day that the codes are of.
        finalised_at: When a person finalised them, with its zone.
        diagnoses: In the claim's order.
        sequenced: Whether a person put them into it.
    """

    document: str
    encounter: str
    kind: DocumentKind
    patient_ref: str
    signer: str
    signer_name: str | None
    signer_npi: str | None
    date_of_service: date
    finalised_at: datetime
    diagnoses: tuple[Diagnosis, ...]
    sequenced: bool


def bundle(final: FinalCodes) -> dict[str, Any]:
    """Return a Bundle of the type `collection`. The same codes give the same ids, whenever they are asked for."""
    conditions = [_condition(final, one) for one in final.diagnoses]
    resources = [*conditions, *([_claim(final, conditions)] if final.kind is DocumentKind.VISIT_NOTE else [])]
    return {
        "resourceType": "Bundle",
        "id": _id(final, "bundle"),
        "type": "collection",
        "timestamp": final.finalised_at.isoformat(),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }


def _condition(final: FinalCodes, one: Diagnosis) -> dict[str, Any]:
    coding = {"system": one.system.uri, "version": one.version, "code": one.code, "display": one.title}
    return {
        "resourceType": "Condition",
        "id": _id(final, f"condition/{one.system.value}/{one.code}"),
        "verificationStatus": _concept("condition-ver-status", "confirmed"),
        "category": [_concept("condition-category", "encounter-diagnosis")],
        "code": {"coding": [coding]},
        "subject": _patient(final),
        "encounter": {"type": "Encounter", "identifier": _urn(final.encounter)},
        "recordedDate": final.finalised_at.isoformat(),
        "evidence": [{"detail": [{"type": "DocumentReference", "identifier": _urn(final.document)}]}],
    }


def _claim(final: FinalCodes, conditions: list[dict[str, Any]]) -> dict[str, Any]:
    # Without items: the box holds no procedures, and a service that nobody accepted is not billed.
    day = final.date_of_service.isoformat()
    return {
        "resourceType": "Claim",
        "id": _id(final, "claim"),
        "identifier": [_urn(final.document)],
        "status": "draft",
        "type": _concept("claim-type", "professional"),
        "use": "claim",
        "patient": _patient(final),
        "billablePeriod": {"start": day, "end": day},
        "created": final.finalised_at.isoformat(),
        "provider": _provider(final),
        "priority": _concept("processpriority", "normal"),
        "diagnosis": [_diagnosis(final, place, one) for place, one in enumerate(conditions, 1)],
        "insurance": [
            {"sequence": 1, "focal": True, "coverage": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}}
        ],
    }


def _diagnosis(final: FinalCodes, place: int, condition: dict[str, Any]) -> dict[str, Any]:
    # "Principal" is a person's word; the order of a confidence does not become one by being first.
    chosen = final.sequenced or len(final.diagnoses) == 1
    principal = {"type": [_concept("ex-diagnosistype", "principal")]} if place == 1 and chosen else {}
    return {"sequence": place, "diagnosisReference": {"reference": f"urn:uuid:{condition['id']}"}, **principal}


def _patient(final: FinalCodes) -> dict[str, Any]:
    return {"type": "Patient", "identifier": {"value": final.patient_ref}}


def _provider(final: FinalCodes) -> dict[str, Any]:
    issuer, _, subject = final.signer.partition("#")
    known = {"system": _NPI, "value": final.signer_npi} if final.signer_npi else {"system": issuer, "value": subject}
    named = {"display": final.signer_name} if final.signer_name else {}
    return {"type": "Practitioner", "identifier": known, **named}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": _TERMINOLOGY + system, "code": code}]}


def _urn(identifier: str) -> dict[str, str]:
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{identifier}"}


def _id(final: FinalCodes, what: str) -> str:
    return str(uuid.uuid5(uuid.UUID(final.document), what))
