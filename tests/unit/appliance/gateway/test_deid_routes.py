"""De-identification and restoration by the API: who may, what it answers, what the log has of it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.clinical.source import Speaker
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.errors import UnknownStateError
from appliance.gateway.auth.principal import Role
from appliance.gateway.deid import Deidentification
from tests.fakes.deid import FakeDetector

pytestmark = pytest.mark.anyio
LINES = ((Speaker.CLINICIAN, "Good morning maria lopez, today is March 5, 2024."),)
LISTED = {"maria lopez": Kind.NAME, "March 5, 2024": Kind.DATE, "Kildare": Kind.NAME, "512-867-5309": Kind.PHONE}
TEXT = "maria lopez, the mayor, phoned 512-867-5309 on March 5, 2024."


@pytest.fixture
async def gw(start: Any) -> AsyncIterator[Any]:
    async with start() as gateway:
        gateway.transcription.lines = LINES
        gateway.core.deid = Deidentification(gateway.core.deid.policy, lambda: FakeDetector(LISTED))
        yield gateway


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


def both(made: dict[str, Any]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The two routes, with requests that they would serve."""
    return ("deidentification", {"text": TEXT}), ("restoration", {"text": "x", "mapping": made["mapping"]})


async def ask(gw: Any, encounter: str, what: str, **more: Any) -> Any:
    who = more.pop("who", ("doc-1", Role.CLINICIAN))
    return await gw.ask("POST", f"/v1/encounters/{encounter}/{what}", who=who, json=more)


async def test_texts_of_an_encounter_are_hidden_together_and_come_back(gw: Any) -> None:
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    made = (await ask(gw, encounter, "deidentification", sources=[transcript], text=TEXT)).json()
    assert [one["source"] for one in made["texts"]] == [transcript, None]
    speech, text = (one["text"] for one in made["texts"])
    assert not any(part in speech + text for part in ("maria", "lopez", "March 5", "867"))
    assert text.split(",")[0] in speech
    risk = made["texts"][1]["residual_risk"]
    assert risk["counts"] == {"name": 1, "phone": 1, "date": 1}
    assert [one["rule"] for one in risk["quasi_identifiers"]] == ["occupation"]
    back = (await ask(gw, encounter, "restoration", text=text, mapping=made["mapping"])).json()
    assert (back["text"], back["exact"], back["leftovers"]) == (TEXT, True, [])
    family = text.split(",")[0].split()[1]
    rewritten = f"{family.upper()} met Kildare."
    back = (await ask(gw, encounter, "restoration", text=rewritten, mapping=made["mapping"], read=[text])).json()
    assert (back["text"], back["exact"]) == ("LOPEZ met Kildare.", False)
    assert back["leftovers"] == [{"start": 10, "end": 17, "kind": "name", "reason": "unknown"}]


async def test_the_log_has_counts_and_commitments_before_the_answer_and_no_text(gw: Any) -> None:
    encounter = await gw.visit()
    made = (await ask(gw, encounter, "deidentification", text=TEXT)).json()
    entry = gw.entries()[made["audit_index"]]
    assert entry["event"] == "text.deidentified"
    assert entry["numbers"] == {"deid.found": 3, "deid.name": 1, "deid.phone": 1, "deid.date": 1}
    assert {one["name"] for one in entry["tools"]} == {"deid-policy", "deid-detector"}
    assert [one["algorithm"] for one in (*entry["inputs"], *entry["produced"])] == ["commitment"] * 2
    back = (await ask(gw, encounter, "restoration", text=made["texts"][0]["text"], mapping=made["mapping"])).json()
    assert gw.entries()[back["audit_index"]]["numbers"] == {"deid.restored": 3, "deid.unrestored": 0, "exact": 1}
    log = json.dumps(gw.entries())
    assert not any(part in log for part in ("lopez", "867-5309", made["texts"][0]["text"].split()[0]))
    gw.break_log()
    answer = await ask(gw, encounter, "deidentification", text=TEXT)
    assert (answer.status_code, code(answer)) == (503, "audit-unavailable")


async def test_a_mapping_opens_for_its_encounter_only_and_only_unchanged(gw: Any) -> None:
    encounter, other = await gw.visit(), await gw.visit()
    made = (await ask(gw, encounter, "deidentification", text=TEXT)).json()
    sealed = base64.b64decode(made["mapping"])
    assert b"lopez" not in sealed
    changed = base64.b64encode(sealed[:-1] + bytes([sealed[-1] ^ 1])).decode()
    for place, mapping in ((other, made["mapping"]), (encounter, changed), (encounter, "!"), (encounter, "AAAA")):
        answer = await ask(gw, place, "restoration", text="x", mapping=mapping)
        assert (answer.status_code, code(answer)) == (422, "mapping-invalid")


async def test_who_may_not_read_the_sources_gets_nothing_and_the_log_has_the_refusal(gw: Any) -> None:
    encounter = await gw.visit()
    made = (await ask(gw, encounter, "deidentification", text=TEXT)).json()
    for who in (("doc-2", Role.CLINICIAN), *((("x"), role) for role in (Role.CODER, Role.FRONT_DESK, Role.ADMIN))):
        for what, given in both(made):
            answer = await ask(gw, encounter, what, who=who, **given)
            assert answer.status_code == 403, (who, what)
    assert gw.happened().count("access.refused") >= 4
    assert gw.happened().count("text.deidentified") == 1


async def test_speech_without_consent_is_given_to_nobody(gw: Any) -> None:
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    await gw.consent(encounter, "patient", kind="withdrawn")
    answer = await ask(gw, encounter, "deidentification", sources=[transcript])
    assert (answer.status_code, code(answer)) == (403, "consent-withdrawn")
    assert gw.happened()[-1] == "drafting.refused"
    assert "text.deidentified" not in gw.happened()


@pytest.mark.parametrize(
    ("given", "status", "problem"),
    [
        ({}, 422, "nothing-to-do"),
        ({"text": ""}, 422, "invalid-request"),
        ({"text": "x", "more": 1}, 422, "invalid-request"),
        ({"text": "x" * 500_001}, 422, "invalid-request"),
        ({"sources": ["00000000-0000-0000-0000-000000000000"]}, 404, "not-found"),
    ],
)
async def test_wrong_requests_are_told_in_words(gw: Any, given: dict[str, Any], status: int, problem: str) -> None:
    encounter = await gw.visit()
    answer = await ask(gw, encounter, "deidentification", **given)
    assert (answer.status_code, code(answer)) == (status, problem)


async def test_without_a_detector_nothing_is_answered(gw: Any) -> None:
    def missing() -> Any:
        raise UnknownStateError("the detector is not there", hint="install it")

    encounter = await gw.visit()
    made = (await ask(gw, encounter, "deidentification", text=TEXT)).json()
    gw.core.deid = Deidentification(gw.core.deid.policy, missing)
    for what, given in both(made):
        answer = await ask(gw, encounter, what, **given)
        assert (answer.status_code, code(answer)) == (503, "deid-unavailable")


@pytest.mark.parametrize("body", [b'{"text": "maria lopez \xff"}', b"[" * 50_000])
async def test_a_body_that_is_no_json_in_utf_8_is_told_in_words_and_not_repeated(gw: Any, body: bytes) -> None:
    encounter = await gw.visit()
    kind = {"content-type": "application/json"}
    answer = await gw.ask("POST", f"/v1/encounters/{encounter}/deidentification", content=body, headers=kind)
    assert (answer.status_code, code(answer)) == (400, "body")
    assert "send JSON in UTF-8" in answer.json()["detail"]
    assert "lopez" not in answer.text
