"""The state volume as it stands: seen, assembled, opened by the TPM, mounted, and how far its journal says it came.

Nothing here creates, formats or erases; that is fleet_state_volume's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible.module_utils.fleet_box import Box, CommandError, Refusal
from ansible.module_utils.fleet_disks import Array, Node, hexadecimal, is_array, read_array, read_nodes
from ansible.module_utils.fleet_journal import FORMATTED, STAGES, Journal, StateEntry, write_journal
from ansible.module_utils.fleet_unlock import UNLOCK_UNIT, boot_files, mount_unit

ARRAY = "/dev/md/state"
MAPPER = "/dev/mapper/state"
MOUNT = "/var/lib/appliance"


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
class StateDevice:
    """The devices of one state volume; `done` says in words what was changed, `warnings` what needs attention."""

    box: Box
    wanted: Wanted
    journal: Journal
    done: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

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

    # --- actions -------------------------------------------------------------------------------------------------

    def running(self) -> View:
        """Our array, assembled when it is not; never created here."""
        view = self.look()
        if view.array is None or view.node is None or view.node.size_bytes == 0:
            if view.array is not None:
                self.box.run(["mdadm", "--stop", view.array.path])
            members = [node.path for node in view.disks.values()]
            self.box.run(["mdadm", "--assemble", "--run", ARRAY, f"--uuid={self.entry().md_uuid}", *members])
            self.box.run(["udevadm", "settle"])
            view = self.look()
        if view.array is None:
            raise Refusal(
                f"The array {self.entry().md_uuid} does not run and cannot be assembled.",
                "Look at `mdadm --examine` of the data disks; nothing was changed on them.",
            )
        return view

    def opened(self) -> View:
        view = self.running()
        if view.mapper is None:
            try:
                self.unlock(device_path(view))
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

    def unlock(self, device: str) -> None:
        """By the TPM alone: headless fails with the reason instead of asking at a console where nobody sits."""
        self.box.run(
            ["systemd-cryptsetup", "attach", "state", device, "-", "luks,tpm2-device=auto,headless=true"], timeout_s=300
        )
        self.box.run(["systemctl", "start", UNLOCK_UNIT], timeout_s=300)
        self.box.run(["udevadm", "settle"])

    def close(self, view: View) -> None:
        if view.mapper is not None:
            self.box.run(["systemctl", "stop", UNLOCK_UNIT], timeout_s=300)
            if self.look().mapper is not None:
                self.box.run(["cryptsetup", "close", "state"])

    def mount(self) -> None:
        self.write_boot_files()
        self.box.run(["systemctl", "start", mount_unit(MOUNT)], timeout_s=300)
        mapper = self.look().mapper
        if mapper is None or MOUNT not in mapper.mounts:
            raise Refusal(
                f"{MOUNT} is not mounted after its unit was started.",
                f"Look at `systemctl status {mount_unit(MOUNT)}` on the box.",
            )

    def write_boot_files(self) -> bool:
        changed = boot_files(self.box, self.entry().luks_uuid, with_mount=self.reached(FORMATTED))
        for path, content in changed.items():
            self.box.write(path, content, mode=0o644)
        if changed:
            self.box.run(["systemctl", "daemon-reload"], timeout_s=120)
        return bool(changed)

    # --- journal -------------------------------------------------------------------------------------------------

    def entry(self) -> StateEntry:
        if self.journal.state is None:
            raise AssertionError("a step ran before the claim")
        return self.journal.state

    def reached(self, stage: str) -> bool:
        entry = self.journal.state
        return entry is not None and STAGES.index(entry.stage) >= STAGES.index(stage)

    def reach(self, stage: str, words: str) -> None:
        self.entry().stage = stage
        write_journal(self.box, self.journal)
        self.done.append(words)


def device_path(view: View) -> str:
    if view.node is None:
        raise AssertionError("no array in view")
    return view.node.path
