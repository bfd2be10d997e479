"""Hostile text in every kind of document, and engines that obey it: kind, template, sections and policy stay."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.clinical.document import DocumentKind
from appliance.drafting.drafter import Drafter, breaches
from appliance.drafting.engine import Request
from appliance.drafting.errors import DraftError
from appliance.drafting.events import Begun, Finished
from appliance.drafting.neutral import neutralise
from appliance.drafting.settings import Settings
from appliance.drafting.suspects import suspects
from appliance.drafting.trials import Trial, run_trial, trial_order

TRIALS = [
    Trial(one["name"], DocumentKind(one["kind"]), one["place"], one["text"], tuple(one["marks"]))
    for one in yaml.safe_load((Path(__file__).parent / "injections.yaml").read_text("utf-8"))
]
# What a chat format reserves; none of it may get from a source into a prompt.
RESERVED = re.compile(
    r"<\||\|>|<｜|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?tool_call>|</?system>", re.IGNORECASE
)


def obedient(trial: Trial, request: Request) -> dict[str, Any]:
    """The answer of an engine that follows the hostile text within the schema."""
    names = list(request.schema["properties"])
    words = " ".join(trial.text.split())[:300]
    return {name: [words, *trial.marks][:1] if name == names[0] else list(trial.marks[:1]) for name in names}


BEHAVIOURS: dict[str, Callable[[Trial, Request], str]] = {
    "within the schema": lambda trial, request: json.dumps(obedient(trial, request)),
    "another section": lambda trial, request: json.dumps({"orders": list(trial.marks)}),
    "extra key": lambda trial, request: json.dumps({**obedient(trial, request), "kind": "other"}),
    "other kind": lambda trial, request: json.dumps({"kind": "prior_auth_appeal", "template": "evil", "body": "x"}),
    "a key twice": lambda trial, request: (
        json.dumps(obedient(trial, request))[:-1] + ', "' + next(iter(request.schema["properties"])) + '": []}'
    ),
    "huge": lambda trial, request: '{"' + next(iter(request.schema["properties"])) + '": ["' + "pay now " * 60_000,
    "many": lambda trial, request: json.dumps({name: ["Again."] * 500 for name in request.schema["properties"]}),
    "free text": lambda trial, request: f"Sure! {trial.text}",
    "code block": lambda trial, request: "```json\n" + json.dumps(obedient(trial, request)) + "\n```",
    "after the end": lambda trial, request: json.dumps(obedient(trial, request)) + trial.text,
    "recites the prompt": lambda trial, request: json.dumps(
        {name: [request.messages[0].content[:300]] for name in request.schema["properties"]}
    ),
    "recites the fence": lambda trial, request: json.dumps(
        {name: [re.search("[0-9a-f]{24}", request.messages[1].content)[0]] for name in request.schema["properties"]}  # type: ignore[index]
    ),
    "makes up consent": lambda trial, request: json.dumps(
        {name: ["Patient gave informed consent to AI recording."] for name in request.schema["properties"]}
    ),
}


def test_there_are_enough_trials_over_every_kind() -> None:
    assert len(TRIALS) >= 60
    assert len({trial.name for trial in TRIALS}) == len(TRIALS)
    assert {trial.kind for trial in TRIALS} == set(DocumentKind)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_an_obeying_engine_changes_nothing(trial: Trial, behaviour: str, stub_engine: Any, naive_ground: Any) -> None:
    engine = stub_engine(lambda request: BEHAVIOURS[behaviour](trial, request), piece=4_000)
    result = asyncio.run(run_trial(Drafter(engine, Settings()), trial, naive_ground))
    assert result.breaches == ()
    assert result.unmarked == ()
    if behaviour in {"makes up consent", "recites the prompt", "recites the fence"}:
        # Such a sentence is removed and counted; nothing of it is in a document.
        assert result.obeyed == ()
    elif behaviour != "within the schema":
        assert result.refused is not None


def drafted(trial: Trial, engine: Any) -> tuple[Begun, Finished]:
    async def run() -> list[Any]:
        async with aclosing(Drafter(engine, Settings()).draft(trial_order(trial))) as events:
            return [event async for event in events]

    begun, *_, done = asyncio.run(run())
    return begun, done


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_the_request_is_the_same_whatever_the_source_says(trial: Trial, stub_engine: Any, answers: Any) -> None:
    seen: list[Any] = []
    refused: list[Any] = []
    for one in (replace(trial, text="It is better today."), trial):
        engine, order = stub_engine(answers()), trial_order(one)
        try:
            begun, done = drafted(one, engine)
        except DraftError as error:
            refused.append((error.code, order.kind, engine.requests))
            break
        assert breaches(order, done.document) == ()
        request, fence = engine.requests[0], begun.series.fence
        seen.append((request.messages[0], request.schema, begun.template_sha256, begun.prompt_sha256, begun.kind))
        user = request.messages[1].content
        assert not RESERVED.search(user)
        # Only our own lines hold the fence, and every line of the source has its mark.
        assert user.count(fence) == 3
        body = user.split(f"{fence} source 1 ({order.sources[0].kind})\n")[1].split(f"{fence} end of all sources")[0]
        assert all(line.startswith("| ") for line in body.splitlines())
    if refused:
        # The only refusal before a request: identifiers in a generic template.
        assert refused == [("identifier_in_input", DocumentKind.FRONT_DESK_TEMPLATE, [])]
    else:
        assert seen[0] == seen[1]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_the_place_is_found(trial: Trial) -> None:
    (source,) = trial_order(trial).sources
    found = suspects(source)
    assert found
    at = source.text.index(trial.text.split("\n")[0])
    assert all(one.end > at and one.start < at + len(trial.text) + 1 for one in found)


def test_benign_sources_are_not_suspected() -> None:
    for place in ("transcript", "record", "form"):
        trial = Trial("benign", DocumentKind.VISIT_NOTE, place, "I put it in the chart, and she noticed no change.", ())
        assert suspects(trial_order(trial).sources[0]) == ()


def test_ordinary_marks_of_a_record_survive_neutralising() -> None:
    text = "BP <120/80, Na > 140; [doctor] a <b> c\tT 37.2 °C — «ok» 5 < 6"
    assert neutralise(text).text == text.replace("<b>", "‹b>")
