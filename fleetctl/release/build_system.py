"""Packs a built OS image as the one file that a release carries: the split artifacts, one behind the other.

The parts and their order are those of `SystemComponent`. Zeros at the end of the hash tree and of the signature are
left out: mkosi fills both to the size of their partition.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.release import SystemComponent, SystemPart
from fleetctl import atomic
from fleetctl.errors import VerificationError
from fleetctl.image.manifest import ImageManifest
from fleetctl.release.build_images import OnBytes, check_file, full
from fleetctl.release.store import ReleaseStore

_SUFFIXES = {
    "usr": ".usr-x86-64.raw", "verity": ".usr-x86-64-verity.raw", "signature": ".usr-x86-64-verity-sig.raw",
    "kernel": ".efi",
}  # fmt: skip
_FILLED = ("verity", "signature")
_CHUNK, _BLOCK = 4 << 20, 4096


@dataclass(frozen=True)
class PackedSystem:
    """A finished OS image, read and checked."""

    component: SystemComponent
    paths: dict[str, Path]

    def content(self) -> Iterator[bytes]:
        """The file, piece by piece. Raises OSError."""
        for name, part in self.component.parts.items():
            left = part.size_bytes
            with self.paths[name].open("rb") as file:
                while left and (chunk := file.read(min(_CHUNK, left))):
                    left -= len(chunk)
                    yield chunk


def pack_system(folder: Path, built: ImageManifest, on_bytes: OnBytes = lambda count: None) -> PackedSystem:
    """Read the artifacts beside an image's manifest. Raises VerificationError when one is another."""
    hint = f"fleetctl image build --profile {built.profile}"
    paths = {name: folder / f"edge-{built.profile}{suffix}" for name, suffix in _SUFFIXES.items()}
    digests = {file.name: (file.size_bytes, file.sha256) for file in built.files}
    whole, parts, size = hashlib.sha256(), {}, 0
    for name, path in paths.items():
        try:
            kept = _kept_bytes(path) if name in _FILLED else path.stat().st_size
            found = _digests(path, kept, whole, on_bytes)
        except OSError as error:
            raise VerificationError(f"{path} cannot be read: {error.strerror}", hint=hint) from None
        if (path.stat().st_size, found[0]) != digests.get(path.name):
            raise VerificationError(f"{path} is not the file that was built", hint=hint)
        parts[name] = SystemPart(sha256=found[1], size_bytes=kept)
        size += kept
    _check(paths, built, hint)
    component = SystemComponent(
        version=built.version, root_hash=built.usr_root_hash, sha256=whole.hexdigest(), size_bytes=size, **parts
    )  # fmt: skip
    return PackedSystem(component, paths)


def place_system(packed: PackedSystem, store: ReleaseStore, on_bytes: OnBytes = lambda count: None) -> str:
    """Put the file into the store and return how: copied. It is verified before it has its name."""
    wanted = packed.component
    target = store.image(wanted.root_hash)
    hint = "build it again: fleetctl image build"
    store.images.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = store.images / f".{wanted.root_hash}.new"
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as copy:
            for chunk in packed.content():
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        check_file(temporary, wanted.size_bytes, wanted.sha256, hint, on_bytes)
        temporary.replace(target)
        atomic.sync_directory(store.images)
    except OSError as error:
        raise full(error, temporary, wanted.size_bytes) from None
    finally:
        temporary.unlink(missing_ok=True)
    return "copied"


def _kept_bytes(path: Path) -> int:
    """Length without the blocks of zeros at the end."""
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        while at > _BLOCK:
            begin = max(0, at - _CHUNK) // _BLOCK * _BLOCK
            file.seek(begin)
            kept = len(file.read(at - begin).rstrip(b"\0"))
            if kept:
                return begin + -(-kept // _BLOCK) * _BLOCK if begin + kept > _BLOCK else _BLOCK
            at = begin
    return min(_BLOCK, path.stat().st_size)


def _digests(path: Path, kept: int, whole: hashlib._Hash, on_bytes: Callable[[int], None]) -> tuple[str, str]:
    """SHA-256 of the file and of what is kept of it; `whole` gets the latter as well."""
    file_digest, part_digest = hashlib.sha256(), hashlib.sha256()
    left = kept
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            file_digest.update(chunk)
            part_digest.update(chunk[:left])
            whole.update(chunk[:left])
            left = max(0, left - len(chunk))
            on_bytes(len(chunk))
    return file_digest.hexdigest(), part_digest.hexdigest()


def _check(paths: dict[str, Path], built: ImageManifest, hint: str) -> None:
    """Signature, kernel and manifest name one root hash: what a box demands as well, before it writes anything."""
    try:
        signed = json.loads(paths["signature"].read_bytes().rstrip(b"\0"))["rootHash"]
    except (ValueError, KeyError, TypeError):
        raise VerificationError(f"{paths['signature']} is not readable", hint=hint) from None
    if signed != built.usr_root_hash:
        raise VerificationError(f"{paths['signature']} is for root hash {signed}", hint=hint)
    if f"usrhash={built.usr_root_hash}".encode() not in paths["kernel"].read_bytes():
        raise VerificationError(f"{paths['kernel']} does not name root hash {built.usr_root_hash}", hint=hint)
