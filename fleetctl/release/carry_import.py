"""Takes a release from a removable medium into the fleet: everything is verified before anything of it is in the fleet.

Order: index and names → metadata, from the pinned root and not older than what was seen here → manifests → room →
images, streamed under a temporary name and verified → a mark that all of it is good → the final names, timestamp.json
late and root.json last. Before the mark a medium leaves nothing but parts of images; behind it the next run finishes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from appliance.contract.release import ReleaseManifest
from fleetctl import atomic
from fleetctl.errors import ChangeError, RefusedError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.build_known import one_build, sweep
from fleetctl.release.carry import (
    MAX_REPOSITORY_BYTES,
    Carried,
    CarriedIndex,
    image_path,
    repository_files,
    size_of,
)
from fleetctl.release.carry_media import Medium, hostile
from fleetctl.release.carry_receive import check_on_medium, part, receive
from fleetctl.release.repository_client import LIMITS, WHATEVER_AGE, fingerprint, pinned_root
from fleetctl.release.repository_pending import folder as pending_folder
from fleetctl.release.repository_view import View, published
from fleetctl.release.repository_write import COMMIT_PLAN, writing
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress

_MARK = "verified.json"


class _StagedFleet(FleetDir):
    """A fleet directory beside the real one, where the carried repository is verified by what was seen here before."""

    def __init__(self, path: Path) -> None:
        super().__init__(path / "fleet")
        self._state = path / "state"

    @property
    def state_dir(self) -> Path:
        return self._state


@dataclass(frozen=True)
class _Good:
    """A medium whose metadata and manifests were verified; its images were not read yet."""

    index: CarriedIndex
    manifest: ReleaseManifest
    files: dict[str, bytes]


def import_release(
    store: ReleaseStore,
    path: Path,
    clock: Callable[[], datetime],
    progress: Progress,
    *,
    root_sha256: str | None = None,
    dry_run: bool = False,
) -> Carried:
    """Import the release in the folder `path`. `root_sha256` pins the root of a fleet that has no repository yet.

    Raises VerificationError for anything that is not what was signed (nothing is copied then), ChangeError when there
    is no room; run again, it goes on where it was.
    """
    with one_build(store), writing(store):
        if (pending_folder(store) / COMMIT_PLAN).exists():
            raise RefusedError(
                "a change of the release repository was cut off", hint="fleetctl release refresh finishes it"
            )
        staging = store.fleet.state_dir / "releases" / "incoming"
        if (staging / _MARK).exists() and not dry_run:
            progress.line("an import was cut off when everything was verified; it is finished first")
            _publish(store, staging)
        with Medium(path) as medium:
            shutil.rmtree(staging, ignore_errors=True)
            try:
                with progress.step(f"verifying the metadata on {path}"):
                    good = _verified(store, medium, staging, clock(), root_sha256)
                images = _images(store, medium, good, progress, dry_run=dry_run)
                if not dry_run:
                    atomic.write_bytes(staging / _MARK, good.index.content())
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
        if dry_run:
            shutil.rmtree(staging, ignore_errors=True)
        else:
            _publish(store, staging)
            published(store, now=clock())
        return Carried(
            release=good.manifest.name,
            channel=good.index.channel,
            sequence=good.manifest.sequence,
            digest=good.manifest.digest,
            path=store.folder,
            size_bytes=size_of(good.manifest) + sum(map(len, good.files.values())),
            dry_run=dry_run,
            images=images,
        )


def _verified(
    store: ReleaseStore, medium: Medium, staging: Path, now: datetime, root_sha256: str | None
) -> _Good:  # fmt: skip
    """Copy the small files beside the fleet, and read them as a box would. Raises VerificationError."""
    index = medium.index()
    small = [file for file in index.files if not file.path.startswith("images/")]
    if (total := sum(file.size_bytes for file in small)) > MAX_REPOSITORY_BYTES:
        raise hostile(f"{medium.path}: a repository of {total:,} bytes; at most {MAX_REPOSITORY_BYTES:,} are read")
    files = {file.path: medium.read(file, LIMITS.targets_max_length) for file in small}
    if "root.json" not in files:
        raise hostile(f"{medium.path / 'root.json'} is missing")
    pin = _pin(store, files["root.json"], root_sha256)
    if files["root.json"] != pin:
        raise hostile(
            f"{medium.path}: its repository begins with the root {fingerprint(files['root.json'])[:16]}…, this fleet"
            f" has pinned {fingerprint(pin)[:16]}…"
        )
    fleet = _StagedFleet(staging)
    staged = ReleaseStore(fleet)
    for name, content in files.items():
        target = staged.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(target, content)
    _remember(store, fleet)
    view = published(staged, now=now)
    manifest = _manifest(view, index, medium)
    if repository_files(staged, view).keys() != files.keys():
        stray = sorted(files.keys() - repository_files(staged, view).keys())
        raise hostile(f"{medium.path}: {stray[0]} is no part of the signed repository")
    sizes = {file.path: (file.size_bytes, file.sha256) for file in index.files if file.path.startswith("images/")}
    wanted = {image_path(model.root_hash): (model.size_bytes, model.sha256) for model in manifest.components}
    if sizes != wanted:
        wrong = sorted(sizes.items() ^ wanted.items())[0][0]
        raise hostile(f"{medium.path / wrong}: the index does not say of it what the signed manifest says")
    return _Good(index, manifest, files)


def _pin(store: ReleaseStore, carried: bytes, root_sha256: str | None) -> bytes:
    """The root that everything is verified from: the fleet's own, or at the first time the one that a person names."""
    if (store.folder / "root.json").exists():
        pin = pinned_root(store)
        if root_sha256 is not None and fingerprint(pin) != root_sha256.lower():
            raise VerificationError(
                f"this fleet has pinned the root {fingerprint(pin)}; given was {root_sha256[:64]}",
                hint="leave --root-sha256 out: a fleet pins its root once",
            )
        return pin
    if root_sha256 is None:
        raise UsageError(
            "this fleet has no release repository, so there is no root to verify the medium from",
            hint="--root-sha256 HEX: ask the root's holders for it, by another way than the medium",
        )
    if fingerprint(carried) != root_sha256.lower():
        raise hostile(f"the root on the medium has SHA-256 {fingerprint(carried)}; given was {root_sha256[:64]}")
    return carried


