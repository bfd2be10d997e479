"""Streams images from a medium into the store, verified while they are copied and resumed where they broke off."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from appliance.contract.release import CodePackComponent, Component, SystemComponent
from fleetctl.errors import VerificationError
from fleetctl.image import gpt
from fleetctl.release.build_images import full, sha256_of
from fleetctl.release.carry import image_path
from fleetctl.release.carry_media import Medium, hostile
from fleetctl.release.carry_stream import stream
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress, Step


def part(store: ReleaseStore, root_hash: str) -> Path:
    """Where an image lies until everything of its release is verified."""
    return store.images / f".{root_hash}.part"


def receive(store: ReleaseStore, medium: Medium, model: Component, progress: Progress) -> str:
    """Return how the image came: there, copied or resumed. The part is verified then, and still has its own name.

    Raises VerificationError for another image than the manifest's, ChangeError when it cannot be written.
    """
    target, incoming = store.image(model.root_hash), part(store, model.root_hash)
    with progress.step(f"copying {model.name} ({model.size_bytes:,} bytes)") as step:
        if _whole(target, model, step.counter(model.size_bytes)):
            incoming.unlink(missing_ok=True)
            step.result("there")
            return "there"
        try:
            how = _received(medium, model, incoming, step)
        except OSError as error:
            raise full(error, incoming, model.size_bytes) from None
        step.result(how)
    if isinstance(model, CodePackComponent | SystemComponent):
        # No image: its digest, which was compared, is all there is to it; the parts of a system stand in the manifest.
        return how
    try:
        root_hash = gpt.verity_root_hash(incoming, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG)
    except VerificationError as error:
        raise hostile(f"{medium.path / image_path(model.root_hash)}: {error.message}") from None
    if root_hash != model.root_hash:
        raise hostile(f"{medium.path / image_path(model.root_hash)} is the image with root hash {root_hash}")
    return how


def check_on_medium(medium: Medium, model: Component, progress: Progress) -> None:
    """Verify an image where it lies. Raises VerificationError."""
    with progress.step(f"reading {model.name} ({model.size_bytes:,} bytes)") as step:
        digest = hashlib.sha256()
        with medium.opened(image_path(model.root_hash)) as source:
            stream(source, model.size_bytes, digest.update, step.counter(model.size_bytes))
        _same(medium, model, digest.hexdigest())


def _received(medium: Medium, model: Component, incoming: Path, step: Step) -> str:
    begun = incoming.stat().st_size if incoming.is_file() and not incoming.is_symlink() else 0
    if 0 < begun <= model.size_bytes and _copied(medium, model, incoming, begun, step) == model.sha256:
        return "resumed"
    # The part was of another copy, or was damaged when the power went: the medium decides.
    incoming.unlink(missing_ok=True)
    found = _copied(medium, model, incoming, 0, step)
    _same(medium, model, found)
    return "copied"


def _copied(medium: Medium, model: Component, incoming: Path, begun: int, step: Step) -> str:
    """Copy the rest behind the first `begun` bytes of a part, and return the digest of the whole."""
    digest = hashlib.sha256()
    count = step.counter(model.size_bytes)
    with medium.opened(image_path(model.root_hash)) as source, incoming.open("r+b" if begun else "xb") as copy:
        if begun:
            stream(copy, begun, digest.update, count)
            source.seek(begun)
            copy.seek(begun)
        # One byte more than is wanted, so that a file that grows is told from the right one.
        stream(source, model.size_bytes - begun + 1, digest.update, count, copy.write)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


def _whole(path: Path, model: Component, on_bytes: Callable[[int], None]) -> bool:
    there = path.is_file() and path.stat().st_size == model.size_bytes
    return there and sha256_of(path, on_bytes) == model.sha256


def _same(medium: Medium, model: Component, found: str) -> None:
    if found != model.sha256:
        raise hostile(
            f"{medium.path / image_path(model.root_hash)}: SHA-256 {found}; the signed manifest wants {model.sha256}"
        )
