"""What can be configured about drafting: which model answers, its context, and the bounds on time and size."""

import re
from dataclasses import dataclass, field, fields

from appliance.errors import UsageError

_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}$")


@dataclass(frozen=True)
class ModelIdentity:
    """Which weights answer. The release chooses them; a digest of None is shown as "unknown", never left out."""

    name: str
    sha256: str | None = None
    adapter: str | None = None
    adapter_sha256: str | None = None

    def __post_init__(self) -> None:
        hint = "take names and digests from the release's manifest"
        for label, name in (("model", self.name), ("adapter", self.adapter)):
            if name is not None and not _NAME.match(name):
                raise UsageError(f"the {label}'s name has characters that no identifier has", hint=hint)
        for label, digest in (("model", self.sha256), ("adapter", self.adapter_sha256)):
            if digest is not None and not _SHA256.match(digest):
                raise UsageError(f"the {label}'s digest is no SHA-256 in lower-case hexadecimal", hint=hint)
        if self.adapter is not None and self.adapter_sha256 is None:
            # An adapter is a file of the practice: without its digest nobody can say later what wrote a note.
            raise UsageError(f"the adapter {self.adapter} has no digest", hint=hint)

    def with_adapter(self, digest: str | None) -> "ModelIdentity":
        """The same weights with an adapter, which is known by its digest alone; None: without one."""
        return ModelIdentity(self.name, self.sha256, digest, digest)

    @property
    def served_as(self) -> str:
        """The name under which the engine serves it: vLLM serves an adapter as a model of its own."""
        return self.adapter or self.name


@dataclass(frozen=True)
class Settings:
    """Bounds of one draft. Tokens are the engine's; seconds are of the monotonic clock.

    `first_token_timeout_s` covers the reading of a whole prompt, which takes minutes on a CPU.
    `max_parts` × (context − output) is the longest record: about 2 million characters with a context of 8,192.
    """

    model: ModelIdentity = field(default_factory=lambda: ModelIdentity("appliance"))
    socket: str = "/run/appliance-drafting/http.sock"
    context_tokens: int = 8192
    max_parts: int = 400
    max_sources: int = 20
    max_source_chars: int = 5_000_000
    max_answer_chars: int = 200_000
    max_stream_bytes: int = 32 * 1024 * 1024
    connect_timeout_s: float = 5.0
    first_token_timeout_s: float = 300.0
    stall_timeout_s: float = 30.0
    total_timeout_s: float = 1800.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.type in (int, float) and value <= 0:
                raise UsageError(f"{item.name} is {value}; it must be positive", hint="correct the drafting settings")
