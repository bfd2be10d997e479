"""The unified kernel images on the boot partition, and which of them the boot loader takes.

systemd-boot takes the first of its list: images with tries left before those without, then the newer IMAGE_VERSION,
then the greater file name. A name `NAME+LEFT-DONE.efi` counts: the loader takes one try before it starts the image, so
that a system which never says that it is good falls behind the other one by itself. Nobody else counts here: an image
on trial is made good by the release machine, when the set has been probed, and by nothing before that.

  trial   the image has tries, the running one has the next place behind it, also when all tries are gone
  keep    the image has no counter, every other one has no tries: it is started by nothing but a human hand
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ApplianceError, NotVerifiedError, UnknownStateError
from appliance.release.disk import Disk
from appliance.release.kernel_image import TEXT_BYTES, read_image

TRIES = 3
_NAME = re.compile(r"^(?P<stem>.+?)(?:\+(?P<left>[0-9]{1,4})(?:-(?P<done>[0-9]{1,4}))?)?\.efi$", re.IGNORECASE)
_OURS = re.compile(r"^edge_([0-9]{4,8})$")


@dataclass(frozen=True)
class BootFile:
    """An image in /EFI/Linux. `left`: tries; None: not counted."""

    path: Path
    stem: str
    left: int | None
    root_hash: str
    version: str


def is_newer(one: str, other: str) -> bool:
    """Whether the boot loader sorts version `one` before `other`: systemd's own comparison, which is the loader's."""
    try:
        done = subprocess.run(
            ["systemd-analyze", "compare-versions", one or "0", "gt", other or "0"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnknownStateError(f"versions cannot be compared: {error}", hint="look at systemd-analyze") from None
    if done.returncode not in (0, 1):
        raise UnknownStateError(f"versions {one!r} and {other!r} cannot be compared", hint="look at systemd-analyze")
    return done.returncode == 0


@dataclass(frozen=True)
class BootFiles:
    """Those of one boot partition, which is mounted at `top`. Every method raises OSError."""

    top: Path
    disk: Disk
    newer: Callable[[str, str], bool] = is_newer

    @property
    def folder(self) -> Path:
        """Where the boot loader looks."""
        return self.top / "EFI" / "Linux"

    def waiting(self, root_hash: str) -> Path:
        """Where an image waits for its activation: the boot loader does not look there."""
        return self.top / "EFI" / "appliance" / f"{root_hash}.uki"

    def listed(self) -> list[BootFile]:
        """All that name a root hash; others are nobody's business."""
        found = []
        for path in sorted(self.folder.glob("*")) if self.folder.is_dir() else []:
            match = _NAME.match(path.name)
            if match is None or not path.is_file():
                continue
            with path.open("rb") as file:
                content = file.read(TEXT_BYTES)
            try:
                image = read_image(content, path.stat().st_size)
            except NotVerifiedError:
                continue
            left = int(match["left"]) if match["left"] is not None else None
            found.append(BootFile(path, match["stem"], left, image.root_hash, image.version))
        return found

    def find(self, root_hash: str) -> BootFile | None:
        """The image of a root hash."""
        return next((each for each in self.listed() if each.root_hash == root_hash), None)

    def has(self, root_hash: str) -> bool:
        """Whether the image waits or is listed."""
        return self.waiting(root_hash).is_file() or self.find(root_hash) is not None

    def put(self, root_hash: str, content: bytes) -> None:
        """Have an image wait."""
        path = self.waiting(root_hash)
        for stale in path.parent.glob("*") if path.parent.is_dir() else []:
            self.disk.remove(stale)
        self.disk.make_directory(path.parent)
        # The file system knows no modes; this is what the mount says of every file.
        self.disk.replace(path, content, mode=0o700)

    def forget(self, root_hashes: set[str]) -> None:
        """Remove every image but these."""
        for each in self.listed():
            if each.root_hash not in root_hashes:
                self.disk.remove(each.path)

    def trial(self, root_hash: str, running: str) -> None:
        """Have an image started next, so often, and then the running one again. Raises ApplianceError."""
        if root_hash == running:
            raise ApplianceError("the system that is to be tried runs already", hint="there is nothing to start")
        files = self.listed()
        now = next((each for each in files if each.root_hash == running), None)
        if now is None:
            raise ApplianceError(
                "the running system has no image on the boot partition: there would be no way back",
                hint="look at /EFI/Linux of the boot partition; provision the machine again",
            )
        found = next((each for each in files if each.root_hash == root_hash), None)
        waiting = self.waiting(root_hash)
        if found is None and not waiting.is_file():
            raise ApplianceError("the other system has no image on the boot partition", hint="stage the release again")
        source = found.path if found is not None else waiting
        with source.open("rb") as file:
            version = read_image(file.read(TEXT_BYTES), source.stat().st_size).version
        numbers = [int(match[1]) for each in files if each.path != source and (match := _OURS.match(each.stem))]
        # Greater than the other's, so that of two images of one version the one on trial is the first.
        self._rename(source, f"edge_{1 + max([0, *numbers]):04d}+{TRIES}.efi")
        behind = f"{now.stem}+0.efi" if self.newer(now.version, version) else f"{now.stem}.efi"
        self._rename(now.path, behind)

    def keep(self, root_hash: str) -> None:
        """Have an image started from now on, and none of the others. Raises ApplianceError when it is not there."""
        found = self.find(root_hash)
        if found is None:
            raise ApplianceError(
                "the system that is to stay has no image on the boot partition", hint="look at /EFI/Linux there"
            )
        self._rename(found.path, f"{found.stem}.efi")
        for each in self.listed():
            if each.root_hash != root_hash:
                self._rename(each.path, f"{each.stem}+0.efi")

    def _rename(self, path: Path, name: str) -> None:
        target = self.folder / name
        if path != target:
            self.disk.move(path, target)
