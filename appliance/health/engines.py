"""Asks the engines and the gateway about themselves, over their unix sockets."""

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from appliance.contract.drafting_health import DraftingHealth
from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import TranscriptionHealth
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health.inputs import ask

ENGINE_SOCKETS: dict[ModelTask, Path] = {
    "transcription": Path("/run/appliance-transcription/http.sock"),
    "drafting": Path("/run/appliance-drafting/http.sock"),
}
GATEWAY_SOCKET = Path("/run/appliance-gateway/http.sock")
_CONTRACTS: dict[ModelTask, type[TranscriptionHealth] | type[DraftingHealth]] = {
    "transcription": TranscriptionHealth,
    "drafting": DraftingHealth,
}


@dataclass(frozen=True)
class EngineAnswer:
    """What the judgement needs of an engine, whichever program it is. `root_hash` None: not verified.

    `engine_root_hash` is of the image that the program itself runs from; None: of none, or not verified.
    """

    model: str
    root_hash: str | None
    root_hash_source: str
    engine_root_hash: str | None = None
    engine_root_hash_source: str = ""


def ask_engine(task: ModelTask) -> EngineAnswer:
    """Ask the engine of a task. Raises UnreadableError without an answer of the right form."""
    body = ask(ENGINE_SOCKETS[task], "/health")
    try:
        answer = _CONTRACTS[task].model_validate_json(body)
    except ValidationError:
        raise UnreadableError(f"the answer of the {task} service is not understood") from None
    found = EngineAnswer(answer.model, answer.root_hash, answer.root_hash_source)
    if isinstance(answer, DraftingHealth):
        return replace(
            found, engine_root_hash=answer.engine_root_hash, engine_root_hash_source=answer.engine_root_hash_source
        )
    return found


def ask_gateway() -> GatewayHealth:
    """Ask the gateway. Raises UnreadableError without an answer of the right form."""
    try:
        return GatewayHealth.model_validate_json(ask(GATEWAY_SOCKET, "/health"))
    except ValidationError:
        raise UnreadableError("the gateway's answer is not understood") from None
