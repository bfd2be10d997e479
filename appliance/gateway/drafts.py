"""Drafting: from an order to a stored document. A preview runs beside the log; nothing leaves before its entry.

The draft's row and `draft.begun` are written while the engine reads the prompt, and the first event waits for both, so
that the disk costs nothing; `draft.completed` is written before the document is shown. What a client saw of a draft
that did not become a document is covered by `draft.begun` and by how it ended: failed, abandoned, or lost in a crash.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial

import httpx2
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from appliance.clinical.document import Document, DocumentKind, Grounding
from appliance.clinical.source import Source
from appliance.contract.audit import Digest, Tool
from appliance.contract.drafting_health import DraftingHealth
from appliance.drafting.drafter import Drafter, Reader
from appliance.drafting.errors import DraftError
from appliance.drafting.events import Answering, Begun, Event, Finished
from appliance.drafting.http_engine import HttpEngine
from appliance.drafting.order import Order
from appliance.drafting.settings import ModelIdentity
from appliance.drafting.settings import Settings as DraftSettings
from appliance.drafting.suspects import Scan
from appliance.gateway.capture import require_drafting
from appliance.gateway.consent.refusal import ConsentError
from appliance.gateway.core import Core
from appliance.gateway.deid import Cover
from appliance.gateway.known_sources import known_of
from appliance.gateway.opening import Opened
from appliance.gateway.readings import Reading
from appliance.gateway.sources import FORM, Gathered, commitments
from appliance.gateway.store import documents, encounters
from appliance.gateway.store.documents import DocumentRow, RevisionRow
from appliance.gateway.trail import APPLIANCE, Act, commitment
from appliance.grounding import TABLES, Grounder
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
# An engine is asked who it is that often; a release is activated in minutes, with drafting drained.
_IDENTITY_S = 15.0
# Within these a statement is held against indexed sources in less than a millisecond: others may wait for that.
_AT_ONCE_CHARS = 10_000
_AT_ONCE_SENTENCE_CHARS = 300
# With more drafts than a few, a preview goes on 25 times a second at most: a reader sees no difference, and first words
# of others do not wait behind it.
_FEW = 4
_GAP_S = 0.04


def document_place(document: str, version: int) -> str:
    """Return where a state of the content is sealed to."""
    return f"document/{document}/{version}"


@dataclass(frozen=True)
class Work:
    """One draft to make. `row` is None for a preview: nothing is stored."""

    opened: Opened
    order: Order
    gathered: Gathered
    row: DocumentRow | None
    subject: str
    deidentified: bool | None = None
    """What the caller wants; None: what the policy says."""

    @property
    def is_clinical(self) -> bool:
        """Whether it reads anything of the encounter, not only the fields of the request."""
        return any(reading.source.id != FORM for reading in self.gathered.readings)

    @cached_property
    def inputs(self) -> tuple[Digest, ...]:
        """What the log says of the sources. Made when it is needed: the engine reads the prompt meanwhile."""
        return commitments(self.opened.key, self.gathered.readings)


class Drafts:
    """Runs drafts on the engine that answers now."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._client = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(uds=str(core.settings.drafting_socket)),
            base_url="http://engine", trust_env=False, timeout=3.0,
        )  # fmt: skip
        self._health: DraftingHealth | None = None
        self._asked = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._engines: dict[str | None, HttpEngine] = {}
        self._engine_of: tuple[str, str | None, int] | None = None
        self._epoch = 0
        self.running = 0

    def close_lost(self) -> None:
        """Close what an earlier process left open: such a draft is no document."""
        with self._core.database.write() as connection:
            for row in documents.in_state(connection, "drafting"):
                self._core.trail.append(
                    APPLIANCE, Act("draft.lost", row.encounter_id, row.id, outcome="failed", reason="restart")
                )
                documents.change(connection, row.id, row.version, state="failed", problem="lost")

    async def is_there(self) -> bool:
        """Whether the engine answers."""
        return await self._ask() is not None

    async def _ask(self) -> DraftingHealth | None:
        try:
            answer = await self._client.get("/health")
            return DraftingHealth.model_validate_json(answer.content) if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValidationError):
            return None

    async def _ask_again(self) -> None:
        now, epoch = time.monotonic(), self._epoch
        found = await self._ask()
        if epoch == self._epoch:
            self._health, self._asked = found, now

    def forget_engine(self) -> None:
        """A drain goes on: the engine that answers after it may be another. Whoever drafts then asks it anew."""
        self._health, self._epoch = None, self._epoch + 1

    async def engine(self, kind: DocumentKind | None = None) -> tuple[HttpEngine, DraftSettings]:
        """Return the client of the engine with the identity that it has now, and for a kind of document with the
        adapter that the release has for it. Raises ProblemError 503."""
        if not self._core.settings.drafting:
            raise ProblemError(501, "no-drafting", "This site has no drafting engine", "documents are written by hand")
        age_s = time.monotonic() - self._asked
        found = self._health
        if found is None or age_s > _IDENTITY_S:
            await self._ask_again()
            found = self._health
        elif age_s > _IDENTITY_S / 2 and (self._asking is None or self._asking.done()):
            # Ahead of its time, so that no draft waits for the answer.
            self._asking = asyncio.create_task(self._ask_again())
        if found is None:
            raise ProblemError(
                503, "engine-unavailable", "The drafting engine does not answer", "try again", retry_after_s=15
            )
        settings = DraftSettings(
            model=ModelIdentity(found.model, found.root_hash).with_adapter(
                found.adapter_kinds.get(kind.value) if kind is not None else None
            ),
            socket=str(self._core.settings.drafting_socket),
            context_tokens=min(found.context_tokens, self._core.settings.context_tokens),
            first_token_timeout_s=self._core.settings.draft_timeout_s,
            total_timeout_s=self._core.settings.draft_timeout_s,
            stall_timeout_s=max(30.0, self._core.settings.draft_timeout_s / 10),
        )  # fmt: skip
        identity = (found.model, found.root_hash, settings.context_tokens)
        if self._engine_of != identity:
            # The old ones are left to the drafts that still use them; their connections close with them.
            self._engines, self._engine_of = {}, identity
        adapter = settings.model.adapter
        if adapter not in self._engines:
            self._engines[adapter] = HttpEngine(settings)
        return self._engines[adapter], settings

    async def run(self, work: Work) -> AsyncGenerator[Event | DocumentRow, None]:
        """Draft: the drafter's events, then the stored row in place of Finished. Raises ProblemError.

        Leave it with `aclosing`: a client that went away stops the engine, and the draft is abandoned.
        """
        ended = False
        held: Begun | None = None
        durable: asyncio.Task[None] | None = None
        cover: Cover | None = None
        building: asyncio.Task[None] | None = None
        # Before anything is written: a draft that is refused for a drain has not begun.
        with self._core.drain.admitted("drafts"):
            self.running += 1
            try:
                if self.running > self._core.settings.max_drafts:
                    raise ProblemError(503, "drafts-full", "Busy", "too many drafts are in work", retry_after_s=10)
                engine, settings = await self.engine(work.order.kind)
                if self._core.deid.applies(work.order.kind.value, settings.model, work.deidentified):
                    known = partial(known_of, self._core, work.opened, clinical=work.is_clinical)
                    cover = await self._core.deid.cover(
                        work.order, work.opened.key, known,
                        {reading.source.id: reading.findings for reading in work.gathered.readings},
                    )  # fmt: skip
                order = work.order if cover is None else cover.order
                grounder = _LateGrounder(work.gathered.readings, self._gap_s, cover)
                async with aclosing(Drafter(engine, settings).draft(order, reader=grounder.reader)) as events:
                    async for event in events:
                        if isinstance(event, Begun):
                            held = event if cover is None else cover.begun(event)
                            durable = asyncio.create_task(asyncio.to_thread(self._begin, work, event, cover))
                            building = asyncio.create_task(grounder.build_after(durable))
                            continue
                        if held is not None and durable is not None:
                            await asyncio.shield(durable)  # nothing is released before
                            yield held
                            held = None
                        if isinstance(event, Finished):
                            if cover is not None:
                                event = replace(event, document=cover.told(event.document))
                            done = await asyncio.to_thread(self._complete, work, event, cover) if work.row else event
                            ended = True
                            yield done
                        elif not isinstance(event, Answering):  # it was for Begun to be released
                            yield event
            except Exception as error:
                ended = True
                code = error.code if isinstance(error, DraftError | ProblemError | ConsentError) else "internal"
                await self._close(work, durable, "draft.failed", code)
                if isinstance(error, DraftError):
                    raise _problem(error) from None
                raise
            finally:
                self.running -= 1
                if building is not None:
                    building.cancel()
                if not ended:
                    await asyncio.shield(self._close(work, durable, "draft.abandoned", "client_gone"))

    def _gap_s(self) -> float:
        return _GAP_S if self.running > _FEW else 0.0

    def _begin(self, work: Work, begun: Begun, cover: Cover | None) -> None:
        """Store the row, then the entry: the next start looks for rows that were left open, and closes those."""
        if work.row is not None:
            with self._core.database.write() as connection:
                documents.add(connection, work.row)
        tools = (
            Tool(kind="model", name=begun.model.name, digest=begun.model.sha256),
            *((Tool(kind="adapter", name=begun.model.adapter, digest=begun.model.adapter_sha256),)
              if begun.model.adapter else ()),
            Tool(kind="prompt", name=begun.kind.value, digest=begun.prompt_sha256),
            Tool(kind="template", name=begun.template, digest=begun.template_sha256),
            *(Tool(kind="table", name=name, digest=digest) for name, digest in TABLES),
            *self._core.deid.tools(applied=cover is not None),
        )  # fmt: skip
        event = "draft.begun" if work.row else "preview.begun"
        numbers: dict[str, float] = {
            "parts": len(begun.parts), "suspects": len(begun.suspects), "seed": begun.seed,
            "deidentified": int(cover is not None), **({} if cover is None else cover.numbers_begun()),
        }  # fmt: skip
        self._core.trail.append(
            work.opened.actor,
            Act(event, work.opened.row.id, work.subject, inputs=work.inputs, tools=tools, numbers=numbers),
        )

    def _complete(self, work: Work, finished: Finished, cover: Cover | None) -> DocumentRow:
        assert work.row is not None  # noqa: S101 (a preview is never stored)
        core, key, row = self._core, work.opened.key, work.row
        document = finished.document
        document = document.model_copy(update={"notices": (*document.notices, *work.gathered.notices)[:50]})
        content = document.model_dump_json().encode()
        now = datetime.now(UTC)
        statements = document.statements()
        with core.database.write() as connection:
            # Consent may have been withdrawn, or the encounter closed or destroyed, while the engine wrote.
            now_there = documents.find(connection, row.id)
            encounter = encounters.find(connection, row.encounter_id)
            if now_there is None or now_there.state != "drafting" or encounter is None or not encounter.is_open:
                raise ProblemError(
                    409, "conflict", "The draft was removed meanwhile", "consent may have been withdrawn"
                )
            if work.gathered.captured:
                require_drafting(core, connection, work.opened)
            sealed = key.seal(content, document_place(row.id, 1))
            numbers: dict[str, float] = {
                "statements": len(statements), "unsupported": finished.unsupported or 0,
                "duplicates_removed": finished.duplicates_removed, "consent_removed": finished.consent_removed,
                **({} if cover is None else cover.numbers_completed()),
            }  # fmt: skip
            index = core.trail.append(
                APPLIANCE,
                Act(
                    "draft.completed", row.encounter_id, row.id, inputs=work.inputs,
                    produced=(commitment("document", key.commit(content)),),
                    confidence=_supported_share(document),
                    numbers=numbers,
                ),
            )  # fmt: skip
            changed = documents.change(
                connection, row.id, row.version, state="draft", completed_at=now, sealed=sealed, audit_index=index
            )
            assert changed  # noqa: S101 (the transaction found it)
            documents.add_revision(
                connection,
                RevisionRow(row.id, 1, now, "model", "draft", key.seal(content, f"revision/{row.id}/1"), index),
            )
            found = documents.find(connection, row.id)
        assert found is not None  # noqa: S101 (the transaction wrote it)
        return found

    async def _close(self, work: Work, begun: asyncio.Task[None] | None, event: str, code: str) -> None:
        """Write how it ended; what is still being written of its beginning comes first."""
        if begun is not None:
            await asyncio.wait([begun])
            if not begun.cancelled():
                begun.exception()  # looked at; whoever closes has an error of their own to tell
        await asyncio.to_thread(self._end, work, event, code, began=begun is not None)

    def _end(self, work: Work, event: str, code: str, *, began: bool) -> None:
        try:
            with self._core.database.write() as connection:
                if work.row is not None and not began:
                    documents.add(connection, work.row)
                reason = code.replace("_", "-") if code[:1].isalpha() else "unknown"
                name = event if work.row else event.replace("draft.", "preview.")
                self._core.trail.append(
                    work.opened.actor,
                    Act(name, work.opened.row.id, work.subject, outcome="failed", reason=reason),
                )
                if work.row is not None:
                    documents.change(connection, work.row.id, work.row.version, state="failed", problem=code)
        except (ProblemError, SQLAlchemyError) as problem:
            # The log or the store is gone; the next start closes the draft as lost.
            log.error("draft %s could not be closed: %s", work.subject, type(problem).__name__)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        for engine in self._engines.values():
            await engine.__aexit__()


