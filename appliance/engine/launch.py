"""What an engine is started with: a command and its environment, built without touching anything."""

from dataclasses import dataclass
from pathlib import Path

# Libraries of both engines look for a model hub, a newer version or a place to report to. The unit has no network; with
# these, an attempt is an error at once.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# What an engine may see of our own environment; nothing of it holds a secret, and a credential's folder is not in it.
INHERITED = ("PATH", "LANG", "TZ", "TMPDIR", "HOME", "XDG_CACHE_HOME", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Command:
    """`environment` is added to INHERITED. `socket` is where the engine listens, in a folder of its own (0700)."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    socket: Path
