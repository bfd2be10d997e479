"""Asks the engines and the gateway about themselves, over their unix sockets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance.contract.drafting_health import DraftingHealth
from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import Latency
from appliance.contract.seal import ModelTask
from appliance.contract.transcription_health import TranscriptionHealth
from appliance.facts.reading import UnreadableError
from appliance.health.inputs import ask

ENGINE_SOCKETS: dict[ModelTask, Path] = {
    "transcription": Path("/run/appliance-transcription/http.sock"),
    "drafting": Path("/run/appliance-drafting/http.sock"),
}
GATEWAY_SOCKET = Path("/run/appliance-gateway/http.sock")


@dataclass(frozen=True)
class EngineAnswer:
    """What the judgement needs of an engine, whichever program it is. `root_hash` None: not verified.

    `engine_root_hash` is of the image that the program itself runs from; None: of none, or not verified. Another
    number that is None was not said: the engine's service is of an older version.
    """

    model: str
    root_hash: str | None
    root_hash_source: str
    engine_root_hash: str | None = None
    engine_root_hash_source: str = ""
    program: str = "unknown"
    version: str | None = None
    queue_length: int | None = None
    queue_limit: int | None = None
    running: int | None = None
    running_limit: int | None = None
    requests_done: int | None = None
    requests_refused: int | None = None
    requests_failed: int | None = None
    latency: Latency | None = None
    tokens_per_s: float | None = None
    adapters: tuple[str, ...] = ()


def _of_transcription(found: TranscriptionHealth) -> dict[str, Any]:
    # One recording is in work and the others wait: the service counts both, and its limit is of those that wait.
    running = None if found.live_streams is None else min(1, found.queue_length)
    return {"queue_length": found.queue_length, "queue_limit": found.queue_limit + 1, "running": running}


def _of_drafting(found: DraftingHealth) -> dict[str, Any]:
    return {
        "queue_length": found.requests_waiting, "queue_limit": found.waiting_limit, "running": found.requests_running,
        "running_limit": found.running_limit, "tokens_per_s": found.tokens_per_s,
        "engine_root_hash": found.engine_root_hash, "engine_root_hash_source": found.engine_root_hash_source,
        "adapters": found.adapters,
    }  # fmt: skip


def ask_engine(task: ModelTask, socket: Path | None = None) -> EngineAnswer:
    """Ask the engine of a task. Raises UnreadableError without an answer of the right form."""
    body = ask(socket or ENGINE_SOCKETS[task], "/health")
    found: TranscriptionHealth | DraftingHealth
    try:
        if task == "transcription":
            found = TranscriptionHealth.model_validate_json(body)
            own = _of_transcription(found)
        else:
            found = DraftingHealth.model_validate_json(body)
            own = _of_drafting(found)
    except ValidationError:
        raise UnreadableError(f"the answer of the {task} service is not understood") from None
    return EngineAnswer(
        found.model, found.root_hash, found.root_hash_source, program=found.engine, version=found.engine_version,
        requests_done=found.requests_done, requests_refused=found.requests_refused,
        requests_failed=found.requests_failed, latency=found.latency, **own,
    )  # fmt: skip


def ask_gateway() -> GatewayHealth:
    """Ask the gateway. Raises UnreadableError without an answer of the right form."""
    try:
        return GatewayHealth.model_validate_json(ask(GATEWAY_SOCKET, "/health"))
    except ValidationError:
        raise UnreadableError("the gateway's answer is not understood") from None
