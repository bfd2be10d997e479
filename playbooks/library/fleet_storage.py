#!/usr/bin/python3
"""Ansible module: encrypted state volume and recovery keys, continued where an earlier run was interrupted."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box, ReadOnlyBox, Refusal
from ansible.module_utils.fleet_disks import read_nodes
from ansible.module_utils.fleet_journal import READY, Journal, awaiting_escrow, read_journal
from ansible.module_utils.fleet_outcome import finish, run_reporting
from ansible.module_utils.fleet_recovery_key import bad_recipients
from ansible.module_utils.fleet_root_volume import RootVolume
from ansible.module_utils.fleet_state_device import Wanted
from ansible.module_utils.fleet_state_volume import StateVolume
from ansible.module_utils.fleet_unlock import boot_files

ARGUMENTS = {
    "site": {"type": "str", "required": True},
    "level": {"type": "str", "required": True, "choices": ["raid1", "raid10"]},
    "data_disks": {"type": "list", "elements": "str", "required": True},
    "erase_disks": {"type": "list", "elements": "str", "default": []},
    "recipients": {"type": "list", "elements": "str", "required": True},
    # 7: Secure Boot state and keys; 15: the root volume's key, so that another root on this TPM does not open the data.
    "pcrs": {"type": "list", "elements": "int", "default": [7, 15]},
    "signed_policy": {"type": "str", "default": "auto", "choices": ["auto", "required", "off"]},
}


def check_swap(box: Box) -> None:
    """Refuse swap that is not encrypted: it would write patient data in plain text."""
    lines = (box.read("/proc/swaps") or b"").decode().splitlines()[1:]
    swaps = {line.split()[0] for line in lines if line.split()[1] == "partition"}
    encrypted = {
        node.path
        for disk in read_nodes(box)
        for crypt in disk.below()
        if crypt.type == "crypt"
        for node in (crypt, *crypt.below())
    }
    plain = {swap for swap in swaps if not PurePosixPath(swap).name.startswith("zram")} - encrypted
    # A swap file lies on the root volume, which is encrypted; a device must be so itself. dm hides behind /dev/dm-N.
    names = {PurePosixPath(path).name for path in encrypted}
    plain = {swap for swap in plain if _mapper_name(box, swap) not in names}
    if plain:
        raise Refusal(f"Swap on {', '.join(sorted(plain))} is not encrypted.", "Turn it off: `swapoff` and fstab.")


def _mapper_name(box: Box, device: str) -> str:
    content = box.read(f"/sys/class/block/{PurePosixPath(device).name}/dm/name")
    return content.decode().strip() if content else ""


def slot_warnings(volume: StateVolume, pcrs: tuple[int, ...]) -> list[str]:
    """What is wrong with the key slots of a finished volume."""
    slots = volume.slots()
    if slots is None:
        return []
    warnings = []
    if not slots.recovery:
        warnings.append("The state volume has no recovery key slot any more.")
    if not slots.tpm2:
        warnings.append("The state volume has no TPM2 slot any more.")
    elif set(slots.pcrs) != set(pcrs):
        warnings.append(f"The state volume's TPM2 slot is bound to PCRs {list(slots.pcrs)}, wanted {list(pcrs)}.")
    if slots.other:
        warnings.append(f"The state volume has slots that this tool did not make: {list(slots.other)}.")
    return warnings


def result(journal: Journal, warnings: list[str]) -> dict[str, Any]:
    """What the operator gets: the ciphertexts that wait for escrow, and whether the storage counts as done."""
    waiting = awaiting_escrow(journal)
    finished = journal.state is not None and journal.state.stage == READY and journal.root is not None
    return {
        "storage": {
            "complete": finished and not waiting,
            "awaiting_escrow": waiting,
            "warnings": warnings,
            "stage": journal.state.stage if journal.state else None,
            "volumes": {
                name: {"luks_uuid": entry.luks_uuid, "stage": entry.stage} for name, entry in journal.volumes()
            },
        }
    }


def main() -> None:
    """Converge, or in check mode say what would be done."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def _run(module: AnsibleModule) -> None:
    given = module.params
    box: Box = ReadOnlyBox() if module.check_mode else Box()
    wrong = bad_recipients(given["recipients"])
    if wrong or not given["recipients"]:
        raise Refusal(f"No usable escrow recipient among {given['recipients']}.", "Correct fleet.yaml: age1….")
    journal = read_journal(box)
    wanted = Wanted(
        given["site"],
        given["level"],
        tuple(given["data_disks"]),
        tuple(given["erase_disks"]),
        tuple(given["recipients"]),
        tuple(given["pcrs"]),
        given["signed_policy"],
    )
    state, root = StateVolume(box, wanted, journal), RootVolume(box, wanted.recipients, journal)
    check_swap(box)
    if module.check_mode:
        state.examine()
        pending = root.pending() + state.pending()
        if journal.state and journal.state.stage == READY:
            changed = boot_files(box, journal.state.luks_uuid, with_mount=True)
            pending += [f"write {path}" for path in changed]
        finish(module, pending, result(journal, slot_warnings(state, wanted.pcrs)))
        return
    state.examine()  # before the first change anywhere
    root.converge()
    state.converge()
    finish(module, root.done + state.done, result(journal, state.warnings + slot_warnings(state, wanted.pcrs)))


if __name__ == "__main__":
    main()
