"""A folder of a site's own weights: what may be in it, what must, and that each file is what its name says.

Only safetensors, GGUF and CTranslate2 files and the JSON and text files of a tokenizer go in. Everything else is
refused, by content and not by name: a pickle is a program.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from appliance.contract.bundles import BUNDLES, SHARDS, Form, form_of
from appliance.contract.seal import ModelTask
from fleetctl.errors import RefusedError
from fleetctl.image.manifest import ModelFile
from fleetctl.release.weights_ctranslate2 import check_ctranslate2
from fleetctl.release.weights_gguf import check_gguf
from fleetctl.release.weights_reading import WeightsError, bounded_json
from fleetctl.release.weights_safetensors import check_safetensors
from fleetctl.release.weights_sniff import is_old_pickle, kind_of

_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
_MAX_FILES = 1024
# A vocabulary of 262,144 tokens with its merges is 33 MB of JSON, with half a million brackets.
_MAX_TEXT_BYTES = 64 << 20
_MAX_BRACKETS = 2 << 20
_CHUNK = 1 << 20
# Separates voices beside Whisper; appliance/transcription reads it under this name.
_SPEAKER = "speaker.safetensors"


@dataclass(frozen=True)
class OwnFile:
    """A file of the folder: its name there, its name in the image, its length."""

    source: str
    name: str
    size_bytes: int


@dataclass(frozen=True)
class OwnFolder:
    """A folder that was looked at and found good."""

    path: Path
    form: Form
    files: tuple[OwnFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def examine(folder: Path, task: ModelTask) -> OwnFolder:
    """Look at every file of `folder`. Raises RefusedError at the first that may not go in, or for what is missing."""
    files = _named(folder, survey(folder))
    names = [file.name for file in files]
    form = form_of(task, names)
    if form is None:
        wanted = ", or ".join(", ".join(" or ".join(group) for group in each.groups) for each in BUNDLES[task].values())
        found = ", ".join(names)[:300] or "nothing"
        raise _refused(folder, f"no weights for {task} ({found})", wanted, "give the folder that has the model's files")
    for file in files:
        _check(folder / file.source, file, form)
    missing = BUNDLES[task][form].lacking(names)
    if form == "safetensors":
        missing += _shards(folder, names)
    if missing:
        raise _refused(
            folder, f"it lacks {', '.join(missing)}", f"a complete model ({form})", "add the publisher's file"
        )
    return OwnFolder(folder, form, files)


def lay(found: OwnFolder, target: Path, on_bytes: Callable[[int], None] = lambda count: None) -> list[ModelFile]:
    """Copy the files into the new folder `target`, and look at the copies: what is packed is what was looked at."""
    laid = lay_files(found.path, found.files, target, on_bytes)
    for file in found.files:
        _check(target / file.name, file, found.form)
    return laid


def lay_files(
    folder: Path, files: Iterable[OwnFile], target: Path, on_bytes: Callable[[int], None] = lambda count: None
) -> list[ModelFile]:
    """Copy files into the new folder `target`. Raises RefusedError for one that changes meanwhile."""
    target.mkdir(parents=True)
    laid = []
    for file in files:
        digest = hashlib.sha256()
        copied = 0
        with opened(folder / file.source) as source, (target / file.name).open("xb") as copy:
            while chunk := source.read(_CHUNK):
                copied += len(chunk)
                if copied > file.size_bytes:
                    break
                digest.update(chunk)
                copy.write(chunk)
                on_bytes(len(chunk))
        if copied != file.size_bytes:
            raise _refused(
                folder / file.source, "it changed while it was read", "a file that stays as it is", "run this again"
            )
        laid.append(ModelFile(path=file.name, sha256=digest.hexdigest()))
    return laid


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file for reading; no link is followed, and a pipe or device is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        seen = "a symbolic link" if error.errno == errno.ELOOP else f"it cannot be read: {error.strerror}"
        raise _refused(path, seen, "a plain file", "put the file itself there") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _refused(path, "no plain file", "a plain file", "take it out of the folder")
        yield file


def digest_of_file(file: BinaryIO) -> str:
    """SHA-256 of what is left of an opened file."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def survey(folder: Path) -> list[OwnFile]:
    """Every entry of the folder, by name. Raises RefusedError for one that is no plain file with a plain name."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for _, entry in zip(range(_MAX_FILES + 1), entries, strict=False)]
        listed = sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in found)
    except OSError as error:
        raise _refused(
            folder, f"it cannot be read: {error.strerror}", "a folder", "check the name and its rights"
        ) from None
    if len(listed) > _MAX_FILES:
        raise _refused(
            folder, f"more than {_MAX_FILES:,} files", "the files of one model", "give the model's own folder"
        )
    for name, status in listed:
        if seen := _strange(name, status):
            action = "chmod a-x" if "executable" in seen else "take it out of the folder"
            raise _refused(folder / name, seen, "plain files with plain names, no folders", action)
    return [OwnFile(name, name, status.st_size) for name, status in listed]


def _strange(name: str, status: os.stat_result) -> str:
    """Why this entry may not be there; empty when it may."""
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link"
    if name.startswith("."):
        return "a hidden file"
    if stat.S_ISDIR(status.st_mode):
        return "a folder"
    if not stat.S_ISREG(status.st_mode):
        return "no plain file (a device, pipe or socket)"
    if not _NAME.match(name):
        return "a name of other characters than A-Z a-z 0-9 . _ -"
    if status.st_mode & 0o7111:
        return "an executable file"
    return "" if status.st_size else "an empty file"


def _named(folder: Path, files: list[OwnFile]) -> tuple[OwnFile, ...]:
    """The only GGUF file gets the name that the engine opens."""
    several = [file for file in files if file.source.endswith(".gguf")]
    if len(several) > 1:
        raise _refused(
            folder, f"{len(several)} GGUF files", "one", "merge its pieces (llama-gguf-split --merge), or keep one"
        )
    return tuple(OwnFile(file.source, "model.gguf", file.size_bytes) if file in several else file for file in files)


def _check(path: Path, file: OwnFile, form: Form) -> None:
    """Raise RefusedError unless the file is of the form that its name says, and belongs to weights of `form`."""
    with opened(path) as content:
        try:
            _check_content(content, file, form)
        except WeightsError as problem:
            seen = kind_of(content) or problem.seen
            raise _refused(path, seen, problem.wanted, "convert it, or take it out of the folder") from None


def _check_content(content: BinaryIO, file: OwnFile, form: Form) -> None:
    if file.name == "model.bin" and form == "ctranslate2":
        check_ctranslate2(content)
    elif file.name == "model.gguf" and form == "gguf":
        check_gguf(content)
    elif (form == "safetensors" and file.name.endswith(".safetensors")) or (
        form == "ctranslate2" and file.name == _SPEAKER
    ):
        check_safetensors(content)
    elif file.name.endswith((".json", ".txt")):
        _check_text(content, file)
    else:
        beside = {"gguf": "model.gguf", "ctranslate2": f"model.bin and {_SPEAKER}", "safetensors": "*.safetensors"}
        raise WeightsError(
            f"a file that does not belong to weights of the form {form}", f"{beside[form]}, *.json, *.txt"
        )


def _check_text(content: BinaryIO, file: OwnFile) -> None:
    text = content.read(_MAX_TEXT_BYTES + 1)
    if len(text) > _MAX_TEXT_BYTES:
        raise WeightsError(f"{file.size_bytes:,} bytes", f"at most {_MAX_TEXT_BYTES:,}")
    if file.name.endswith(".json"):
        found = bounded_json(text, max_bytes=_MAX_TEXT_BYTES, max_brackets=_MAX_BRACKETS)
        if file.name in ("config.json", "tokenizer.json") and not isinstance(found, dict):
            raise WeightsError("JSON that is no object", "an object")
        return
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded or is_old_pickle(text[: 1 << 20]):
        raise WeightsError("no text in UTF-8", "text in UTF-8")


def _shards(folder: Path, names: list[str]) -> list[str]:
    """What a model in pieces lacks. Pieces that no index names are refused: the engine would load some of them."""
    pieces = {name for name in names if name.endswith(".safetensors")}
    if SHARDS not in names:
        return [SHARDS] if len(pieces) > 1 else []
    with opened(folder / SHARDS) as file:
        content = file.read(_MAX_TEXT_BYTES + 1)
    try:
        index = bounded_json(content, max_bytes=_MAX_TEXT_BYTES, max_brackets=_MAX_BRACKETS)
    except WeightsError as problem:
        raise _refused(folder / SHARDS, problem.seen, problem.wanted, "take the publisher's file") from None
    listed = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(listed, dict) or not all(isinstance(name, str) for name in listed.values()):
        raise _refused(folder / SHARDS, "no weight_map of names", "tensor → file", "take the publisher's file")
    if stray := sorted(pieces - set(listed.values())):
        raise _refused(folder / stray[0], f"{SHARDS} does not name it", "the pieces of one model", "take it out")
    return sorted(set(listed.values()) - pieces)


def _refused(path: Path, seen: str, wanted: str, action: str) -> RefusedError:
    return RefusedError(f"{path}: {seen}; wanted: {wanted}", hint=action)
