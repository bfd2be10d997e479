"""The images on the box: taken in from what arrived, proven, kept by root hash, and given up when no set names them.

An image is first taken out of the reach of transfers (a rename on the same file system), opened once, and then hashed
and proven through that one descriptor, which is what stays: there is no moment in which other bytes have been looked at
than those that are kept. rsync writes beside its target and renames, so it never writes into a file of this name.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.contract.release import CodePackComponent, Component, ImageComponent, ModelComponent, SystemComponent
from appliance.contract.seal import ModelTask
from appliance.errors import ApplianceError, NotVerifiedError, UnknownStateError
from appliance.release.codes import demand_pack
from appliance.release.disk import Disk
from appliance.release.gpt import read_layout
from appliance.release.places import Places
from appliance.release.record import KeptAdapter, KeptModel, KeptPack, KeptSet
from appliance.release.verity import proven_root_hash

_PIECE = 8 << 20


class Images:
    """The folder of images of one box."""

    def __init__(self, places: Places, disk: Disk) -> None:
        self._places, self._disk = places, disk

    def has(self, root_hash: str, size_bytes: int) -> bool:
        """Whether an image that was proven when it came is there, with its length."""
        return _size(self._places.image(root_hash)) == size_bytes

    def is_complete(self, kept: KeptSet) -> bool:
        """Whether all images of a set are there, with their lengths."""
        return all(self.has(each.root_hash, each.size_bytes) for each in kept.images)

    def listed(self) -> dict[str, int]:
        """Root hash and bytes of every image that is kept."""
        return {path.stem: path.stat().st_size for path in sorted(self._places.images.glob("[0-9a-f]*.raw"))}

    def arrived_bytes(self, component: Component) -> int:
        """How much of an image has come, whole or in part; rsync's partial file has the same name."""
        name = f"{component.root_hash}.raw"
        whole = (self._taken(component.root_hash), self._places.arrived / name)
        parts = (self._places.arrived / ".partial" / name, self._places.arrived / ".rsync-partial" / name)
        return min(component.size_bytes, max(_size(path) or 0 for path in (*whole, *parts)))

    def has_arrived(self, component: Component) -> bool:
        """Whether an image has come whole and waits to be proven."""
        name = f"{component.root_hash}.raw"
        return component.size_bytes in (_size(self._taken(component.root_hash)), _size(self._places.arrived / name))

    def take(self, component: ImageComponent, in_use: frozenset[str] = frozenset()) -> None:
        """Make what arrived an image of the box. NotVerifiedError, and it is removed, when it is another.

        One that is here already is proven anew. Where its disk has changed it, it is removed, so that an offer names it
        as missing; unless it is `in_use`, where the kernel refuses the block and nothing but this file would be lost.
        """
        kept = self._places.image(component.root_hash)
        if self.has(component.root_hash, component.size_bytes):
            if component.root_hash in in_use:
                return
            try:
                self._prove(kept, component)
                return
            except NotVerifiedError:
                self._disk.remove(kept)
                if not self.has_arrived(component):
                    raise
        taken = self._out_of_reach(component)
        try:
            self._prove(taken, component)
        except NotVerifiedError:
            self._disk.remove(taken)
            raise
        self._disk.move(taken, self._places.image(component.root_hash))

    def take_system(self, component: SystemComponent, write: Callable[[int], None]) -> None:
        """Have an operating system that arrived written to its slot, through the descriptor that was hashed.

        The file is removed then: the slot has its bytes. NotVerifiedError, and it is removed, when it is another.
        """
        taken = self._out_of_reach(component)
        try:
            with OpenedImage(taken) as image:
                self._demand_digest(image, component)
                write(image.descriptor)
        except NotVerifiedError:
            self._disk.remove(taken)
            raise
        self._disk.remove(taken)

    def _out_of_reach(self, component: Component) -> Path:
        """Take what arrived out of the reach of transfers."""
        taken, arrived = self._taken(component.root_hash), self._places.arrived / f"{component.root_hash}.raw"
        self._disk.make_directory(self._places.images)
        if arrived.exists() or arrived.is_symlink():
            self._disk.move(arrived, taken)
        if not (taken.exists() or taken.is_symlink()):
            raise ApplianceError(
                f"the image {component.root_hash[:12]}… of {component.name} has not arrived",
                hint=f"send it to {arrived}; `appliancectl release offer` says what is missing",
            )
        return taken

    @staticmethod
    def _demand_digest(image: "OpenedImage", component: Component) -> None:
        image.demand_length(component.size_bytes)
        found = image.sha256()
        if found != component.sha256:
            raise NotVerifiedError(
                f"the image of {component.name} has SHA-256 {found}, signed is {component.sha256}",
                hint="it was removed: send it again; if that repeats, the operator's copy is damaged",
            )

    def _prove(self, path: Path, component: ImageComponent) -> None:
        with OpenedImage(path) as image:
            self._demand_digest(image, component)
            if isinstance(component, CodePackComponent):
                demand_pack(path, component)
            else:
                image.demand_root_hash(component.root_hash)
            self._disk.close_for_writing(image.descriptor)

    def prove(self, kept: KeptSet) -> None:
        """Read every block of every image of a set anew. Raises NotVerifiedError."""
        for model in kept.images:
            with OpenedImage(self._places.image(model.root_hash)) as image:
                image.demand_length(model.size_bytes)
                if not isinstance(model, KeptPack):
                    image.demand_root_hash(model.root_hash)
                elif image.sha256() != model.sha256:
                    raise NotVerifiedError(
                        f"the code table {model.name} is not the one that was signed", hint="stage the release again"
                    )

    def adopt(self, model: KeptModel | KeptAdapter, path: Path) -> None:
        """Give an image that the provisioning installed a second name of ours, so that no overwrite of the first
        takes it away. It was proven when it was installed; the kernel checks every block that is read."""
        image = self._places.image(model.root_hash)
        if self.has(model.root_hash, model.size_bytes):
            return
        self._disk.make_directory(self._places.images)
        if image.exists():  # of another length: no set can use it
            self._disk.remove(image)
        self._disk.link(path, image)

    def give_up(self, keep: set[str]) -> list[str]:
        """Remove the images that no set names, and the provisioned file of the same content. Returns their hashes."""
        gone = []
        for path in sorted(self._places.images.glob("[0-9a-f]*.raw")):
            if path.stem in keep:
                continue
            for name in self._installed(path):
                self._disk.remove(name.with_suffix(".json"))
                self._disk.remove(name)
            self._disk.remove(path)
            gone.append(path.stem)
        return gone

    def drop_arrivals(self, keep: set[str]) -> None:
        """Remove what arrived, whole or in part, for releases that are not coming."""
        for folder in (self._places.arrived, self._places.images):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                is_ours = folder != self._places.images or path.name.endswith(".new")
                if is_ours and not path.is_dir() and not any(root_hash in path.name for root_hash in keep):
                    self._disk.remove(path)

    def _installed(self, image: Path) -> list[Path]:
        if image.stat().st_nlink == 1 or not self._places.models.is_dir():
            return []
        return [path for path in self._places.models.glob("*.raw") if not path.is_symlink() and path.samefile(image)]

    def _taken(self, root_hash: str) -> Path:
        return self._places.images / f".{root_hash}.new"