class _LateGrounder:
    """The grounder of one draft. Reading the sources takes longer than asking the engine, so it comes after that."""

    def __init__(self, readings: tuple[Reading, ...], gap_s: Callable[[], float], cover: Cover | None) -> None:
        self._readings = {reading.source.id: reading for reading in readings}
        self._is_small = sum(len(reading.source.text) for reading in readings) <= _AT_ONCE_CHARS
        self._one = threading.Lock()
        self._built: Grounder | None = None
        self._cover = cover
        self.reader = Reader(self.check, self._quick, self._scan, gap_s, None if cover is None else cover.restore)

    def _scan(self, source: Source) -> Scan:
        return self._readings[source.id].scan()

    def _quick(self, text: str) -> bool:
        indexed = all(reading.is_indexed for reading in self._readings.values())
        return self._is_small and indexed and len(text) <= _AT_ONCE_SENTENCE_CHARS

    async def build_after(self, durable: asyncio.Task[None]) -> None:
        """Build it while the engine reads the prompt. Who checks earlier waits, or builds it."""
        if self._quick(""):
            return
        await asyncio.wait([durable])
        with suppress(Exception):  # it happens again, and is told, when a statement is checked
            await asyncio.to_thread(self._grounder)

    def check(self, text: str) -> Grounding:
        """Hold a statement against the sources; called in a thread where it may take long."""
        found = self._grounder().check(text)
        return found if self._cover is None else self._cover.judged(text, found)

    def _grounder(self) -> Grounder:
        with self._one:
            if self._built is None:
                self._built = Grounder.of([reading.index() for reading in self._readings.values()])
            return self._built


def _supported_share(document: Document) -> float | None:
    checked = [one for one in document.statements() if one.grounding is not None]
    if not checked:
        return None
    return sum(one.grounding.status == "supported" for one in checked if one.grounding) / len(checked)


_STATUS = {
    "order_invalid": 422, "order_refused": 422, "identifiers": 422, "context_exceeded": 422,
    "engine_unavailable": 503, "engine_timeout": 504,
}  # fmt: skip


def _problem(error: DraftError) -> ProblemError:
    status = next((number for code, number in _STATUS.items() if error.code.startswith(code)), None)
    if status is None:
        status = 422 if error.exit_code == 6 else 502
    code = error.code.replace("_", "-")
    return ProblemError(status, code, "No document was drafted", f"{error}; {error.hint}")
