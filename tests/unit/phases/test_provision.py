"""The phases of provisioning over a fake host: order, what each asks for, failures, the lock, dry run."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from fleetctl.actions.provision import DRY_RUN, PROVISION
from fleetctl.errors import (
    ChangeError,
    FleetctlError,
    LockHeldError,
    PartialError,
    PreflightError,
    RefusedError,
    UnreachableError,
    VerificationError,
)
from fleetctl.facts.base import Completed, Unreadable
from fleetctl.facts.memory import MemoryFacts
from fleetctl.phases.base import Event, HostRun
from fleetctl.phases.gather_facts import GatherFacts
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.phases.runner import HostReport, Interruption, raise_for, run_hosts, run_phases
from fleetctl.phases.try_recovery_keys import TryRecoveryKeys, try_command
from fleetctl.phases.verify import Verify
from fleetctl.remote.playbook import AnsiblePlaybooks, CheckModePlaybooks
from fleetctl.remote.tasks import TaskResult
from tests.fakes import site as fake
from tests.fakes.host import FakeHost, FakeOperator, FakePlaybooks, changed, failed, host_run, ok

CIPHERTEXT = fake.CIPHERTEXT
WAITING = [{"volume": "state", "luks_uuid": fake.STATE_UUID, "ciphertext": CIPHERTEXT}]
TAGS = ("lock", "storage", "isolation", "stack", "models", "seal", "unlock")


def _script(**different: Any) -> dict[str, Any]:
    isolation = [ok("isolation", isolation={"ruleset_digest": fake.RULES})]
    return {**{tag: [ok(tag)] for tag in TAGS}, "isolation": isolation, **different}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleetctl.phases.verify.HEALTH_DEADLINE_S", 0.0)


class Setting:
    """One fake host with everything around it."""

    def __init__(self, script: dict[str, Any] | None = None, **host: Any) -> None:
        self.events: list[Event] = []
        self.host = FakeHost(**{"readings": [fake.bare_facts(), fake.sealed_facts()], **host})
        self.playbooks = FakePlaybooks(script if script is not None else _script())
        self.operator = FakeOperator(already=frozenset({fake.ROOT_UUID, fake.STATE_UUID}))
        self.interruption = Interruption()

    def provision(self, phases: tuple[Any, ...] = PROVISION) -> HostReport:
        run = host_run(self.host, self.playbooks, self.operator, self.events)
        return run_phases(phases, run, self.interruption)


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
    assert calls["models"]["model"]["root_hash"] == fake.MODEL
    assert calls["seal"]["image"] == {"usr_hash": fake.USR}
    assert calls["lock"]["lock"] == {
        "token": "token",
        "owner": "ann",
        "host": "ops-1",
        "reason": "provision",
        "expires_s": 3600,
        "force": False,
    }


def test_the_digest_of_the_rules_is_kept_when_they_are_made() -> None:
    setting = Setting()
    setting.operator.recorded = None
    assert setting.provision().error is None
    assert setting.operator.recorded == fake.ISOLATION


@pytest.mark.parametrize("fleet", [{}, {"isolation": {}}, {"isolation": {"ruleset_digest": "../x"}}])
def test_rules_without_a_digest_are_not_taken_for_made(fleet: dict[str, Any]) -> None:
    setting = Setting(_script(isolation=[ok("isolation", **fleet)]))
    setting.operator.recorded = None
    report = setting.provision()
    assert isinstance(report.error, ChangeError)
    assert "no digest" in report.error.message
    assert setting.operator.recorded is None


def test_recovery_keys_are_in_escrow_before_the_box_hears_that_they_are() -> None:
    order: list[str] = []

    def escrow(fleet_site: Mapping[str, Any]) -> list[TaskResult]:
        order.append(f"confirmed with {sorted(setting.operator.stored)}")
        assert fleet_site["escrow"][0]["ciphertext_sha256"] == hashlib.sha256(CIPHERTEXT.encode()).hexdigest()
        return [changed("confirm")]

    storage = [changed("make it", storage={"awaiting_escrow": WAITING})]
    setting = Setting(_script(storage=storage, escrow=escrow))
    report = setting.provision()
    assert order == [f"confirmed with ['{fake.STATE_UUID}']"]
    assert setting.operator.stored == {fake.STATE_UUID: CIPHERTEXT}
    assert report.changed == 2


def test_when_escrow_cannot_be_written_the_box_is_not_told_that_it_was() -> None:
    setting = Setting(_script(storage=[changed(storage={"awaiting_escrow": WAITING})]))

    def full(luks_uuid: str, ciphertext: str, volume: str) -> None:
        raise ChangeError("disk full", hint="make room")

    setting.operator.store_escrow = full  # type: ignore[method-assign]
    report = setting.provision()
    assert isinstance(report.error, ChangeError)
    assert setting.playbooks.tags == ["lock", "storage", "unlock"]


def test_what_is_no_ciphertext_is_not_escrowed() -> None:
    waiting = [{"luks_uuid": fake.STATE_UUID, "ciphertext": "cbdefghi-in-plain-words"}]
    setting = Setting(_script(storage=[changed(storage={"awaiting_escrow": waiting})]))
    report = setting.provision()
    assert report.error is not None
    assert "no age ciphertext" in report.error.message
    assert "plain-words" not in report.error.message
    assert setting.operator.stored == {}


def test_a_key_of_an_unknown_volume_is_not_escrowed() -> None:
    setting = Setting(_script(storage=[changed(storage={"awaiting_escrow": [{**WAITING[0], "volume": "swap"}]})]))
    report = setting.provision()
    assert report.error is not None
    assert "'swap', which is neither root nor state" in report.error.message
    assert setting.operator.stored == {}


@pytest.mark.parametrize("tag", ["storage", "isolation", "stack", "models", "seal"])
def test_a_failed_phase_ends_the_run_and_the_lock_is_released(tag: str) -> None:
    setting = Setting(_script(**{tag: [ok("first"), failed("no space")]}))
    report = setting.provision()
    assert isinstance(report.error, ChangeError)
    assert "no space" in report.error.message
    assert setting.playbooks.tags == [*TAGS[: TAGS.index(tag) + 1], "unlock"]
    assert [phase.status for phase in report.phases][-2:] == ["failed", "ok"]


def test_a_defect_of_ours_still_releases_the_lock() -> None:
    setting = Setting(_script(models=ZeroDivisionError("oops")))
    report = setting.provision()
    assert report.error is not None
    assert "unexpected ZeroDivisionError" in report.error.message
    assert setting.playbooks.tags[-1] == "unlock"


def test_ctrl_c_stops_the_run_and_releases_the_lock_unheard() -> None:
    heard: list[bool] = []

    def interrupted(_: Mapping[str, Any]) -> list[TaskResult]:
        setting.interruption.request()
        assert setting.interruption.heard()
        raise KeyboardInterrupt

    def unlock(_: Mapping[str, Any]) -> list[TaskResult]:
        heard.append(setting.interruption.heard())
        return [ok()]

    setting = Setting(_script(isolation=interrupted, unlock=unlock))
    report = setting.provision()
    assert report.interrupted
    assert heard == [False], "the playbook that releases the lock must not be interrupted by the same Ctrl-C"
    assert setting.playbooks.tags == ["lock", "storage", "isolation", "unlock"]


def test_someone_elses_lock_is_left_alone_and_named() -> None:
    holder = {
        "owner": "bob",
        "host": "ops-2",
        "reason": "provision",
        "taken_at": "2026-11-22T12:00:00Z",
        "expires_at": "2026-11-22T13:00:00Z",
    }
    setting = Setting(_script(lock=[failed("held", lock_held=holder)]))
    report = setting.provision()
    assert isinstance(report.error, LockHeldError)
    assert report.error.exit_code == 8
    assert report.error.message == (
        "bob on ops-2 holds the lock since 2026-11-22T12:00:00Z, for: provision; it expires 2026-11-22T13:00:00Z"
    )
    assert setting.playbooks.tags == ["lock"]
    assert report.phases[-1].status == "skipped"


def test_a_run_cut_off_while_it_takes_the_lock_releases_it() -> None:
    setting = Setting(_script(lock=KeyboardInterrupt()))
    assert setting.provision().interrupted
    assert setting.playbooks.tags == ["lock", "unlock"]


def test_a_refusal_says_what_a_person_must_decide() -> None:
    refused = {"found": "Disk X holds ntfs.", "decide": "Name it in erase_disks."}
    report = Setting(_script(storage=[failed("no", refused=refused)])).provision()
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


def test_lock_tasks_never_count_as_changes() -> None:
    setting = Setting(_script(lock=[changed("take")], unlock=[changed("release")]))
    report = setting.provision()
    assert report.changed == 0
    assert [event.task for event in setting.events if event.status == "changed"] == []


# --- dry run ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_is_the_same_list_without_what_it_cannot_have() -> None:
    left_out = [phase.title for phase in PROVISION if phase not in DRY_RUN]
    assert left_out == ["MeasureReach", "Verify", "ReleaseLock"]


def test_only_the_writer_knows_of_a_dry_run() -> None:
    """Check mode is what CheckModePlaybooks passes to Ansible, and all that it changes."""
    assert CheckModePlaybooks.switches == "--check --diff"
    assert AnsiblePlaybooks.switches == ""
    own = {name for name in vars(CheckModePlaybooks) if not name.startswith("__")}
    assert own <= {"switches", "_abc_impl"}


def test_a_dry_run_escrows_nothing_and_runs_nothing_on_the_host() -> None:
    setting = Setting(_script(storage=[changed("would make it", storage={"awaiting_escrow": []})]))
    report = setting.provision(DRY_RUN)
    assert report.error is None
    assert report.changed == 1
    assert setting.operator.stored == {}
    assert setting.host.ran == []


# --- many hosts ------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(setting: Setting) -> Iterator[HostRun]:
    yield host_run(setting.host, setting.playbooks, setting.operator, setting.events)


def test_a_failed_host_does_not_stop_the_others() -> None:
    good, bad = Setting(), Setting(_script(stack=[failed("no")]))
    reports = run_hosts(
        PROVISION, {"bad": lambda: _opened(bad), "good": lambda: _opened(good)}, Interruption(), parallel=1
    )
    assert [report.error is None for report in reports] == [False, True]
    assert good.playbooks.tags == list(TAGS)
    with pytest.raises(PartialError, match="1 of 2 sites failed"):
        raise_for(reports)


def test_one_host_that_fails_gives_its_own_error() -> None:
    error = LockHeldError("held", hint="wait")
    with pytest.raises(LockHeldError):
        raise_for([HostReport("a", error=error)])
    with pytest.raises(LockHeldError, match="all 2 sites failed"):
        raise_for([HostReport("a", error=error), HostReport("b", error=error)])
    with pytest.raises(FleetctlError, match="all 2 sites failed"):
        raise_for([HostReport("a", error=error), HostReport("b", error=ChangeError("x", hint="y"))])
    raise_for([HostReport("a"), HostReport("b")])


def test_ctrl_c_in_the_waiting_thread_reaches_running_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first wake-up of the waiting thread gets a Ctrl-C; the host in work stops and still releases its lock."""
    import fleetctl.phases.runner as runner

    interruption, started = Interruption(), threading.Event()

    def busy(_: Mapping[str, Any]) -> list[TaskResult]:
        started.set()
        deadline_s = time.monotonic() + 10
        while not interruption.heard():
            assert time.monotonic() < deadline_s
            time.sleep(0.001)
        raise KeyboardInterrupt

    setting, waits = Setting(_script(storage=busy)), 0
    real_wait = runner._wait

    def wait(futures: Any) -> None:
        nonlocal waits
        waits += 1
        if waits == 1:
            started.wait(10)
            raise KeyboardInterrupt
        real_wait(futures)

    monkeypatch.setattr(runner, "_wait", wait)
    with pytest.raises(KeyboardInterrupt):
        run_hosts(PROVISION, {"lab-1": lambda: _opened(setting)}, interruption, parallel=1)
    assert setting.playbooks.tags == ["lock", "storage", "unlock"]


