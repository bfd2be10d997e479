"""Drafts from text without identifiers: the engine sees none, the document has all, and what is lost is said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.clinical.document import DocumentKind, Grounding
from appliance.clinical.source import Speaker
from appliance.contract.deid_policy import DEFAULT
from appliance.deid.deidentify import Deidentifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.restore import Restorer
from appliance.drafting.order import Order
from appliance.errors import UnknownStateError, UsageError
from appliance.gateway.deid import Cover, Deidentification
from tests.fakes.deid import FakeDetector

pytestmark = pytest.mark.anyio

LINES = (
    (Speaker.CLINICIAN, "Good morning maria lopez, today is March 5, 2024."),
    (Speaker.PATIENT, "My left knee has hurt for two weeks since February 20, 2024. Call me at 512-867-5309."),
)
LISTED = {
    "maria lopez": Kind.NAME, "Maria Lopez": Kind.NAME, "Lopez": Kind.NAME, "March 5, 2024": Kind.DATE,
    "February 20, 2024": Kind.DATE, "512-867-5309": Kind.PHONE, "Kildare": Kind.NAME,
}  # fmt: skip
PRIVATE = ("maria", "lopez", "867-5309", "March 5", "February 20")
REQUIRED = {"schema_version": "deid-policy/v1", "rules": []}


def policy(text: str, **more: Any) -> dict[str, Any]:
    return {"schema_version": "deid-policy/v1", "rules": [{"text": text}], **more}


@pytest.fixture
async def gw(start: Any, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A gateway whose policy is the parameter (required without one), and a fake detector."""
    async with start(deid_policy=getattr(request, "param", REQUIRED)) as gateway:
        gateway.transcription.lines = LINES
        gateway.core.deid = Deidentification(gateway.core.deid.policy, lambda: FakeDetector(LISTED))
        yield gateway


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


def prompt(gw: Any) -> str:
    return json.dumps(gw.engine.requests[-1], ensure_ascii=False)


def said(gw: Any) -> tuple[str, str, str]:
    """(name, today, since) as the engine read them."""
    text = gw.engine.requests[-1]["messages"][-1]["content"]
    today = text.split("today is ")[1].split(".")[0]
    return text.split("morning ")[1].split(", today")[0], today, text.split("since ")[1].split(". Call")[0]


async def echoing(gw: Any, *sentences: str) -> tuple[str, str]:
    """Draft twice: the engine learns the stand-ins from its own prompt first, as a model would."""
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    await gw.draft(encounter, transcript)
    name, today, since = said(gw)
    given = [one.format(name=name.title(), last=name.split()[-1], today=today, since=since) for one in sentences]
    gw.engine.sections = {"history": given}
    return encounter, transcript


async def test_the_engine_reads_no_identifier_and_the_document_has_them_all(gw: Any) -> None:
    sentences = ("{name}'s left knee has hurt since {since}.", "Seen on {today}.")
    encounter, transcript = await echoing(gw, *sentences)
    document = await gw.draft(encounter, transcript)
    assert not any(part in prompt(gw) for part in PRIVATE)
    assert "hurt for two weeks" in prompt(gw)
    assert "Maria Lopez's left knee has hurt since February 20, 2024." in document["text"]
    assert "Seen on March 5, 2024." in document["text"]
    notices = {one["code"]: one["text"] for one in document["document"]["notices"]}
    assert "4 were replaced" in notices["deid.applied"]
    assert "deid.unrestored" not in notices


async def test_the_log_says_that_it_happened_with_what_and_never_the_text(gw: Any) -> None:
    encounter, transcript = await echoing(gw, "{name} came.")
    await gw.draft(encounter, transcript)
    begun = [one for one in gw.entries() if one["event"] == "draft.begun"][-1]
    assert begun["numbers"] | {"parts": 1} == begun["numbers"]
    assert {name: n for name, n in begun["numbers"].items() if name.startswith("deid")} == {
        "deidentified": 1, "deid.found": 4, "deid.name": 1, "deid.date": 2, "deid.phone": 1,
    }  # fmt: skip
    tools = {one["name"]: one for one in begun["tools"]}
    assert tools["deid-policy"]["digest"] == gw.core.deid.policy.sha256
    assert len(tools["deid-detector"]["digest"]) == 64
    completed = [one for one in gw.entries() if one["event"] == "draft.completed"][-1]
    assert completed["numbers"]["deid.restored"] >= 2
    assert completed["numbers"]["deid.unrestored"] == 0
    log = json.dumps(gw.entries()).casefold()
    assert not any(part.casefold() in log for part in (*PRIVATE, said(gw)[0]))


