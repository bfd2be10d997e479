"""Drafts a document: checks the order, plans the parts, asks the engine for each, and lets only statements through."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from appliance.clinical.document import Document, DocumentKind, Grounding, Notice, Statement
from appliance.clinical.source import Source
from appliance.drafting.ahead import Ahead
from appliance.drafting.answer import AnswerReader
from appliance.drafting.assembly import Assembly
from appliance.drafting.checks import SentenceCheck, refuse_identifiers
from appliance.drafting.chunks import plan, whole
from appliance.drafting.engine import End, Engine, Request
from appliance.drafting.errors import DraftError, Interrupted, OutputError
from appliance.drafting.events import (
    Answering,
    Begun,
    Dropped,
    Event,
    Finished,
    InputDigest,
    PartDone,
    PartPlan,
    StatementDone,
    Suspect,
    Text,
)
from appliance.drafting.kinds.template import MAX_SENTENCE_CHARS
from appliance.drafting.order import Order, Series, check_order
from appliance.drafting.prompt import messages, new_series, prompt_digest
from appliance.drafting.schema import answer_schema, asked_sections
from appliance.drafting.sentences import sentences
from appliance.drafting.settings import Settings
from appliance.drafting.suspects import Scan, distrust, scan
from appliance.drafting.tokens import bound, count

# Tokens that a chat template puts around two messages; the ones known have 10 to 40.
_CHAT_TOKENS = 64
_TURNS = 5

Ground = Callable[[str], Grounding]
"""Holds a sentence against the sources, as `suspects.trusted` returns them. Called in a thread, one call at a time."""


def _never(_: str) -> bool:
    return False


def _at_once() -> float:
    return 0.0


@dataclass(frozen=True)
class Reader:
    """How sources are looked at. `quick`: whether a sentence is held against them faster than a thread would begin.

    With an empty one, it says so of the scans of the sources. `gap_s`: how long what the engine writes may be left to
    gather once the first word was shown; what has gathered goes on together, and costs what one token costs.
    `restore`: brings identifiers back into a whole sentence, in a thread; then nothing is shown before it is whole.
    """

    ground: Ground | None = None
    quick: Callable[[str], bool] = _never
    scan: Callable[[Source], Scan] = scan
    gap_s: Callable[[], float] = _at_once
    restore: Callable[[str], str] | None = None


@dataclass
class _Run:
    """One draft: what was ordered and what has come of it."""

    order: Order
    asked: tuple[str, ...]
    series: Series
    check: SentenceCheck
    found: tuple[Suspect, ...]
    reader: Reader
    assembly: Assembly
    started: float
    first_text_s: float | None = None
    part: int = 0
    characters: int = 0

    def shown(self) -> None:
        if self.first_text_s is None:
            self.first_text_s = time.monotonic() - self.started

    async def grounded(self, statement: Statement) -> Statement:
        """Hold a statement against the sources; what only a suspect place says is marked."""
        grounding = statement.grounding
        if grounding is None and (ground := self.reader.ground) is not None:
            at_once = self.reader.quick(statement.text)
            grounding = ground(statement.text) if at_once else await asyncio.to_thread(ground, statement.text)
        if grounding is not None:
            grounding = distrust(grounding, self.found, len(statement.text))
        return statement.model_copy(update={"grounding": grounding})


class Drafter:
    """Drafts on one engine; safe for any number of drafts at once."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    async def draft(
        self, order: Order, *, ground: Ground | None = None, reader: Reader | None = None
    ) -> AsyncGenerator[Event, None]:
        """Draft. Yields Begun, then previews and statements, then Finished, which alone holds a document.

        `ground` stands for a reader that has no more than that.

        Raises DraftError; its `interrupted` tells how far the draft was. Nothing is retried. Leave the iterator with
        `aclosing` to stop the engine's work at once.
        """
        check_order(order, self._settings)
        if order.kind is DocumentKind.FRONT_DESK_TEMPLATE:
            # In a thread: a record of millions of characters takes seconds, and other drafts go on meanwhile.
            await asyncio.to_thread(refuse_identifiers, order)
        started = time.monotonic()
        asked = asked_sections(order.form, frozenset(section.name for section in order.skeleton))
        series = order.refresh_of
        if series is None or any(series.fence in source.text for source in order.sources):
            series = new_series(order.sources)
        parts = await self._plan(order, asked, series)
        first = Ahead(self._engine.stream(_request(order, asked, series, parts[0], len(parts))))
        drafted = self._drafted(order, asked, series, parts, first, reader or Reader(ground), started)
        async with aclosing(first), aclosing(drafted) as events:
            async for event in events:
                yield event

    async def _drafted(
        self, order: Order, asked: tuple[str, ...], series: Series, parts: tuple[PartPlan, ...], first: Ahead,
        reader: Reader, started: float,
    ) -> AsyncGenerator[Event, None]:  # fmt: skip
        # The request goes out first: connecting and writing take some turns of the loop, and what follows computes.
        for _ in range(_TURNS):
            await asyncio.sleep(0)

        def scanned() -> list[Scan]:
            return [reader.scan(source) for source in order.sources]

        # Else in a thread: what a large source takes, others do not wait for.
        scans = scanned() if reader.quick("") else await asyncio.to_thread(scanned)
        found = tuple(suspect for one in scans for suspect in one.suspects)
        neutralised = sum(one.neutralised for one in scans)
        run = _Run(order, asked, series, SentenceCheck(order, series.fence), found, reader, Assembly(order), started)
        yield self._begun(run, parts, neutralised)
        done: list[PartDone] = []
        try:
            for section in order.skeleton:
                for statement in section.statements:
                    named = statement.model_copy(update={"id": run.assembly.next_id(section.name)})
                    kept = await run.grounded(named)
                    run.assembly.add(section.name, kept)
                    yield StatementDone(section.name, kept, 0)
            for part in parts:
                run.part = part.index
                answer = first if part is parts[0] else None
                async with aclosing(self._draft_part(run, part, len(parts), answer)) as events:
                    async for event in events:
                        if isinstance(event, PartDone):
                            done.append(event)
                        else:
                            yield event
            if order.consent_line is not None:
                run.assembly.add_consent(order.consent_line)
        except DraftError as error:
            error.interrupted = Interrupted(run.part, len(parts), run.assembly.count, run.characters)
            raise
        yield Finished(
            _sealed(order, run.assembly.document(_notices(parts, found, neutralised))),
            tuple(done),
            run.assembly.duplicates,
            run.assembly.removed["consent"],
            run.assembly.unsupported(),
            run.first_text_s,
            time.monotonic() - started,
        )

    async def _plan(self, order: Order, asked: tuple[str, ...], series: Series) -> tuple[PartPlan, ...]:
        frame = "\n".join(m.content for m in messages(order, asked, (), series.fence, (9_999, 10_000)))
        room = self._settings.context_tokens - order.max_output_tokens - _CHAT_TOKENS
        # Most visits fit by the bound alone; then the engine is not asked to count, and the part says so (`exact`).
        if (part := await whole(order.sources, budget=room - bound(frame))) is not None:
            return (part,)
        used, _ = await count(self._engine, frame)
        return await plan(order.sources, self._engine, budget=room - used, max_parts=self._settings.max_parts)

    def _begun(self, run: _Run, parts: tuple[PartPlan, ...], neutralised: int) -> Begun:
        order, form = run.order, run.order.form
        return Begun(
            kind=order.kind,
            template=form.reference,
            template_sha256=form.sha256,
            prompt_sha256=prompt_digest(form, run.asked, order.language),
            model=self._engine.identity,
            language=order.language,
            temperature=order.temperature,
            seed=order.seed,
            inputs=tuple(InputDigest(one.id, one.kind, one.sha256, len(one.text)) for one in order.sources),
            parts=parts,
            suspects=run.found,
            neutralised=neutralised,
            series=run.series,
        )

    async def _draft_part(
        self, run: _Run, part: PartPlan, parts: int, ahead: Ahead | None
    ) -> AsyncGenerator[Event | PartDone, None]:
        order, form = run.order, run.order.form
        asked = ahead or Ahead(self._engine.stream(_request(order, run.asked, run.series, part, parts)))
        reader = AnswerReader(
            {name: form.section(name).max_statements for name in run.asked},
            max_item_chars=MAX_SENTENCE_CHARS,
            max_chars=self._settings.max_answer_chars,
        )
        before = run.assembly.count
        written, shown = "", 0
        async with aclosing(asked), aclosing(asked.pieces()) as answer:
            async for piece in answer:
                if isinstance(piece, End):
                    end = piece
                    break
                if run.part == 0 and run.characters == 0:
                    yield Answering()
                run.characters += len(piece.text)
                for token in reader.feed(piece.text):
                    if token.kind == "delta":
                        written += token.text
                        # Whole words only, so that half of one is not shown before it can be judged.
                        upto = written.rfind(" ") + 1
                        if upto > shown and run.reader.restore is None and run.check.may_show(written):
                            run.shown()
                            yield Text(token.section, written[shown:upto], part.index)
                            shown = upto
                        continue
                    async for event in self._statements(run, token.section, token.text, part.index):
                        yield event
                    written, shown = "", 0
                if run.first_text_s is not None and (gap_s := run.reader.gap_s()) > 0:
                    await asyncio.sleep(gap_s)
            else:
                raise OutputError("the engine ended without a word", hint="see its journal", code="output_incomplete")
        _ended(end)
        reader.finish()
        yield PartDone(part.index, run.assembly.count - before, end.prompt_tokens, end.cached_tokens, end.output_tokens)

    async def _statements(self, run: _Run, section: str, text: str, part: int) -> AsyncGenerator[Event, None]:
        for said in sentences(text):
            restore = run.reader.restore
            sentence = said if restore is None else await asyncio.to_thread(restore, said)
            verdict = run.check.judge(sentence)
            if verdict != "keep":
                run.assembly.removed[verdict] += 1
                yield Dropped(section, verdict, part)
            elif not run.assembly.is_new(section, sentence):
                yield Dropped(section, "duplicate", part)
            else:
                statement = await run.grounded(Statement(id=run.assembly.next_id(section), text=sentence))
                run.assembly.add(section, statement)
                run.shown()
                yield StatementDone(section, statement, part)