def _remember(store: ReleaseStore, fleet: FleetDir) -> None:
    """Let the staged reader know what this machine has verified before, so that an older repository is refused.

    A copy: a medium that is refused in the end has not moved what the fleet remembers.
    """
    if (store.folder / "root.json").exists():
        # The fleet's own repository, of any age: what is in git counts as seen.
        published(store, now=WHATEVER_AGE)
    known = store.fleet.state_dir / "releases" / "trusted"
    if known.is_dir():
        shutil.copytree(known, fleet.state_dir / "releases" / "trusted", symlinks=True)


def _manifest(view: View, index: CarriedIndex, medium: Medium) -> ReleaseManifest:
    try:
        found = view.find(index.channel, index.release)
    except UsageError as error:
        raise hostile(f"{medium.path}: {error.message}") from None
    if found.manifest is None or found.digest != index.digest:
        raise hostile(f"{medium.path}: the index names release {index.release} with digest {index.digest[:16]}…,"
                      f" the signed one has {found.digest[:16]}…")  # fmt: skip
    return found.manifest


def _images(
    store: ReleaseStore, medium: Medium, good: _Good, progress: Progress, *, dry_run: bool
) -> dict[str, str]:  # fmt: skip
    """Have every image verified: in a dry run on the medium, else as a part beside its final name."""
    models = good.manifest.components
    images: dict[str, str] = {}
    if dry_run:
        for model in models:
            check_on_medium(medium, model, progress)
        return images
    needed = 0
    for model in models:
        if store.image(model.root_hash).is_file():
            continue
        there = part(store, model.root_hash)
        needed += model.size_bytes - (min(there.stat().st_size, model.size_bytes) if there.is_file() else 0)
    store.images.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (free := shutil.disk_usage(store.images).free) < needed:
        raise ChangeError(
            f"{store.images}: {needed:,} bytes are needed, {free:,} are free",
            hint="make room there, then run this again: what was copied is kept",
        )
    try:
        for model in models:
            images[model.root_hash] = receive(store, medium, model, progress)
    except VerificationError:
        for model in models:
            part(store, model.root_hash).unlink(missing_ok=True)
        raise
    return images


def _publish(store: ReleaseStore, staging: Path) -> None:
    """Give everything its final name. It may be cut off anywhere and is then done again from the mark."""
    try:
        index = CarriedIndex.model_validate_json((staging / _MARK).read_bytes())
    except ValidationError:
        shutil.rmtree(staging)
        raise ChangeError(f"{staging / _MARK} was not readable and was removed", hint="run this again") from None
    for file in index.files:
        if file.path.startswith("images/"):
            incoming = part(store, Path(file.path).stem)
            if incoming.exists():
                incoming.replace(store.image(Path(file.path).stem))
    atomic.sync_directory(store.images)
    staged = ReleaseStore(_StagedFleet(staging)).folder
    small = [file.path for file in index.files if not file.path.startswith("images/")]
    # A reader sees the old repository until timestamp.json is there, and none at all until root.json is.
    late = {"metadata/timestamp.json": 1, "root.json": 2}
    for path in sorted(small, key=lambda path: (late.get(path, 0), path)):
        target = store.folder / path
        content = (staged / path).read_bytes()
        if not (target.is_file() and target.read_bytes() == content):
            target.parent.mkdir(parents=True, exist_ok=True)
            sweep(target)
            atomic.write_bytes(target, content)
    shutil.rmtree(staging)
