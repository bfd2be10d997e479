"""From a draft to a signed document, over the API."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from appliance.gateway.auth.principal import Role

pytestmark = pytest.mark.anyio
SUPPORTED = "The left knee has hurt for two weeks."
UNSUPPORTED = "The patient is a 35-year-old male."


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


async def texts(gw: Any, document: str) -> dict[str, list[dict[str, str]]]:
    """The present text, as a correction takes it."""
    shown = (await gw.ask("GET", f"/v1/documents/{document}", status=200)).json()["document"]
    return {
        section["name"]: [{"id": one["id"], "text": one["text"]} for one in section["statements"]]
        for section in shown["sections"]
    }


async def unsupported(gw: Any) -> tuple[str, str]:
    """(document in review, its unsupported statement)."""
    _, document = await gw.drafted(SUPPORTED, UNSUPPORTED)
    shown = (await gw.act(document, "review")).json()
    (statement,) = shown["unsupported"]
    return document, statement


@pytest.mark.both_stores
async def test_the_whole_path(gw: Any) -> None:
    _, document = await gw.drafted()
    assert (await gw.act(document, "review")).json()["state"] == "in_review"
    given = await texts(gw, document)
    given["plan"] = [{"text": "Rest for one week."}]
    corrected = await gw.act(document, "content", json={"sections": given})
    assert corrected.json()["state"] == "corrected"
    assert corrected.headers["etag"] == f'"{gw.version(document)}"'
    signed = await gw.act(document, "signature", json={"attest": True})
    assert signed.status_code == 201
    body = signed.json()
    assert body["signature"]["content_sha256"] == hashlib.sha256(body["text"].encode()).hexdigest()
    assert body["signature"]["subject"] == "urn:appliance:local#doc-1"
    assert "Rest for one week." in body["text"]
    shown = (await gw.ask("GET", f"/v1/documents/{document}")).json()
    assert (shown["state"], shown["edited_words"], shown["review_minutes"]) == ("signed", 4, 0)
    history = (await gw.ask("GET", f"/v1/documents/{document}/history")).json()["revisions"]
    assert [one["act"] for one in history] == ["draft", "correct", "sign"]
    assert [one["subject"] for one in history] == ["model", *["urn:appliance:local#doc-1"] * 2]
    assert "Rest" not in history[0]["text"]
    assert history[2]["text"] == body["text"]
    entry = gw.entries()[body["signature"]["audit_index"]]
    assert (entry["event"], entry["subject"]) == ("document.signed", document)
    assert entry["numbers"] == {"edited_words": 4, "of_words": shown["of_words"], "minutes": 0}
    assert (await gw.ask("GET", f"/v1/documents/{document}/audit-proof")).status_code == 200


@pytest.mark.parametrize("act", ["review", "content", "acknowledgements", "signature", "rejection"])
async def test_every_act_names_the_version_that_was_seen(gw: Any, act: str) -> None:
    _, document = await gw.drafted()
    if act != "review":
        await gw.act(document, "review")
    given = {
        "review": None, "content": {"sections": await texts(gw, document)}, "signature": {"attest": True},
        "acknowledgements": {"statements": ["history.1"], "reason": "known_from_chart"},
        "rejection": {"reason": "not_needed"},
    }[act]  # fmt: skip
    method = "PUT" if act == "content" else "POST"
    for header, status, wanted in (
        ({}, 428, "if-match-missing"),
        ({"if-match": "*"}, 400, "if-match"),
        ({"if-match": 'W/"1"'}, 400, "if-match"),
        ({"if-match": '"99"'}, 412, "changed-meanwhile"),
    ):
        before = gw.core.log.size
        answer = await gw.ask(method, f"/v1/documents/{document}/{act}", json=given, headers=header)
        assert (answer.status_code, code(answer)) == (status, wanted)
        assert gw.core.log.size == before


@pytest.mark.both_stores
async def test_of_two_who_correct_at_once_exactly_one_wins(gw: Any) -> None:
    _, document = await gw.drafted()
    await gw.act(document, "review")
    version, given = gw.version(document), await texts(gw, document)

    async def correct(number: int) -> int:
        mine = {**given, "plan": [{"text": f"Plan {number}."}]}
        return int((await gw.act(document, "content", version, json={"sections": mine})).status_code)

    statuses = await asyncio.gather(*(correct(number) for number in range(8)))
    assert sorted(statuses) == [200] + [412] * 7
    assert gw.happened().count("review.corrected") == 1
    assert gw.version(document) == version + 1


@pytest.mark.both_stores
async def test_an_unsupported_statement_needs_an_explicit_act(gw: Any) -> None:
    document, statement = await unsupported(gw)
    answer = await gw.act(document, "signature", json={"attest": True})
    assert (answer.status_code, code(answer), answer.json()["statements"]) == (
        409, "unsupported-statements", [statement],
    )  # fmt: skip
    given = {"statements": [statement], "reason": "observed_not_spoken"}
    shown = (await gw.act(document, "acknowledgements", json=given)).json()
    assert [one["statement"] for one in shown["acknowledged"]] == [statement]
    entry = gw.entries()[shown["audit_index"]]
    assert (entry["event"], entry["reason"]) == ("review.acknowledged", "observed_not_spoken")
    assert (await gw.act(document, "signature", json={"attest": True})).status_code == 201


async def test_only_unsupported_statements_can_be_acknowledged(gw: Any) -> None:
    document, statement = await unsupported(gw)
    given = {"statements": [statement, "history.1"], "reason": "known_from_chart"}
    answer = await gw.act(document, "acknowledgements", json=given)
    assert (answer.status_code, code(answer)) == (422, "not-unsupported")
    assert "review.acknowledged" not in gw.happened()


async def test_an_acknowledgement_is_of_exactly_one_wording(gw: Any) -> None:
    document, statement = await unsupported(gw)
    given = {"statements": [statement], "reason": "known_from_chart"}
    assert (await gw.act(document, "acknowledgements", json=given)).status_code == 200
    # The same identifier with other words: as if the text had changed under the acknowledgement.
    from appliance.gateway.drafts import document_place

    row = gw.row(f"SELECT encounter_id, version, sealed FROM document WHERE id = '{document}'")
    (wrapped,) = gw.row(f"SELECT wrapped FROM encounter_key WHERE encounter_id = '{row[0]}'")
    key, place = gw.core.vault.unwrap(row[0], wrapped), document_place(document, row[1])
    other = key.open(row[2], place).replace(b"35-year-old", b"53-year-old")
    gw.tamper("UPDATE document SET sealed = :sealed WHERE id = :id", sealed=key.seal(other, place), id=document)
    answer = await gw.act(document, "signature", json={"attest": True})
    assert (answer.status_code, code(answer)) == (409, "unsupported-statements")


async def test_a_corrected_statement_needs_no_act(gw: Any) -> None:
    document, statement = await unsupported(gw)
    given = await texts(gw, document)
    for one in given["history"]:
        if one["id"] == statement:
            one["text"] = "The patient is 45."
    shown = (await gw.act(document, "content", json={"sections": given})).json()
    assert shown["unsupported"] == []
    assert (await gw.act(document, "signature", json={"attest": True})).status_code == 201


@pytest.mark.both_stores
async def test_a_signed_document_cannot_change(gw: Any) -> None:
    _, document = await gw.signed()
    before = (await gw.ask("GET", f"/v1/documents/{document}/signed")).json()
    for act, given in (
        ("review", None),
        ("content", {"sections": {}}),
        ("acknowledgements", {"statements": ["s1"], "reason": "known_from_chart"}),
        ("signature", {"attest": True}),
        ("rejection", {"reason": "other"}),
    ):
        answer = await gw.act(document, act, json=given)
        assert (answer.status_code, code(answer)) == (409, "wrong-state"), act
    for statement in (
        "UPDATE document SET sealed = NULL",
        "UPDATE document SET state = 'draft'",
        "UPDATE signature SET audit_index = 0",
        "UPDATE revision SET audit_index = 0",
        "UPDATE consent_event SET number = number + 10",
    ):
        with pytest.raises(DBAPIError, match=r"append-only|cannot change"):
            gw.tamper(statement)
    after = (await gw.ask("GET", f"/v1/documents/{document}/signed")).json()
    assert after == before


@pytest.mark.both_stores
async def test_addenda_are_only_for_signed_documents_and_change_no_text(gw: Any) -> None:
    _, document = await gw.drafted()
    path = f"/v1/documents/{document}/addenda"
    answer = await gw.ask("POST", path, json={"text": "Too early."})
    assert (answer.status_code, code(answer)) == (409, "wrong-state")
    await gw.act(document, "review")
    signed = (await gw.act(document, "signature", json={"attest": True})).json()
    for text in ("First addendum.", "Second addendum."):
        await gw.ask("POST", path, json={"text": text}, status=201)
    shown = (await gw.ask("GET", f"/v1/documents/{document}/signed")).json()
    assert [one["text"] for one in shown["addenda"]] == ["First addendum.", "Second addendum."]
    assert (shown["text"], shown["signature"]) == (signed["text"], signed["signature"])


async def test_a_rejected_document_is_over(gw: Any) -> None:
    _, document = await gw.drafted()
    shown = (await gw.act(document, "rejection", json={"reason": "wrong_patient"})).json()
    assert shown["state"] == "rejected"
    assert (await gw.act(document, "review")).status_code == 409
    assert (await gw.ask("GET", f"/v1/documents/{document}/signed")).status_code == 409
    assert gw.entries()[shown["audit_index"]]["reason"] == "wrong_patient"


async def test_after_the_review_window_a_draft_can_only_be_rejected(start: Any) -> None:
    async with start(review_window_h=1e-9) as gw:
        _, document = await gw.drafted()
        answer = await gw.act(document, "review")
        assert (answer.status_code, code(answer)) == (409, "review-window-over")
        assert (await gw.act(document, "rejection", json={"reason": "not_needed"})).status_code == 200


@pytest.mark.parametrize(
    ("who", "mfa", "status", "wanted"),
    [
        (("doc-1", Role.CLINICIAN), False, 403, "mfa-required"),
        (("doc-2", Role.CLINICIAN), True, 403, "not-in-team"),
        (("coder", Role.CODER), True, 403, "role"),
        (("root", Role.CONSOLE), True, 403, "role"),
        (("boss", Role.ADMIN), True, 403, "role"),
    ],
)
async def test_only_a_clinician_of_the_team_signs(
    gw: Any, who: tuple[str, Role], mfa: bool, status: int, wanted: str
) -> None:
    _, document = await gw.drafted()
    await gw.act(document, "review")
    headers = {**gw.headers(*who, mfa=mfa), "if-match": str(gw.version(document))}
    answer = await gw.base.post(f"/v1/documents/{document}/signature", json={"attest": True}, headers=headers)
    assert (answer.status_code, code(answer)) == (status, wanted)
    assert gw.row(f"SELECT state FROM document WHERE id = '{document}'")[0] == "in_review"


async def test_a_signature_must_be_meant(gw: Any) -> None:
    _, document = await gw.drafted()
    await gw.act(document, "review")
    for given in ({"attest": False}, {}, {"attest": True, "more": 1}):
        assert (await gw.act(document, "signature", json=given)).status_code == 422


@pytest.mark.both_stores
async def test_a_signed_text_that_was_changed_on_the_disk_is_not_released(gw: Any) -> None:
    _, document = await gw.signed()
    on = "" if gw.core.database.is_sqlite else " ON document"
    gw.tamper(f"DROP TRIGGER a_signed_document_stays{on}")
    (first,) = gw.row("SELECT sealed FROM revision WHERE act = 'draft'")
    gw.tamper("UPDATE document SET sealed = :first WHERE id = :id", first=first, id=document)
    answer = await gw.ask("GET", f"/v1/documents/{document}/signed")
    assert (answer.status_code, code(answer)) == (500, "integrity")
    assert json.dumps(answer.json()).find("knee") == -1


async def test_after_closing_nothing_is_added_but_what_is_there_can_be_read(gw: Any) -> None:
    encounter, document = await gw.signed()
    assert (await gw.ask("POST", f"/v1/encounters/{encounter}/close")).json()["state"] == "closed"
    assert code(await gw.upload(encounter, status=409)) == "encounter-closed"
    assert (await gw.ask("POST", f"/v1/encounters/{encounter}/close")).status_code == 409
    assert (await gw.ask("GET", f"/v1/documents/{document}/signed")).status_code == 200
    await gw.ask("POST", f"/v1/documents/{document}/addenda", json={"text": "Afterwards."}, status=201)
