"""The visit that is drafted, stored in a gateway as the real one stores it, and the request that an engine gets for it.

The text is invented for this bench.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from appliance.clinical.document import DocumentKind
from appliance.clinical.source import Source, Speaker
from appliance.clinical.transcript import Transcript, Turn, Word
from appliance.clinical.transcript_answer import DecoderFacts, EngineFacts, TranscriptAnswer, VocabularyFacts
from appliance.drafting.engine import Request
from appliance.drafting.events import Piece
from appliance.drafting.http_engine import HttpEngine
from appliance.drafting.kinds.template import Template
from appliance.drafting.order import Order
from appliance.drafting.prompt import messages
from appliance.drafting.schema import answer_schema, asked_sections
from appliance.drafting.settings import ModelIdentity
from appliance.drafting.settings import Settings as DraftSettings
from appliance.gateway.__main__ import build
from appliance.gateway.app import make_app
from appliance.gateway.auth.local_issuer import LocalIssuer
from appliance.gateway.auth.principal import Role
from appliance.gateway.core import Core
from appliance.gateway.settings import Settings
from appliance.gateway.store import captures, encounters
from appliance.gateway.store.captures import RecordingRow, TranscriptRow

MAX_OUTPUT_TOKENS = 320
_SAID = """\
Good morning. What brings you in today?
I have had a cough for six days, and I bring up yellow sputum.
Any fever with it?
I had a temperature on Sunday, but no fever since Monday.
Any blood in what you bring up, or pain when you breathe in?
No blood. It is sore here on the right when I cough, that is all.
Are you short of breath when you climb stairs?
A little, but I can do the two floors to my flat.
Do you smoke, or did you?
I stopped eight years ago.
Let me look at you. Blood pressure 128 over 76, pulse 84, oxygen 97 percent.
Is that all right?
That is fine. I hear some rhonchi at the right base that clear when you cough, and no crackles.
So it is not pneumonia?
It sounds like acute bronchitis to me. I do not think that you need an antibiotic now.
What can I take for the cough?
Take guaifenesin 400 mg every six hours, and drink plenty of water.
And if it gets worse?
Call us at once if the fever returns or you cannot catch your breath. Otherwise come back in ten days.
Thank you, I will.
"""
# One sentence at most, so that a small real model ends by itself soon.
SHORT = {
    "id": "short", "version": 1, "kind": "visit_note", "title": "Short note",
    "sections": [{"name": "history", "title": "History", "guidance": "The complaint.", "max_statements": 1}],
}  # fmt: skip


def transcript(*, short: bool) -> Transcript:
    """The visit, as the transcription service answers it; short: its beginning."""
    turns, at = [], 0.0
    for number, line in enumerate(_SAID.splitlines()[: 4 if short else None]):
        words = []
        for word in line.split():
            words.append(Word(text=word, start_s=round(at, 2), end_s=round(at + 0.25, 2), confidence=0.9))
            at += 0.3
        speaker = Speaker.PATIENT if number % 2 else Speaker.CLINICIAN
        turns.append(Turn(speaker=speaker, start_s=words[0].start_s, end_s=words[-1].end_s, words=tuple(words)))
    return Transcript(language="en", duration_s=at, speech_s=at, turns=tuple(turns), speaker_method="channels")


@dataclass(frozen=True)
class Visit:
    """A stored visit: who may draft from it, and what to ask for."""

    encounter: str
    transcript: str
    token: str

    @property
    def path(self) -> str:
        """Where drafts are ordered."""
        return f"/v1/encounters/{self.encounter}/drafts"

    def order(self, *, short: bool) -> bytes:
        """What a client sends to the gateway."""
        given: dict[str, Any] = {"kind": "visit_note", "sources": [self.transcript]}
        return json.dumps(given | ({"template": "short"} if short else {})).encode()


def engine_request(socket: Path, model: str, *, short: bool) -> bytes:
    """What a client sends to the engine for the same draft: the gateway's own request, with a fence of its own."""
    source: Source = transcript(short=short).source(str(uuid.UUID(int=1)))
    template = Template.model_validate(SHORT) if short else None
    order = Order(DocumentKind.VISIT_NOTE, (source,), template=template, max_output_tokens=MAX_OUTPUT_TOKENS)
    asked = asked_sections(order.form, frozenset())
    said = messages(order, asked, (Piece(source.id, 0, len(source.text)),), secrets.token_hex(12), (0, 1))
    request = Request(said, answer_schema(order.form, asked), MAX_OUTPUT_TOKENS, order.temperature, order.seed)
    engine = HttpEngine(DraftSettings(model=ModelIdentity(model, None), socket=str(socket)))
    return json.dumps(engine._body(request)).encode()


