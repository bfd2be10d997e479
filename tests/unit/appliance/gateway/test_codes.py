"""Codes of a document over the API: suggested, decided, checked by edits, finalised, and gone with the encounter."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from appliance.coding.suggestion import CodeTable
from appliance.coding.tables.library import Library
from appliance.errors import NotVerifiedError
from appliance.gateway.auth.principal import Role
from appliance.gateway.codes import Codes
from appliance.gateway.store import documents
from tests.fakes.suggester import WORDS, FakeSuggester

pytestmark = pytest.mark.anyio
CODER = ("coder-1", Role.CODER)
DAY = {"date_of_service": "2026-05-04"}
SPOKEN = ("The left knee has hurt for two weeks.", "Take ibuprofen 400 mg with food.")


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


@pytest.fixture
def coded(gw: Any) -> Any:
    """A gateway whose suggester is a fake; tables and edits are the product's own."""
    gw.core.codes = Codes(Library(gw.core.settings.state_dir / "no-packs"), FakeSuggester)
    return gw


async def suggested(gw: Any, *, signed: bool = True, who: Any = CODER) -> tuple[str, str, Any]:
    """(encounter, document, answer) of a note for which codes were suggested."""
    encounter, document = await (gw.signed(*SPOKEN) if signed else gw.drafted(*SPOKEN))
    if not signed:
        await gw.act(document, "review")
    answer = await gw.ask("POST", f"/v1/documents/{document}/codes", json=DAY, who=who, status=201)
    return encounter, document, answer.json()


async def decide(gw: Any, document: str, number: int, version: int, who: Any = CODER, **given: Any) -> Any:
    headers = {"if-match": f'"{version}"'}
    path = f"/v1/documents/{document}/codes/{number}/decision"
    return await gw.ask("POST", path, json=given, headers=headers, who=who)


async def finalise(gw: Any, document: str, version: int, who: Any = CODER) -> Any:
    path = f"/v1/documents/{document}/codes/finalisation"
    return await gw.ask("POST", path, headers={"if-match": f'"{version}"'}, who=who)


@pytest.mark.both_stores
async def test_the_whole_path_from_suggestion_to_final_codes(coded: Any) -> None:
    encounter, document, shown = await suggested(coded)
    assert [one["suggested"] for one in shown["codes"]] == ["M25.562", "Z79.1", "R52"]
    assert (shown["state"], shown["version"], shown["current"], shown["accepted"]) == ("open", 1, True, [])
    assert (shown["ordered_by"], shown["order_problem"]) == ("statistics", "no-answer")
    text = (await coded.ask("GET", f"/v1/documents/{document}", who=CODER)).json()["text"]
    for one in shown["codes"]:
        (quoted,) = one["evidence"]
        assert text[quoted["start"] : quoted["end"]] == quoted["quote"]
    answer = await decide(coded, document, 1, 1, decision="accept")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    answer = await decide(coded, document, 2, 2, decision="reject", reason="not_reportable")
    assert code(await finalise(coded, document, 3)) == "codes-undecided"
    answer = await decide(coded, document, 3, 3, decision="replace", reason="wrong_code", code="m25462")
    body = answer.json()
    assert body["accepted"] == ["M25.562", "M25.462"]
    assert [one["decision"] for one in body["codes"]] == ["accept", "reject", "replace"]
    assert (body["codes"][2]["code"], body["codes"][2]["code_title"]) == ("M25.462", "Effusion, left knee")
    assert body["codes"][0]["decided_by"] == "urn:appliance:local#coder-1"
    final = (await finalise(coded, document, 4)).json()
    assert (final["state"], final["finalised_by"]) == ("final", "urn:appliance:local#coder-1")
    read = await coded.ask("GET", f"/v1/documents/{document}/codes", who=CODER, status=200)
    assert (read.json()["accepted"], read.headers["etag"]) == (final["accepted"], '"5"')
    acts = [row[0] for row in coded.rows("SELECT act FROM code_revision ORDER BY version")]
    assert acts == ["suggest", "accept", "reject", "replace", "finalise"]
    entry = coded.entries()[final["audit_index"]]
    assert (entry["event"], entry["encounter"], entry["subject"]) == ("codes.finalised", encounter, document)
    assert entry["tools"] == [{"kind": "table", "name": "icd-10-cm@2026-04-01", "digest": final["table_digest"]}]
    assert entry["numbers"]["codes"] == 2


