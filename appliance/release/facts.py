"""What the box knows of itself, as far as a release has to fit it. Nothing here changes anything."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance.contract.seal import Seal
from appliance.engine.settings import VLLM
from appliance.engine.settings import load as load_drafting
from appliance.errors import UnknownStateError
from appliance.facts.reading import UnreadableError, read_text
from appliance.release.places import Places

_USR_HASH = re.compile(r"(?:^|\s)usrhash=([0-9a-f]{64})(?:\s|$)")
_MEMORY = re.compile(r"^MemTotal:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Room:
    """Of the file system that holds the images."""

    free_bytes: int
    size_bytes: int


def read_room(path: Path) -> Room:
    """Raises UnknownStateError."""
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        found = os.statvfs(path)
    except OSError as error:
        raise UnknownStateError(f"{path}: {error.strerror}", hint="look at the state volume") from None
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


@dataclass(frozen=True)
class Sealed:
    """The seal, and its very bytes: a change writes them back when it is undone."""

    text: str
    seal: Seal
    document: dict[str, Any]


def read_sealed(places: Places) -> Sealed:
    """Raises UnknownStateError when the box is not sealed, or the seal is not understood."""
    hint = "provision the site: fleetctl site provision"
    try:
        text = read_text(places.seal) + "\n"
        return Sealed(text, Seal.model_validate_json(text), json.loads(text))
    except UnreadableError as error:
        raise UnknownStateError(f"no seal: {error}", hint=hint) from None
    except (ValidationError, ValueError):
        raise UnknownStateError(f"{places.seal}: the seal is not understood", hint=hint) from None


def boot_id(places: Places) -> str:
    """Another one with every boot; empty when it cannot be read."""
    try:
        return read_text(places.boot_id).strip()[:64]
    except UnreadableError:
        return ""


def running_usr(places: Places) -> str:
    """Root hash of the /usr that runs, from the kernel's command line. Raises UnknownStateError."""
    try:
        found = _USR_HASH.search(read_text(places.command_line))
    except UnreadableError as error:
        raise UnknownStateError(str(error), hint="look at the box itself") from None
    if found is None:
        raise UnknownStateError(
            f"{places.command_line} names no usrhash",
            hint="only a box that was installed from a signed image runs releases",
        )
    return found[1]


@dataclass(frozen=True)
class Hardware:
    """What a release has to run on. Memory in MiB; `cards` 0: everything runs on the host."""

    usr_root_hash: str
    engine: str
    cards: int
    card_memory_mib: int
    transcription_mib: int
    host_memory_mib: int
    adapter_rank: int


def read_hardware(places: Places) -> Hardware:
    """Raises UnknownStateError when something of it cannot be read, UsageError for settings that make no sense."""
    running = running_usr(places)
    try:
        memory = _MEMORY.search(read_text(places.memory))
    except UnreadableError as error:
        raise UnknownStateError(str(error), hint="look at the box itself") from None
    if memory is None:
        raise UnknownStateError(f"{places.memory} names no MemTotal", hint="look at the box itself")
    drafting = load_drafting(places.drafting_settings)
    cards = drafting.cards if drafting.engine == VLLM else 0
    return Hardware(
        running, drafting.engine, cards, drafting.card_memory_mib, drafting.transcription_mib,
        int(memory[1]) // 1024, drafting.adapter_rank,
    )  # fmt: skip
