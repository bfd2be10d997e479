#!/usr/bin/python3
"""Ansible module: write down what was approved (seal.json), when the live box is that, and start the services."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import REHEARSE_RULES, Box, CommandError, ReadOnlyBox, Refusal
from ansible.module_utils.fleet_contract import digest_of_rules
from ansible.module_utils.fleet_journal import READY, Journal, awaiting_escrow, read_journal
from ansible.module_utils.fleet_outcome import finish, run_reporting
from ansible.module_utils.fleet_pending import is_pending, pending

SEAL_PATH = "/var/lib/fleetctl/seal.json"
RULES_PATH = "/etc/nftables.conf"
TARGET = "appliance.target"
SERVICES = (
    "appliance-health.service",
    "appliance-nginx.service",
    "appliance-transcription.service",
    "appliance-gateway.service",
)
DRAFTING = "appliance-drafting.service"  # at sites with a drafting model only
PENDING = "seal"
_ADAPTER = ("name", "digest", "root_hash", "rank", "kinds")
_STOP_DRAFTING = f"stop {DRAFTING}: the site has no drafting model"
_RESTART = "restart the services, because an earlier run was cut off before that"
# Loading weights under emulation takes minutes; the services' own time limits are shorter.
_START_S = 1200

ARGUMENTS = {
    "site": {"type": "str", "required": True},
    "usr_hash": {"type": "str", "required": True},
    "models": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "task": {"type": "str", "required": True, "choices": ["transcription", "drafting"]},
            "name": {"type": "str", "required": True},
            "root_hash": {"type": "str", "required": True},
        },
    },
    "adapters": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "digest": {"type": "str", "required": True},
            "root_hash": {"type": "str", "required": True},
            "rank": {"type": "int", "required": True},
            "kinds": {"type": "list", "elements": "str", "required": True},
        },
    },
    "engine": {
        "type": "dict",
        "options": {"name": {"type": "str", "required": True}, "root_hash": {"type": "str", "required": True}},
    },
}


def services_of(models: list[dict[str, str]]) -> tuple[str, ...]:
    """The units that must run at this site."""
    return (*SERVICES, DRAFTING) if any(model["task"] == "drafting" for model in models) else SERVICES


def running_usr_hash(cmdline: str) -> str:
    """Root hash of /usr on the kernel's command line, which the signed image fixes; empty when there is none."""
    found = re.search(r"(?:^|\s)usrhash=([0-9a-f]{64})(?:\s|$)", cmdline)
    return found[1] if found else ""


def sealed_volumes(journal: Journal) -> tuple[str, str]:
    """LUKS UUIDs of the state and root volumes; refused for a box whose data could be lost with it."""
    if journal.state is None or journal.state.stage != READY or journal.root is None:
        raise Refusal("The encrypted storage of this box is not finished.", "Run provisioning again.")
    waiting = ", ".join(entry["volume"] for entry in awaiting_escrow(journal))
    if waiting:
        raise Refusal(
            f"The recovery key of the {waiting} volume is not in escrow yet.",
            "Run provisioning again: it fetches and confirms it.",
        )
    return journal.state.luks_uuid, journal.root.luks_uuid


def seal(
    given: dict[str, Any], volumes: tuple[str, str], digest: str, now: str, before: dict[str, Any]
) -> dict[str, Any]:
    """The seal; its time stays when nothing else differs from the one before."""
    state_uuid, root_uuid = volumes
    document = {
        "schema_version": "seal/v2",
        "site": given["site"],
        "usr_root_hash": given["usr_hash"],
        "ruleset_digest": digest,
        "root_luks_uuid": root_uuid,
        "state_volume": {"mount": "/var/lib/appliance", "mapper": "state", "luks_uuid": state_uuid},
        "models": [{key: model[key] for key in ("task", "name", "root_hash")} for model in given["models"]],
    }
    if (engine := given.get("engine")) is not None:
        document["engine"] = {key: engine[key] for key in ("name", "root_hash")}
    if adapters := given.get("adapters"):
        document["adapters"] = [{key: each[key] for key in _ADAPTER} for each in adapters]
    same = {key: value for key, value in before.items() if key != "sealed_at"} == document
    return {**document, "sealed_at": before["sealed_at"] if same else now}


