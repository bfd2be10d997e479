"""The weights on disk: are all files there, and is what is mounted what the seal approved for this task?"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.contract.bundles import GGUF, SAFETENSORS, SHARDS, WHISPER, Bundle
from appliance.errors import ApplianceError, SealBrokenError, UnknownStateError
from appliance.facts.reading import UnreadableError, read_text
from appliance.facts.verity import SYSFS, root_hash_under

__all__ = [
    "GGUF",
    "SAFETENSORS",
    "SHARDS",
    "SYSFS",
    "WHISPER",
    "Bundle",
    "Task",
    "Weights",
    "check",
    "missing_files",
    "root_hash",
]

Task = Literal["transcription", "drafting"]


@dataclass(frozen=True)
class Weights:
    """A checked model folder. `root_hash` is None only where the configuration allows weights without dm-verity."""

    directory: Path
    name: str
    root_hash: str | None
    root_hash_source: str


def missing_files(directory: Path, bundle: Bundle) -> list[str]:
    """Return what is absent or empty: a group by its names, a shard by its own."""

    def usable(path: Path) -> bool:
        return path.is_file() and path.stat().st_size > 0

    present = [path.name for path in directory.glob("*") if usable(path)]
    missing = bundle.lacking(present)
    return missing + [name for name in _shards(directory / SHARDS) if not usable(directory / name)]


def _shards(index: Path) -> list[str]:
    """Return the files that a model in several pieces consists of; none when it is in one."""
    if not index.exists():
        return []
    try:
        names = set(json.loads(read_text(index))["weight_map"].values())
        return sorted(Path(name).name for name in names)
    except (UnreadableError, ValueError, KeyError, TypeError, AttributeError):
        return [f"a readable {SHARDS}"]


def root_hash(directory: Path, sysfs: Path = SYSFS) -> tuple[str | None, str]:
    """Return the root hash that the kernel verifies every file of the weights against now, and how it was read or why
    it was not. All files must lie on one device: a file mounted over a sealed one is not sealed.
    """
    try:
        files = sorted(path for path in directory.rglob("*") if path.is_file())
        hashes = {root_hash_under(path, sysfs) for path in files}
    except UnreadableError as error:
        return None, str(error)[:400]
    except OSError as error:
        return None, f"{directory}: {error.strerror}"[:400]
    if len(hashes) != 1:
        return None, f"the files of {directory} lie on {len(hashes)} devices; wanted is one"
    return hashes.pop(), "device-mapper device of the mounted weights"


def _sealed(seal: Path, task: Task) -> tuple[str, str]:
    """Return name and root hash of the one model that the seal (schema seal/v2) approves for the task."""
    again = "provision the site again; only a sealed box serves"
    try:
        listed = json.loads(read_text(seal))["models"]
        models = [(str(model["name"]), str(model["root_hash"])) for model in listed if model["task"] == task]
    except (UnreadableError, ValueError, KeyError, TypeError) as error:
        raise UnknownStateError(f"the seal cannot be read: {type(error).__name__}", hint=again) from None
    if len(models) != 1:
        raise UnknownStateError(f"the seal approves {len(models)} models for {task}; wanted is one", hint=again)
    return models[0]


def check(
    directory: Path, seal: Path | None, *, task: Task, bundle: Bundle, require_verity: bool = True, sysfs: Path = SYSFS
) -> Weights:
    """Return the weights if they are complete and the ones that were sealed for `task`.

    Raises UnknownStateError when a file or the proof is missing, SealBrokenError when other weights are mounted.
    Without `require_verity` (a test, a developer's machine) nothing is sealed and the folder's name is the model's.
    """
    try:
        missing = missing_files(directory, bundle)
    except OSError as error:
        raise _unreadable(directory, error) from None
    if missing:
        raise UnknownStateError(
            f"{directory} lacks {', '.join(missing)}", hint="install a complete model image: fleetctl image model NAME"
        )
    found, source = root_hash(directory, sysfs)
    if not require_verity:
        return Weights(directory, directory.name, found, source)
    if found is None:
        raise UnknownStateError(
            f"the weights are not verified by the kernel: {source}", hint=f"mount the signed model image at {directory}"
        )
    if seal is None:
        raise UnknownStateError("no seal was given to this service", hint="start it through its systemd unit")
    name, sealed = _sealed(seal, task)
    if found != sealed:
        raise SealBrokenError(
            f"weights with root hash {found} are mounted; sealed for {task} was {sealed} ({name})",
            hint="put the approved model image back, or provision the site again",
        )
    return Weights(directory, name, found, source)


def _unreadable(directory: Path, error: OSError) -> ApplianceError:
    return UnknownStateError(
        f"{directory} cannot be read: {error.strerror}", hint="look at the mount of the model image in the unit"
    )
