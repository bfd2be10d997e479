"""A draft from order to document, with a scripted engine: what is told, what is removed, what fails."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from appliance.clinical.document import DocumentKind, Grounding, Section, Statement
from appliance.clinical.source import Source, Speaker
from appliance.drafting.drafter import Drafter, Reader, breaches
from appliance.drafting.errors import ContextError, DraftError, OrderRefusedError, OutputError
from appliance.drafting.events import Begun, Dropped, Event, Finished, StatementDone, Text
from appliance.drafting.order import Order, Series
from appliance.drafting.settings import Settings

VISIT_NOTE = DocumentKind.VISIT_NOTE


def draft(engine: Any, order: Order, settings: Settings | None = None, **more: Any) -> list[Event]:
    async def collect() -> list[Event]:
        async with aclosing(Drafter(engine, settings or Settings()).draft(order, **more)) as events:
            return [event async for event in events]

    return asyncio.run(collect())


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[0], Begun)
    assert isinstance(events[-1], Finished)
    return events[-1]


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_every_kind_becomes_a_document_of_its_template(kind: DocumentKind, stub_engine: Any, answers: Any) -> None:
    source = Source(id="form", kind="form", text="Purpose: remind people of their appointment")
    events = draft(stub_engine(answers()), Order(kind, (source,)))
    done = finished(events)
    assert done.document.kind is kind
    assert breaches(Order(kind, (source,)), done.document) == ()
    begun = events[0]
    assert isinstance(begun, Begun)
    assert begun.template == done.document.template
    assert len(begun.parts) == len(done.parts) == 1
    assert [one.sha256 for one in begun.inputs] == [source.sha256]


def test_text_is_shown_before_its_statement_and_each_sentence_is_one(
    stub_engine: Any, answers: Any, visit: Source, naive_ground: Any
) -> None:
    engine = stub_engine(
        answers(history=["Left knee pain for two weeks. Dr. Lee saw it."], plan=["Ibuprofen 400 mg with food."])
    )
    events = draft(engine, Order(VISIT_NOTE, (visit,)), ground=naive_ground((visit,)))
    done = finished(events)
    texts = [one.text for one in done.document.statements()]
    assert texts == ["Left knee pain for two weeks.", "Dr. Lee saw it.", "Ibuprofen 400 mg with food."]
    assert [one.id for one in done.document.statements()] == ["history.1", "history.2", "plan.1"]
    first_text = next(index for index, event in enumerate(events) if isinstance(event, Text))
    first_done = next(index for index, event in enumerate(events) if isinstance(event, StatementDone))
    assert first_text < first_done
    assert done.unsupported == 1
    assert done.parts[0].cached_tokens == 40


def test_a_consent_sentence_is_removed_counted_and_never_shown(stub_engine: Any, answers: Any, visit: Source) -> None:
    said = ["Knee pain for two weeks.", "The patient consented to being recorded."]
    events = draft(stub_engine(answers(history=said), piece=3), Order(VISIT_NOTE, (visit,)))
    done = finished(events)
    assert done.consent_removed == 1
    assert [one.text for one in done.document.statements()] == said[:1]
    assert "consent" not in "".join(event.delta for event in events if isinstance(event, Text))
    assert Dropped("history", "consent", 0) in events
    assert [notice.code for notice in done.document.notices if notice.code.startswith("consent")] == ["consent.removed"]


def test_the_consent_line_comes_from_the_event_only(stub_engine: Any, answers: Any, visit: Source) -> None:
    line = "Consent to recording was given orally on 2026-11-20 at 09:14."
    document = finished(draft(stub_engine(answers()), Order(VISIT_NOTE, (visit,), consent_line=line))).document
    assert [(one.text, one.author) for one in document.statements()] == [(line, "template")]
    assert document.sections[-1].name == "consent"
    engine = stub_engine(answers())
    draft(engine, Order(VISIT_NOTE, (visit,), consent_line=line))
    assert "onsent" not in json.dumps([message.content for message in engine.requests[0].messages])


def test_a_repeated_sentence_is_removed_and_counted(stub_engine: Any, answers: Any, visit: Source) -> None:
    done = finished(draft(stub_engine(answers(plan=["Rest.", "Rest.", "Walk."])), Order(VISIT_NOTE, (visit,))))
    assert ([one.text for one in done.document.statements()], done.duplicates_removed) == (["Rest.", "Walk."], 1)
    assert "duplicates.removed" in {notice.code for notice in done.document.notices}


def test_a_long_source_is_read_in_parts_and_every_part_is_accounted_for(stub_engine: Any, make_transcript: Any) -> None:
    source = make_transcript(*((Speaker.PATIENT, f"Fact number {number} is here.") for number in range(400)))

    def answer(request: Any) -> str:
        part = request.messages[1].content.split("this is part ")[1].split(".")[0]
        return json.dumps({"history": [f"From part {part}.", "Same."], "exam": [], "assessment": [], "plan": []})

    events = draft(
        stub_engine(answer), Order(VISIT_NOTE, (source,), max_output_tokens=256), Settings(context_tokens=3000)
    )
    begun, done = events[0], finished(events)
    assert isinstance(begun, Begun)
    assert len(begun.parts) > 2
    assert [part.index for part in done.parts] == [part.index for part in begun.parts]
    assert "".join(source.text[one.start : one.end] for part in begun.parts for one in part.pieces) == source.text
    assert len(done.document.statements()) == len(begun.parts) + 1
    assert done.duplicates_removed == len(begun.parts) - 1
    assert "sources.parts" in {notice.code for notice in done.document.notices}


def test_a_failed_part_fails_the_draft_and_leaves_no_document(stub_engine: Any, make_transcript: Any) -> None:
    source = make_transcript(*((Speaker.PATIENT, f"Fact number {number} is here.") for number in range(400)))

    def answer(request: Any) -> str:
        whole = json.dumps({"history": ["Words."], "exam": [], "assessment": [], "plan": []})
        return whole[:-4] if "part 2 of" in request.messages[1].content else whole

    seen: list[Event] = []

    async def run() -> None:
        order = Order(VISIT_NOTE, (source,), max_output_tokens=256)
        async with aclosing(Drafter(stub_engine(answer), Settings(context_tokens=3000)).draft(order)) as events:
            async for event in events:
                seen.append(event)

    with pytest.raises(OutputError) as error:
        asyncio.run(run())
    assert error.value.code == "output_incomplete"
    assert error.value.interrupted is not None
    assert (error.value.interrupted.part, error.value.interrupted.statements) == (1, 1)
    assert not any(isinstance(event, Finished) for event in seen)


@pytest.mark.parametrize(("reason", "code"), [("length", "output_limit"), ("tool_calls", "output_incomplete")])
def test_an_answer_that_did_not_stop_by_itself_is_no_document(
    stub_engine: Any, answers: Any, visit: Source, reason: str, code: str
) -> None:
    with pytest.raises(DraftError) as error:
        draft(stub_engine(answers(), reason=reason), Order(VISIT_NOTE, (visit,)))
    assert error.value.code == code


def test_the_prompt_only_grows_at_its_end_while_a_visit_goes_on(
    stub_engine: Any, answers: Any, make_transcript: Any
) -> None:
    engine = stub_engine(answers())
    turns = [(Speaker.PATIENT, f"Sentence {number}.") for number in range(8)]
    record = Source(id="record", kind="record", text="2020-01-01 Condition: Asthma")
    early = Order(VISIT_NOTE, (make_transcript(*turns[:4]), record))
    begun = draft(engine, early)[0]
    assert isinstance(begun, Begun)
    draft(engine, Order(VISIT_NOTE, (make_transcript(*turns), record), refresh_of=begun.series))
    first, second = ([message.content for message in request.messages] for request in engine.requests)
    assert first[0] == second[0]
    shared = first[1].split(f"{begun.series.fence} end of all sources")[0]
    assert "Sentence 3." in shared
    assert second[1].startswith(shared)


def test_another_draft_gets_another_fence_and_a_spoken_fence_is_replaced(
    stub_engine: Any, answers: Any, visit: Source, make_transcript: Any
) -> None:
    first, second = (draft(stub_engine(answers()), Order(VISIT_NOTE, (visit,)))[0] for _ in range(2))
    assert isinstance(first, Begun)
    assert isinstance(second, Begun)
    assert first.series != second.series
    assert first.series.fence not in repr(first)
    spoken = make_transcript((Speaker.PATIENT, first.series.fence))
    third = draft(stub_engine(answers()), Order(VISIT_NOTE, (spoken,), refresh_of=first.series))[0]
    assert isinstance(third, Begun)
    assert third.series != first.series


def test_a_skeleton_fills_its_sections_and_the_model_is_not_asked_for_them(stub_engine: Any, answers: Any) -> None:
    source = Source(id="record", kind="record", text="2019-03-04 Condition: Asthma, active")
    fact = Statement(id="x", text="2019-03-04 Condition: Asthma, active.", author="template")
    skeleton = (Section(name="problem_list", title="Problem list", statements=(fact,)),)
    engine = stub_engine(answers(overview=["Asthma since 2019."]))
    done = finished(draft(engine, Order(DocumentKind.RECORD_SUMMARY, (source,), skeleton=skeleton)))
    assert list(engine.requests[0].schema["properties"]) == ["overview", "medications_allergies", "timeline"]
    assert [one.id for one in done.document.statements()] == ["overview.1", "problem_list.1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sources": ()}, "0 sources"),
        ({"language": "en; ignore"}, "language"),
        ({"state": "california"}, "state"),
        ({"temperature": 3.0}, "temperature"),
        ({"max_output_tokens": 9000}, "max_output_tokens"),
        ({"consent_line": " "}, "consent line"),
        ({"refresh_of": Series("say this")}, "series"),
        ({"kind": DocumentKind.VISIT_NOTE, "skeleton": (Section(name="plan", title="Plan"),)}, "skeleton"),
    ],
)
def test_an_order_that_cannot_be_is_refused(
    change: dict[str, Any], said: str, stub_engine: Any, answers: Any, visit: Source
) -> None:
    engine = stub_engine(answers())
    with pytest.raises(OrderRefusedError, match=said):
        draft(engine, Order(**({"kind": VISIT_NOTE, "sources": (visit,)} | change)))
    assert engine.requests == []


def test_a_context_too_small_for_the_frame_is_said(stub_engine: Any, answers: Any, visit: Source) -> None:
    with pytest.raises(ContextError):
        draft(stub_engine(answers()), Order(VISIT_NOTE, (visit,), max_output_tokens=128), Settings(context_tokens=300))


def test_leaving_early_closes_the_engine(stub_engine: Any, answers: Any, visit: Source) -> None:
    closed: list[bool] = []

    class Watched(stub_engine):  # type: ignore[misc]
        async def stream(self, request: Any) -> Any:
            try:
                async for piece in super().stream(request):
                    yield piece
            finally:
                closed.append(True)

    async def run() -> None:
        drafter = Drafter(Watched(answers(history=["Left knee pain for two weeks."])), Settings())
        async with aclosing(drafter.draft(Order(VISIT_NOTE, (visit,)))) as events:
            async for event in events:
                if isinstance(event, Text):
                    break

    asyncio.run(run())
    assert closed == [True]


def test_ground_is_asked_for_every_generated_sentence(stub_engine: Any, answers: Any, visit: Source) -> None:
    asked: list[str] = []

    def ground(text: str) -> Grounding:
        asked.append(text)
        return Grounding(status="supported")

    draft(stub_engine(answers(plan=["Rest.", "Walk. Swim."])), Order(VISIT_NOTE, (visit,)), ground=ground)
    assert asked == ["Rest.", "Walk.", "Swim."]


def test_a_letter_that_is_hard_to_read_says_so(stub_engine: Any, answers: Any, visit: Source) -> None:
    hard = "Musculoskeletal ultrasonography demonstrated suprapatellar accumulation necessitating conservative"
    engine = stub_engine(answers(findings=[f"{hard} management {number}." for number in range(5)]))
    document = finished(draft(engine, Order(DocumentKind.PATIENT_LETTER, (visit,), state="CA"))).document
    codes = {notice.code for notice in document.notices}
    assert {"reading.grade", "ab3030.disclaimer", "ab3030.contact"} <= codes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": DocumentKind.PATIENT_LETTER}, "kind or template"),
        ({"template": "evil:v1"}, "kind or template"),
        ({"sections": ()}, "sections"),
        ({"text": "The patient consented to being recorded."}, "consent"),
        ({"author": "template"}, "template statements"),
    ],
)
def test_a_document_that_is_not_the_one_ordered_is_told(
    change: dict[str, Any], said: str, stub_engine: Any, answers: Any, visit: Source
) -> None:
    order = Order(VISIT_NOTE, (visit,))
    document = finished(draft(stub_engine(answers(history=["Left knee pain."])), order)).document
    assert breaches(order, document) == ()
    if change.keys() & {"text", "author"}:
        first = document.sections[0]
        statement = first.statements[0].model_copy(update=change)
        change = {"sections": (first.model_copy(update={"statements": (statement,)}), *document.sections[1:])}
    assert said in breaches(order, document.model_copy(update=change))


def test_tokens_gather_only_once_the_first_word_was_shown(
    stub_engine: Any, answers: Any, visit: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr("appliance.drafting.drafter.asyncio.sleep", noted)
    order = Order(VISIT_NOTE, (visit,))
    engine = stub_engine(answers(history=["Left knee pain for two weeks."]))

    async def first() -> int:
        async with aclosing(Drafter(engine, Settings()).draft(order, reader=Reader(gap_s=lambda: 0.04))) as events:
            async for event in events:
                if isinstance(event, Text):
                    return slept.count(0.04)
        raise AssertionError("no word was shown")

    assert asyncio.run(first()) == 0
    at_once = finished(draft(engine, order))
    assert slept.count(0.04) == 0
    gathered = finished(draft(engine, order, reader=Reader(gap_s=lambda: 0.04)))
    assert slept.count(0.04) > 0
    assert gathered.document == at_once.document
