"""Every way from an encounter's text to a model, under a policy that wants it without identifiers: none is open.

Each test asks by one way and then looks at everything that the engine was sent, whichever way it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.websockets import WebSocket

from appliance.clinical.source import Speaker
from appliance.coding.tables.library import Library
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.stream import HORIZON_CHARS
from appliance.errors import UnknownStateError
from appliance.gateway.auth.principal import Role
from appliance.gateway.codes import Codes
from appliance.gateway.deid import Deidentification
from tests.fakes.clinical import answer_of
from tests.fakes.deid import FakeDetector
from tests.fakes.suggester import FakeSuggester
from tests.unit.appliance.gateway.test_live import FRAME, connect, started, until

pytestmark = pytest.mark.anyio
REQUIRED = {"schema_version": "deid-policy/v1", "rules": []}
CODER = ("coder-1", Role.CODER)
LISTED = {
    "maria lopez": Kind.NAME, "Maria Lopez": Kind.NAME, "Lopez": Kind.NAME, "March 5, 2024": Kind.DATE,
    "512-867-5309": Kind.PHONE, "512-867-5309 extension 4471": Kind.PHONE,
}  # fmt: skip
PRIVATE = ("lopez", "867-5309", "March 5", "4471")
SAID = "My left knee has hurt for two weeks. I am Maria Lopez, and since March 5, 2024 I take ibuprofen 400 mg."
LINES = ((Speaker.PATIENT, SAID),)
BUNDLE = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {"resourceType": "Condition", "code": {"text": "Knee pain, told to Maria Lopez on March 5, 2024"}}}
    ],
}


@pytest.fixture
async def gw(start: Any, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with start(deid_policy=getattr(request, "param", REQUIRED)) as gateway:
        prepare(gateway)
        yield gateway


@pytest.fixture
async def real(start: Any) -> AsyncIterator[Any]:
    """Behind a real server: a running visit is a WebSocket."""
    async with start(real=True, deid_policy=REQUIRED) as gateway:
        prepare(gateway)
        yield gateway


def prepare(gw: Any) -> None:
    gw.transcription.lines = LINES
    gw.core.deid = Deidentification(gw.core.deid.policy, lambda: FakeDetector(LISTED))
    gw.core.codes = Codes(Library(gw.core.settings.state_dir / "no-packs"), FakeSuggester)


def sent(gw: Any) -> str:
    """Everything that the engine was sent, in the order in which it came, without the random marks around sources."""
    assert gw.engine.requests, "the engine was not asked"
    return re.sub(r"\b[0-9a-f]{24}\b", "", json.dumps(gw.engine.requests, ensure_ascii=False))


def has(text: str, *parts: str) -> list[str]:
    """Those of the parts that stand there as whole words: stand-ins are drawn, and one may begin as a name does."""
    return [part for part in parts if re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text, re.IGNORECASE)]


def names_nobody(gw: Any) -> None:
    assert has(sent(gw), *PRIVATE) == []


async def put(gw: Any, encounter: str, document: Any) -> str:
    answer = await gw.ask(
        "POST", f"/v1/encounters/{encounter}/records", content=json.dumps(document).encode(),
        headers={"content-type": "application/fhir+json"}, status=201,
    )  # fmt: skip
    return str(answer.json()["id"])


async def test_a_draft_from_a_transcript_a_record_and_fields(gw: Any) -> None:
    encounter = await gw.visit()
    record = await put(gw, encounter, BUNDLE)
    transcript = await gw.transcribed(encounter)
    await gw.draft(encounter, transcript, record, fields={"subject": "A letter for Maria Lopez"})
    names_nobody(gw)
    assert all(part in sent(gw) for part in ("left knee", "Knee pain", "A letter for"))


async def test_a_draft_of_a_record_in_parts(gw: Any) -> None:
    """A source that the engine cannot hold at once is sent in parts: each of them."""
    encounter = await gw.visit()
    entries = [
        {"resource": {"resourceType": "Condition", "code": {"text": f"Pain {n}, told to Maria Lopez, " + "ache " * 60}}}
        for n in range(300)
    ]
    record = await put(gw, encounter, {"resourceType": "Bundle", "entry": entries})
    await gw.draft(encounter, record, kind="record_summary")
    assert len(gw.engine.requests) > 1
    names_nobody(gw)


async def test_a_second_document_and_a_draft_that_is_made_anew(gw: Any) -> None:
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    for kind in ("visit_note", "visit_note", "patient_letter"):
        await gw.draft(encounter, transcript, kind=kind)
    assert len(gw.engine.requests) == 3
    names_nobody(gw)


async def test_a_preview_and_a_stream(gw: Any) -> None:
    encounter = await gw.visit()
    given = {"kind": "visit_note", "sources": [await gw.transcribed(encounter)]}
    path = f"/v1/encounters/{encounter}/drafts"
    await gw.ask("POST", path, json={**given, "preview": True}, status=200)
    await gw.ask("POST", path, json=given, headers={"accept": "text/event-stream"}, status=200)
    assert len(gw.engine.requests) == 2
    names_nobody(gw)


def _noted(gw: Any) -> None:
    """From now on the engine writes a note that names her, by what she is called in its prompt."""
    text = gw.engine.requests[-1]["messages"][-1]["content"]
    name, day = text.split("I am ")[1].split(", and since ")[0], text.split("and since ")[1].split(" I take")[0]
    gw.engine.sections = {"history": [f"{name}'s left knee has hurt for two weeks.", f"Ibuprofen since {day}."]}


async def noted(gw: Any) -> tuple[str, str]:
    """(encounter, document in review) of a note that names her."""
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    await gw.draft(encounter, transcript)
    _noted(gw)
    document = await gw.draft(encounter, transcript)
    assert "Maria Lopez's left knee" in document["text"]
    assert (await gw.act(document["id"], "review")).status_code == 200
    gw.engine.requests.clear()
    return encounter, document["id"]


async def suggested(gw: Any, document: str, **more: Any) -> Any:
    given = {"date_of_service": "2026-05-04", **more}
    return (await gw.ask("POST", f"/v1/documents/{document}/codes", json=given, who=CODER, status=201)).json()


async def test_the_order_of_codes_is_asked_of_a_note_without_identifiers(gw: Any) -> None:
    _, document = await noted(gw)
    gw.engine.sections = {"codes": [{"code": "Z79.1", "verdict": "supported", "why": "stated"}]}  # type: ignore[list-item]
    shown = await suggested(gw, document)
    assert len(gw.engine.requests) == 1
    names_nobody(gw)
    assert "left knee has hurt" in sent(gw)
    # What it answered counts, and the evidence is that of the note as the coder reads it.
    assert (shown["ordered_by"], shown["codes"][0]["suggested"]) == ("model", "Z79.1")
    text = (await gw.ask("GET", f"/v1/documents/{document}", who=CODER)).json()["text"]
    for one in shown["codes"]:
        for quoted in one["evidence"]:
            assert text[quoted["start"] : quoted["end"]] == quoted["quote"]
    entry = gw.entries()[shown["audit_index"]]
    assert {tool["name"] for tool in entry["tools"]} >= {"deid-policy", "deid-detector"}
    assert (entry["numbers"]["deidentified"], entry["numbers"]["deid.name"], entry["numbers"]["deid.date"]) == (1, 1, 1)
    assert "Lopez" not in json.dumps(entry)


async def test_where_a_note_cannot_be_hidden_no_model_orders_its_codes(gw: Any) -> None:
    def missing() -> Any:
        raise UnknownStateError("the detector is not there", hint="install it")

    _, document = await noted(gw)
    gw.core.deid = Deidentification(gw.core.deid.policy, missing)
    shown = await suggested(gw, document)
    assert gw.engine.requests == []
    assert (shown["ordered_by"], shown["order_problem"]) == ("statistics", "deid-unavailable")


@pytest.mark.parametrize("gw", [{**REQUIRED, "rules": [{"kind": "coding", "text": "forbidden"}]}], indirect=True)
async def test_a_policy_decides_about_coding_by_itself(gw: Any) -> None:
    _, document = await noted(gw)
    shown = await suggested(gw, document)
    entry = gw.entries()[shown["audit_index"]]
    assert "Maria Lopez" in sent(gw)
    assert entry["numbers"]["deidentified"] == 0
    assert [tool["name"] for tool in entry["tools"]][-1] == "deid-policy"


@pytest.mark.parametrize("gw", [{**REQUIRED, "rules": [{"kind": "coding", "text": "allowed"}]}], indirect=True)
async def test_where_a_policy_leaves_coding_to_the_caller_their_word_counts(gw: Any) -> None:
    _, document = await noted(gw)
    for wanted, hidden in ((None, 0), (False, 0), (True, 1)):
        gw.engine.requests.clear()
        shown = await suggested(gw, document, deidentified=wanted)
        assert gw.entries()[shown["audit_index"]]["numbers"]["deidentified"] == hidden, wanted
        assert ("Maria Lopez" in sent(gw)) != bool(hidden), wanted


@pytest.mark.parametrize(
    ("gw", "wanted", "code"),
    [
        ({**REQUIRED, "rules": []}, False, "deid-required"),
        ({**REQUIRED, "rules": [{"kind": "coding", "text": "forbidden"}]}, True, "deid-forbidden"),
    ],
    indirect=["gw"],
)
async def test_a_word_against_the_policy_is_refused_before_anything_reads_the_note(
    gw: Any, wanted: bool, code: str
) -> None:
    _, document = await noted(gw)
    given = {"date_of_service": "2026-05-04", "deidentified": wanted}
    answer = await gw.ask("POST", f"/v1/documents/{document}/codes", json=given, who=CODER)
    assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]) == (422, code)
    assert gw.engine.requests == []
    assert "codes.suggested" not in gw.happened()


def saying(gw: Any, pieces: list[str]) -> list[str]:
    """Let the transcription service hear one more piece with each frame of sound; returns what was heard."""
    heard: list[str] = []

    async def on_stream(websocket: WebSocket) -> None:
        await websocket.receive_text()
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            if message.get("bytes") is None:
                final = {"type": "final", "answer": answer_of(*gw.transcription.lines).model_dump(mode="json")}
                await websocket.send_text(json.dumps(final))
                await websocket.close()
                return
            piece = pieces.pop(0)
            heard.append(piece)
            words = [{"text": word, "start_s": 0, "end_s": 1, "confidence": 0.9} for word in piece.split()]
            await websocket.send_text(json.dumps({"type": "partial", "stable": words, "tentative": []}))

    gw.transcription.on_stream = on_stream
    return heard


MORE = "The pain is worse on stairs and better with rest and there was no fall and no fever and nothing else of note. "


async def preview(gw: Any, encounter: str, *more: str) -> Any:
    given = {"kind": "visit_note", "sources": ["live", *more], "preview": True}
    return await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)


async def test_a_running_visit_and_its_refreshes(real: Any) -> None:
    """Half an identifier at the end of what was heard goes to nobody, and the same person stays the same."""
    encounter = await real.visit()
    record = await put(real, encounter, BUNDLE)
    cut = [f"{SAID} {MORE * 3}I am", "Maria", "Lopez, call 512-867-5309", f"extension 4471. {MORE * 3}"]
    saying(real, cut)
    async with connect(real, encounter) as socket:
        await started(socket)
        for _ in range(4):
            await socket.send(FRAME)
            await until(socket, "partial")
            answer = await preview(real, encounter, record)
            assert answer.status_code == 200, answer.text
            names_nobody(real)
            assert has(sent(real), "867") == []
            assert "left knee has hurt" in real.engine.requests[-1]["messages"][-1]["content"]
        asked = [one["messages"][-1]["content"] for one in real.engine.requests]
        names = {text.split("I am ")[1].split(", and since")[0] for text in asked}
        assert len(names) == 1
        assert {text.split("told to ")[1].split(" on ")[0] for text in asked} == names
        await socket.send('{"type":"end"}')
        final = await until(socket, "final")
    # The transcript that came of it has the same stand-ins as the draft of the running visit.
    await real.draft(encounter, final["transcript"])
    text = real.engine.requests[-1]["messages"][-1]["content"]
    assert text.split("I am ")[1].split(", and since")[0] in names
    assert text.split("and since ")[1].split(" I take")[0] == asked[0].split("and since ")[1].split(" I take")[0]
    names_nobody(real)


async def test_of_too_little_no_draft_is_made(real: Any) -> None:
    encounter = await real.visit()
    saying(real, ["I am Maria Lopez"])
    async with connect(real, encounter) as socket:
        await started(socket)
        await socket.send(FRAME)
        await until(socket, "partial")
        answer = await preview(real, encounter)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:fleetctl:problem:not-live")
        assert str(HORIZON_CHARS) in answer.json()["detail"]
        assert real.engine.requests == []


async def test_text_of_a_running_visit_that_is_asked_for_without_identifiers(real: Any) -> None:
    """What leaves by the route of de-identification may go to any model."""
    encounter = await real.visit()
    saying(real, [f"{SAID} {MORE * 3}call 512-867"])  # the rest of the number is said in a moment
    async with connect(real, encounter) as socket:
        await started(socket)
        await socket.send(FRAME)
        await until(socket, "partial")
        path = f"/v1/encounters/{encounter}/deidentification"
        shown = (await real.ask("POST", path, json={"sources": ["live"]}, status=200)).json()["texts"][0]
    assert has(shown["text"], *PRIVATE, "512-867") == []
    assert "left knee" in shown["text"]
