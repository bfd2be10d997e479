"""The root volume's recovery slot. systemd-repart made the volume at first boot, with a TPM2 slot only."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible.module_utils.fleet_box import Box, Refusal
from ansible.module_utils.fleet_disks import LuksSlots, read_slots
from ansible.module_utils.fleet_journal import ENROLLED, ENROLLING, Journal, Recovery, RootEntry, write_journal
from ansible.module_utils.fleet_recovery_key import ciphertext_sha256, encrypt_argv, find_recovery_key

ROOT_DEVICE = "/dev/disk/by-partlabel/edge-root"


@dataclass
class RootVolume:
    """Gives the root volume a recovery key that is escrowed and tested."""

    box: Box
    recipients: tuple[str, ...]
    journal: Journal
    done: list[str] = field(default_factory=list)

    def slots(self) -> LuksSlots:
        """Key slots as they are; refused when the root is not the LUKS2 volume of our image."""
        slots = read_slots(self.box, ROOT_DEVICE)
        if not slots.uuid or not slots.tpm2:
            raise Refusal(
                f"{ROOT_DEVICE} is not a LUKS2 volume with a TPM2 slot.",
                "Boot the fleet's signed image: it makes the root volume at first boot.",
            )
        return slots

    def pending(self) -> list[str]:
        """What `converge` would do, in words."""
        return [] if self._complete(self.slots()) else ["add a recovery key to the root volume"]

    def converge(self) -> None:
        """Enrol a key unless there is one that the journal knows.

        systemd makes the key and writes the slot before anybody can encrypt it, so an interruption can leave a slot
        whose key nobody has. The journal names the slots that were there before; any other is such a leftover.
        """
        slots, entry = self.slots(), self.journal.root
        if self._complete(slots):
            return
        if entry is not None and entry.stage == ENROLLING and entry.luks_uuid == slots.uuid:
            for slot in sorted(slots.all - set(slots.tpm2) - set(entry.slots_before)):
                self.box.run(["systemd-cryptenroll", f"--wipe-slot={slot}", ROOT_DEVICE])
            slots = self.slots()
        self.journal.root = entry = RootEntry(ENROLLING, slots.uuid, sorted(slots.all))
        write_journal(self.box, self.journal)
        printed = self.box.run(
            ["systemd-cryptenroll", "--unlock-tpm2-device=auto", "--recovery-key", ROOT_DEVICE], timeout_s=300
        ).stdout
        key = find_recovery_key(printed)
        if key is None:
            raise Refusal(
                "systemd-cryptenroll did not print exactly one recovery key.",
                "Run again: the slot that it made is removed first.",
            )
        ciphertext = self.box.run(encrypt_argv(list(self.recipients)), stdin=key.encode()).stdout
        self.box.run(["cryptsetup", "open", "--test-passphrase", "--key-file", "-", ROOT_DEVICE], stdin=key.encode())
        del key, printed
        after = self.slots()
        made = sorted(set(after.recovery) - set(entry.slots_before))
        if len(made) != 1:
            raise Refusal(
                f"systemd-cryptenroll made {len(made)} recovery slots and not one.",
                "Run again: they are removed first.",
            )
        entry.slot, entry.slot_sha256 = made[0], after.digests[made[0]]
        now = self.box.now()
        entry.recovery = Recovery(ciphertext, ciphertext_sha256(ciphertext), list(self.recipients), now, now)
        entry.stage = ENROLLED
        write_journal(self.box, self.journal)
        self.done.append("added a recovery key to the root volume and tested it")

    def _complete(self, slots: LuksSlots) -> bool:
        """Whether the slot of the journal's key is still there and the same; any other key is in nobody's escrow."""
        entry = self.journal.root
        if entry is None or entry.stage != ENROLLED or entry.luks_uuid != slots.uuid:
            return False
        if entry.slot is None:
            return bool(set(slots.recovery) - set(entry.slots_before))
        return entry.slot in slots.recovery and slots.digests.get(entry.slot) == entry.slot_sha256
