"""Writes a release to a removable medium. Its folder appears under its name when everything is on the medium."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from appliance.contract.release import Component, ReleaseManifest
from fleetctl import atomic
from fleetctl.errors import ChangeError, RefusedError, UsageError, VerificationError
from fleetctl.release.build_images import full, sha256_of
from fleetctl.release.build_known import one_build
from fleetctl.release.carry import INDEX, Carried, CarriedFile, CarriedIndex, image_path, repository_files, size_of
from fleetctl.release.carry_stream import stream
from fleetctl.release.repository_drafts import find_release
from fleetctl.release.repository_view import published
from fleetctl.release.repository_write import writing
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress


def export(
    store: ReleaseStore,
    name: str,
    channel: str,
    medium: Path,
    clock: Callable[[], datetime],
    progress: Progress,
    *,
    dry_run: bool = False,
) -> Carried:
    """Copy a published release to `medium`/NAME. What a run that was cut off has copied is not copied again.

    Raises VerificationError for a repository or image that is not what was signed, ChangeError for a full medium.
    """
    if not medium.is_dir():
        raise UsageError(f"{medium} is no folder", hint="mount the medium, and name its folder with --to")
    with one_build(store):
        with progress.step("verifying the repository"), writing(store):
            view = published(store, now=clock())
            found = find_release(store, view, channel, name)
            files = repository_files(store, view)
        manifest = found.manifest
        if manifest is None:
            raise VerificationError(f"{name} has no manifest", hint="fleetctl release verify")
        final, work = medium / name, medium / f".{name}.partial"
        if os.path.lexists(final):
            raise RefusedError(f"{final} exists", hint="remove it, or export to another folder")
        _check_room(store, medium, work, manifest, files)
        images = {}
        if not dry_run:
            for model in manifest.components:
                images[model.root_hash] = _image(store, model, work, progress)
            _finish(work, final, CarriedIndex(
                release=name, channel=channel, digest=manifest.digest, files=_listed(files, manifest)
            ), files)  # fmt: skip
        return Carried(
            release=name,
            channel=channel,
            sequence=manifest.sequence,
            digest=manifest.digest,
            path=final,
            size_bytes=size_of(manifest) + sum(map(len, files.values())),
            dry_run=dry_run,
            images=images,
        )


def _listed(files: dict[str, bytes], manifest: ReleaseManifest) -> tuple[CarriedFile, ...]:
    small = [
        CarriedFile(path=path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
        for path, content in sorted(files.items())
    ]
    large = [
        CarriedFile(path=image_path(model.root_hash), sha256=model.sha256, size_bytes=model.size_bytes)
        for model in manifest.components
    ]
    return (*small, *large)


def _check_room(
    store: ReleaseStore, medium: Path, work: Path, manifest: ReleaseManifest, files: dict[str, bytes]
) -> None:  # fmt: skip
    needed = sum(map(len, files.values()))
    for model in manifest.components:
        if not store.image(model.root_hash).is_file():
            raise VerificationError(
                f"{store.image(model.root_hash)} is missing: the image of {model.name}",
                hint="fleetctl release build makes it again, fleetctl release import brings it",
            )
        there = work / image_path(model.root_hash)
        needed += model.size_bytes - (min(there.stat().st_size, model.size_bytes) if there.is_file() else 0)
    free = shutil.disk_usage(medium).free
    if free < needed:
        raise ChangeError(
            f"{medium}: {needed:,} bytes are needed, {free:,} are free", hint="make room there, or take a larger medium"
        )


def _image(store: ReleaseStore, model: Component, work: Path, progress: Progress) -> str:
    target = work / image_path(model.root_hash)
    with progress.step(f"copying {model.name} ({model.size_bytes:,} bytes)") as step:
        count = step.counter(model.size_bytes)
        if target.is_file() and target.stat().st_size == model.size_bytes and sha256_of(target, count) == model.sha256:
            step.result("there")
            return "there"
        count = step.counter(model.size_bytes)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = _copied(store.image(model.root_hash), target, model.size_bytes, count)
        except OSError as error:
            # Nobody takes a part for a release: it has no index and another name. The room is given back.
            target.unlink(missing_ok=True)
            raise full(error, target, model.size_bytes) from None
        if digest != model.sha256:
            target.unlink()
            raise VerificationError(
                f"{store.image(model.root_hash)}: SHA-256 {digest}; wanted: {model.sha256}",
                hint="the image was damaged: fleetctl release build makes it again, fleetctl release import brings it",
            )
    return "copied"


def _copied(source: Path, target: Path, most: int, on_bytes: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as origin, target.open("wb") as copy:
        stream(origin, most + 1, digest.update, on_bytes, copy.write)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


def _finish(work: Path, final: Path, index: CarriedIndex, files: dict[str, bytes]) -> None:
    """The small files, the index last, then the name. What an earlier run left beside them goes."""
    try:
        for old in [path for path in work.iterdir() if path.name != "images"]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        wanted = {work / each.path for each in index.files}
        for stray in set((work / "images").iterdir()) - wanted:
            stray.unlink()
        for path, content in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            _write(work / path, content)
        _write(work / INDEX, index.content())
        for folder in (*(path for path in work.rglob("*") if path.is_dir()), work):
            atomic.sync_directory(folder)
        work.rename(final)
        atomic.sync_directory(final.parent)
    except OSError as error:
        raise full(error, work, sum(map(len, files.values()))) from None


def _write(path: Path, content: bytes) -> None:
    # Not atomic.write_bytes: a stick's file system has no modes, and the folder's name is what makes it whole.
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
