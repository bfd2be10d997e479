"""The state volume: disks → md array → LUKS2 → ext4 → mount, so that an interruption at any point can be continued.

Every step is: look again, refuse what is not ours, act, look, write the stage. A step that was interrupted is repeated
from its beginning; that is safe because data can only exist after the stage "formatted", which ends the repeating.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from ansible.module_utils.fleet_box import EDGE_BYTES, SECRET_PATH, Refusal
from ansible.module_utils.fleet_claims import Claims, listing, not_empty
from ansible.module_utils.fleet_disks import (
    LuksSlots,
    Node,
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
from ansible.module_utils.fleet_state_device import ARRAY, MAPPER, MOUNT, StateDevice, View, device_path
from ansible.module_utils.fleet_unlock import check_pcrs, signed_policy_options

MIN_DISKS = {"raid1": 2, "raid10": 4}

# RFC 9106, section 4, second recommended option: 64 MiB, 4 lanes; one pass more than its 3, the least that cryptsetup
# takes. The key has 256 random bits, so the cost protects nothing by itself; it must fit a box with 2 GiB.
_ARGON2 = ["--pbkdf", "argon2id", "--pbkdf-memory", "65536", "--pbkdf-parallel", "4", "--pbkdf-force-iterations", "4"]


class StateVolume(StateDevice):
    """One state volume on its way to READY."""

    # --- reading -------------------------------------------------------------------------------------------------

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
        return read_slots(self.box, view.node.path) if view.node and entry and self.reached(ENCRYPTED) else None

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
            if not self.reached(stage):
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
        self.reach(CLAIMED, f"claimed {', '.join(self.wanted.data_disks)} for the state volume")

    def _assemble(self) -> None:
        entry, view = self.entry(), self.examine()
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
        view = self.running()
        if view.array is None or view.array.level != entry.level or view.array.devices != len(entry.disks):
            raise Refusal(f"The array that was created reads back as {view.array}.", "Look at the disks.")
        self.reach(ASSEMBLED, f"created {entry.level} array on {', '.join(entry.disks)}")

    def _encrypt(self) -> None:
        """Format, test the recovery key, bind to the TPM, and open by the TPM alone, as the next boot will."""
        entry, view = self.entry(), self.running()
        device = device_path(view)
        self.close(view)
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
        self.write_boot_files()
        self.unlock(device)
        self.reach(ENCRYPTED, "encrypted the array; recovery key tested, TPM2 slot tested by opening the volume")

    def _make_filesystem(self) -> None:
        entry, view = self.entry(), self.opened()
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
        self.reach(FORMATTED, "made an ext4 file system on the state volume")

    def _mount(self) -> None:
        self.opened()
        self.mount()
        self.reach(READY, f"mounted the state volume at {MOUNT}")

    def _keep_running(self) -> None:
        """A finished volume: put boot files back when they differ, open and mount when it is not, warn otherwise."""
        entry = self.entry()
        if self.write_boot_files():
            self.done.append("wrote the boot configuration of the state volume")
        view = self.opened()
        if view.mapper is not None and MOUNT not in view.mapper.mounts:
            self.mount()
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


def _md_uuid() -> str:
    digits = uuid.uuid4().hex
    return ":".join(digits[start : start + 8] for start in range(0, 32, 8))