def _request(order: Order, asked: tuple[str, ...], series: Series, part: PartPlan, parts: int) -> Request:
    return Request(
        messages=messages(order, asked, part.pieces, series.fence, (part.index, parts)),
        schema=answer_schema(order.form, asked),
        max_output_tokens=order.max_output_tokens,
        temperature=order.temperature,
        seed=order.seed,
    )


def _ended(end: End) -> None:
    if end.reason == "length":
        raise OutputError(
            "the answer is longer than max_output_tokens", hint="ask for more tokens, or for fewer sources",
            code="output_limit",
        )  # fmt: skip
    if end.reason != "stop":
        raise OutputError("the engine did not end its answer by itself", hint="draft again", code="output_incomplete")


def _sealed(order: Order, document: Document) -> Document:
    """Hold the document against the order once more, whatever happened in between."""
    if breaches(order, document):
        raise OutputError("the document is not the one that was ordered", hint="report it", code="output_breach")
    return document


def breaches(order: Order, document: Document) -> tuple[str, ...]:
    """Return what of a document is not as its order fixed it: kind, template, section set, consent, identifiers."""
    form = order.form
    found = []
    if document.kind is not order.kind or document.template != form.reference:
        found.append("kind or template")
    if [(one.name, one.title) for one in document.sections] != [(one.name, one.title) for one in form.sections]:
        found.append("sections")
    model_text = [one.text for one in document.statements() if one.author == "model"]
    check = SentenceCheck(order, "\0")
    try:
        found += sorted({check.judge(text) for text in model_text} - {"keep"})
    except OutputError as error:
        found.append(error.code)
    recorded = [one.text for one in document.statements() if one.author == "template"]
    made = [one.text for section in order.skeleton for one in section.statements]
    if order.consent_line is not None:
        made.append(order.consent_line.strip())
    if sorted(recorded) != sorted(made):
        found.append("template statements")
    return tuple(found)


def _notices(parts: tuple[PartPlan, ...], found: tuple[Suspect, ...], neutralised: int) -> list[Notice]:
    notices = []
    if len(parts) > 1:
        text = f"The sources were read in {len(parts)} parts; a fact that needs two parts to be seen may be missing."
        notices.append(Notice(code="sources.parts", text=text))
    if found:
        text = (
            f"{len(found)} places of the sources read like instructions to software. They changed "
            f"nothing; statements that "
            "rest on them are marked."
        )
        notices.append(Notice(code="sources.instructions", text=text))
    if neutralised:
        text = (
            f"{neutralised} hidden characters or control marks of the sources were neutralised before they were read."
        )
        notices.append(Notice(code="sources.neutralised", text=text))
    return notices