async def test_the_log_names_table_and_decision_and_holds_neither_code_nor_text(coded: Any) -> None:
    _, document, shown = await suggested(coded)
    await decide(coded, document, 1, 1, decision="accept")
    await decide(coded, document, 2, 2, decision="reject", reason="denied")
    await coded.ask("GET", f"/v1/documents/{document}/codes", who=CODER, status=200)
    entries = [entry for entry in coded.entries() if entry["event"].startswith("codes.")]
    assert [(one["event"], one["action"], one["reason"]) for one in entries] == [
        ("codes.suggested", None, "no-answer"), ("codes.decided", "codes.accept", None),
        ("codes.decided", "codes.reject", "denied"), ("codes.read", None, None),
    ]  # fmt: skip
    assert {one["actor"]["subject"] for one in entries} == {"coder-1"}
    assert entries[0]["tools"][0]["digest"] == shown["table_digest"]
    assert entries[0]["inputs"][0]["algorithm"] == entries[0]["produced"][0]["algorithm"] == "commitment"
    raw = coded.raw()
    for word in (b"M25.562", b"knee has hurt", b"Pain in left knee"):
        assert word not in raw


@pytest.mark.parametrize("act", ["suggest", "decide", "finalise", "read"])
async def test_without_the_log_nothing_is_released_or_changed(coded: Any, act: str) -> None:
    _, document, _ = await suggested(coded)
    before = coded.rows("SELECT * FROM code_set")
    coded.break_log()
    path = f"/v1/documents/{document}/codes"
    if act == "suggest":
        answer = await coded.ask("POST", path, json=DAY, who=CODER)
    elif act == "decide":
        answer = await decide(coded, document, 1, 1, decision="accept")
    elif act == "finalise":
        for number in (1, 2, 3):
            coded.core.log._failure = None
            await decide(coded, document, number, number, decision="reject", reason="other")
        before = coded.rows("SELECT * FROM code_set")
        coded.break_log()
        answer = await finalise(coded, document, 4)
    else:
        answer = await coded.ask("GET", path, who=CODER)
    assert (answer.status_code, code(answer)) == (503, "audit-unavailable")
    assert "M25" not in answer.text
    assert coded.rows("SELECT * FROM code_set") == before


async def test_who_may(coded: Any) -> None:
    _, draft = await coded.drafted(*SPOKEN)
    path = f"/v1/documents/{draft}/codes"
    assert code(await coded.ask("POST", path, json=DAY, who=CODER)) == "document-state"
    assert code(await coded.ask("POST", path, json=DAY)) == "not-in-review"
    _, document, _ = await suggested(coded, signed=False)
    path = f"/v1/documents/{document}/codes"
    for who in (("doc-2", Role.CLINICIAN), ("x", Role.FRONT_DESK), ("x", Role.AUDITOR), ("x", Role.ADMIN)):
        assert (await coded.ask("GET", path, who=who)).status_code == 403
        assert (await coded.ask("POST", path, json=DAY, who=who)).status_code == 403
        assert (await decide(coded, document, 1, 1, who=who, decision="accept")).status_code == 403
        assert (await finalise(coded, document, 1, who=who)).status_code == 403
    assert (await coded.ask("GET", path)).status_code == 200
    assert (await decide(coded, document, 1, 1, who=("doc-1", Role.CLINICIAN), decision="accept")).status_code == 200
    nowhere = "/v1/documents/00000000-0000-4000-8000-000000000000/codes"
    assert (await coded.ask("GET", nowhere, who=CODER)).status_code == 404


async def test_codes_are_final_only_with_a_signed_document(coded: Any) -> None:
    _, document, _ = await suggested(coded, signed=False)
    for number in (1, 2, 3):
        await decide(coded, document, number, number, decision="reject", reason="other")
    assert code(await finalise(coded, document, 4)) == "not-signed"
    assert (await coded.act(document, "signature", json={"attest": True})).status_code == 201
    # The signature changes no word: what was decided stays.
    assert (await finalise(coded, document, 4)).json()["state"] == "final"


@pytest.mark.both_stores
async def test_final_codes_cannot_change(coded: Any) -> None:
    _, document, _ = await suggested(coded)
    for number in (1, 2, 3):
        await decide(coded, document, number, number, decision="reject", reason="other")
    await finalise(coded, document, 4)
    for answer in (
        await decide(coded, document, 1, 5, decision="accept"), await finalise(coded, document, 5),
        await coded.ask("POST", f"/v1/documents/{document}/codes", json=DAY, who=CODER),
    ):  # fmt: skip
        assert (answer.status_code, code(answer)) == (409, "codes-final")
    for statement in ("UPDATE code_set SET state = 'open'", "UPDATE code_revision SET act = 'x'"):
        with pytest.raises(DBAPIError):
            coded.tamper(statement)


