#!/usr/bin/python3
"""Ansible module: load the site's nftables rules atomically, prove that they are live, keep them over boots."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import REHEARSE_RULES, Box, CommandError, ReadOnlyBox, Refusal
from ansible.module_utils.fleet_contract import digest_of_rules
from ansible.module_utils.fleet_outcome import finish, run_reporting
from ansible.module_utils.fleet_ruleset_text import render

RULES_PATH = "/etc/nftables.conf"
SERVICE = "nftables.service"
_NET = Path("/sys/class/net")
_LIST = ["nft", "-j", "list", "ruleset"]

ARGUMENTS = {
    "site": {"type": "str", "required": True},
    "networks": {"type": "dict", "required": True},
    "allow": {"type": "list", "elements": "dict", "default": []},
}


def interface_names(macs: dict[str, str], present: dict[str, str]) -> dict[str, str]:
    """Interface name by network, from the MAC addresses that the site file names; `present` maps names to addresses."""
    names = {}
    for network, mac in macs.items():
        found = sorted(name for name, address in present.items() if address.lower() == mac.lower())
        if len(found) != 1:
            seen = ", ".join(f"{name} {address}" for name, address in sorted(present.items()))
            raise Refusal(
                f"{len(found) or 'No'} interface{'s' if len(found) > 1 else ''} with MAC address {mac} "
                f"(network {network}); present: {seen}.",
                f"Correct networks.{network}.interface_mac in the site file, or the cabling.",
            )
        names[network] = found[0]
    return names


def check_session(connection: str, sources: list[str]) -> None:
    """Refuse rules that would cut off the very session that loads them. `connection` is sshd's SSH_CONNECTION."""
    if not connection:
        return
    client = ipaddress.ip_address(connection.split()[0].split("%")[0])
    client = getattr(client, "ipv4_mapped", None) or client
    if not any(client in ipaddress.ip_network(source) for source in sources):
        raise Refusal(
            f"This session comes from {client}, which is in none of networks.management.sources "
            f"({', '.join(sources)}): loading these rules would lock fleetctl out.",
            "Add the network that fleetctl connects from, as the box sees it.",
        )


def main() -> None:
    """Converge, or in check mode show the difference."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def _run(module: AnsibleModule) -> None:
    given, box = module.params, ReadOnlyBox() if module.check_mode else Box()
    macs = {name: given["networks"][name]["interface_mac"] for name in ("management", "clinical")}
    interfaces = interface_names(macs, _present())
    text = render(given["site"], given["networks"], given["allow"], interfaces)
    wanted = digest_of_rules(box.run(list(REHEARSE_RULES), stdin=text.encode()).stdout)
    before = (box.read(RULES_PATH) or b"").decode()
    loaded = digest_of_rules(box.run(_LIST).stdout) == wanted
    enabled = box.run(["systemctl", "is-enabled", SERVICE], codes=(0, 1, 4)).stdout.strip() == "enabled"
    steps = [
        words
        for words, missing in (
            ("load the rules", not loaded),
            (f"write {RULES_PATH}", before != text),
            (f"enable {SERVICE}", not enabled),
        )
        if missing
    ]
    if not loaded:
        check_session(os.environ.get("SSH_CONNECTION", ""), given["networks"]["management"]["sources"])
    if not module.check_mode:
        _apply(box, text, wanted, steps)
    shown = [{"before": before, "after": text, "before_header": RULES_PATH, "after_header": RULES_PATH}]
    finish(
        module,
        steps,
        {"isolation": {"ruleset_digest": wanted, "interfaces": interfaces}},
        diff=shown if before != text else None,
    )


def _apply(box: Box, text: str, wanted: str, steps: list[str]) -> None:
    if "load the rules" in steps:
        box.run(["nft", "-f", "-"], stdin=text.encode())
        live = digest_of_rules(box.run(_LIST).stdout)
        if live != wanted:
            raise CommandError(
                _LIST,
                f"shows rules with digest {live}, loaded were {wanted}",
                "something else on the box changes the ruleset",
            )
    if f"write {RULES_PATH}" in steps:  # after loading: rules that lock everybody out are gone with the next boot
        box.write(RULES_PATH, text.encode(), mode=0o644)
    if f"enable {SERVICE}" in steps:
        box.run(["systemctl", "enable", SERVICE])


def _present() -> dict[str, str]:
    present: dict[str, str] = {}
    for entry in _NET.iterdir():
        address = (entry / "address").read_text().strip() if (entry / "address").exists() else ""
        if address and (entry / "device").exists():  # a VLAN or bridge has the address of its port, and no device
            present[entry.name] = address
    return present


if __name__ == "__main__":
    main()
