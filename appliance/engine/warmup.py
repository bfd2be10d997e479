"""The first requests, made by ourselves: a clinician does not wait for what an engine prepares at first use."""

from appliance.engine.backend import Backend
from appliance.engine.problems import ProblemError
from appliance.errors import UnknownStateError

_SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
_FORM = {"type": "json_schema", "json_schema": {"name": "warm_up", "strict": True, "schema": _SCHEMA}}


async def answers(backend: Backend) -> bool:
    """Does the engine say that it is ready? False while it does not even listen."""
    try:
        return (await backend.ask("GET", "/health", timeout_s=10)).status == 200
    except ProblemError:
        return False


async def warm_up(backend: Backend, models: tuple[str, ...], timeout_s: float) -> None:
    """Let each model say one word freely, and the first one something by a schema. Raises UnknownStateError."""
    plain = {"messages": [{"role": "user", "content": "Say: ready."}], "max_tokens": 1, "temperature": 0}
    requests = [{**plain, "model": name} for name in models]
    requests.append({**plain, "model": models[0], "max_tokens": 8, "response_format": _FORM})
    for body in requests:
        try:
            found = await backend.ask("POST", "/v1/chat/completions", body, timeout_s=timeout_s)
        except ProblemError as problem:
            raise UnknownStateError(f"the first request failed: {problem.detail}", hint=_HINT) from None
        if found.status != 200:
            raise UnknownStateError(f"the first request was answered with {found.status}", hint=_HINT)


_HINT = "look at the model image, its adapters and the drafting settings"
