"""Ansible through ansible-runner against a real sshd: pinned key, private folder, no secrets, check mode, results."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.playbook import AnsiblePlaybooks, CheckModePlaybooks
from fleetctl.remote.tasks import TaskResult
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

pytestmark = pytest.mark.slow

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Write the file
      ansible.builtin.copy: {content: "{{ fleet_site.text }}\\n", dest: "{{ fleet_site.path }}", mode: "0600"}
      tags: [write, never]
    - name: Ask the module
      ask:
        answer: "{{ fleet_site.text }}{{ lookup('env', 'SECRET_OF_THE_OPERATOR') }}"
        fail: "{{ fleet_site.fail | default(false) }}"
      tags: [ask, never]
    - name: Slow task
      ansible.builtin.command: sleep 60
      tags: [slow, never]
"""
MODULE = """\
#!/usr/bin/python3
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"answer": {"type": "str"}, "fail": {"type": "bool"}}, supports_check_mode=True)
if module.params["fail"]:
    module.fail_json(msg="no", fleet={"refused": {"found": "a disk", "decide": "name it"}})
module.exit_json(changed=False, fleet={"said": module.params["answer"]})
"""


@pytest.fixture(scope="module")
def agent(keystore: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    with ssh_agent(keystore, passphrase) as socket:
        yield socket


@pytest.fixture
def playbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "playbooks"
    (folder / "library").mkdir(parents=True)
    (folder / "provision.yml").write_text(PLAYBOOK)
    (folder / "library" / "ask.py").write_text(MODULE)
    monkeypatch.setattr("fleetctl.remote.playbook.resource_dir", lambda name: folder)
    monkeypatch.setattr("fleetctl.remote.playbook.REMOTE_TMP", str(tmp_path / "remote-tmp"))
    return folder


def test_one_writer_applies_reports_and_leaves_nothing_behind(
    site: Site, pinned: FleetDir, agent: Path, playbooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_OPERATOR", "s3cret")
    target = tmp_path / "target"
    seen: list[TaskResult] = []
    with AnsiblePlaybooks.opened(site, pinned, agent) as writer:
        variables = {"fleet_site": {"text": "first", "path": str(target)}}
        first = writer.apply(["write"], variables, seen.append)
        second = writer.apply(["write"], variables, seen.append)
        asked = writer.apply(["ask"], variables, seen.append)
        refused = writer.apply(["ask"], {"fleet_site": {"text": "x", "fail": True}}, seen.append)
        directory = writer.directory
        assert directory.stat().st_mode & 0o777 == 0o700
        assert not list(directory.glob("run*")), "the record of a run must not outlive it"
    assert target.read_text() == "first\n"
    assert (first.changed, second.changed, second.ok) == (1, 0, 1)
    assert asked.fleet == {"said": "first"}
    assert refused.failure is not None
    assert refused.failure.fleet == {"refused": {"found": "a disk", "decide": "name it"}}
    assert [task.name for task in seen] == ["Write the file", "Write the file", "Ask the module", "Ask the module"]
    assert not directory.exists()
    masters = subprocess.run(["pgrep", "-f", f"{directory}/cp"], capture_output=True, text=True, check=False)
    assert masters.stdout == "", "the shared SSH connection outlived the writer"


def test_check_mode_writes_nothing_and_says_what_would_change(
    site: Site, pinned: FleetDir, agent: Path, playbooks: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    with CheckModePlaybooks.opened(site, pinned, agent) as writer:
        result = writer.apply(["write"], {"fleet_site": {"text": "first", "path": str(target)}}, lambda task: None)
    assert result.changed == 1
    assert str(target) in result.tasks[0].diff
    assert not target.exists()


def test_another_host_key_is_refused_by_ansible_too(
    site: Site, fleet_dir: FleetDir, ssh_server: Any, agent: Path, playbooks: Path, tmp_path: Path
) -> None:
    fleet_dir.known_hosts.write_text(f"north-clinic {ssh_server.other_key}\n")
    target = tmp_path / "target"
    with AnsiblePlaybooks.opened(site, fleet_dir, agent) as writer:
        result = writer.apply(["write"], {"fleet_site": {"text": "first", "path": str(target)}}, lambda task: None)
    assert result.failure is not None
    assert result.failure.status == "unreachable"
    assert "Host key verification failed" in result.failure.message
    assert not target.exists()


def test_an_interrupted_run_ends_soon(site: Site, pinned: FleetDir, agent: Path, playbooks: Path) -> None:
    with (
        AnsiblePlaybooks.opened(site, pinned, agent, lambda: True) as writer,
        pytest.raises(KeyboardInterrupt),
    ):
        writer.apply(["slow"], {"fleet_site": {}}, lambda task: None)
