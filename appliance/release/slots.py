"""The two slots for an operating system: which one runs, and how the other one is written and started.

Written here and not by systemd-sysupdate: docs/design/os-update.md says why. What starts a slot, counts tries and
falls back stays systemd's boot loader.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.contract.release import SystemComponent, SystemPart
from appliance.errors import ApplianceError, NotVerifiedError, UnknownStateError
from appliance.release.boot_files import BootFiles, is_newer
from appliance.release.disk import Disk
from appliance.release.facts import running_usr
from appliance.release.gpt import Extent, Layout
from appliance.release.kernel_image import MAX_BYTES, demand_startable, firmware_certificates, read_image
from appliance.release.places import Places
from appliance.release.slot_table import ESP, Slot, Table, read_table, write_slot
from appliance.release.system_disk import SystemDisk
from appliance.release.verity import proven_root_hash

_PIECE = 4 << 20
_ESP_RESERVE = 4 << 20
_ORDER_S = 300.0


class Slots(Protocol):
    """What a change needs of them. Every method raises ApplianceError and OSError."""

    def running(self) -> str:
        """Root hash of the /usr that runs."""
        ...

    def unfit(self, component: SystemComponent) -> str:
        """Why a system cannot be written here; empty when it can."""
        ...

    def holds(self, root_hash: str) -> bool:
        """Whether a slot holds a system whole, with its kernel image."""
        ...

    def write(self, component: SystemComponent, source: int) -> None:
        """Write a system from its file into the slot that does not run."""
        ...

    def prove(self, root_hash: str) -> None:
        """Read every block of a slot anew."""
        ...

    def trial(self, root_hash: str) -> None:
        """Have a system started next, a few times at most; then the running one."""
        ...

    def keep(self, root_hash: str) -> None:
        """Have a system started from now on."""
        ...

    def reboot(self) -> None:
        """Start the machine anew. Returns before that has happened."""
        ...


@dataclass(frozen=True)
class DiskSlots:
    """Those of the real disk, or of a file that stands for it in a test's folder."""

    places: Places
    disk: Disk
    newer: Callable[[str, str], bool] = is_newer

    def running(self) -> str:
        """As the kernel's command line names it, which is signed."""
        return running_usr(self.places)

    def unfit(self, component: SystemComponent) -> str:
        """Judge by size and shape."""
        try:
            with self._system() as (table, _):
                idle = self._idle(table)
                for name, entry in idle.entries.items():
                    if component.parts[name].size_bytes > entry.size:
                        found = component.parts[name].size_bytes
                        return f"slot {idle.name}: {name} has {found} bytes, the partition {entry.size}"
                return ""
        except (ApplianceError, OSError) as error:
            return f"this box has no slot for another system: {error}"

    def holds(self, root_hash: str) -> bool:
        """Ask the table and the boot partition. A box without slots holds nothing but what runs."""
        try:
            with self._system() as (table, disk):
                if not any(slot.root_hash == root_hash for slot in table.slots()):
                    return False
                with self._boot(table, disk) as boot:
                    return boot.has(root_hash)
        except (ApplianceError, OSError):
            return False

    def write(self, component: SystemComponent, source: int) -> None:
        """Write it. A cut leaves the slot empty, or holding the system whole; never something else, and never the
        other slot touched.

        Order: no image of the boot loader names the slot → no partition is found as one → data, flushed, read back →
        the kernel image waits on the boot partition → the partitions bear the system's identifiers.
        """
        kernel = self._judged(component, source)
        with self._system(write=True) as (table, disk):
            idle, running = self._idle(table), self.running()
            with self._boot(table, disk) as boot:
                boot.forget({running})
            with disk.opened(write=True) as descriptor:
                write_slot(descriptor, idle.emptied(), self.disk)
            at = 0
            for name, entry in idle.entries.items():
                path, start = disk.partition(entry)
                self._copy(source, at, component.parts[name], path, start, entry.size if name == "signature" else 0)
                at += component.parts[name].size_bytes
            with self._boot(table, disk) as boot:
                if os.statvfs(boot.top).f_bavail * os.statvfs(boot.top).f_frsize < len(kernel) + _ESP_RESERVE:
                    raise ApplianceError("the boot partition has no room for a kernel image", hint="look what is on it")
                boot.put(component.root_hash, kernel)
                if boot.waiting(component.root_hash).read_bytes() != kernel:
                    raise NotVerifiedError("the boot partition gives other bytes back", hint="look at the system disk")
            with disk.opened(write=True) as descriptor:
                write_slot(descriptor, idle.holding(component.root_hash, component.version), self.disk)

    def prove(self, root_hash: str) -> None:
        """By the hash tree in the slot itself."""
        with self._system() as (table, disk), disk.opened(write=False) as descriptor:
            slot = next((each for each in table.slots() if each.root_hash == root_hash), None)
            if slot is None:
                raise NotVerifiedError(f"no slot holds system {root_hash[:12]}", hint="stage the release again")
            os.posix_fadvise(descriptor, slot.usr.start, slot.usr.size, os.POSIX_FADV_DONTNEED)
            layout = Layout(
                Extent(slot.usr.start, slot.usr.size), Extent(slot.verity.start, slot.verity.size), root_hash
            )  # fmt: skip
            found = proven_root_hash(descriptor, layout)
            if found != root_hash:
                raise NotVerifiedError(
                    f"slot {slot.name} gives root hash {found[:12]}, wanted is {root_hash[:12]}", hint="stage it again"
                )

    def trial(self, root_hash: str) -> None:
        """Once the slot and its image are there."""
        with self._system() as (table, disk), self._boot(table, disk) as boot:
            if not any(slot.root_hash == root_hash for slot in table.slots()):
                raise ApplianceError(f"no slot holds system {root_hash[:12]}", hint="stage the release again")
            boot.trial(root_hash, self.running())

    def keep(self, root_hash: str) -> None:
        """Once it is proven."""
        with self._system() as (table, disk), self._boot(table, disk) as boot:
            boot.keep(root_hash)

    def reboot(self) -> None:
        """Through systemd, so that file systems are left in order; its manager itself, because logind would ask for
        a right that the unit behind the services has not."""
        _systemctl("start", "--no-block", "--job-mode=replace-irreversibly", "reboot.target")

    def _judged(self, component: SystemComponent, source: int) -> bytes:
        """The kernel image of the file, when command line, signature partition and firmware agree with the manifest."""
        at = {}
        begin = 0
        for name, part in component.parts.items():
            at[name], begin = begin, begin + part.size_bytes
        if component.kernel.size_bytes > MAX_BYTES or component.signature.size_bytes > 1 << 16:
            raise NotVerifiedError("the system's kernel image or signature is too large", hint="build it anew")
        try:
            signed = json.loads(os.pread(source, component.signature.size_bytes, at["signature"]).rstrip(b"\0"))
            named = signed["rootHash"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise NotVerifiedError("the system's signature is not readable", hint="build it anew") from None
        kernel = os.pread(source, component.kernel.size_bytes, at["kernel"])
        if hashlib.sha256(kernel).hexdigest() != component.kernel.sha256:
            raise NotVerifiedError("the system's kernel image is not the signed one", hint="send it again")
        image = read_image(kernel)
        for where, found in (("its signature", named), ("its kernel's command line", image.root_hash)):
            if found != component.root_hash:
                raise NotVerifiedError(
                    f"{where} names /usr {str(found)[:12]}, the release {component.root_hash[:12]}",
                    hint="build it anew",
                )
        try:
            known = firmware_certificates(self.places.root)
        except FileNotFoundError:
            return kernel  # a firmware without keys starts everything; that Secure Boot is on is the seal's matter
        demand_startable(kernel, known)
        return kernel

    def _copy(self, source: int, at: int, part: SystemPart, path: Path, start: int, fill_to: int) -> None:
        target = self.disk.open(path)
        try:
            done = 0
            while done < part.size_bytes:
                piece = os.pread(source, min(_PIECE, part.size_bytes - done), at + done)
                if not piece:
                    raise NotVerifiedError("the system's file is cut off", hint="send it again")
                self.disk.write_at(target, piece, start + done)
                done += len(piece)
            if fill_to > done:
                self.disk.write_at(target, bytes(fill_to - done), start + done)
            self.disk.sync(target)
            os.posix_fadvise(target, start, max(done, fill_to), os.POSIX_FADV_DONTNEED)
            digest, read = hashlib.sha256(), 0
            while read < done and (piece := os.pread(target, min(_PIECE, done - read), start + read)):
                digest.update(piece)
                read += len(piece)
        finally:
            self.disk.close(target)
        if digest.hexdigest() != part.sha256:
            raise NotVerifiedError(
                f"{path.name} gives back other bytes than the release's", hint="look at the system disk; stage it again"
            )

    def _idle(self, table: Table) -> Slot:
        slots, running = table.slots(), self.running()
        idle = [slot for slot in slots if slot.root_hash != running]
        if len(idle) != 1:
            raise UnknownStateError("it cannot be told which slot runs", hint="look at the system disk's partitions")
        return idle[0]

    @contextmanager
    def _system(self, *, write: bool = False) -> Iterator[tuple[Table, SystemDisk]]:
        disk = SystemDisk.find(self.places, self.running())
        with disk.opened(write=write) as descriptor:
            table = read_table(descriptor)
        yield table, disk

    @contextmanager
    def _boot(self, table: Table, disk: SystemDisk) -> Iterator[BootFiles]:
        with disk.boot_partition(table.one(ESP)) as top:
            yield BootFiles(top, self.disk, self.newer)


@dataclass(frozen=True)
class OrderedSlots(DiskSlots):
    """As above; the boot order is changed by units of their own, because who decides it may not mount anything."""

    def trial(self, root_hash: str) -> None:
        """See appliance-boot-order@.service."""
        _systemctl("start", f"appliance-boot-order@trial-{root_hash}.service")

    def keep(self, root_hash: str) -> None:
        """See appliance-boot-order@.service."""
        _systemctl("start", f"appliance-boot-order@keep-{root_hash}.service")


def _systemctl(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["systemctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=_ORDER_S, check=False,
            start_new_session=True,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ApplianceError(f"systemctl {arguments[0]}: {error}", hint="look at the journal") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-200:]
        raise ApplianceError(
            f"systemctl {' '.join(arguments)}: exit {done.returncode}: {said}",
            hint="journalctl --unit 'appliance-boot-order@*'",
        )
