"""LoRA adapters: each is a folder named after the digest of what is in it, and its name cannot mean anything else."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from appliance.engine.settings import Settings
from appliance.errors import SealBrokenError, UnknownStateError

FILES = ("adapter_config.json", "adapter_model.safetensors")
_DIGEST = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Adapter:
    """`name` is what a request calls it by: its digest."""

    name: str
    directory: Path


def digest(directory: Path) -> str:
    """Return SHA-256 over the lines "<SHA-256 of the file>  <its name>" of FILES, in hexadecimal.

    That is the output of `sha256sum adapter_config.json adapter_model.safetensors | sha256sum` in the folder.
    """
    whole = hashlib.sha256()
    for name in FILES:
        with (directory / name).open("rb") as file:
            whole.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


def check(settings: Settings) -> tuple[Adapter, ...]:
    """Return the adapters that the release names, in its order.

    Raises UnknownStateError when one cannot be read, SealBrokenError when a folder's content has another digest.
    """
    found = []
    for name in settings.adapters:
        hint = f"install the adapter of the release again below {settings.adapter_dir}"
        if not _DIGEST.match(name):
            raise UnknownStateError("an adapter is not named by a SHA-256 digest", hint="correct adapters")
        directory = Path(settings.adapter_dir) / name
        try:
            seen = digest(directory)
        except OSError as error:
            raise UnknownStateError(f"adapter {name} cannot be read: {error.strerror}", hint=hint) from None
        if seen != name:
            raise SealBrokenError(f"adapter {name} has the digest {seen}", hint=hint)
        found.append(Adapter(name, directory))
    return tuple(found)