async def test_the_same_person_has_the_same_name_in_every_draft_of_an_encounter_and_another_elsewhere(gw: Any) -> None:
    encounter, transcript = await echoing(gw, "ok")
    first = said(gw)
    await gw.draft(encounter, transcript)
    assert said(gw) == first
    await echoing(gw, "ok")
    assert said(gw) != first


async def test_what_cannot_be_brought_back_marks_the_statement_and_stops_the_signature(gw: Any) -> None:
    encounter, transcript = await echoing(gw, "{name} came on March 4, 2031.", "Dr. Kildare was there.", "{name} came.")
    document = await gw.draft(encounter, transcript)
    statements = document["document"]["sections"][0]["statements"] or [
        one for section in document["document"]["sections"] for one in section["statements"]
    ]
    found = {one["text"]: one["grounding"] for one in statements}
    for text, seen, kind in (
        ("Maria Lopez came on March 4, 2031.", "March 4, 2031", "date"),
        ("Dr. Kildare was there.", "Kildare", "unsupported"),
    ):
        assert found[text]["status"] == "unsupported"
        finding = next(one for one in found[text]["findings"] if one["wanted"].startswith("not brought back"))
        assert (finding["seen"], finding["kind"]) == (seen, kind)
        assert text[finding["start"] : finding["end"]] == seen
    assert not any(one["wanted"].startswith("not brought back") for one in found["Maria Lopez came."]["findings"])
    assert any(one["code"] == "deid.unrestored" for one in document["document"]["notices"])
    assert (await gw.act(document["id"], "review")).status_code == 200
    answer = await gw.act(document["id"], "signature", json={"attest": True})
    assert (answer.status_code, code(answer)) == (409, "unsupported-statements")


@pytest.mark.parametrize("gw", [{**REQUIRED, "on_unrestored": "refuse"}], indirect=True)
async def test_a_policy_may_refuse_such_a_draft(gw: Any) -> None:
    encounter, transcript = await echoing(gw, "{name} came on March 4, 2031.")
    given = {"kind": "visit_note", "sources": [transcript]}
    answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
    assert (answer.status_code, code(answer)) == (502, "output-unrestored")
    assert gw.row("SELECT state, problem, sealed FROM document ORDER BY created_at DESC") == (
        "failed", "output_unrestored", None,
    )  # fmt: skip
    assert gw.happened()[-1] == "draft.failed"


async def test_a_stream_shows_whole_sentences_with_identifiers_and_nothing_before(gw: Any) -> None:
    encounter, transcript = await echoing(gw, "{name}'s left knee has hurt for two weeks.")
    name = said(gw)[0]
    given = {"kind": "visit_note", "sources": [transcript]}
    answer = await gw.ask(
        "POST", f"/v1/encounters/{encounter}/drafts", json=given, headers={"accept": "text/event-stream"}
    )
    names = [block.split("\n", 1)[0].removeprefix("event: ") for block in answer.text.strip().split("\n\n")]
    assert names == ["begun", "statement", "finished"]
    assert name.split()[-1].casefold() not in answer.text.casefold()
    assert "Maria Lopez's left knee" in answer.text
    begun = json.loads(answer.text.split("data: ", 1)[1].split("\n", 1)[0])
    (piece,) = begun["parts"][0]["pieces"]
    shown = (await gw.ask("GET", f"/v1/transcripts/{transcript}", status=200)).json()["text"]
    assert (piece["start"], piece["end"]) == (0, len(shown))


@pytest.mark.parametrize("gw", [policy("allowed")], indirect=True)
async def test_where_it_is_allowed_the_caller_says(gw: Any) -> None:
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    await gw.draft(encounter, transcript)
    assert "maria lopez" in prompt(gw)
    await gw.draft(encounter, transcript, deidentified=True)
    assert "maria lopez" not in prompt(gw)
    begun = [one["numbers"]["deidentified"] for one in gw.entries() if one["event"] == "draft.begun"]
    assert begun == [0, 1]


@pytest.mark.parametrize(
    ("gw", "wanted", "problem"),
    [(REQUIRED, False, "deid-required"), (policy("forbidden"), True, "deid-forbidden")],
    indirect=["gw"],
)
async def test_who_wants_otherwise_than_the_policy_is_refused_before_anything_is_read(
    gw: Any, wanted: bool, problem: str
) -> None:
    encounter = await gw.visit()
    given = {"kind": "visit_note", "sources": [await gw.transcribed(encounter)], "deidentified": wanted}
    answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
    assert (answer.status_code, code(answer)) == (422, problem)
    assert gw.engine.requests == []
    assert gw.happened()[-1] == "draft.failed"