def task_of(component: ImageComponent) -> ModelTask | Literal["codes"]:
    """What a component is for; an adapter has the task of its model."""
    if isinstance(component, ModelComponent):
        return component.task
    return "codes" if isinstance(component, CodePackComponent) else "drafting"


def basis_of(component: ImageComponent, active: KeptSet | None) -> str | None:
    """Root hash of the image in use that is most like it: of its task, or of the adapter with the same name."""
    if active is None:
        return None
    if isinstance(component, ModelComponent):
        return active.hashes.get(component.task)
    if isinstance(component, CodePackComponent):
        return next((each.root_hash for each in active.code_packs if each.name == component.name), None)
    return next((each.root_hash for each in active.adapters if each.name == component.name), None)


def _size(path: Path) -> int | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


@dataclass
class OpenedImage:
    """An image through one descriptor."""

    path: Path
    descriptor: int = -1

    def __enter__(self) -> "OpenedImage":
        try:
            self.descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if self.path.is_symlink():
                raise NotVerifiedError(f"{self.path} is a link, wanted is an image", hint="send it again") from None
            raise UnknownStateError(f"{self.path}: {error.strerror}", hint="look at the state volume") from None
        found = os.fstat(self.descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            os.close(self.descriptor)
            raise NotVerifiedError(
                f"{self.path} could be changed by others: owner {found.st_uid}, mode {stat.filemode(found.st_mode)}",
                hint="send it again, as root and writable for root alone",
            )
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def demand_length(self, size_bytes: int) -> None:
        size = os.fstat(self.descriptor).st_size
        if size != size_bytes:
            raise NotVerifiedError(f"{self.path.name} has {size} bytes, signed are {size_bytes}", hint="send it again")

    def sha256(self) -> str:
        digest, at = hashlib.sha256(), 0
        while piece := os.pread(self.descriptor, _PIECE, at):
            digest.update(piece)
            at += len(piece)
        return digest.hexdigest()

    def demand_root_hash(self, root_hash: str) -> None:
        layout = read_layout(self.descriptor)
        if layout.root_hash != root_hash:
            raise NotVerifiedError(
                f"{self.path.name} says root hash {layout.root_hash}, signed is {root_hash}", hint="build it anew"
            )
        proven = proven_root_hash(self.descriptor, layout)
        if proven != root_hash:
            raise NotVerifiedError(
                f"the blocks of {self.path.name} give root hash {proven}, signed is {root_hash}", hint="build it anew"
            )
