"""Final codes as FHIR: what a person accepted and nothing else, read back by the product's own readers of FHIR."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.coding.tables.library import Library
from appliance.coding.validation.fhir_file import read_fhir
from appliance.drafting.records import read_bundle
from appliance.gateway.auth.principal import Role
from appliance.gateway.codes import Codes
from tests.fakes.suggester import FakeSuggester
from tests.unit.appliance.gateway.test_code_additions import CODER, SPOKEN, add, code, finalise
from tests.unit.appliance.gateway.test_codes import decide, suggested

pytestmark = pytest.mark.anyio


@pytest.fixture
def coded(gw: Any) -> Any:
    """A gateway whose suggester finds three codes."""
    gw.core.codes = Codes(Library(gw.core.settings.state_dir / "no-packs"), FakeSuggester)
    return gw


async def fetch(gw: Any, document: str, who: Any = CODER) -> Any:
    return await gw.ask("GET", f"/v1/documents/{document}/codes/fhir", who=who)


async def final(gw: Any, *, ordered: bool = True) -> tuple[str, str]:
    """(encounter, document): one suggestion accepted, one rejected, one replaced, one code added; then in order."""
    encounter, document, _ = await suggested(gw)
    await decide(gw, document, 1, 1, decision="accept")
    await decide(gw, document, 2, 2, decision="reject", reason="not_reportable")
    await decide(gw, document, 3, 3, decision="replace", reason="wrong_code", code="M25.462")
    version = (await add(gw, document, 4, code="I10", reason="registered")).json()["version"]
    if ordered:
        path, headers = f"/v1/documents/{document}/codes/order", {"if-match": f'"{version}"'}
        given = {"codes": ["I10", "M25.562", "M25.462"]}
        version = (await gw.ask("PUT", path, json=given, headers=headers, who=CODER, status=200)).json()["version"]
    assert (await finalise(gw, document, version)).status_code == 200
    return encounter, document


def parts(answer: Any) -> tuple[list[Any], list[Any]]:
    assert answer.status_code == 200, answer.text
    resources = [one["resource"] for one in answer.json()["entry"]]
    kinds = ("Condition", "Claim")
    conditions, claims = ([one for one in resources if one["resourceType"] == kind] for kind in kinds)
    assert len(conditions) + len(claims) == len(resources)
    return conditions, claims


@pytest.mark.both_stores
async def test_a_condition_for_each_accepted_code_and_a_claim_in_their_order(coded: Any) -> None:
    encounter, document = await final(coded)
    answer = await fetch(coded, document)
    assert answer.headers["content-type"] == "application/fhir+json"
    conditions, (claim,) = parts(answer)
    shown = (await coded.ask("GET", f"/v1/documents/{document}/codes", who=CODER)).json()
    codings = [one["code"]["coding"][0] for one in conditions]
    assert [one["code"] for one in codings] == shown["accepted"] == ["I10", "M25.562", "M25.462"]
    assert {(one["system"], one["version"]) for one in codings} == {
        ("http://hl7.org/fhir/sid/icd-10-cm", shown["table_version"])
    }
    assert codings[2]["display"] == "Effusion, left knee"
    for one in conditions:
        assert one["verificationStatus"]["coding"][0]["code"] == "confirmed"
        assert one["subject"] == {"type": "Patient", "identifier": {"value": "MRN 1"}}
        assert one["encounter"]["identifier"]["value"] == f"urn:uuid:{encounter}"
        assert one["evidence"][0]["detail"][0]["identifier"]["value"] == f"urn:uuid:{document}"
    assert (claim["status"], claim["use"]) == ("draft", "claim")
    assert claim["billablePeriod"] == {"start": "2026-05-04", "end": "2026-05-04"}
    assert [one["sequence"] for one in claim["diagnosis"]] == [1, 2, 3]
    by_url = {one["fullUrl"]: one["resource"]["id"] for one in answer.json()["entry"]}
    pointed = [by_url[one["diagnosisReference"]["reference"]] for one in claim["diagnosis"]]
    assert pointed == [one["id"] for one in conditions]
    assert ["type" in one for one in claim["diagnosis"]] == [True, False, False]
    assert claim["provider"]["identifier"]["value"] == "doc-1"
    # Nobody accepted a service: none is billed.
    assert "item" not in claim
    assert (await fetch(coded, document)).content == answer.content


async def test_the_products_own_readers_read_it_back(coded: Any, tmp_path: Path) -> None:
    _, document = await final(coded)
    made = (await fetch(coded, document)).json()
    record = read_bundle(json.dumps(made).encode())
    assert [fact.kind for fact in record.facts] == ["Condition"] * 3
    assert sum("Effusion, left knee" in fact.text for fact in record.facts) == 1
    text = base64.b64encode(b"Knee pain.").decode()
    note = {
        "resourceType": "DocumentReference", "id": "note", "status": "current", "date": "2026-05-04",
        "content": [{"attachment": {"contentType": "text/plain", "data": text}}],
    }  # fmt: skip
    for kinds in (("Condition", "Claim"), ("Condition",)):
        kept = [one for one in made["entry"] if one["resource"]["resourceType"] in kinds]
        file = tmp_path / "bundle.json"
        file.write_text(json.dumps({**made, "entry": [*kept, {"resource": note}]}))
        (read,), wrong = read_fhir(file)
        assert not wrong
        assert list(read.codes) == ["I10", "M25.562", "M25.462"]


async def test_without_an_order_of_a_person_nothing_is_called_principal(coded: Any) -> None:
    _, document = await final(coded, ordered=False)
    _, (claim,) = parts(await fetch(coded, document))
    assert [one["sequence"] for one in claim["diagnosis"]] == [1, 2, 3]
    assert not any("type" in one for one in claim["diagnosis"])


async def test_what_is_not_final_or_counts_nothing_is_refused(coded: Any) -> None:
    _, bare = await coded.signed(*SPOKEN)
    assert ((answer := await fetch(coded, bare)).status_code, code(answer)) == (404, "not-found")
    _, document, _ = await suggested(coded)
    for number in (1, 2, 3):
        await decide(coded, document, number, number, decision="accept")
    answer = await fetch(coded, document)
    assert (answer.status_code, code(answer), answer.json()["state"]) == (409, "codes-not-final", "open")
    assert "M25" not in answer.text
    _, document, _ = await suggested(coded)
    for number in (1, 2, 3):
        await decide(coded, document, number, number, decision="reject", reason="other")
    await finalise(coded, document, 4)
    assert ((answer := await fetch(coded, document)).status_code, code(answer)) == (409, "no-codes")
    assert "codes.exported" not in coded.happened()


async def test_who_may_and_what_the_log_says(coded: Any) -> None:
    encounter, document = await final(coded)
    refused = [("doc-2", Role.CLINICIAN), *(("x", one) for one in (Role.FRONT_DESK, Role.AUDITOR, Role.ADMIN))]
    for who in (*refused, ("x", Role.CONSOLE)):
        assert (await fetch(coded, document, who)).status_code == 403, who
    for who in (CODER, ("doc-1", Role.CLINICIAN)):
        assert (await fetch(coded, document, who)).status_code == 200, who
    entries = [one for one in coded.entries() if one["event"] == "codes.exported"]
    assert [(one["actor"]["subject"], one["encounter"], one["subject"]) for one in entries] == [
        ("coder-1", encounter, document), ("doc-1", encounter, document),
    ]  # fmt: skip
    assert entries[0]["numbers"] == {"codes": 3}
    assert entries[0]["produced"][0]["algorithm"] == "commitment"
    raw = coded.raw()
    for word in (b"M25.462", b"Effusion, left knee", b"MRN 1"):
        assert word not in raw
    coded.break_log()
    answer = await fetch(coded, document)
    assert (answer.status_code, code(answer)) == (503, "audit-unavailable")
    assert "M25" not in answer.text


async def test_a_referral_has_conditions_and_no_claim(coded: Any) -> None:
    encounter = await coded.visit()
    transcript = await coded.transcribed(encounter)
    coded.engine.sections = {"findings": list(SPOKEN), "reason": list(SPOKEN), "history": list(SPOKEN)}
    document = (await coded.draft(encounter, transcript, kind="referral_letter"))["id"]
    await coded.act(document, "review")
    assert (await coded.act(document, "signature", json={"attest": True})).status_code == 201
    path, given = f"/v1/documents/{document}/codes", {"date_of_service": "2026-05-04", "suggestions": False}
    await coded.ask("POST", path, json=given, who=CODER, status=201)
    await add(coded, document, 1, code="I10", reason="registered")
    await finalise(coded, document, 2)
    conditions, claims = parts(await fetch(coded, document))
    assert (len(conditions), claims) == (1, [])


async def test_a_code_of_another_table_carries_that_tables_version(coded: Any) -> None:
    _, document, shown = await suggested(coded)
    library = coded.core.codes.library

    class Newer:
        """The same table under another name, as an import between two acts would bring it."""

        def __init__(self, table: Any) -> None:
            self._table = table

        version, digest = "2026-05-01", "0" * 64

        def __getattr__(self, name: str) -> Any:
            return getattr(self._table, name)

    own = library.table
    library.table = lambda system, on: Newer(own(system, on))
    await decide(coded, document, 1, 1, decision="accept")
    library.table = own
    await decide(coded, document, 2, 2, decision="accept")
    await decide(coded, document, 3, 3, decision="reject", reason="other")
    await finalise(coded, document, 4)
    conditions, _ = parts(await fetch(coded, document))
    versions = [one["code"]["coding"][0]["version"] for one in conditions]
    assert versions == ["2026-05-01", shown["table_version"]]


@pytest.mark.parametrize("npi", [None, "1234567893"])
async def test_the_signer_stands_as_provider(npi: str | None) -> None:
    from datetime import UTC, date, datetime
    from uuid import uuid4

    from appliance.clinical.document import DocumentKind
    from appliance.coding.suggestion import CodeSystem
    from appliance.gateway.code_fhir import Diagnosis, FinalCodes, bundle

    given = FinalCodes(
        document=str(uuid4()), encounter=str(uuid4()), kind=DocumentKind.VISIT_NOTE, patient_ref="MRN 1",
        signer="https://idp.example#jd", signer_name="J. Doe", signer_npi=npi, date_of_service=date(2026, 5, 4),
        finalised_at=datetime(2026, 5, 5, tzinfo=UTC), sequenced=False,
        diagnoses=(Diagnosis("I10", "Hypertension", CodeSystem.ICD_10_CM, "v"),),
    )  # fmt: skip
    claim = bundle(given)["entry"][-1]["resource"]
    system, value = ("http://hl7.org/fhir/sid/us-npi", npi) if npi else ("https://idp.example", "jd")
    assert claim["provider"]["identifier"] == {"system": system, "value": value}
    assert claim["provider"]["display"] == "J. Doe"
    # One code has no order to choose.
    assert claim["diagnosis"][0]["type"][0]["coding"][0]["code"] == "principal"
    other = bundle(dataclasses.replace(given, encounter=str(uuid4())))
    assert other["entry"][-1]["resource"]["id"] == claim["id"]
