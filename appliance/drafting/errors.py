"""What can go wrong while a document is drafted. No message holds source text, generated text or an engine's words.

DraftError (1)
├── OrderRefusedError (6)        the order breaks a rule: identifiers in a front-desk template, too many parts
├── EngineUnavailableError       no engine answers on the socket
├── EngineFailedError            the engine answered with a failure, or stopped in the middle
├── EngineTimeoutError           it did not begin, went on or end in time
├── ContextError                 a part does not fit into the engine's context
└── OutputError                  the answer is not the document that was asked for
"""

from dataclasses import dataclass

from appliance.errors import ApplianceError


@dataclass(frozen=True)
class Interrupted:
    """How far a failed draft had come. Counts only: what was received is no document and must not become one."""

    part: int
    parts: int
    statements: int
    characters: int


class DraftError(ApplianceError):
    """A draft did not come to be. `code` is from a closed list, fit for an audit entry."""

    code = "draft_failed"

    def __init__(self, message: str, *, hint: str, code: str | None = None) -> None:
        super().__init__(message, hint=hint)
        if code is not None:
            self.code = code
        self.interrupted: Interrupted | None = None


class OrderRefusedError(DraftError):
    """A rule of ours says no before anything is asked of the engine."""

    code = "order_refused"
    exit_code = 6


class EngineUnavailableError(DraftError):
    """The socket is absent, or nobody accepts on it."""

    code = "engine_unavailable"


class EngineFailedError(DraftError):
    """The engine reported a failure (`status`: its HTTP status, if any), or its stream broke off."""

    code = "engine_failed"

    def __init__(self, message: str, *, hint: str, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.status = status


class EngineTimeoutError(DraftError):
    """A bound on time was reached."""

    code = "engine_timeout"


class ContextError(DraftError):
    """The prompt and the answer do not fit into the engine's context."""

    code = "context_exceeded"


class OutputError(DraftError):
    """The engine's answer is no JSON, is against the schema, or holds what must not be in a document."""

    code = "output_invalid"
