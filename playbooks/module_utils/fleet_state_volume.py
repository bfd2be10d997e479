"""The state volume: disks → md array → LUKS2 → ext4 → mount, so that an interruption at any point can be continued.

Every step is: look again, refuse what is not ours, act, look, write the stage. A step that was interrupted is repeated
from its beginning; that is safe because data can only exist after the stage "formatted", which ends the repeating.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible.module_utils.fleet_box import EDGE_BYTES, SECRET_PATH, Box, CommandError, Refusal
from ansible.module_utils.fleet_claims import Claims, listing, not_empty
from ansible.module_utils.fleet_disks import (
    Array,
    LuksSlots,
    Node,
    hexadecimal,
    is_array,
    read_array,
    read_nodes,
    read_signatures,
    read_slots,
)
from ansible.module_utils.fleet_journal import (
    ASSEMBLED,
    CLAIMED,
    ENCRYPTED,
    FORMATTED,
    READY,
    STAGES,
    Journal,
    Recovery,
    StateEntry,
    write_journal,
)
from ansible.module_utils.fleet_recovery_key import (
    ciphertext_sha256,
    encrypt_argv,
    new_recovery_key,
    recovery_token,
)
from ansible.module_utils.fleet_unlock import UNLOCK_UNIT, boot_files, check_pcrs, mount_unit, signed_policy_options

ARRAY = "/dev/md/state"
MAPPER = "/dev/mapper/state"
MOUNT = "/var/lib/appliance"
MIN_DISKS = {"raid1": 2, "raid10": 4}

# RFC 9106, section 4, second recommended option: 64 MiB, 4 lanes; one pass more than its 3, the least that cryptsetup
# takes. The key has 256 random bits, so the cost protects nothing by itself; it must fit a box with 2 GiB.
_ARGON2 = ["--pbkdf", "argon2id", "--pbkdf-memory", "65536", "--pbkdf-parallel", "4", "--pbkdf-force-iterations", "4"]


@dataclass(frozen=True)
class Wanted:
    """What the site file asks for."""

    site: str
    level: str
    data_disks: tuple[str, ...]
    erase_disks: tuple[str, ...]
    recipients: tuple[str, ...]
    pcrs: tuple[int, ...]
    signed_policy: str  # auto: when the image carries one; required; off


@dataclass
class View:
    """What is there now."""

    disks: dict[str, Node]
    missing: list[str]
    node: Node | None
    array: Array | None

    @property
    def mapper(self) -> Node | None:
        """The opened volume, when it stands on our array."""
        below = self.node.below() if self.node else []
        return next((node for node in below if node.type == "crypt" and node.name == "state"), None)


@dataclass
class StateVolume:
    """One state volume on its way to READY; `done` says in words what was changed, `warnings` what needs attention."""

    box: Box
    wanted: Wanted
    journal: Journal
    done: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    # --- reading -------------------------------------------------------------------------------------------------

    def look(self) -> View:
        """Read the disks anew."""
        nodes = [node for node in read_nodes(self.box) if node.type == "disk"]
        disks: dict[str, Node] = {}
        for serial in self.wanted.data_disks:
            found = [node for node in nodes if node.serial == serial]
            if len(found) > 1:
                raise Refusal(f"{len(found)} disks have the serial {serial}.", "Name disks that can be told apart.")
            if found:
                disks[serial] = found[0]
        missing = [serial for serial in self.wanted.data_disks if serial not in disks]
        view = View(disks, missing, None, None)
        entry = self.journal.state
        for node in (below for disk in disks.values() for below in disk.below() if is_array(below)):
            array = read_array(self.box, node.path)
            if entry and array and hexadecimal(array.uuid) == hexadecimal(entry.md_uuid):
                view.node, view.array = node, array
        return view

    def examine(self) -> View:
        """Refuse everything that the site file and the journal do not allow. Changes nothing."""
        entry, wanted = self.journal.state, self.wanted
        if len(set(wanted.data_disks)) < len(wanted.data_disks):
            raise Refusal("data_disks names a disk twice.", "Correct the site file.")
        if len(wanted.data_disks) < MIN_DISKS[wanted.level]:
            raise Refusal(
                f"{wanted.level} needs {MIN_DISKS[wanted.level]} disks, data_disks names {len(wanted.data_disks)}.",
                "Name more disks or choose a profile with another level.",
            )
        if entry and (entry.level != wanted.level or sorted(entry.disks) != sorted(wanted.data_disks)):
            raise Refusal(
                f"This box began its state volume as {entry.level} on {', '.join(entry.disks)}; the site file says "
                f"{wanted.level} on {', '.join(wanted.data_disks)}.",
                "Put the old values back, or move the data away and set the box up from new.",
            )
        view = self.look()
        if view.missing and (entry is None or entry.stage == CLAIMED):
            raise Refusal(
                f"No disk with serial {', '.join(view.missing)} is attached; seen: {', '.join(self._serials())}.",
                "Correct data_disks or attach the disk.",
            )
        if entry is None or entry.stage == CLAIMED:
            for serial, node in view.disks.items():
                self._claims().check(serial, node)
        return view

    def pending(self) -> list[str]:
        """What `converge` would do, in words, after `examine` let it through."""
        entry = self.journal.state
        names = ", ".join(self.wanted.data_disks)
        words = [
            f"claim {names} for the state volume",
            f"create {self.wanted.level} array on {names}",
            "format the array with LUKS2, with a recovery key and a TPM2 slot",
            "make an ext4 file system",
            f"mount it at {MOUNT}",
        ]
        return words[0 if entry is None else STAGES.index(entry.stage) + 1 :]

    def slots(self) -> LuksSlots | None:
        """Key slots of the finished volume."""
        view, entry = self.look(), self.journal.state
        return read_slots(self.box, view.node.path) if view.node and entry and self._reached(ENCRYPTED) else None

    # --- changing ------------------------------------------------------------------------------------------------

    def converge(self) -> None:
        """Run the steps that are missing, in their order."""
        self.examine()
        steps: list[tuple[str, Callable[[], None]]] = [
            (CLAIMED, self._claim),
            (ASSEMBLED, self._assemble),
            (ENCRYPTED, self._encrypt),
            (FORMATTED, self._make_filesystem),
            (READY, self._mount),
        ]
        for stage, step in steps:
            if not self._reached(stage):
                step()
        self._keep_running()

    def _claim(self) -> None:
        """From here on the named disks are ours: they were empty, or the site file gave their content up."""
        self.journal.state = StateEntry(
            stage=CLAIMED,
            level=self.wanted.level,
            disks=list(self.wanted.data_disks),
            md_uuid=_md_uuid(),
            luks_uuid=str(uuid.uuid4()),
            fs_uuid=str(uuid.uuid4()),
            begun_at=self.box.now(),
        )
        self._reach(CLAIMED, f"claimed {', '.join(self.wanted.data_disks)} for the state volume")

    def _assemble(self) -> None:
        entry, view = self._entry(), self.examine()
        for serial, node in view.disks.items():
            for array in self._claims().stoppable_arrays(node):
                self.box.run(["mdadm", "--stop", array])
            self._claims().check(serial, self.look().disks[serial])  # once more, now that it is about to be too late
            for part in node.below():
                if part.type == "part":
                    self.box.run(["wipefs", "--all", part.path])
            self.box.run(["wipefs", "--all", node.path])
            for offset in (0, node.size_bytes - EDGE_BYTES):
                self.box.run(
                    ["blkdiscard", "--zeroout", "--offset", str(offset), "--length", str(EDGE_BYTES), node.path]
                )
            if any(part.type == "part" for part in node.below()):
                self.box.run(["blockdev", "--rereadpt", node.path])
        self.box.run(["udevadm", "settle"])
        view = self.look()
        for serial, node in view.disks.items():
            left = read_signatures(self.box, node.path)
            if left or node.below():
                raise Refusal(
                    f"Disk {serial} ({node.path}) still carries {listing(left)} after it was cleared.",
                    "Something on the box uses it: find out what, then run again.",
                )
        # Zeroing both halves makes them truly equal, so no resync is needed; without hardware help it would take hours,
        # and md then resyncs in the background, during which the array can be used. --assume-clean is not an option:
        # halves that differ where nobody wrote would hide real mismatches from the monthly check.
        zeroes = ["--write-zeroes"] if all(self._zeroes_fast(node) for node in view.disks.values()) else []
        self.box.run(
            [
                "mdadm",
                "--create",
                ARRAY,
                "--run",
                "--metadata=1.2",
                f"--level={entry.level.removeprefix('raid')}",
                f"--raid-devices={len(view.disks)}",
                "--homehost=any",
                "--name=state",
                f"--uuid={entry.md_uuid}",
                "--bitmap=internal",
                *zeroes,
                *(view.disks[serial].path for serial in entry.disks),
            ],
            timeout_s=6 * 3600,
        )
        self.box.run(["udevadm", "settle"])
        view = self._running()
        if view.array is None or view.array.level != entry.level or view.array.devices != len(entry.disks):
            raise Refusal(f"The array that was created reads back as {view.array}.", "Look at the disks.")
        self._reach(ASSEMBLED, f"created {entry.level} array on {', '.join(entry.disks)}")

    def _encrypt(self) -> None:
        """Format, test the recovery key, bind to the TPM, and open by the TPM alone, as the next boot will."""
        entry, view = self._entry(), self._running()
        device = _path(view)
        self._close(view)
        foreign = [
            found
            for found in read_signatures(self.box, device)
            if (found.kind, found.uuid) != ("crypto_LUKS", entry.luks_uuid)
        ]
        if foreign:
            if not set(entry.disks) <= set(self.wanted.erase_disks):
                raise not_empty(" and ".join(entry.disks), foreign)
            self.box.run(["wipefs", "--all", device])
        check_pcrs(self.box, self.wanted.pcrs)
        policy = signed_policy_options(self.box, self.wanted.signed_policy)
        key = new_recovery_key()
        ciphertext = self.box.run(encrypt_argv(list(self.wanted.recipients)), stdin=key.encode()).stdout
        entry.recovery = Recovery(
            ciphertext, ciphertext_sha256(ciphertext), list(self.wanted.recipients), self.box.now()
        )
        write_journal(self.box, self.journal)  # the people who can recover have their copy before the volume exists
        self.box.run(
            [
                "cryptsetup",
                "luksFormat",
                "--batch-mode",
                "--type",
                "luks2",
                "--uuid",
                entry.luks_uuid,
                "--label",
                "state",
                "--cipher",
                "aes-xts-plain64",
                "--key-size",
                "512",
                "--hash",
                "sha256",
                *_ARGON2,
                "--key-slot",
                "0",
                "--key-file",
                "-",
                device,
            ],
            stdin=key.encode(),
        )
        self.box.run(["cryptsetup", "token", "import", "--json-file", "-", device], stdin=recovery_token(0))
        self.box.run(
            ["cryptsetup", "open", "--test-passphrase", "--key-slot", "0", "--key-file", "-", device],
            stdin=key.encode(),
        )
        entry.recovery.tested_at = self.box.now()
        self.box.run(
            [
                "systemd-cryptenroll",
                f"--unlock-key-file={SECRET_PATH}",
                "--tpm2-device=auto",
                f"--tpm2-pcrs={'+'.join(str(pcr) for pcr in self.wanted.pcrs)}",
                *policy,
                device,
            ],
            secret=key.encode(),
        )
        del key
        self._write_boot_files()
        self._unlock(device)
        self._reach(ENCRYPTED, "encrypted the array; recovery key tested, TPM2 slot tested by opening the volume")

    def _make_filesystem(self) -> None:
        entry, view = self._entry(), self._opened()
        mapper = view.mapper.path if view.mapper else MAPPER
        foreign = [found for found in read_signatures(self.box, mapper) if found.uuid != entry.fs_uuid]
        if foreign:
            raise Refusal(
                f"The opened state volume holds {listing(foreign)}, which this tool did not make.",
                "Save what is on it; when it is worth nothing, clear it with `wipefs --all` at the console.",
            )
        self.box.run(["mkfs.ext4", "-F", "-q", "-L", "state", "-m", "1", "-U", entry.fs_uuid, mapper])
        found = {signature.uuid for signature in read_signatures(self.box, mapper)}
        if found != {entry.fs_uuid}:
            raise Refusal(f"The new file system reads back with the UUIDs {sorted(found)}.", "Check the disks.")
        self._reach(FORMATTED, "made an ext4 file system on the state volume")

    def _mount(self) -> None:
        self._opened()
        self._mounted()
        self._reach(READY, f"mounted the state volume at {MOUNT}")

    def _keep_running(self) -> None:
        """A finished volume: put boot files back when they differ, open and mount when it is not, warn otherwise."""
        entry = self._entry()
        if self._write_boot_files():
            self.done.append("wrote the boot configuration of the state volume")
        view = self._opened()
        if view.mapper is not None and MOUNT not in view.mapper.mounts:
            self._mounted()
            self.done.append(f"mounted the state volume at {MOUNT}")
        if view.missing:
            self.warnings.append(f"Data disk {', '.join(view.missing)} is missing: the array runs without redundancy.")
        if view.array is not None and len(view.array.members) < len(entry.disks):
            self.warnings.append(f"The array has {len(view.array.members)} of {len(entry.disks)} members.")
        again = sorted(set(self.wanted.erase_disks) & set(entry.disks))
        if again:
            self.warnings.append(
                f"erase_disks still names {', '.join(again)}: remove it, it would let a box that was "
                "set up from new destroy this data."
            )

    # --- single actions ------------------------------------------------------------------------------------------

    def _running(self) -> View:
        """Our array, assembled when it is not; never created here."""
        view = self.look()
        if view.array is None or view.node is None or view.node.size_bytes == 0:
            if view.array is not None:
                self.box.run(["mdadm", "--stop", view.array.path])
            members = [node.path for node in view.disks.values()]
            self.box.run(["mdadm", "--assemble", "--run", ARRAY, f"--uuid={self._entry().md_uuid}", *members])
            self.box.run(["udevadm", "settle"])
            view = self.look()
        if view.array is None:
            raise Refusal(
                f"The array {self._entry().md_uuid} does not run and cannot be assembled.",
                "Look at `mdadm --examine` of the data disks; nothing was changed on them.",
            )
        return view

    def _opened(self) -> View:
        view = self._running()
        if view.mapper is None:
            try:
                self._unlock(_path(view))
            except CommandError as error:
                raise Refusal(
                    f"The TPM does not open the state volume: {error}.",
                    "When the firmware, Secure Boot keys or system disk were changed on purpose, open it with the "
                    "escrowed recovery key at the console (`systemctl start systemd-cryptsetup@state`); otherwise "
                    "treat the machine as tampered with. Nothing was changed on the disks.",
                ) from error
            view = self.look()
        if view.mapper is None:
            raise Refusal(
                "The state volume was opened and is not there.", f"Look at `systemctl status {UNLOCK_UNIT}` on the box."
            )
        return view

    def _unlock(self, device: str) -> None:
        """By the TPM alone: headless fails with the reason instead of asking at a console where nobody sits."""
        self.box.run(
            ["systemd-cryptsetup", "attach", "state", device, "-", "luks,tpm2-device=auto,headless=true"], timeout_s=300
        )
        self.box.run(["systemctl", "start", UNLOCK_UNIT], timeout_s=300)
        self.box.run(["udevadm", "settle"])

    def _close(self, view: View) -> None:
        if view.mapper is not None:
            self.box.run(["systemctl", "stop", UNLOCK_UNIT], timeout_s=300)
            if self.look().mapper is not None:
                self.box.run(["cryptsetup", "close", "state"])

    def _mounted(self) -> None:
        self._write_boot_files()
        self.box.run(["systemctl", "start", mount_unit(MOUNT)], timeout_s=300)
        mapper = self.look().mapper
        if mapper is None or MOUNT not in mapper.mounts:
            raise Refusal(
                f"{MOUNT} is not mounted after its unit was started.",
                f"Look at `systemctl status {mount_unit(MOUNT)}` on the box.",
            )

    def _write_boot_files(self) -> bool:
        changed = boot_files(self.box, self._entry().luks_uuid, with_mount=self._reached(FORMATTED))
        for path, content in changed.items():
            self.box.write(path, content, mode=0o644)
        if changed:
            self.box.run(["systemctl", "daemon-reload"], timeout_s=120)
        return bool(changed)

    # --- reading, continued --------------------------------------------------------------------------------------

    def _claims(self) -> Claims:
        entry = self.journal.state
        return Claims(
            self.box,
            frozenset(self.wanted.erase_disks),
            entry.md_uuid if entry else "",
            frozenset(entry.disks if entry else ()),
        )

    def _serials(self) -> list[str]:
        return sorted(node.serial or node.name for node in read_nodes(self.box) if node.type == "disk")

    def _zeroes_fast(self, node: Node) -> bool:
        text = self.box.read(f"/sys/class/block/{node.name}/queue/write_zeroes_max_bytes")
        return text is not None and int(text) > 0

    # --- journal -------------------------------------------------------------------------------------------------

    def _entry(self) -> StateEntry:
        if self.journal.state is None:
            raise AssertionError("a step ran before the claim")
        return self.journal.state

    def _reached(self, stage: str) -> bool:
        entry = self.journal.state
        return entry is not None and STAGES.index(entry.stage) >= STAGES.index(stage)

    def _reach(self, stage: str, words: str) -> None:
        self._entry().stage = stage
        write_journal(self.box, self.journal)
        self.done.append(words)


def _path(view: View) -> str:
    if view.node is None:
        raise AssertionError("no array in view")
    return view.node.path


def _md_uuid() -> str:
    digits = uuid.uuid4().hex
    return ":".join(digits[start : start + 8] for start in range(0, 32, 8))