# --- recovery keys ---------------------------------------------------------------------------------------------------


def _try_keys(answers: dict[tuple[str, ...], Completed], **reading: Any) -> tuple[Setting, HostReport]:
    setting = Setting({"escrow": [changed("note it")]}, readings=[fake.sealed_facts(**reading)], answers=answers)
    phase = TryRecoveryKeys(lambda site, uuid: f"ciphertext of {uuid}", lambda text: f"key in {text}")
    return setting, setting.provision((GatherFacts(), phase, ReleaseLock()))


def test_each_escrowed_key_is_tried_through_stdin_and_noted() -> None:
    commands = [tuple(try_command(device, 0)) for device in ("/dev/vda8", "/dev/md127")]
    setting, report = _try_keys({command: Completed(0, "") for command in commands})
    assert report.error is None
    assert setting.host.ran == [
        (commands[0], f"key in ciphertext of {fake.ROOT_UUID}"),
        (commands[1], f"key in ciphertext of {fake.STATE_UUID}"),
    ]
    ((_, told),) = setting.playbooks.calls
    assert [entry["tested"] for entry in told["escrow"]] == [True, True]
    assert all("key in" not in event.model_dump_json() for event in setting.events)


def test_a_key_that_opens_nothing_is_no_recovery_key() -> None:
    _, report = _try_keys({tuple(try_command("/dev/vda8", 0)): Completed(2, "", "No key available")})
    assert isinstance(report.error, VerificationError)
    assert "opens none of the 1 recovery slots of /dev/vda8" in report.error.message


