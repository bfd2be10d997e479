"""The folder that an operator sends to: made ready for one image, so that as little as possible has to be sent."""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.contract.release_incoming import EVALUATION_FOLDER, Incoming, IncomingImage
from appliance.errors import NotVerifiedError, RefusedError, UnknownStateError
from appliance.release.partial import Received, plain, sync
from appliance.release.receivers import end_writers, writers_of
from appliance.release.record import plain as one_line

# Visits are written to the same volume. Health calls a file system with less than 3 % critical.
KEPT_FREE_SHARE = 0.04
# Below this, what was received is sent again rather than the whole older image copied behind it.
WORTH_KEEPING_BYTES = 8 << 20
# From one release to the next, so that a set which has not changed is not sent again.
SET_KEPT_S = 60 * 86_400

_PIECE_BYTES = 1 << 20

Room = Callable[[Path], tuple[int, int]]
"""Free and all bytes of the volume that a folder lies on."""


class Held(Protocol):
    """What the box has that may be like an image which will be sent."""

    @property
    def size_bytes(self) -> int:
        """Of all pieces."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """The whole of it. Raises UnknownStateError, OSError."""
        ...


FindSystem = Callable[[str], Held | None]
"""The running operating system, by its root hash; None for another. Raises UnknownStateError, NotVerifiedError,
OSError."""


@dataclass(frozen=True)
class _KeptImage:
    path: Path

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    def pieces(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece


@dataclass(frozen=True)
class WantedFile:
    """An image that will be sent, and the image on the box that may be like it."""

    root_hash: str
    size_bytes: int
    basis: str | None = None


@dataclass(frozen=True)
class Arrivals:
    """`incoming/` of the box's releases, and the images that are kept beside it."""

    releases: Path

    @property
    def incoming(self) -> Path:
        """All that is sent."""
        return self.releases / "incoming"

    @property
    def images(self) -> Path:
        """Images that are sent, as ROOT_HASH.raw."""
        return self.incoming / "images"

    @property
    def received(self) -> Received:
        """What came of images so far, and what a delta starts from: `basis/ROOT_HASH/ROOT_HASH.raw`."""
        return Received(self.images, self.incoming / "basis")

    def kept(self, root_hash: str) -> Path:
        """An image that the box has."""
        return self.releases / "images" / f"{root_hash}.raw"


