"""The folder that an operator sends to: made ready for one image, so that as little as possible has to be sent."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.release_incoming import EVALUATION_FOLDER, Incoming, IncomingImage
from appliance.errors import RefusedError, UnknownStateError
from appliance.release.partial import Partials, plain, sync
from appliance.release.receivers import end_writers

ROOT_VARIABLE = "APPLIANCE_RELEASE_ROOT"
_RELEASES = "var/lib/appliance/releases"
# Visits are written to the same volume. Health calls a file system with less than 3 % critical.
KEPT_FREE_SHARE = 0.04
# Below this, what was received is sent again rather than the whole older image copied behind it.
WORTH_KEEPING_BYTES = 8 << 20

Room = Callable[[Path], tuple[int, int]]
"""Free and all bytes of the volume that a folder lies on."""


@dataclass(frozen=True)
class WantedFile:
    """An image that will be sent, and the image on the box that may be like it."""

    root_hash: str
    size_bytes: int
    basis: str | None = None


@dataclass(frozen=True)
class Places:
    """`incoming/` and the images that are kept."""

    releases: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Places":
        """Where they lie here; a test puts a folder in front."""
        return cls(Path(environment.get(ROOT_VARIABLE) or "/") / _RELEASES)

    @property
    def incoming(self) -> Path:
        """All that is sent."""
        return self.releases / "incoming"

    @property
    def images(self) -> Path:
        """Images that are sent, as ROOT_HASH.raw."""
        return self.incoming / "images"

    @property
    def basis(self) -> Path:
        """ROOT_HASH/ROOT_HASH.raw: a second name of the older image, for the time of a transfer."""
        return self.incoming / "basis"

    def kept(self, root_hash: str) -> Path:
        """An image that the box has."""
        return self.releases / "images" / f"{root_hash}.raw"


def volume_room(folder: Path) -> tuple[int, int]:
    """Ask the kernel."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def prepare(
    places: Places,
    wanted: WantedFile | None,
    *,
    room: Room = volume_room,
    end: Callable[[Path], None] = end_writers,
) -> Incoming:
    """Make the folders, and for an image what a transfer of it starts from. Raises RefusedError: nothing is sent then.

    It may be called again at any time: a receiver of an earlier transfer of this image is ended, what it had is kept.
    """
    try:
        _folders(places)
        image = _image(places, wanted, room, end) if wanted is not None else None
        free, _ = _free(places, room)
    except OSError as problem:
        where = problem.filename or places.incoming
        raise UnknownStateError(
            f"{where}: {problem.strerror or problem}", hint="is the state volume mounted, writable and not full?"
        ) from None
    return Incoming(
        repository=str(places.incoming / "repository"),
        images=str(places.images),
        evaluation=str(places.incoming / EVALUATION_FOLDER),
        free_bytes=max(0, free),
        image=image,
    )


def tidy(places: Places, root_hashes: tuple[str, ...]) -> None:
    """Forget what was only needed to send these images. For who has taken them over."""
    partials = Partials(places.images)
    if not places.images.is_dir():
        return
    for root_hash in root_hashes:
        partials.drop(root_hash)
        for path in partials.left_over().get(root_hash, ()):
            path.unlink(missing_ok=True)
        _unlink_basis(places, root_hash)


def _folders(places: Places) -> None:
    folders = (
        places.releases, places.incoming, places.incoming / "repository", places.incoming / EVALUATION_FOLDER,
        places.images, Partials(places.images).folder, places.basis,
    )  # fmt: skip
    for folder in folders:
        try:
            found = folder.lstat()
        except FileNotFoundError:
            folder.mkdir(mode=0o700, parents=folder == places.releases)
            sync(folder.parent)
            continue
        if not stat.S_ISDIR(found.st_mode):
            raise RefusedError(f"{folder}: a folder was wanted, this is none", hint="look who made it, and remove it")


def _free(places: Places, room: Room) -> tuple[int, int]:
    """Free bytes without what is kept for the services, and that share."""
    free, size = room(places.incoming)
    kept = int(size * KEPT_FREE_SHARE)
    return free - kept, kept


def _image(places: Places, wanted: WantedFile, room: Room, end: Callable[[Path], None]) -> IncomingImage:
    partials, name = Partials(places.images), wanted.root_hash
    plain(places.images / f"{name}.raw")  # rsync would replace it, and it is no link to elsewhere
    for path in partials.left_over().get(name, ()):
        end(path)
    partials.adopt(name)
    received = partials.cut_back(name)
    older = _older(places, wanted)
    if older is not None and received < WORTH_KEEPING_BYTES:
        partials.drop(name)
        received = 0
    received = _make_room(places, wanted, received, room, end)
    appended = 0
    if received and older is not None and _free(places, room)[0] >= wanted.size_bytes + older.stat().st_size:
        appended = partials.append(name, older)
    for entry in places.basis.iterdir():
        _unlink_basis(places, entry.name)
    basis = _link_basis(places, name, older) if older is not None and not received else None
    return IncomingImage(
        root_hash=name,
        basis=None if basis is None else str(basis),
        received_bytes=received,
        appended_bytes=appended,
        needed_bytes=wanted.size_bytes,
    )


def _older(places: Places, wanted: WantedFile) -> Path | None:
    """The image on the box that is most like it: itself, else the one that its task uses."""
    for root_hash in (wanted.root_hash, wanted.basis):
        if root_hash is not None:
            path = places.kept(root_hash)
            # Not `plain`: it has more names, and is only read.
            if path.is_file() and not path.is_symlink():
                return path
    return None


def _make_room(places: Places, wanted: WantedFile, received: int, room: Room, end: Callable[[Path], None]) -> int:
    """See that the image fits, at the cost of what was received of others; returns what is left of its own."""
    partials, name = Partials(places.images), wanted.root_hash
    if _free(places, room)[0] < wanted.size_bytes:
        for other, paths in partials.left_over().items():
            if other != name:
                for path in paths:
                    end(path)
                    path.unlink(missing_ok=True)
    for other in partials.others(name):
        if _free(places, room)[0] >= wanted.size_bytes:
            break
        partials.drop(other)
    free, kept = _free(places, room)
    if free < wanted.size_bytes <= free + received:
        partials.drop(name)
        return 0
    if free < wanted.size_bytes:
        raise RefusedError(
            f"{places.images}: the image needs {wanted.size_bytes} bytes, {max(0, free)} are free"
            f" ({kept} are kept for the services)",
            hint="remove what is not needed from the state volume, or enlarge it",
        )
    return received


def _link_basis(places: Places, name: str, older: Path) -> Path:
    folder = places.basis / name
    folder.mkdir(mode=0o700)
    os.link(older, folder / f"{name}.raw", follow_symlinks=False)
    return folder


def _unlink_basis(places: Places, name: str) -> None:
    """Only names go; the older image stays where it is kept."""
    folder = places.basis / name
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    for entry in folder.iterdir():
        entry.unlink()
    folder.rmdir()
