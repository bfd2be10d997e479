"""What a request body may say: an allow-list of members, each within bounds, and written anew for the engine.

Written anew, so that what the engine reads is what was judged here. Members that would change more than the answer (a
template, a file or an address to load, an adapter by path) are not on the list.
"""

import json
from collections.abc import Callable
from typing import Any

from appliance.engine.problems import ProblemError, invalid

CHAT_MEMBERS = frozenset(
    (
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature"),
        *("top_p", "top_k", "min_p", "seed", "stop", "response_format", "frequency_penalty", "presence_penalty"),
        *("logprobs", "top_logprobs"),
    )
)
TOKENIZE_MEMBERS = frozenset(("model", "prompt", "messages", "add_special_tokens"))
ROLES = ("system", "user", "assistant")
FORMATS = ("text", "json_object", "json_schema")
MAX_MESSAGES = 256


def _object(body: bytes, members: frozenset[str]) -> dict[str, Any]:
    def no_constant(name: str) -> None:
        raise ValueError(name)

    try:
        found = json.loads(body, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise invalid("the body is not JSON") from None
    if not isinstance(found, dict):
        raise invalid("the body is not a JSON object")
    if not found.keys() <= members:
        raise invalid(f"the body has a member that is not served; served are {', '.join(sorted(members))}")
    return found


def _model(asked: dict[str, Any], models: tuple[str, ...]) -> str:
    name = asked.get("model", models[0])
    if not isinstance(name, str) or name not in models:
        raise ProblemError(404, "model-not-found", "No such model", "GET /v1/models names what is served")
    return name


def _messages(value: object) -> None:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_MESSAGES:
        raise invalid(f"messages must be a list of 1 to {MAX_MESSAGES}")
    for number, message in enumerate(value):
        if not isinstance(message, dict) or message.keys() != {"role", "content"}:
            raise invalid(f"messages[{number}] must have exactly role and content")
        if message["role"] not in ROLES:
            raise invalid(f"messages[{number}].role must be one of {', '.join(ROLES)}")
        if not isinstance(message["content"], str):
            raise invalid(f"messages[{number}].content must be text")


def _dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def chat(
    body: bytes,
    models: tuple[str, ...],
    context_tokens: int,
    chosen: Callable[[dict[str, Any], tuple[str, ...]], dict[str, Any]] = lambda asked, models: asked,
) -> bytes:
    """Return the body for the engine. `models` are the names that are served, the base model first; `chosen` says one
    of them in the engine's words (`Dialect.chosen`)."""
    asked = _object(body, CHAT_MEMBERS)
    asked["model"] = _model(asked, models)
    _messages(asked.get("messages"))
    for name in ("max_tokens", "max_completion_tokens"):
        value = asked.get(name)
        if value is not None and not (type(value) is int and 1 <= value <= context_tokens):
            raise invalid(f"{name} must be a whole number from 1 to {context_tokens}")
    form = asked.get("response_format")
    if form is not None and (not isinstance(form, dict) or form.get("type") not in FORMATS):
        raise invalid(f"response_format.type must be one of {', '.join(FORMATS)}")
    return _dumps(chosen(asked, models))


def tokenize(body: bytes, models: tuple[str, ...]) -> dict[str, Any]:
    """Return what is to be counted: `model`, and either `prompt` (perhaps `add_special_tokens`) or `messages`."""
    asked = _object(body, TOKENIZE_MEMBERS)
    asked["model"] = _model(asked, models)
    if ("prompt" in asked) == ("messages" in asked):
        raise invalid("either prompt or messages is wanted")
    if "messages" in asked:
        _messages(asked["messages"])
        if "add_special_tokens" in asked:
            raise invalid("add_special_tokens goes with prompt; messages are counted as the chat template renders them")
    elif not isinstance(asked["prompt"], str):
        raise invalid("prompt must be text")
    if not isinstance(asked.get("add_special_tokens", True), bool):
        raise invalid("add_special_tokens must be true or false")
    return asked