async def test_another_text_needs_other_suggestions(coded: Any) -> None:
    _, document, _ = await suggested(coded, signed=False)
    await decide(coded, document, 1, 1, decision="accept")
    path = f"/v1/documents/{document}/codes"
    assert code(await coded.ask("POST", path, json=DAY, who=CODER)) == "codes-decided"
    shown = (await coded.ask("GET", f"/v1/documents/{document}")).json()["document"]
    sections = {
        one["name"]: [{"id": each["id"], "text": each["text"]} for each in one["statements"]]
        for one in shown["sections"]
    }
    sections["plan"] = [{"text": "Rest."}]
    assert (await coded.act(document, "content", json={"sections": sections})).status_code == 200
    assert not (await coded.ask("GET", path, who=CODER)).json()["current"]
    assert code(await decide(coded, document, 2, 2, decision="accept")) == "document-changed"
    again = await coded.ask("POST", path, json=DAY, who=CODER, status=201)
    assert (again.json()["version"], again.json()["current"], again.json()["accepted"]) == (3, True, [])


async def test_a_decision_is_complete_and_of_the_version_that_was_seen(coded: Any) -> None:
    _, document, _ = await suggested(coded)
    for status, wanted, number, version, given in (
        (422, "reason-missing", 1, 1, {"decision": "reject"}),
        (422, "reason-missing", 1, 1, {"decision": "replace", "code": "R52"}),
        (422, "code-and-decision", 1, 1, {"decision": "replace", "reason": "wrong_code"}),
        (422, "code-and-decision", 1, 1, {"decision": "accept", "code": "R52"}),
        (422, "invalid-request", 1, 1, {"decision": "accept", "reason": "because I say so"}),
        (422, "invalid-request", 1, 1, {"decision": "replace", "reason": "other", "code": "'; DROP TABLE"}),
        (422, "unknown-code", 1, 1, {"decision": "replace", "reason": "wrong_code", "code": "Q99.77"}),
        (422, "code-not-billable", 1, 1, {"decision": "replace", "reason": "wrong_code", "code": "E11"}),
        (404, "not-found", 9, 1, {"decision": "accept"}),
        (412, "changed-meanwhile", 1, 7, {"decision": "accept"}),
    ):
        answer = await decide(coded, document, number, version, **given)
        assert (answer.status_code, code(answer)) == (status, wanted), given
    assert coded.row("SELECT version FROM code_set")[0] == 1
    without = await coded.ask(
        "POST", f"/v1/documents/{document}/codes/1/decision", json={"decision": "accept"}, who=CODER
    )
    assert code(without) == "if-match-missing"