def volume_room(folder: Path) -> tuple[int, int]:
    """Ask the kernel."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def prepare(
    arrivals: Arrivals,
    wanted: WantedFile | None,
    *,
    room: Room = volume_room,
    end: Callable[[Path], None] = end_writers,
    writers: Callable[[Path], list[int]] = writers_of,
    now: Callable[[], float] = time.time,
    system: FindSystem = lambda _: None,
) -> Incoming:
    """Make the folders, and for an image what a transfer of it starts from. Raises RefusedError: nothing is sent then.

    It may be called again at any time: a receiver of an earlier transfer of this image is ended, what it had is kept.
    What bases of other images take of the disk is given back, where nobody receives those. `system` gives the running
    system, which is in a slot and no file.
    """
    try:
        _folders(arrivals)
        with _turn(arrivals.incoming):
            _forget_sets(arrivals.incoming / EVALUATION_FOLDER, now())
            _give_back(arrivals, wanted, writers)
            image = _image(arrivals, wanted, room, end, system) if wanted is not None else None
            free, _ = _free(arrivals, room)
    except OSError as problem:
        where = problem.filename or arrivals.incoming
        raise UnknownStateError(
            f"{where}: {problem.strerror or problem}", hint="is the state volume mounted, writable and not full?"
        ) from None
    return Incoming(
        repository=str(arrivals.incoming / "repository"),
        images=str(arrivals.images),
        evaluation=str(arrivals.incoming / EVALUATION_FOLDER),
        free_bytes=max(0, free),
        image=image,
    )


def tidy(arrivals: Arrivals, root_hashes: tuple[str, ...]) -> None:
    """Forget what was only needed to send these images. For who has taken them over."""
    if not arrivals.images.is_dir():
        return
    for root_hash in root_hashes:
        arrivals.received.drop(root_hash)
        for path in arrivals.received.left_over().get(root_hash, ()):
            path.unlink(missing_ok=True)


def give_back_all(arrivals: Arrivals) -> None:
    """Free what bases take of the disk, when nothing is received: at the start of the machine. As `prepare` raises."""
    if arrivals.received.bases.is_dir():
        with _turn(arrivals.incoming):
            _give_back(arrivals, None, lambda _: [])


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One after the other: two orders at once would take each other's files for what a dead receiver left."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _folders(arrivals: Arrivals) -> None:
    folders = (
        arrivals.releases, arrivals.incoming, arrivals.incoming / "repository", arrivals.incoming / EVALUATION_FOLDER,
        arrivals.images, arrivals.received.folder, arrivals.received.bases,
    )  # fmt: skip
    for folder in folders:
        try:
            found = folder.lstat()
        except FileNotFoundError:
            folder.mkdir(mode=0o700, parents=folder == arrivals.releases)
            sync(folder.parent)
            continue
        if not stat.S_ISDIR(found.st_mode):
            raise RefusedError(f"{folder}: a folder was wanted, this is none", hint="look who made it, and remove it")


def _forget_sets(folder: Path, now_s: float) -> None:
    """Remove evaluation sets that nobody has sent for long: they hold encounters, and a release sends its own."""
    for path in folder.rglob("*"):
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) and now_s - found.st_mtime > SET_KEPT_S:
            path.unlink()


def _free(arrivals: Arrivals, room: Room) -> tuple[int, int]:
    """Free bytes without what is kept for the services, and that share."""
    free, size = room(arrivals.incoming)
    kept = int(size * KEPT_FREE_SHARE)
    return free - kept, kept


def _give_back(arrivals: Arrivals, wanted: WantedFile | None, writers: Callable[[Path], list[int]]) -> None:
    received, left = arrivals.received, arrivals.received.left_over()
    for entry in received.bases.iterdir():
        name = entry.name
        if (wanted is None or name != wanted.root_hash) and not any(map(writers, left.get(name, ()))):
            arrived = (arrivals.images / f"{name}.raw").exists()
            received.give_back(name, arrived, links=wanted is not None)


def _image(
    arrivals: Arrivals, wanted: WantedFile, room: Room, end: Callable[[Path], None], system: FindSystem
) -> IncomingImage:
    received, name = arrivals.received, wanted.root_hash
    plain(arrivals.images / f"{name}.raw")  # rsync will replace it, and it is no link to elsewhere
    for path in received.left_over().get(name, ()):
        end(path)
    have = received.collect(name)
    older, no_basis = _older(arrivals, wanted), ""
    if older is not None and have < WORTH_KEEPING_BYTES:
        received.drop(name)
        have = 0
    _make_room(arrivals, wanted, have, room, end)
    basis, appended = have == 0 and older is not None, 0
    if basis and older is not None:
        received.link_basis(name, older)
    else:
        try:
            basis, appended, no_basis = _copied(arrivals, wanted, have, _held(older, wanted, system), room)
        except (OSError, UnknownStateError, NotVerifiedError) as problem:
            no_basis = f"what this box has cannot be copied: {problem}"
    return IncomingImage(
        root_hash=name,
        basis=str(received.basis_folder(name)) if basis else None,
        received_bytes=have,
        appended_bytes=appended,
        needed_bytes=wanted.size_bytes if basis else wanted.size_bytes - min(have, wanted.size_bytes),
        no_basis=one_line(no_basis),
    )


def _older(arrivals: Arrivals, wanted: WantedFile) -> Path | None:
    """The image on the box that is most like it: itself, else the one that its task uses."""
    for root_hash in (wanted.root_hash, wanted.basis):
        if root_hash is not None:
            path = arrivals.kept(root_hash)
            # Not `plain`: it has more names, and is only read.
            if path.is_file() and not path.is_symlink():
                return path
    return None


def _held(older: Path | None, wanted: WantedFile, system: FindSystem) -> Held | None:
    if older is not None:
        return _KeptImage(older)
    return system(wanted.basis) if wanted.basis is not None else None


def _copied(
    arrivals: Arrivals, wanted: WantedFile, have: int, held: Held | None, room: Room
) -> tuple[bool, int, str]:  # fmt: skip
    """Make a basis file of what was received and what the box has, where there is room for it beside the image.

    Returns whether there is one, the bytes of it that are a copy, and why there is none.
    """
    size = 0 if held is None else held.size_bytes
    if not have and not size:
        return False, 0, ""
    free, kept = _free(arrivals, room)
    if free < wanted.size_bytes + size:
        return False, 0, (
            f"a copy of what this box has needs {size} bytes beside the image's {wanted.size_bytes}, "
            f"{max(0, free)} are free ({kept} are kept for the services)"
        )  # fmt: skip
    make = arrivals.received.as_basis if have else arrivals.received.copy_basis
    return True, make(wanted.root_hash, () if held is None else held.pieces()), ""


def _make_room(arrivals: Arrivals, wanted: WantedFile, have: int, room: Room, end: Callable[[Path], None]) -> None:
    """See that the rest of the image fits, at the cost of what was received of other images."""
    received, name = arrivals.received, wanted.root_hash
    needed = max(0, wanted.size_bytes - have)
    if _free(arrivals, room)[0] < needed:
        for other, paths in received.left_over().items():
            if other != name:
                for path in paths:
                    end(path)
                    path.unlink(missing_ok=True)
    for other in received.others(name):
        if _free(arrivals, room)[0] >= needed:
            break
        received.drop(other)
    free, kept = _free(arrivals, room)
    if free < needed:
        raise RefusedError(
            f"{arrivals.images}: the image needs {needed} bytes more, {max(0, free)} are free"
            f" ({kept} are kept for the services)",
            hint="remove what is not needed from the state volume, or enlarge it",
        )