def main() -> None:
    """Converge, or in check mode say what would be done."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def _run(module: AnsibleModule) -> None:
    given, box = module.params, ReadOnlyBox() if module.check_mode else Box()
    journal = read_journal(box)
    running = running_usr_hash((box.read("/proc/cmdline") or b"").decode())
    if running != given["usr_hash"]:
        raise Refusal(
            f"The box runs /usr with root hash {running or 'none'}, approved is {given['usr_hash']}.",
            "Install the approved image, or approve the one that runs by building from its sources.",
        )
    services = services_of(given["models"])
    inactive = [unit for unit in (TARGET, *services) if not _is_active(box, unit)]
    unwanted = DRAFTING not in services and _is_active(box, DRAFTING)
    enabled = box.run(["systemctl", "is-enabled", TARGET], codes=(0, 1, 4)).stdout.strip() == "enabled"
    before = _read_seal(box)
    if module.check_mode and (journal.state is None or journal.state.stage != READY or journal.root is None):
        finish(module, ["write the seal, once the phases before are done", f"enable and start {TARGET}"], {"seal": {}})
    volumes = sealed_volumes(journal)
    live = digest_of_rules(box.run(["nft", "-j", "list", "ruleset"]).stdout)
    wanted = digest_of_rules(box.run(list(REHEARSE_RULES), stdin=box.read(RULES_PATH) or b"").stdout)
    if live != wanted:
        raise Refusal(
            f"The live firewall rules (digest {live[:12]}…) are not those of {RULES_PATH} ({wanted[:12]}…).",
            "Find out what changed them; provisioning again loads the approved ones.",
        )
    document = seal(given, volumes, live, box.now(), before)
    steps = [
        words
        for words, missing in (
            ("write the seal", document != before),
            (_RESTART, document == before and is_pending(box, PENDING)),
            (_STOP_DRAFTING, unwanted),
            (f"enable {TARGET}", not enabled),
            (f"start {', '.join(inactive)}", bool(inactive)),
        )
        if missing
    ]
    if not module.check_mode:
        _apply(box, document, steps, services)
    finish(module, steps, {"seal": document})


def _apply(box: Box, document: dict[str, Any], steps: list[str], services: tuple[str, ...]) -> None:
    if not steps:
        return
    if _STOP_DRAFTING in steps:
        box.run(["systemctl", "stop", DRAFTING], timeout_s=120)
    if f"enable {TARGET}" in steps:
        box.run(["systemctl", "enable", TARGET])
    if "write the seal" in steps or _RESTART in steps:
        with pending(box, PENDING):
            if "write the seal" in steps:
                box.write(SEAL_PATH, (json.dumps(document, indent=1, sort_keys=True) + "\n").encode(), mode=0o600)
            # Services compare themselves with the seal when they start.
            box.run(["systemctl", "try-restart", *services], timeout_s=_START_S)
    box.run(["systemctl", "reset-failed", *services], codes=(0, 1))
    box.run(["systemctl", "start", TARGET, *services], timeout_s=_START_S, codes=(0, 1))
    for unit in services:
        if not _is_active(box, unit):
            words = box.run(
                [
                    "journalctl",
                    "--unit",
                    unit,
                    "--unit",
                    "appliance-seal-check.service",
                    "--boot",
                    "--lines",
                    "15",
                    "--output",
                    "cat",
                    "--no-pager",
                ],
                codes=(0, 1),
            ).stdout
            raise CommandError(["systemctl", "start", unit], "left it inactive", words)


def _is_active(box: Box, unit: str) -> bool:
    return box.run(["systemctl", "is-active", unit], codes=(0, 1, 3, 4)).stdout.strip() == "active"


def _read_seal(box: Box) -> dict[str, Any]:
    try:
        found = json.loads(box.read(SEAL_PATH) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    main()
