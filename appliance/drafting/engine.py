"""What drafting needs of an engine, and the words of one request."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.drafting.prompt import Message
from appliance.drafting.settings import ModelIdentity


@dataclass(frozen=True)
class Request:
    """One request: messages, the schema of the answer, and how to sample it."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    max_output_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True)
class Chunk:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class End:
    """The engine's last word. `reason`: stop, length, or its own; tokens are None where it does not count."""

    reason: str
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None


class Engine(Protocol):
    """An engine. `HttpEngine` is the one of the box; `stream` is closed when the reader goes away."""

    @property
    def identity(self) -> ModelIdentity:
        """Which weights answer."""
        ...

    async def count_tokens(self, text: str) -> int | None:
        """Return how many tokens a text has, or None when it cannot tell."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[Chunk | End, None]:
        """Answer: chunks, then one End. Raises DraftError."""
        ...
