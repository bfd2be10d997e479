"""Drafts: streamed or waited for; failed, abandoned and lost ones are never documents."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytestmark = pytest.mark.anyio


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


async def ready(gw: Any) -> tuple[str, dict[str, Any]]:
    encounter = await gw.visit()
    return f"/v1/encounters/{encounter}/drafts", {"kind": "visit_note", "sources": [await gw.transcribed(encounter)]}


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n", 1)
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_a_stream_ends_with_the_stored_document(gw: Any) -> None:
    path, given = await ready(gw)
    answer = await gw.ask("POST", path, json=given, headers={"accept": "text/event-stream"})
    found = events(answer.text)
    assert found[0][0] == "begun"
    assert found[-1][0] == "finished"
    document = found[-1][1]
    assert document["state"] == "draft"
    shown = (await gw.ask("GET", f"/v1/documents/{document['id']}", status=200)).json()
    assert shown["text"] == document["text"]
    names = gw.happened()
    assert names.index("draft.begun") < names.index("draft.completed")
    completed = next(one for one in gw.entries() if one["event"] == "draft.completed")
    assert completed["confidence"] is not None
    begun = next(one for one in gw.entries() if one["event"] == "draft.begun")
    assert {tool["kind"] for tool in begun["tools"]} >= {"model", "prompt", "template", "table"}
    assert begun["inputs"][0]["algorithm"] == "commitment"


async def test_each_kind_is_drafted_with_the_adapter_that_the_release_has_for_it(gw: Any) -> None:
    path, given = await ready(gw)
    adapter = "7" * 64
    gw.engine.adapter_kinds = {"visit_note": adapter}
    for kind in ("visit_note", "patient_letter", "visit_note"):
        await gw.ask("POST", path, json=given | {"kind": kind}, status=201)
    assert [each["model"] for each in gw.engine.requests] == [adapter, "stub-model", adapter]
    begun = [one for one in gw.entries() if one["event"] == "draft.begun"]
    named = [[tool["digest"] for tool in one["tools"] if tool["kind"] == "adapter"] for one in begun]
    assert named == [[adapter], [], [adapter]]
    assert all(any(tool["name"] == "stub-model" for tool in one["tools"]) for one in begun)


async def test_an_engine_that_breaks_off_leaves_no_document(gw: Any) -> None:
    path, given = await ready(gw)
    gw.engine.fail_after = 3
    answer = await gw.ask("POST", path, json=given)
    assert (answer.status_code, code(answer)) == (502, "engine-interrupted")
    state, problem, sealed = gw.row("SELECT state, problem, sealed FROM document")
    assert (state, problem, sealed) == ("failed", "engine_interrupted", None)
    assert gw.happened()[-1] == "draft.failed"
    (document,) = gw.row("SELECT id FROM document")
    assert (await gw.act(document, "review")).status_code == 409
    assert gw.rows("SELECT version FROM revision") == []


async def test_an_engine_that_breaks_off_in_a_stream_is_told_in_the_stream(gw: Any) -> None:
    path, given = await ready(gw)
    gw.engine.fail_after = 6
    answer = await gw.ask("POST", path, json=given, headers={"accept": "text/event-stream"})
    found = events(answer.text)
    assert found[0][0] == "begun"
    assert found[-1][0] == "problem"
    assert found[-1][1]["type"].endswith("engine-interrupted")
    assert gw.row("SELECT state FROM document")[0] == "failed"


async def test_a_stream_begins_when_the_engine_answers_and_not_with_the_first_word(real: Any) -> None:
    path, given = await ready(real)
    real.engine.hold_after = 1  # `{"history`: nothing of it can be shown
    stream = real.base.stream(
        "POST", path, json=given, headers={**real.headers(), "accept": "text/event-stream"}, timeout=30
    )
    async with stream as answer:
        assert answer.status_code == 200
        pieces = answer.aiter_bytes()
        begun = events((await anext(pieces)).decode())
        assert [name for name, _ in begun] == ["begun"]
        # What is released has its entry.
        assert real.happened()[-1] == "draft.begun"
        real.engine.release.set()
        rest = b"".join([piece async for piece in pieces])
    assert events(rest.decode())[-1][0] == "finished"


@pytest.mark.both_stores
async def test_a_client_that_goes_away_abandons_its_draft_and_stops_the_engine(real: Any) -> None:
    path, given = await ready(real)
    real.engine.hold_after = 6
    headers = {**real.headers(), "accept": "text/event-stream"}
    async with real.base.stream("POST", path, json=given, headers=headers) as answer:
        async for piece in answer.aiter_bytes():
            assert piece.startswith(b"event: begun")
            break
    await asyncio.wait_for(real.engine.left.wait(), 60)
    async with asyncio.timeout(60):
        while real.row("SELECT state FROM document")[0] == "drafting":
            await asyncio.sleep(0.005)
    assert real.row("SELECT state, problem, sealed FROM document") == ("failed", "client_gone", None)
    assert real.happened()[-1] == "draft.abandoned"


@pytest.mark.both_stores
async def test_what_a_restart_finds_is_lost(start: Any) -> None:
    async with start() as gw:
        _, document = await gw.drafted()
        gw.tamper("UPDATE document SET state = 'drafting', sealed = NULL")
    async with start() as gw:
        shown = (await gw.ask("GET", f"/v1/documents/{document}")).json()
        assert (shown["state"], shown["problem"], shown["document"]) == ("failed", "lost", None)
        assert gw.happened().count("draft.lost") == 1
    async with start() as gw:
        assert gw.happened().count("draft.lost") == 1


async def test_a_preview_is_stored_nowhere(gw: Any) -> None:
    path, given = await ready(gw)
    answer = await gw.ask("POST", path, json={**given, "preview": True})
    assert answer.json()["preview"] is True
    assert gw.rows("SELECT id FROM document") == []
    assert gw.rows("SELECT document_id FROM revision") == []
    names = gw.happened()
    assert "preview.begun" in names
    assert not any(name.startswith("draft.") for name in names)


async def test_without_an_engine_the_answer_says_so(start: Any) -> None:
    async with start(engines=False) as gw:
        encounter = await gw.encounter()
        given = {"kind": "front_desk_template", "fields": {"subject": "Opening hours"}}
        answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
        assert (answer.status_code, code(answer)) == (503, "engine-unavailable")
        assert answer.headers["retry-after"]


async def test_a_site_without_drafting_says_so(start: Any) -> None:
    async with start(engines=False, drafting=False) as gw:
        encounter = await gw.encounter()
        given = {"kind": "front_desk_template", "fields": {"subject": "Opening hours"}}
        answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
        assert (answer.status_code, code(answer)) == (501, "no-drafting")


async def test_too_many_drafts_at_once_are_refused(start: Any) -> None:
    async with start(max_drafts=1) as gw:
        path, given = await ready(gw)
        gw.engine.hold_after = 0
        first = asyncio.create_task(gw.ask("POST", path, json=given))
        await gw.engine.held.wait()
        answer = await gw.ask("POST", path, json=given)
        assert (answer.status_code, code(answer)) == (503, "drafts-full")
        gw.engine.release.set()
        assert (await first).status_code == 201


async def test_sources_are_of_the_same_encounter(gw: Any) -> None:
    path, given = await ready(gw)
    other = await gw.visit()
    answer = await gw.ask("POST", f"/v1/encounters/{other}/drafts", json=given)
    assert (answer.status_code, code(answer)) == (404, "not-found")
    answer = await gw.ask("POST", path, json={"kind": "visit_note"})
    assert answer.status_code == 400
    answer = await gw.ask("POST", path, json={"kind": "visit_note", "sources": ["live"]})
    assert (answer.status_code, code(answer)) == (409, "not-live")


async def test_a_record_needs_no_consent_and_a_transcript_that_waits_is_no_source(gw: Any) -> None:
    encounter = await gw.encounter()
    record = await gw.ask(
        "POST", f"/v1/encounters/{encounter}/records", content=b"Seen for knee pain.",
        headers={"content-type": "text/plain"}, status=201,
    )  # fmt: skip
    gw.engine.everywhere = ["Seen for knee pain."]
    found = await gw.draft(encounter, record.json()["id"], kind="record_summary")
    assert found["state"] == "draft"
    await gw.consent(encounter)
    gw.transcription.hold = asyncio.Event()
    transcript = await gw.order(encounter, await gw.upload(encounter))
    given = {"kind": "visit_note", "sources": [transcript]}
    answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
    assert (answer.status_code, code(answer)) == (409, "not-ready")
    gw.transcription.hold.set()


async def test_a_store_that_fails_at_the_end_leaves_a_failed_draft(gw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    from appliance.gateway.store import documents

    path, given = await ready(gw)

    def full(*_: Any) -> None:
        raise OperationalError("insert", {}, Exception("database or disk is full"))

    monkeypatch.setattr(documents, "add_revision", full)
    answer = await gw.ask("POST", path, json=given)
    assert (answer.status_code, code(answer)) == (507, "disk-full")
    assert gw.row("SELECT state, sealed FROM document") == ("failed", None)
