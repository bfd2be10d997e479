"""A path with every odd character arrives in ssh whole; ssh itself is asked what it understood."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from fleetctl.models.site import Site
from fleetctl.remote.playbook import AnsiblePlaybooks
from fleetctl.remote.sshoption import path_value

ODD = ["plain", "north fleet", "100% fleet", "%h", 'a "quoted" fleet', "it's ours", "back\\slash"]


def understood(argv: list[str]) -> dict[str, str]:
    shown = subprocess.run(["ssh", "-G", *argv, "host"], capture_output=True, text=True, check=True, timeout=30).stdout
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in shown.splitlines() if " " in line}


@pytest.mark.parametrize("name", ODD)
def test_ssh_takes_the_path_as_one_file(name: str) -> None:
    options = understood(["-F", "/dev/null", "-o", f"UserKnownHostsFile={path_value(Path('/fleets') / name)}"])
    assert options["userknownhostsfile"] == f"/fleets/{name}"


@pytest.mark.parametrize("name", ODD)
def test_ansible_hands_the_path_over_whole(site: Site, name: str) -> None:
    folder = Path("/fleets") / name
    writer = AnsiblePlaybooks(site, folder / "known_hosts", folder / "agent", Path("/run/x"), Path("playbooks"))
    arguments = shlex.split(writer._environment()["ANSIBLE_SSH_ARGS"])  # as Ansible splits it
    options = understood(arguments)
    assert options["userknownhostsfile"] == f"{folder}/known_hosts"
    assert options["identityagent"] == f"{folder}/agent"
    assert options["hostkeyalias"] == "north-clinic"
