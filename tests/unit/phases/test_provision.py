"""The phases of provisioning over a fake host: order, what each asks for, failures, dry run."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fleetctl.actions.provision import DRY_RUN, PROVISION
from fleetctl.errors import ChangeError, PreflightError, RefusedError, UnreachableError, VerificationError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.memory import MemoryFacts
from fleetctl.phases.runner import run_phases
from fleetctl.phases.verify import Verify
from fleetctl.remote.playbook import AnsiblePlaybooks, CheckModePlaybooks
from tests.fakes import site as fake
from tests.fakes.host import changed, failed, host_run, ok
from tests.fakes.provisioning import TAGS, Setting, script


def test_the_operation_reads_from_top_to_bottom() -> None:
    assert [phase.title for phase in PROVISION] == [
        "Connect",
        "GatherFacts",
        "CheckProfile",
        "AcquireLock",
        "ConfigureStorage",
        "MeasureReach",
        "IsolateNetwork",
        "InstallStack",
        "InstallModels",
        "Seal",
        "PinAuditKey",
        "PinHealthKey",
        "Verify",
        "ReleaseLock",
    ]
    assert all(phase.title == type(phase).__name__ for phase in PROVISION)


def test_all_phases_run_in_order_and_the_lock_is_released() -> None:
    setting = Setting()
    report = setting.provision()
    assert report.error is None
    assert setting.playbooks.tags == list(TAGS)
    assert {phase.title: phase.status for phase in report.phases if phase.status != "ok"} == {"MeasureReach": "skipped"}
    assert report.changed == 0
    assert setting.events[-1].status == "finished"
    assert setting.events[-1].detail == "changed 0"
    assert {check.verdict.value for check in report.checks} == {"ok"}


def test_the_playbooks_get_the_site_and_no_secret() -> None:
    setting = Setting()
    setting.provision()
    calls = dict(setting.playbooks.calls)
    assert calls["storage"]["storage"] == {
        "level": "raid1",
        "data_disks": ["LAB-1-DATA0", "LAB-1-DATA1"],
        "erase_disks": [],
    }
    assert calls["storage"]["recipients"] == ["age1recipient"]
    assert calls["isolation"]["egress"]["allow"][0]["port"] == 7443
    assert calls["isolation"]["networks"]["clinical"]["interface_mac"] == "52:54:00:00:00:02"
    assert calls["stack"]["tls"] == {"server_cert_pem": "CERTIFICATE", "ca_pem": "CA"}
    gateway = calls["stack"]["settings"]["gateway"]
    assert (gateway["site"], gateway["drafting"], gateway["lab"]) == ("lab-1", True, False)
    assert {each["task"]: each["root_hash"] for each in calls["models"]["models"]} == {
        "transcription": fake.MODEL,
        "drafting": fake.DRAFTER,
    }
    assert {each["task"]: set(each) for each in calls["seal"]["models"]} == {
        task: {"task", "name", "root_hash"} for task in ("transcription", "drafting")
    }
    assert calls["seal"]["image"] == {"usr_hash": fake.USR}
    assert calls["lock"]["lock"] == {
        "token": "token",
        "owner": "ann",
        "host": "ops-1",
        "reason": "provision",
        "expires_s": 3600,
        "force": False,
    }


def test_a_fleet_with_releases_gives_the_box_its_root() -> None:
    setting = Setting()
    assert "release_root" not in dict((setting.provision(), setting.playbooks.calls)[1])["stack"]
    setting = Setting()
    setting.operator.root = b'{"signed": {}}'
    setting.provision()
    assert base64.b64decode(dict(setting.playbooks.calls)["stack"]["release_root"]) == b'{"signed": {}}'


def test_a_site_with_a_channel_follows_that_alone() -> None:
    setting = Setting()
    assert "release_channel" not in dict((setting.provision(), setting.playbooks.calls)[1])["stack"]
    labelled = fake.SITE.metadata.model_copy(update={"labels": {"channel": "candidate"}})
    setting = Setting()
    run = host_run(setting.host, setting.playbooks, setting.operator, setting.events)
    run.site = fake.SITE.model_copy(update={"metadata": labelled})
    run_phases(PROVISION, run, setting.interruption)
    assert dict(setting.playbooks.calls)["stack"]["release_channel"] == "candidate"


def test_the_digest_of_the_rules_is_kept_when_they_are_made() -> None:
    setting = Setting()
    setting.operator.recorded = None
    assert setting.provision().error is None
    assert setting.operator.recorded == fake.ISOLATION


@pytest.mark.parametrize("fleet", [{}, {"isolation": {}}, {"isolation": {"ruleset_digest": "../x"}}])
def test_rules_without_a_digest_are_not_taken_for_made(fleet: dict[str, Any]) -> None:
    setting = Setting(script(isolation=[ok("isolation", **fleet)]))
    setting.operator.recorded = None
    report = setting.provision()
    assert isinstance(report.error, ChangeError)
    assert "no digest" in report.error.message
    assert setting.operator.recorded is None


@pytest.mark.parametrize("tag", ["storage", "isolation", "stack", "models", "seal"])
def test_a_failed_phase_ends_the_run_and_the_lock_is_released(tag: str) -> None:
    setting = Setting(script(**{tag: [ok("first"), failed("no space")]}))
    report = setting.provision()
    assert isinstance(report.error, ChangeError)
    assert "no space" in report.error.message
    assert setting.playbooks.tags == [*TAGS[: TAGS.index(tag) + 1], "unlock"]
    assert [phase.status for phase in report.phases][-2:] == ["failed", "ok"]


def test_a_defect_of_ours_still_releases_the_lock() -> None:
    setting = Setting(script(models=ZeroDivisionError("oops")))
    report = setting.provision()
    assert report.error is not None
    assert "unexpected ZeroDivisionError" in report.error.message
    assert setting.playbooks.tags[-1] == "unlock"


def test_a_refusal_says_what_a_person_must_decide() -> None:
    refused = {"found": "Disk X holds ntfs.", "decide": "Name it in erase_disks."}
    report = Setting(script(storage=[failed("no", refused=refused)])).provision()
    assert isinstance(report.error, RefusedError)
    assert (report.error.message, report.error.hint) == ("Disk X holds ntfs.", "Name it in erase_disks.")


def test_a_host_that_does_not_fit_is_not_touched() -> None:
    setting = Setting(readings=[fake.bare_facts(memory=MemoryFacts(512, ()))])
    report = setting.provision()
    assert isinstance(report.error, PreflightError)
    assert "memory_sufficient" in report.error.message
    assert setting.playbooks.tags == []


def test_a_host_that_cannot_be_judged_is_not_touched() -> None:
    setting = Setting(readings=[fake.bare_facts(secure_boot=fake.unreadable("secure_boot"))])
    report = setting.provision()
    assert isinstance(report.error, UnreachableError)
    assert setting.playbooks.tags == []


def test_a_wrong_host_key_ends_the_run_before_anything_is_read() -> None:
    setting = Setting(readings=[], open_error=VerificationError("host key mismatch", hint="find out"))
    report = setting.provision()
    assert report.error is setting.host.open_error
    assert setting.playbooks.tags == []


def test_verify_reads_anew_and_a_playbooks_word_is_not_enough() -> None:
    setting = Setting(readings=[fake.bare_facts(), fake.bare_facts()])
    report = setting.provision()
    assert isinstance(report.error, VerificationError)
    assert report.error.exit_code == 9
    assert "volumes_encrypted is critical" in report.error.message
    assert setting.playbooks.tags[-1] == "unlock"


def test_verify_waits_for_the_box_to_come_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleetctl.phases.verify.HEALTH_DEADLINE_S", 300.0)
    setting = Setting(readings=[fake.sealed_facts()])
    setting.operator.snapshots = [Unreadable("health", "no answer"), fake.snapshot("unknown"), fake.snapshot()]
    slept: list[float] = []
    report = setting.provision((Verify(sleep=slept.append),))
    assert report.error is None
    assert len(slept) == 2


# --- dry run ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_is_the_same_list_without_what_it_cannot_have() -> None:
    left_out = [phase.title for phase in PROVISION if phase not in DRY_RUN]
    assert left_out == ["MeasureReach", "PinAuditKey", "PinHealthKey", "Verify", "ReleaseLock"]


def test_only_the_writer_knows_of_a_dry_run() -> None:
    """Check mode is what CheckModePlaybooks passes to Ansible, and all that it changes."""
    assert CheckModePlaybooks.switches == "--check --diff"
    assert AnsiblePlaybooks.switches == ""
    own = {name for name in vars(CheckModePlaybooks) if not name.startswith("__")}
    assert own <= {"switches", "_abc_impl"}


def test_a_dry_run_escrows_nothing_and_runs_nothing_on_the_host() -> None:
    setting = Setting(script(storage=[changed("would make it", storage={"awaiting_escrow": []})]))
    report = setting.provision(DRY_RUN)
    assert report.error is None
    assert report.changed == 1
    assert setting.operator.stored == {}
    assert setting.host.ran == []
