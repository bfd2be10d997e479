#!/usr/bin/python3
"""Ansible module: the operator confirms that it holds an encrypted recovery key, or that a test of it succeeded."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box, Refusal
from ansible.module_utils.fleet_journal import Journal, awaiting_escrow, read_journal, write_journal
from ansible.module_utils.fleet_outcome import finish, run_reporting

ARGUMENTS = {
    "entries": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "luks_uuid": {"type": "str", "required": True},
            "ciphertext_sha256": {"type": "str"},
            "tested": {"type": "bool", "default": False},
        },
    },
}


def record(journal: Journal, entries: list[dict[str, Any]], now: str) -> list[str]:
    """Write confirmations and tests into the journal; what changed, in words.

    A confirmation counts only for the very ciphertext that this box made. It is then dropped here: the box has no use
    for it, and a key is not kept on the disk that it opens.
    """
    done = []
    for given in entries:
        name, entry = next(
            ((name, entry) for name, entry in journal.volumes() if entry.luks_uuid == given["luks_uuid"]), (None, None)
        )
        if entry is None or entry.recovery is None:
            raise Refusal(
                f"No volume {given['luks_uuid']} with a recovery key is known on this box.",
                "Run provisioning again: it returns the keys that wait for escrow.",
            )
        recovery, digest = entry.recovery, given.get("ciphertext_sha256")
        if digest and digest != recovery.ciphertext_sha256:
            raise Refusal(
                f"The confirmed ciphertext {digest[:12]}… of the {name} volume is not the one that this box "
                f"made ({recovery.ciphertext_sha256[:12]}…).",
                "Run provisioning again, so that the right one is stored.",
            )
        if digest and not recovery.confirmed_at:
            recovery.confirmed_at, recovery.ciphertext = now, ""
            done.append(f"recorded the escrow of the {name} volume's recovery key")
        if given.get("tested"):
            recovery.last_test_at = now
            done.append(f"recorded a recovery test of the {name} volume")
    return done


def main() -> None:
    """Read, record, write once."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def _run(module: AnsibleModule) -> None:
    box = Box()
    journal = read_journal(box)
    done = record(journal, module.params["entries"], box.now())
    if done and not module.check_mode:
        write_journal(box, journal)
    finish(module, done, {"escrow": {"complete": not awaiting_escrow(journal)}})


if __name__ == "__main__":
    main()