def missing() -> Any:
    raise UnknownStateError("the detector of identifiers is not there: x", hint="install it")


class Failing:
    def find(self, text: str, *, known_names: object = ()) -> Any:
        raise RuntimeError(f"cannot read {text}")


@pytest.mark.parametrize("load", [missing, Failing])
async def test_without_a_detector_no_model_reads_anything(gw: Any, load: Any, lines: list[str]) -> None:
    gw.core.deid = Deidentification(gw.core.deid.policy, load)
    encounter = await gw.visit()
    given = {"kind": "visit_note", "sources": [await gw.transcribed(encounter)]}
    answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
    assert (answer.status_code, code(answer)) == (503, "deid-unavailable")
    assert gw.engine.requests == []
    assert gw.row("SELECT state, problem, sealed FROM document") == ("failed", "deid-unavailable", None)
    assert not any("maria" in line for line in (*lines, answer.text))


async def test_a_front_desk_template_still_refuses_what_identifies_somebody(gw: Any) -> None:
    encounter = await gw.encounter()
    given = {"kind": "front_desk_template", "fields": {"subject": "Call 512-867-5309"}}
    answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
    assert (answer.status_code, code(answer)) == (422, "identifier-in-input")
    assert gw.engine.requests == []


async def test_the_default_hides_from_an_engine_that_is_not_sealed_and_leaves_the_sealed_one(start: Any) -> None:
    async with start() as gw:
        assert gw.core.deid.policy == DEFAULT
        await gw.drafted()
        begun = next(one for one in gw.entries() if one["event"] == "draft.begun")
        assert begun["numbers"]["deidentified"] == 0
        assert "deid-policy" in {one["name"] for one in begun["tools"]}
        assert not any(name.startswith("deid.") for name in begun["numbers"])


async def test_a_statement_with_something_lost_is_unsupported_whatever_the_sources_say() -> None:
    work = Deidentifier(FakeDetector(LISTED), b"k" * 16, ["Maria Lopez came."])
    work.run()
    order = Order(DocumentKind.VISIT_NOTE, ())
    cover = Cover(order, Restorer(work.mapping(), detector=FakeDetector(LISTED)), False, {}, {})
    supported = Grounding(status="supported")
    text = cover.restore("Kildare came.")
    judged = cover.judged(text, supported)
    assert (judged.status, judged.findings[0].seen) == ("unsupported", "Kildare")
    assert cover.judged(cover.restore("All is well."), supported) == supported
    assert cover.numbers_completed() == {"deid.restored": 0, "deid.unrestored": 1}


async def test_a_wrong_policy_stops_the_start_and_says_where(start: Any) -> None:
    with pytest.raises(UsageError, match=r"deid_policy: rules\.0\.text"):
        async with start(deid_policy=policy("perhaps")):
            pass


@pytest.mark.slow
async def test_with_the_detector_of_the_box_nothing_that_names_her_reaches_the_engine(start: Any) -> None:
    """The one test here with the real detector: it takes seconds to load."""
    lines = (
        (Speaker.CLINICIAN, "Good morning, Ms. Maria Lopez. Your date of birth is March 5, 1958?"),
        (Speaker.PATIENT, "Yes. You can call me at 512-867-5309. My left knee has hurt since February 20, 2024."),
        (Speaker.CLINICIAN, "Okay maria, take ibuprofen 400 mg. Your Parkinson's is stable."),
    )
    async with start(deid_policy=REQUIRED) as gw:
        gw.transcription.lines = lines
        encounter = await gw.visit()
        transcript = await gw.transcribed(encounter)
        gw.engine.sections = {"history": ["The left knee has hurt since the winter."]}
        await gw.draft(encounter, transcript)
        text = gw.engine.requests[-1]["messages"][-1]["content"]
        assert not any(part in text.casefold() for part in ("maria", "lopez", "867-5309", "march 5", "february 20"))
        assert all(part in text for part in ("ibuprofen 400 mg", "Parkinson's", "left knee"))
        family = text.split("Ms. ")[1].split(".")[0].split()[1]
        gw.engine.sections = {"history": [f"Ms. {family}'s left knee has hurt.", "Takes ibuprofen 400 mg."]}
        document = await gw.draft(encounter, transcript)
        assert "Ms. Lopez's left knee has hurt." in document["text"]
        assert not any(one["code"] == "deid.unrestored" for one in document["document"]["notices"])