def test_the_tpm_cannot_answer_for_the_key() -> None:
    assert "--disable-external-tokens" in try_command("/dev/vda8", 3)
    assert try_command("/dev/vda8", 3)[-5:] == ["--key-slot", "3", "--key-file", "-", "/dev/vda8"]


class SlowPlaybooks(FakePlaybooks):
    """Each playbook run but those about the lock takes `takes_s` of the clock."""

    now_s = 1000.0
    takes_s = 0.0

    def apply(self, tags: Any, extra_vars: Any, on_task: Any) -> Any:
        result = super().apply(tags, extra_vars, on_task)
        self.now_s += 0 if "lock" in tags else self.takes_s
        return result


@pytest.mark.parametrize(("takes_s", "claims"), [(100, 1), (1000, 3), (3000, 5)])
def test_a_long_run_renews_its_lock_before_half_of_it_is_left(takes_s: float, claims: int) -> None:
    """The claim is for 3600 s. Five changing runs of 100 s need no other; of 3000 s, each but the first does."""
    setting = Setting()
    setting.playbooks = playbooks = SlowPlaybooks(_script())
    playbooks.takes_s = takes_s
    run = host_run(setting.host, playbooks, setting.operator, setting.events)
    run.clock = lambda: playbooks.now_s
    report = run_phases(PROVISION, run, setting.interruption)
    assert report.error is None
    assert playbooks.tags.count("lock") == claims
    assert [tag for tag in playbooks.tags if tag != "lock"] == list(TAGS[1:])
    assert all(site["lock"]["token"] == "token" for _, site in playbooks.calls)


def test_a_lock_that_somebody_took_meanwhile_stops_the_run_before_it_changes_more() -> None:
    setting = Setting()
    answers = [[ok("lock")], [failed("held", lock_held={"owner": "bob"})]]
    setting.playbooks = playbooks = SlowPlaybooks(_script(lock=lambda _: answers.pop(0)))
    playbooks.takes_s = 1900
    run = host_run(setting.host, playbooks, setting.operator, setting.events)
    run.clock = lambda: playbooks.now_s
    report = run_phases(PROVISION, run, setting.interruption)
    assert isinstance(report.error, LockHeldError)
    assert playbooks.tags == ["lock", "storage", "lock"]