@pytest.mark.both_stores
async def test_of_two_who_decide_at_once_exactly_one_wins(coded: Any) -> None:
    _, document, _ = await suggested(coded)
    answers = await asyncio.gather(*(decide(coded, document, 1, 1, decision="accept") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    assert coded.happened().count("codes.decided") == 1


async def test_edits_run_over_what_is_accepted_and_hold_the_final_codes_back(coded: Any) -> None:
    # Type 1 and type 2 diabetes exclude each other in the table's own notes.
    words = {"knee": ("E11.9", 0.9), "ibuprofen": ("E10.9", 0.8)}
    coded.core.codes = Codes(coded.core.codes.library, lambda table: FakeSuggester(table, words))
    _, document, _ = await suggested(coded)
    assert (await decide(coded, document, 1, 1, decision="accept")).json()["findings"] == []
    body = (await decide(coded, document, 2, 2, decision="accept")).json()
    excludes = [one for one in body["findings"] if one["rule"].startswith("excludes")]
    assert excludes
    assert {"E11.9", "E10.9"} <= set(excludes[0]["codes"])
    if any(one["severity"] == "error" for one in body["findings"]):
        refused = await finalise(coded, document, 3)
        assert (refused.status_code, code(refused)) == (409, "codes-refused-by-edits")
    body = (await decide(coded, document, 2, 3, decision="reject", reason="wrong_code")).json()
    assert not [one for one in body["findings"] if one["rule"].startswith("excludes")]
    assert (await finalise(coded, document, 4)).status_code == 200


async def test_the_model_orders_and_its_digest_stands_in_the_log(coded: Any) -> None:
    coded.engine.sections = {"codes": [{"code": "R52", "verdict": "supported", "why": "stated"}]}
    encounter, document = await coded.visit(), ""
    transcript = await coded.transcribed(encounter)
    coded.engine.sections = {"history": list(SPOKEN)}
    document = (await coded.draft(encounter, transcript))["id"]
    await coded.act(document, "review")
    coded.engine.sections = {"codes": [{"code": "R52", "verdict": "supported", "why": "stated"}]}
    shown = (await coded.ask("POST", f"/v1/documents/{document}/codes", json=DAY, who=CODER, status=201)).json()
    assert [one["suggested"] for one in shown["codes"]] == ["R52", "M25.562", "Z79.1"]
    assert (shown["ordered_by"], shown["order_problem"], shown["model"]) == ("model", "", "stub-model")
    kinds = {tool["kind"]: tool["digest"] for tool in coded.entries()[shown["audit_index"]]["tools"]}
    assert kinds["model"] == "2" * 64
    assert len(kinds["prompt"]) == 64


async def test_a_model_that_obeys_the_note_adds_no_code(coded: Any) -> None:
    _, document, _ = await suggested(coded, signed=False)
    coded.engine.sections = {"codes": [{"code": "Z99.89", "verdict": "supported", "why": "stated"}]}
    shown = (await coded.ask("POST", f"/v1/documents/{document}/codes", json=DAY, who=CODER, status=201)).json()
    assert sorted(one["suggested"] for one in shown["codes"]) == ["M25.562", "R52", "Z79.1"]
    assert (shown["ordered_by"], shown["order_problem"]) == ("statistics", "no-answer")


async def test_what_no_table_has_or_no_text_says_is_not_released(coded: Any) -> None:
    def lying(table: CodeTable) -> FakeSuggester:
        fake = FakeSuggester(table, {"knee": WORDS["knee"]})
        (true,) = fake.suggest("knee", on=None)  # type: ignore[arg-type]
        fake.extra = [
            true.model_copy(update={"code": "Q99.77"}), true.model_copy(update={"table_digest": "0" * 64}),
            true.model_copy(update={"evidence": (true.evidence[0].model_copy(update={"quote": "toe"}),)}),
        ]  # fmt: skip
        return fake

    coded.core.codes = Codes(coded.core.codes.library, lying)
    _, _, shown = await suggested(coded)
    assert [one["suggested"] for one in shown["codes"]] == ["M25.562"]


async def test_a_site_without_suggester_says_so(coded: Any) -> None:
    coded.core.codes = Codes(coded.core.codes.library, None)
    _, document = await coded.signed(*SPOKEN)
    answer = await coded.ask("POST", f"/v1/documents/{document}/codes", json=DAY, who=CODER)
    assert (answer.status_code, code(answer)) == (501, "no-coding")


async def test_a_suggester_that_cannot_be_verified_suggests_nothing_and_is_tried_once(coded: Any) -> None:
    tries: list[CodeTable] = []

    def damaged(table: CodeTable) -> FakeSuggester:
        tries.append(table)
        raise NotVerifiedError("ranker: not the one that was released", hint="install the appliance again")

    coded.core.codes = Codes(coded.core.codes.library, damaged)
    _, document = await coded.signed(*SPOKEN)
    for _ in range(3):
        answer = await coded.ask("POST", f"/v1/documents/{document}/codes", json=DAY, who=CODER)
        assert (answer.status_code, code(answer)) == (503, "no-coding-model")
    assert len(tries) == 1
    assert "codes.suggested" not in coded.happened()


@pytest.mark.both_stores
async def test_codes_are_destroyed_with_their_encounter(coded: Any) -> None:
    encounter, document, _ = await suggested(coded)
    kept, _, _ = await suggested(coded)
    path = f"/v1/encounters/{encounter}/destruction"
    await coded.ask("POST", path, json={"reason": "patient_request"}, who=("a", Role.ADMIN), status=200)
    for table in ("code_set", "code_revision"):
        assert [row[0] for row in coded.rows(f"SELECT DISTINCT encounter_id FROM {table}")] == [kept]
    assert (await coded.ask("GET", f"/v1/documents/{document}/codes", who=CODER)).status_code in (404, 410)


async def test_codes_of_an_unsigned_document_go_with_it(coded: Any) -> None:
    encounter, _, _ = await suggested(coded, signed=False)
    with coded.core.database.write() as connection:
        assert documents.delete_drafts(connection, encounter) == 1
    assert coded.row("SELECT count(*) FROM code_set")[0] == coded.row("SELECT count(*) FROM code_revision")[0] == 0


async def test_a_store_that_an_older_release_made_gets_the_tables(coded: Any) -> None:
    for table in ("code_set", "code_revision"):
        coded.tamper(f"DROP TABLE {table}")
    coded.core.database.prepare()
    assert coded.row("SELECT count(*) FROM code_set")[0] == 0
    assert coded.row("SELECT value FROM meta WHERE name = 'schema'")[0] == "1"
