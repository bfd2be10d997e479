"""What can be configured about transcription, with the bounds on every request. Read from a small JSON file."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from appliance.errors import UsageError

CONFIG_PATH = Path("/etc/appliance/transcription.json")


@dataclass(frozen=True)
class Settings:
    """Defaults fit a visit of an hour on a box of 2 GiB.

    An upload waits in memory, so at most (queue_limit + 1) × max_upload_bytes is held, and one decoded recording:
    max_audio_s × 16,000 samples × 6 bytes = 346 MB while it is converted.

    The clinical route works in pieces, so its recordings may be longer; what waits in memory there is the upload as it
    came, at most max_transcript_upload_bytes each: four hours of FLAC or of anything smaller, not of plain PCM. A live
    stream keeps what it received in memory until its end: at most max_streams × max_stream_s × 32,000 bytes.
    """

    socket: str = "/run/appliance-transcription/http.sock"
    model_dir: str = "/run/model"
    require_verity: bool = True
    compute_type: str = "int8"
    device: str = "cpu"
    threads: int = 0  # 0: as many as the machine has cores
    max_upload_bytes: int = 64 * 1024 * 1024
    max_audio_s: int = 3600
    queue_limit: int = 4
    upload_timeout_s: float = 120.0
    request_timeout_s: float = 1800.0
    max_transcript_upload_bytes: int = 256 * 1024 * 1024
    max_transcript_audio_s: int = 4 * 3600
    transcript_timeout_s: float = 4 * 3600.0
    max_streams: int = 4
    max_stream_s: int = 4 * 3600
    # A browser that was suspended comes back within this; one that vanished is found by pings before.
    stream_idle_timeout_s: float = 60.0
    # How much faster than real time a stream may send, behind a first burst of 30 s.
    stream_rate: float = 4.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in (int, float) and field.name != "threads" and value <= 0:
                raise UsageError(f"{field.name} is {value}; it must be positive", hint=f"correct {CONFIG_PATH}")


def load(path: Path = CONFIG_PATH) -> Settings:
    """Read the settings; a missing file means the defaults. Unknown keys and wrong types are refused."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Settings()
    hint = f"correct {path}, or remove it to get the defaults"
    try:
        given = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}", hint=hint) from None
    known = {field.name: field.type for field in fields(Settings)}
    if not isinstance(given, dict) or not given.keys() <= known.keys():
        unknown = sorted(set(given) - set(known)) if isinstance(given, dict) else ["not an object"]
        raise UsageError(f"{path}: unknown keys: {', '.join(unknown)}", hint=hint)
    for name, value in given.items():
        wanted = (int, float) if known[name] is float else known[name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and known[name] is not bool):  # type: ignore[arg-type]
            raise UsageError(f"{path}: {name} must be of type {known[name].__name__}", hint=hint)  # type: ignore[union-attr]
    return Settings(**given)
