"""An evaluation set for tests, and stubs of engines that hear and draft what a test wants. No model is in it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from appliance.clinical.source import Speaker
from appliance.contract.clinical_gate import ClinicalPolicy
from appliance.contract.seal import ModelTask
from appliance.evaluation.engines import WantedAdapter
from tests.fakes.clinical import StubEngine, answer_of, listening

SAID = (
    (Speaker.PATIENT, "My left knee has hurt for two weeks and I do not have a fever."),
    (Speaker.CLINICIAN, "Take ibuprofen 400 mg with food. Your weight is 82 kg."),
)
SUPPORTED = "The left knee has hurt for two weeks."
INVENTED = "The patient has a cough and a rash."
_MARKED = (
    ((("number", "two weeks"), ("negation", "not"))),
    (("drug", "ibuprofen"), ("dose", "400 mg"), ("number", "82 kg")),
)


def index(**changes: Any) -> dict[str, Any]:
    """A whole `index.json`: one visit and half a minute of silence."""
    turns = [
        {
            "speaker": speaker.value, "text": text,
            "expected": [
                {"kind": kind, "start": text.index(piece), "end": text.index(piece) + len(piece)}
                for kind, piece in marked
            ],
        }
        for (speaker, text), marked in zip(SAID, _MARKED, strict=True)
    ]  # fmt: skip
    return {
        "schema_version": "evaluation-set/v1", "name": "visits", "about": "for tests", "recordings": "synthetic",
        "encounters": [
            {"id": "e1", "audio": "audio/e1.wav", "seconds": 12, "turns": turns, "draft": "visit_note"}
        ],
        "silences": [{"id": "s1", "audio": "audio/s1.wav", "seconds": 30}], **changes,
    }  # fmt: skip


def archive(document: Any, files: Mapping[str, bytes] | None = None, *, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """The archive as `tar` makes it."""
    files = {"audio/e1.wav": b"RIFF-e1", "audio/s1.wav": b"RIFF-s1"} if files is None else files
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in {"index.json": json.dumps(document).encode(), **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def policy(**changes: Any) -> ClinicalPolicy:
    given = {
        "evaluation_set": "visits", "word_error_rate": 0.01, "number_error_rate": 0, "drug_error_rate": 0,
        "negation_error_rate": 0, "words_on_silence": 0, "unsupported_share": 0.02, "valid_for_s": 86_400, **changes,
    }  # fmt: skip
    return ClinicalPolicy.model_validate(given)


@dataclass
class Model:
    """What one pair of stub engines does."""

    heard: dict[str, str] = field(default_factory=dict)
    """By the name of a clip, in place of what was said."""
    drafts: tuple[str, ...] = (SUPPORTED,)
    says_hash: str | None = None
    seconds: dict[str, float] = field(default_factory=lambda: {"e1": 12.0, "s1": 30.0})
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def transcription(self, root_hash: str) -> Starlette:
        async def transcribe(request: Request) -> Response:
            body = await request.body()
            clip = "e1" if b"RIFF-e1" in body else "s1"
            self.asked.append(clip)
            if self.status != 200:
                return Response(status_code=self.status)
            text = self.heard.get(clip, " ".join(text for _, text in SAID) if clip == "e1" else "")
            found = answer_of((Speaker.UNKNOWN, text)) if text else answer_of()
            found = found.model_copy(
                update={
                    "transcript": found.transcript.model_copy(update={"duration_s": self.seconds[clip]}),
                    "engine": found.engine.model_copy(update={"root_hash": self.says_hash or root_hash}),
                }
            )
            return Response(found.model_dump_json(), media_type="application/json")

        return Starlette(
            routes=[
                Route("/v1/transcripts", transcribe, methods=["POST"]),
                Route("/health", lambda _: JSONResponse({"status": "ok"})),
            ]
        )

    def drafting(self, root_hash: str) -> Starlette:
        engine = StubEngine()
        engine.sections = {"history": list(self.drafts)}
        told = engine._health

        async def health(request: Request) -> Response:
            found = json.loads((await told(request)).body) | {"root_hash": self.says_hash or root_hash}
            return JSONResponse(found)

        engine.app.routes[0] = Route("/health", health)
        return engine.app


@dataclass
class StubEngines:
    """Engines by root hash; only the one that was started is given out."""

    sockets: dict[str, Path]
    verified: bool = True
    started: list[tuple[ModelTask, str]] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    @contextmanager
    def running(self, task: ModelTask, root_hash: str, adapters: Sequence[WantedAdapter] = ()) -> Iterator[Path]:
        assert not self.inside, "two engines at once"
        self.started.append((task, root_hash))
        self.inside.append(root_hash)
        try:
            yield self.sockets[root_hash]
        finally:
            self.inside.pop()


@asynccontextmanager
async def stub_engines(place: Path, models: Mapping[str, tuple[ModelTask, Model]]) -> AsyncIterator[StubEngines]:
    """Serve a stub for each root hash."""
    async with AsyncExitStack() as stack:
        sockets = {}
        for number, (root_hash, (task, model)) in enumerate(models.items()):
            app = model.transcription(root_hash) if task == "transcription" else model.drafting(root_hash)
            sockets[root_hash] = place / f"{number}.sock"
            await stack.enter_async_context(listening(app, sockets[root_hash]))
        yield StubEngines(sockets)
