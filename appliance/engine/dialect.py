"""Where the two engines differ in what they speak: counting tokens, their words for a prompt that is too long."""

from typing import Any, Protocol

from appliance.engine import settings as names
from appliance.engine.backend import Answer, Backend
from appliance.engine.problems import ProblemError, context_exceeded, engine_failed, invalid
from appliance.engine.settings import Settings
from appliance.errors import UsageError

_COUNT_TIMEOUT_S = 60.0


class Dialect(Protocol):
    """What the front needs to know of an engine."""

    async def tokens(self, backend: Backend, asked: dict[str, Any]) -> list[int]:
        """Return the tokens of a prompt, or of messages as the model's chat template renders them."""
        ...

    def too_long(self, error: dict[str, Any]) -> bool:
        """Is this the engine's refusal of a prompt that does not fit?"""
        ...

    async def confirm(self, backend: Backend, settings: Settings) -> None:
        """Raise UsageError when the engine runs, but cannot do what the settings promise."""
        ...

    def chosen(self, asked: dict[str, Any], models: tuple[str, ...]) -> dict[str, Any]:
        """Return a request so that the engine works with the model that it names. `models`: the base, then adapters."""
        ...


class Llama:
    """llama.cpp's server."""

    async def tokens(self, backend: Backend, asked: dict[str, Any]) -> list[int]:
        """See Dialect. Its /tokenize knows no messages, so they are rendered first."""
        text, special = asked.get("prompt"), asked.get("add_special_tokens", True)
        # A text by itself is data; only what the template wrote around messages is control.
        wanted = {"content": text, "add_special": special, "parse_special": text is None}
        if text is None:
            messages = {"messages": asked["messages"]}
            found = await backend.ask("POST", "/apply-template", messages, timeout_s=_COUNT_TIMEOUT_S)
            wanted |= {"content": _good(found)["prompt"], "add_special": True}
        return list(_good(await backend.ask("POST", "/tokenize", wanted, timeout_s=_COUNT_TIMEOUT_S))["tokens"])

    def too_long(self, error: dict[str, Any]) -> bool:
        """See Dialect."""
        return error.get("type") == "exceed_context_size_error"

    async def confirm(self, backend: Backend, settings: Settings) -> None:
        """See Dialect. llama.cpp would serve a context beyond the model's own, with nonsense at the end of it."""
        answer = await backend.ask("GET", "/v1/models", timeout_s=_COUNT_TIMEOUT_S)
        trained = _good(answer)["data"][0]["meta"]["n_ctx_train"]
        if trained < settings.context_tokens:
            raise UsageError(
                f"context_tokens is {settings.context_tokens}; this model was trained for {trained}",
                hint=f"set context_tokens to {trained} or less",
            )

    def chosen(self, asked: dict[str, Any], models: tuple[str, ...]) -> dict[str, Any]:
        """See Dialect. Here an adapter is no model but a scale, by the place in which it was loaded."""
        base, *adapters = models
        if not adapters:
            return asked
        scales = [{"id": place, "scale": float(name == asked["model"])} for place, name in enumerate(adapters)]
        return {**asked, "model": base, "lora": scales}


class Vllm:
    """vLLM's server. It refuses a context beyond the model's own by itself."""

    async def tokens(self, backend: Backend, asked: dict[str, Any]) -> list[int]:
        """See Dialect."""
        return list(_good(await backend.ask("POST", "/tokenize", asked, timeout_s=_COUNT_TIMEOUT_S))["tokens"])

    def too_long(self, error: dict[str, Any]) -> bool:
        """See Dialect."""
        return error.get("param") in ("input_tokens", "input_text", "max_tokens", "max_completion_tokens")

    async def confirm(self, backend: Backend, settings: Settings) -> None:
        """See Dialect."""

    def chosen(self, asked: dict[str, Any], models: tuple[str, ...]) -> dict[str, Any]:
        """See Dialect. It serves an adapter as a model of that name."""
        return asked


def _good(answer: Answer) -> Any:
    if answer.status != 200:
        raise engine_failed(f"the engine answered {answer.status}")
    return answer.json()


def of(engine: str) -> Dialect:
    """Return the dialect of `settings.engine`."""
    return Llama() if engine == names.LLAMA else Vllm()


def refusal(dialect: Dialect, answer: Answer, context_tokens: int) -> ProblemError:
    """Return our problem for the engine's error. Its message is not passed on: it may quote the prompt."""
    try:
        document = answer.json()
        error = document.get("error", {})
        too_long = isinstance(error, dict) and dialect.too_long(error)
    except (ProblemError, AttributeError):
        too_long = False
    if too_long:
        return context_exceeded(context_tokens)
    if answer.status in (400, 422):
        return invalid("the engine refused the request as invalid; a schema or a parameter is not what it takes")
    return engine_failed(f"the engine answered {answer.status}")
