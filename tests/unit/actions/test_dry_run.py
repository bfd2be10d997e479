"""A dry run, whole, down to the call that would start Ansible: it never writes, neither there nor here."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fleetctl.actions import provision
from fleetctl.egress.isolation import read_isolation, spec_sha256
from fleetctl.facts.base import Completed
from fleetctl.models.fleetdir import FleetDir
from fleetctl.phases.pin_key import PinAuditKey, PinHealthKey
from fleetctl.trust.escrow_files import EscrowFiles
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import site as fake
from tests.fakes.host import FakeHost

RESULT = {"changed": True, "fleet": {"isolation": {"ruleset_digest": fake.RULES}}}


class FakeRunner:
    """What ansible-runner would have been asked to run."""

    calls: list[dict[str, Any]]

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, **wanted: Any) -> Any:
        self.calls.append(wanted)
        return SimpleNamespace(config=SimpleNamespace(env={}), run=lambda: self._run(wanted), stdout=None)

    @staticmethod
    def _run(wanted: dict[str, Any]) -> tuple[str, int]:
        data = {"task": f"task of {wanted['tags']}", "duration": 0.1, "res": RESULT}
        wanted["event_handler"]({"event": "runner_on_ok", "event_data": data})
        return "successful", 0


@pytest.fixture
def setting(
    fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[FleetDir, FakeRunner, FakeHost]:
    """A fleet with a built release and one site, whose host is a fake and whose Ansible records what it is asked."""
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FLEETCTL_CACHE_DIR", str(tmp_path / "cache"))
    fleet_dir.write_site(fake.SITE)
    for path, manifest in (
        ("images/north/edge-lab.json", fake.IMAGE_MANIFEST),
        ("models/north/whisper-tiny.en.json", fake.MODEL_MANIFEST),
        (f"models/north/{fake.DRAFTING}.json", fake.DRAFTING_MANIFEST),
    ):
        target = tmp_path / "cache" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(manifest.model_dump_json())
    runner, host = FakeRunner(), FakeHost(readings=[fake.bare_facts()])
    monkeypatch.setattr("fleetctl.remote.playbook.ansible_runner.interface.init_runner", runner)
    monkeypatch.setattr(
        "fleetctl.actions.provision.ssh_agent", lambda keys, passphrase: nullcontext(tmp_path / "agent")
    )
    monkeypatch.setattr("fleetctl.actions.provision.Connection", lambda *_: nullcontext(host))
    monkeypatch.setattr(
        "fleetctl.actions.operator_side.FleetOperator.server_certificate", lambda self, facts: "CERTIFICATE"
    )
    return fleet_dir, runner, host


def _tree(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_a_dry_run_reaches_every_change_and_writes_none(
    setting: tuple[FleetDir, FakeRunner, FakeHost], passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet_dir, runner, host = setting

    def written(*_: Any) -> None:
        raise AssertionError("a dry run wrote an escrow file")

    monkeypatch.setattr(EscrowFiles, "store", written)
    before = _tree(fleet_dir.path)
    (report,) = provision.plan(fleet_dir, [fake.SITE], passphrase, lambda event: None)
    assert report.error is None
    assert [call["tags"] for call in runner.calls] == ["lock", "storage", "isolation", "stack", "models", "seal"]
    assert {call["cmdline"] for call in runner.calls} == {"--check --diff"}
    assert host.ran == []
    assert report.changed == 5
    assert _tree(fleet_dir.path) == before
    assert read_isolation(fleet_dir.state_dir, "lab-1") is None


def test_the_same_list_writes_when_it_is_no_dry_run(
    setting: tuple[FleetDir, FakeRunner, FakeHost], passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the test above cannot pass because nothing is ever called."""
    fleet_dir, runner, host = setting
    host.readings.append(fake.bare_facts())
    host.answers[PinAuditKey().command] = Completed(0, fake.AUDIT_KEY)
    host.answers[PinHealthKey().command] = Completed(0, fake.HEALTH_KEY_TEXT)
    monkeypatch.setattr("fleetctl.phases.verify.HEALTH_DEADLINE_S", -1.0)
    monkeypatch.setattr("fleetctl.actions.operator_side.FleetOperator.health", lambda self: fake.unreadable("health"))
    (report,) = provision.provision(fleet_dir, [fake.SITE], passphrase, lambda event: None)
    assert {call["cmdline"] for call in runner.calls} == {None}
    assert report.error is not None
    assert report.error.message.startswith("volumes_encrypted is critical")
    assert runner.calls[-1]["tags"] == "unlock"
    assert fleet_dir.audit_keys.read_text() == f"lab-1 {fake.AUDIT_KEY}\n"
    assert fleet_dir.health_keys.read_text() == f"lab-1 {fake.HEALTH_KEY_TEXT}\n"
    record = read_isolation(fleet_dir.state_dir, "lab-1")
    assert record is not None
    assert (record.ruleset_digest, record.spec_sha256) == (fake.RULES, spec_sha256(fake.SITE))


def test_no_phase_and_no_action_asks_whether_it_is_a_dry_run() -> None:
    root = Path(provision.__file__).parents[1]
    files = [*root.glob("phases/*.py"), *root.glob("actions/*.py"), *root.glob("remote/*.py"), *root.glob("facts/*.py")]
    assert len(files) > 30
    guilty = [path.name for path in files if "if dry_run" in path.read_text() or "check_mode" in path.read_text()]
    assert guilty == []


def test_no_secret_is_among_what_ansible_gets(
    setting: tuple[FleetDir, FakeRunner, FakeHost], passphrase: Passphrase
) -> None:
    fleet_dir, runner, _ = setting
    provision.plan(fleet_dir, [fake.SITE], passphrase, lambda event: None)
    for call in runner.calls:
        text = json.dumps({key: value for key, value in call.items() if isinstance(value, dict | str)})
        assert passphrase.reveal() not in text
        assert "PRIVATE KEY" not in text
        assert "ssh_key" not in call
        assert "passwords" not in call
