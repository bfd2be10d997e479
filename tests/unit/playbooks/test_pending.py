"""A reload that failed or never happened is made up for by the next run, which says so."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import fleet_seal
import fleet_stack
import pytest
from ansible.module_utils.fleet_box import Box, CommandError, Completed
from ansible.module_utils.fleet_journal import JOURNAL_PATH
from ansible.module_utils.fleet_pending import marker_path

RULES = json.dumps({"nftables": []})
USR = "cd" * 32
STACK = {"server_cert_pem": "CERT", "ca_pem": "CA", "nginx_conf": "conf\n", "settings": {"gateway": {"site": "lab-1"}}}
MODELS = [{"task": task, "name": task, "root_hash": "ab" * 32} for task in ("transcription", "drafting")]
SEAL = {"site": "lab-1", "usr_hash": USR, "models": MODELS}


class Done(Exception):
    """The module ended well."""


class Machine(Box):
    """Files in memory; a command whose words hold `broken` fails."""

    def __init__(self) -> None:
        recovery = {
            "ciphertext": "", "ciphertext_sha256": "", "recipients": [], "made_at": "t", "tested_at": "t",
            "confirmed_at": "t", "last_test_at": "",
        }  # fmt: skip
        state = {
            "stage": "ready", "level": "raid1", "disks": [], "md_uuid": "m", "luks_uuid": "s", "fs_uuid": "f",
            "begun_at": "t", "recovery": recovery,
        }  # fmt: skip
        root = {"stage": "enrolled", "luks_uuid": "r", "slots_before": [0], "recovery": recovery}
        journal = {"version": "storage/v1", "state": state, "root": root}
        self.files: dict[str, bytes] = {
            fleet_stack.KEY_PATH: b"key",
            JOURNAL_PATH: json.dumps(journal).encode(),
            "/proc/cmdline": f"usrhash={USR}".encode(),
        }
        self.broken = ""
        self.ran: list[str] = []

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def write(self, path: str, content: bytes, mode: int = 0o600) -> None:
        self.files[path] = content

    def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def run(self, argv: Any, **options: Any) -> Completed:
        words = " ".join(argv)
        self.ran.append(words)
        if self.broken and self.broken in words:
            raise CommandError(argv, "was cut off", "")
        said = {"is-active": "active", "is-enabled": "enabled"}
        return Completed(0, RULES if "nft" in words else said.get(argv[1], ""), "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    for module in (fleet_stack, fleet_seal):
        monkeypatch.setattr(module, "Box", lambda: machine)
    monkeypatch.setattr(fleet_stack, "check_certificate", lambda *_: None)
    return machine


def run(module: Any, given: dict[str, Any]) -> list[str]:
    """Run the module; the steps that it reports."""
    said: dict[str, Any] = {}

    def end(**words: Any) -> None:
        said.update(words)
        raise Done

    with pytest.raises(Done):
        module._run(SimpleNamespace(params=given, check_mode=False, exit_json=end, warn=print))
    steps: list[str] = said["steps"]
    assert said["changed"] == bool(steps)
    return steps


def test_a_service_is_restarted_when_its_settings_change_and_not_otherwise(machine: Machine) -> None:
    run(fleet_stack, STACK)
    machine.ran = []
    changed = STACK | {"settings": {"gateway": {"site": "lab-2"}}}
    assert run(fleet_stack, changed) == ["write /etc/appliance/gateway.json"]
    assert "systemctl try-restart appliance-gateway.service" in machine.ran
    assert run(fleet_stack, STACK | {"settings": {}}) == ["remove /etc/appliance/gateway.json"]
    assert "/etc/appliance/gateway.json" not in machine.files


@pytest.mark.parametrize(
    ("module", "given", "name", "tells"),
    [
        (fleet_stack, STACK, "stack", "try-reload-or-restart appliance-nginx.service"),
        (fleet_stack, STACK, "stack", "try-restart appliance-gateway.service"),
        (fleet_seal, SEAL, "seal", "try-restart appliance-health.service"),
    ],
)
def test_a_reload_that_was_cut_off_is_made_up_for(
    machine: Machine, module: Any, given: dict[str, Any], name: str, tells: str
) -> None:
    machine.broken = tells
    with pytest.raises(CommandError):
        run(module, given)
    assert marker_path(name) in machine.files
    machine.broken, machine.ran = "", []
    (step,) = run(module, given)
    assert "cut off" in step
    assert any(tells in words for words in machine.ran)
    assert marker_path(name) not in machine.files
    machine.ran = []
    assert run(module, given) == []
    assert not any(tells in words for words in machine.ran)


def test_the_channel_of_a_site_is_written_and_goes_with_its_label(machine: Machine) -> None:
    run(fleet_stack, STACK)
    assert run(fleet_stack, STACK | {"release_channel": "stable"}) == [f"write {fleet_stack.RELEASE_CHANNEL_PATH}"]
    assert machine.files[fleet_stack.RELEASE_CHANNEL_PATH] == b"stable\n"
    assert run(fleet_stack, STACK) == [f"remove {fleet_stack.RELEASE_CHANNEL_PATH}"]
    assert fleet_stack.RELEASE_CHANNEL_PATH not in machine.files


def test_the_root_of_the_releases_is_written_and_left_alone_by_a_fleet_without(machine: Machine) -> None:
    run(fleet_stack, STACK)
    root = b'{"signed": {"_type": "root"}}\n'
    given = STACK | {"release_root": base64.b64encode(root).decode()}
    assert run(fleet_stack, given) == [f"write {fleet_stack.RELEASE_ROOT_PATH}"]
    assert machine.files[fleet_stack.RELEASE_ROOT_PATH] == root
    assert run(fleet_stack, given) == []
    assert run(fleet_stack, STACK) == []
    assert machine.files[fleet_stack.RELEASE_ROOT_PATH] == root
