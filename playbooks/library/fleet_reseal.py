#!/usr/bin/python3
"""Ansible module: the volumes' binding to PCR 7, off before a change of firmware and on again behind it."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box, ReadOnlyBox, Refusal
from ansible.module_utils.fleet_journal import READY, awaiting_escrow, read_journal
from ansible.module_utils.fleet_outcome import finish, run_reporting
from ansible.module_utils.fleet_reseal import Reseal
from ansible.module_utils.fleet_root_volume import ROOT_DEVICE

ARGUMENTS = {"stage": {"type": "str", "required": True, "choices": ["before", "after"]}}


def main() -> None:
    """Converge, or in check mode say what would be done."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def _run(module: AnsibleModule) -> None:
    box = ReadOnlyBox() if module.check_mode else Box()
    journal = read_journal(box)
    if journal.state is None or journal.state.stage != READY or journal.root is None:
        raise Refusal("The encrypted storage of this box is not finished.", "Run provisioning first.")
    if waiting := ", ".join(entry["volume"] for entry in awaiting_escrow(journal)):
        raise Refusal(
            f"The recovery key of the {waiting} volume is not in escrow yet.",
            "Run provisioning: it fetches and confirms it.",
        )
    devices = {"root": ROOT_DEVICE, "state": f"/dev/disk/by-uuid/{journal.state.luks_uuid}"}
    work = Reseal(box, devices, module.params["stage"])
    if module.check_mode:
        finish(module, work.pending(), {"reseal": {}})
    work.converge()
    finish(module, work.done, {"reseal": {"stage": module.params["stage"]}})


if __name__ == "__main__":
    main()
