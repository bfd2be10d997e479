"""Final codes for the EHR and the biller: FHIR R4, as a person accepted and finalised them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from appliance.clinical.document import DocumentKind
from appliance.coding.own_json import dumped
from appliance.gateway.api import Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.code_fhir import Diagnosis, FinalCodes, bundle
from appliance.gateway.code_set import no_codes
from appliance.gateway.opening import not_found, open_document
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.routes.code_turn import code_set_of
from appliance.gateway.routes.documents import signed_answer
from appliance.gateway.routes.own_json import OwnJsonResponse
from appliance.gateway.store import codes
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError


class FhirResponse(OwnJsonResponse):
    """The same bytes under FHIR's own media type."""

    media_type = "application/fhir+json"


router = APIRouter(prefix="/v1/documents/{document}/codes", tags=["codes"], default_response_class=FhirResponse)


@router.get("/fhir", summary="Fetch the final codes as FHIR R4")
def export(document: Uuid, caller: Caller, core: TheCore) -> dict[str, Any]:
    """A Bundle: a Condition for each code that counts and, for a visit note, the draft of a Claim in the codes' order.

    Only what a person accepted, replaced or added, with the system's URI and the table's version. Refused while the
    codes are not final (409, `codes-not-final`) and where none counts (409, `no-codes`). The Claim has no items and no
    coverage: the box holds neither. Each fetching is an entry in the log.
    """
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.EXPORT_CODES)
        found = codes.find(connection, document)
    if found is None:
        raise not_found("set of codes for this document")
    if found.state != "final" or found.finalised_at is None:
        raise ProblemError(
            409, "codes-not-final", "The codes are not final", "a coder finalises them first", state=found.state
        )
    content, signed = code_set_of(opened, found), signed_answer(core, opened, row).signature
    if not content.accepted:
        raise no_codes("every suggestion was rejected: there is nothing to claim")
    made = bundle(
        FinalCodes(
            document=document, encounter=row.encounter_id, kind=DocumentKind(row.kind),
            patient_ref=opened.details().patient_ref, signer=signed.subject, signer_name=signed.name,
            signer_npi=signed.npi, date_of_service=content.date_of_service, finalised_at=found.finalised_at,
            diagnoses=tuple(
                Diagnosis(code, title, content.system, version) for code, title, version in content.counted
            ),
            sequenced=content.sequenced,
        )
    )  # fmt: skip
    core.trail.append(
        opened.actor,
        Act(
            "codes.exported", row.encounter_id, document,
            produced=(commitment("fhir", opened.key.commit(dumped(made).encode())),),
            numbers={"codes": len(content.accepted)},
        ),
    )  # fmt: skip
    return made
