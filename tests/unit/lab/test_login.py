"""ssh's command line, and the one host key it may accept."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import UnreachableError
from fleetctl.lab.login import ssh_argv, write_known_hosts
from fleetctl.lab.record import LabRecord


def test_only_the_recorded_key_and_nobodys_configuration(record: LabRecord) -> None:
    argv = ssh_argv(record, Path("/run/kh"), ["systemctl", "status"])
    options = {argv[at + 1] for at, word in enumerate(argv) if word == "-o"}
    assert argv[:5] == ["ssh", "-F", "none", "-p", "20001"]
    assert {"StrictHostKeyChecking=yes", 'UserKnownHostsFile="/run/kh"', "HostKeyAlias=lab-1"} <= options
    assert {"GlobalKnownHostsFile=/dev/null", "PasswordAuthentication=no"} <= options
    assert argv[-4:] == ["root@127.0.0.1", "--", "systemctl", "status"]


def test_a_shell_without_a_command(record: LabRecord) -> None:
    assert ssh_argv(record, Path("/run/kh"), [])[-1] == "root@127.0.0.1"


def test_known_hosts_is_the_record_and_nothing_before_first_contact(record: LabRecord, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="not been reached yet"):
        write_known_hosts(record, tmp_path)
    seen = record.model_copy(update={"host_public_key": "ssh-ed25519 AAAA"})
    assert write_known_hosts(seen, tmp_path).read_text() == "lab-1 ssh-ed25519 AAAA\n"