def settings(folder: Path, engine: Path, *, cold: bool = False) -> Settings:
    """A gateway of its own, with the defaults of the box but for places and for room. `cold`: it keeps no sources."""
    LocalIssuer.open(folder / "issuer.key").export(folder / "jwks.json")
    return Settings(
        site="bench", socket=folder / "gw.sock", state_dir=folder / "state", audit_dir=folder / "audit",
        drafting_socket=engine, transcription_socket=folder / "none.sock", local_issuer=folder / "jwks.json", lab=True,
        max_output_tokens=MAX_OUTPUT_TOKENS, max_drafts=256, min_free_bytes=0,
        # The stub's weights are not sealed; what is measured is the gateway, not de-identification.
        deid_policy={"schema_version": "deid-policy/v1", "rules": [{"text": "allowed"}]},
        **({"kept_sources_bytes": 0} if cold else {}),
    )  # fmt: skip


def store(folder: Path, given: Settings, *, short: bool, count: int = 1) -> list[Visit]:
    """Make encounters with their consent and transcript, before the gateway's process starts."""
    issuer = LocalIssuer.open(folder / "issuer.key")
    return asyncio.run(_store(given, issuer, short, count))


async def _store(given: Settings, issuer: LocalIssuer, short: bool, count: int) -> list[Visit]:
    core = build(given)
    visits = [await _visit(core, issuer, short) for _ in range(count)]
    await core.speech.close()
    await core.drafts.close()
    core.log.close()
    core.database.close()
    return visits


async def _visit(core: Core, issuer: LocalIssuer, short: bool) -> Visit:
    token = issuer.mint("doctor", {Role.CLINICIAN, Role.ADMIN}, 3600, mfa=True)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(make_app(core)), base_url="http://gateway",
        headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip
    async with client:

        async def send(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await client.request(method, path, json=body)
            if answer.status_code >= 300:
                raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
            found: dict[str, Any] = answer.json()
            return found

        states = {"patient_state": "CA", "clinician_state": "CA"}
        encounter = (await send("POST", "/v1/encounters", {"patient_ref": "bench", **states}))["id"]
        for party in ("patient", "clinician"):
            await send(
                "POST", f"/v1/encounters/{encounter}/consent-events",
                {"id": party, "kind": "given", "party": {"kind": party}, "method": "verbal",
                 "at": datetime.now(UTC).isoformat(), **states},
            )  # fmt: skip
        await send("PUT", "/v1/practice/templates/short", SHORT)
    recording, identifier, now = str(uuid.uuid4()), str(uuid.uuid4()), datetime.now(UTC)
    facts = EngineFacts(
        model="none", root_hash=None, vocabulary=VocabularyFacts(), program_version="bench",
        decoder=DecoderFacts(beam_size=1, temperature=0, batch=1, second="greedy", compute_type="none", device="none"),
    )  # fmt: skip
    content = TranscriptAnswer(transcript=transcript(short=short), engine=facts).model_dump_json().encode()
    with core.database.write() as connection:
        wrapped = encounters.wrapped_key(connection, encounter)
        assert wrapped is not None
        sealed = core.vault.unwrap(encounter, wrapped).seal(content, f"transcript/{identifier}")
        captures.add_recording(
            connection, RecordingRow(recording, encounter, "stored", now, "bench", "audio/wav", 1, None)
        )
        captures.add_transcript(
            connection, TranscriptRow(identifier, encounter, recording, "done", now, "bench", now, sealed=sealed)
        )
    return Visit(encounter, identifier, token)
