#!/usr/bin/python3
"""Ansible module: let systemd-timesyncd set the clock by the time servers that the site file names, or not at all."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box, ReadOnlyBox
from ansible.module_utils.fleet_outcome import finish, run_reporting
from ansible.module_utils.fleet_pending import is_pending, pending

CONFIG_PATH = "/etc/systemd/timesyncd.conf.d/10-fleet.conf"
SERVICE = "systemd-timesyncd.service"
PENDING = "time"

ARGUMENTS = {"servers": {"type": "list", "elements": "str", "default": []}}


def config(servers: list[str]) -> bytes:
    """The configuration file. FallbackNTP is emptied: the built-in list would be tried otherwise."""
    return f"# Written by fleetctl.\n[Time]\nNTP={' '.join(servers)}\nFallbackNTP=\n".encode()


def main() -> None:
    """Converge, or in check mode say what would be done."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def _run(module: AnsibleModule) -> None:
    box: Box = ReadOnlyBox() if module.check_mode else Box()
    servers = module.params["servers"]
    finish(module, converge(box, servers, write=not module.check_mode), {"time": {"servers": servers}})


def converge(box: Box, servers: list[str], *, write: bool) -> list[str]:
    """What was missing, in words; with `write` it is done."""
    state = box.run(["systemctl", "is-enabled", SERVICE], codes=(0, 1, 3, 4)).stdout.strip()
    differs = box.read(CONFIG_PATH) != (config(servers) if servers else None)
    steps = []
    if differs:
        steps.append(f"write {CONFIG_PATH}" if servers else f"remove {CONFIG_PATH}")
    if servers and state != "enabled":
        steps.append(f"enable {SERVICE}")
    if not servers and state == "enabled":
        steps.append(f"disable {SERVICE}")
    if not steps and is_pending(box, PENDING):
        steps.append(f"tell {SERVICE} what an interrupted run wrote")
    if steps and write:
        with pending(box, PENDING):
            _apply(box, servers, differs)
    return steps


def _apply(box: Box, servers: list[str], differs: bool) -> None:
    if differs and servers:
        box.write(CONFIG_PATH, config(servers), mode=0o644)
    elif differs:
        box.remove(CONFIG_PATH)
    if servers:
        box.run(["systemctl", "enable", SERVICE])
        box.run(["systemctl", "restart", SERVICE])
    else:
        box.run(["systemctl", "disable", "--now", SERVICE])


if __name__ == "__main__":
    main()
