"""The weights on disk: are all files there, and is what is mounted what the seal approved?"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.errors import SealBrokenError, UnknownStateError
from appliance.facts.reading import UnreadableError, read_text
from appliance.facts.verity import SYSFS, root_hash_under

# faster-whisper reaches for a model hub when tokenizer.json is missing, so a bundle without it is refused here.
MANDATORY = ("model.bin", "config.json", "tokenizer.json")
VOCABULARIES = ("vocabulary.txt", "vocabulary.json")


@dataclass(frozen=True)
class Weights:
    """A checked model folder. `root_hash` is None only where the configuration allows weights without dm-verity."""

    directory: Path
    name: str
    root_hash: str | None
    root_hash_source: str


def missing_files(directory: Path) -> list[str]:
    """Return the mandatory files that are absent or empty."""

    def usable(name: str) -> bool:
        path = directory / name
        return path.is_file() and path.stat().st_size > 0

    missing = [name for name in MANDATORY if not usable(name)]
    if not any(usable(name) for name in VOCABULARIES):
        missing.append(" or ".join(VOCABULARIES))
    return missing


def root_hash(directory: Path, sysfs: Path = SYSFS) -> tuple[str | None, str]:
    """Return the root hash that the kernel verifies the weights against now, and how it was read or why it was not."""
    try:
        return root_hash_under(directory / "model.bin", sysfs), "device-mapper device of the mounted weights"
    except UnreadableError as error:
        return None, str(error)[:400]


def _sealed_model(seal: Path) -> dict[str, Any]:
    try:
        model = json.loads(read_text(seal))["model"]
        return {"name": str(model["name"]), "root_hash": str(model["root_hash"])}
    except (UnreadableError, ValueError, KeyError, TypeError) as error:
        raise UnknownStateError(
            f"the seal cannot be read: {type(error).__name__}",
            hint="provision the site again; only a sealed box serves",
        ) from None


def check(directory: Path, seal: Path | None, *, require_verity: bool = True, sysfs: Path = SYSFS) -> Weights:
    """Return the weights if they are complete and the ones that were sealed.

    Raises UnknownStateError when a file or the proof is missing, SealBrokenError when other weights are mounted.
    """
    missing = missing_files(directory)
    if missing:
        raise UnknownStateError(
            f"{directory} lacks {', '.join(missing)}", hint="install a complete model image: fleetctl image model NAME"
        )
    found, source = root_hash(directory, sysfs)
    if not require_verity:
        return Weights(directory, directory.name, found, source)
    if found is None:
        raise UnknownStateError(
            f"the weights are not verified by the kernel: {source}",
            hint="mount the signed model image at " + str(directory),
        )
    if seal is None:
        raise UnknownStateError("no seal was given to this service", hint="start it through its systemd unit")
    sealed = _sealed_model(seal)
    if found != sealed["root_hash"]:
        raise SealBrokenError(
            f"weights with root hash {found} are mounted; sealed was {sealed['root_hash']} ({sealed['name']})",
            hint="put the approved model image back, or provision the site again",
        )
    return Weights(directory, sealed["name"], found, source)
