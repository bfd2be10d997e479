"""What can be configured about the drafting engine, with the bounds on every request. Read from a small JSON file."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from appliance.contract.adapter import MAX_ADAPTERS, MAX_RANK
from appliance.errors import UsageError

CONFIG_PATH = Path("/etc/appliance/drafting.json")
LLAMA, VLLM = "llama.cpp", "vllm"
_DIGEST = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Settings:
    """Defaults fit a box without a GPU. Figures of a card come from the site's hardware profile.

    `context_tokens` is for one request, input and output together; `parallel` requests are served at once and
    `queue_limit` more wait. Adapters are mounted at `adapter_dir`/0, /1, …; the seal names them. Only where it does
    not count (an evaluation, a test), `adapters` has digest → kinds of documents, in this order. `adapter_rank` is the
    highest that is served.
    """

    engine: str = LLAMA
    socket: str = "/run/appliance-drafting/http.sock"
    model_dir: str = "/run/model"
    require_verity: bool = True
    context_tokens: int = 4096
    parallel: int = 2
    threads: int = 0  # 0: as many as the machine has cores
    queue_limit: int = 64
    max_body_bytes: int = 4 * 1024 * 1024
    body_timeout_s: float = 30.0
    request_timeout_s: float = 900.0
    start_timeout_s: float = 900.0
    # Prompts that llama.cpp keeps in memory after their slot was given to another request.
    prompt_cache_mib: int = 256
    # vLLM only. Its image and the program in it, the cards of the box (0: none, the CPU), what of a card others need.
    engine_dir: str = "/run/engine"
    program: str = "/run/engine/bin/vllm"
    cards: int = 0
    card_memory_mib: int = 0
    transcription_mib: int = 0
    memory_share: float = 0.9
    cpu_cache_gib: int = 1
    quantization: str = ""
    adapter_dir: str = "/run/adapters"
    adapters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    adapter_rank: int = 64

    def __post_init__(self) -> None:
        may_be_zero = ("threads", "queue_limit", "prompt_cache_mib", "cards", "card_memory_mib", "transcription_mib")
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type not in (int, float):
                continue
            if value < 0 or (value == 0 and each.name not in may_be_zero):
                raise _wrong(f"{each.name} is {value}; it must be positive")
        if self.engine not in (LLAMA, VLLM):
            raise _wrong(f"engine is {self.engine!r}; it must be {LLAMA} or {VLLM}")
        if self.memory_share >= 1:
            raise _wrong(f"memory_share is {self.memory_share}; a card needs some memory for itself: below 1")
        if self.adapters and self.require_verity:
            raise _wrong("adapters are named by the seal; the settings name them only without require_verity")
        if len(self.adapters) > MAX_ADAPTERS or not all(map(_DIGEST.match, self.adapters)):
            raise _wrong(f"adapters must be at most {MAX_ADAPTERS}, by SHA-256 digests")
        if self.adapter_rank > MAX_RANK:
            raise _wrong(f"adapter_rank is {self.adapter_rank}; {MAX_RANK} is the highest that is served")
        if self.cards and not self.card_memory_mib:
            raise _wrong("cards are given without card_memory_mib")


def _wrong(message: str, path: Path = CONFIG_PATH) -> UsageError:
    return UsageError(message, hint=f"correct {path}, or remove it to get the defaults")


def load(path: Path = CONFIG_PATH) -> Settings:
    """Read the settings; a missing file means the defaults. Unknown keys and wrong types are refused."""
    try:
        given = json.loads(path.read_text())
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise _wrong(f"{path} cannot be read: {error.strerror}", path) from None
    except ValueError as error:
        raise _wrong(f"{path} is not JSON: {error}", path) from None
    if not isinstance(given, dict):
        raise _wrong(f"{path} is not a JSON object", path)
    known = {each.name: each.type for each in fields(Settings)}
    if unknown := sorted(given.keys() - known.keys()):
        raise _wrong(f"{path}: unknown keys: {', '.join(unknown)}", path)
    typed: dict[str, Any] = {name: _typed(path, name, known[name], value) for name, value in given.items()}
    return Settings(**typed)


def _typed(path: Path, name: str, wanted: object, value: object) -> object:
    if name == "adapters":
        lists = value.values() if isinstance(value, dict) else [None]
        if all(isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds) for kinds in lists):
            return {digest: tuple(kinds) for digest, kinds in value.items()}  # type: ignore[attr-defined]
        raise _wrong(f"{path}: {name} must be an object, digest → kinds of documents", path)
    kinds = (int, float) if wanted is float else (wanted,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and wanted is not bool):  # type: ignore[arg-type]
        raise _wrong(f"{path}: {name} must be of type {wanted.__name__}", path)  # type: ignore[attr-defined]
    return value
