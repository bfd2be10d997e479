"""Has an engine work on a sample, over its own socket and by the routes that the gateway uses. Nothing is stored."""

import asyncio
import hashlib
import json
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
from pydantic import ValidationError

from appliance.clinical.document import DocumentKind, Statement
from appliance.clinical.source import Source
from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.contract.drafting_health import DraftingHealth
from appliance.drafting.drafter import Drafter
from appliance.drafting.errors import DraftError
from appliance.drafting.events import Finished
from appliance.drafting.http_engine import HttpEngine
from appliance.drafting.kinds.template import Template
from appliance.drafting.order import Order, Series
from appliance.drafting.prompt import FENCE_BYTES
from appliance.drafting.settings import ModelIdentity, Settings
from appliance.drafting.suspects import trusted
from appliance.evaluation.errors import NotMeasuredError
from appliance.facts.reading import UnreadableError
from appliance.grounding import Grounder
from appliance.health.inputs import ask

_STALL_S = 600.0
_CONNECT_S = 10.0
_HEALTH_S = 30.0
_MAX_ANSWER_BYTES = 64 << 20
_JOURNAL = "look at the engine's journal: journalctl --unit 'appliance-*'"


@dataclass(frozen=True)
class Drafted:
    """What an engine wrote from a source, each statement held against it. `root_hash`: the weights, as it says."""

    statements: tuple[Statement, ...]
    root_hash: str | None

    @property
    def unsupported(self) -> int:
        """Statements that the source does not support; one that was not judged is among them."""
        return sum(each.grounding is None or each.grounding.status != "supported" for each in self.statements)


def transcribed(
    socket: Path, audio: bytes, *, language: str = "", vocabulary: tuple[str, ...] = (), timeout_s: float
) -> TranscriptAnswer:
    """Return the transcript of a recording. Raises NotMeasuredError."""
    try:
        ask(socket, "/health", timeout_s=_HEALTH_S)
    except UnreadableError as error:
        raise NotMeasuredError(f"transcription: {error}", hint=_JOURNAL) from None
    fields = {"language": language} if language else {}
    if vocabulary:
        fields["vocabulary"] = json.dumps(list(vocabulary))
    with httpx2.Client(
        transport=httpx2.HTTPTransport(uds=str(socket)), base_url="http://transcription", trust_env=False,
        timeout=httpx2.Timeout(timeout_s, connect=_CONNECT_S),
    ) as client:  # fmt: skip
        try:
            answer = client.post(
                "/v1/transcripts", data=fields, files={"file": ("recording", audio, "application/octet-stream")}
            )
        except httpx2.TimeoutException:
            raise NotMeasuredError(f"transcription: no answer within {timeout_s:.0f} s", hint=_JOURNAL) from None
        except httpx2.HTTPError as error:
            raise NotMeasuredError(f"transcription: {type(error).__name__} at {socket}", hint=_JOURNAL) from None
    if answer.status_code != 200 or len(answer.content) > _MAX_ANSWER_BYTES:
        said = f"status {answer.status_code}, {len(answer.content)} bytes"
        raise NotMeasuredError(f"transcription: {said}, wanted is a transcript", hint=_JOURNAL)
    try:
        return TranscriptAnswer.model_validate_json(answer.content)
    except ValidationError:
        raise NotMeasuredError("transcription: the answer is not understood", hint=_JOURNAL) from None


def drafted(
    socket: Path, source: Source, kind: DocumentKind, *, template: Template | None = None,
    max_output_tokens: int = 1500, timeout_s: float,
) -> Drafted:  # fmt: skip
    """Return what the engine drafts from a source by the product's own drafter. Raises NotMeasuredError."""
    order = Order(
        kind, (source,), template=template, max_output_tokens=max_output_tokens, refresh_of=_same_series(source)
    )
    try:
        return asyncio.run(_drafted(socket, _health(socket), order, timeout_s))
    except TimeoutError:
        raise NotMeasuredError(f"drafting: no document within {timeout_s:.0f} s", hint=_JOURNAL) from None
    except DraftError as error:
        raise NotMeasuredError(f"drafting: {error.code}: {error}"[:400], hint=error.hint) from None


def _same_series(source: Source) -> Series:
    """The mark around the source, the same for every model and every run: a small model drafts otherwise from another
    random mark, and what is compared would be chance. No source can hold a digest of itself."""
    return Series(hashlib.sha256(f"evaluation\n{source.text}".encode()).hexdigest()[: 2 * FENCE_BYTES])


async def _drafted(socket: Path, health: DraftingHealth, order: Order, timeout_s: float) -> Drafted:
    settings = Settings(
        model=ModelIdentity(health.model, health.root_hash).with_adapter(health.adapter_kinds.get(order.kind.value)),
        socket=str(socket), context_tokens=health.context_tokens,
        first_token_timeout_s=timeout_s, total_timeout_s=timeout_s,
        # What serves patients goes first: the engine of an evaluation may have no processor for a while.
        stall_timeout_s=min(timeout_s, _STALL_S),
    )  # fmt: skip
    # A small context has to hold the source as well.
    order = replace(order, max_output_tokens=min(order.max_output_tokens, health.context_tokens // 4))
    ground = Grounder(trusted(order.sources)).check
    drafter = Drafter(HttpEngine(settings), settings)
    async with asyncio.timeout(timeout_s), aclosing(drafter.draft(order, ground=ground)) as events:
        async for event in events:
            if isinstance(event, Finished):
                found = tuple(each for each in event.document.statements() if each.author == "model")
                return Drafted(found, health.root_hash)
    raise NotMeasuredError("drafting: it ended without a document", hint=_JOURNAL)


def _health(socket: Path) -> DraftingHealth:
    try:
        return DraftingHealth.model_validate_json(ask(socket, "/health", timeout_s=_HEALTH_S))
    except UnreadableError as error:
        raise NotMeasuredError(f"drafting: {error}", hint=_JOURNAL) from None
    except ValidationError:
        raise NotMeasuredError("drafting: its /health is not understood", hint=_JOURNAL) from None
