"""The lock of a run: held by somebody else, released when the run is cut off, renewed while it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fleetctl.actions.provision import PROVISION
from fleetctl.errors import LockHeldError
from fleetctl.phases.runner import run_phases
from fleetctl.remote.tasks import TaskResult
from tests.fakes.host import FakePlaybooks, changed, failed, host_run, ok
from tests.fakes.provisioning import TAGS, Setting, script


def test_someone_elses_lock_is_left_alone_and_named() -> None:
    holder = {
        "owner": "bob",
        "host": "ops-2",
        "reason": "provision",
        "taken_at": "2026-11-22T12:00:00Z",
        "expires_at": "2026-11-22T13:00:00Z",
    }
    setting = Setting(script(lock=[failed("held", lock_held=holder)]))
    report = setting.provision()
    assert isinstance(report.error, LockHeldError)
    assert report.error.exit_code == 8
    assert report.error.message == (
        "bob on ops-2 holds the lock since 2026-11-22T12:00:00Z, for: provision; it expires 2026-11-22T13:00:00Z"
    )
    assert setting.playbooks.tags == ["lock"]
    assert report.phases[-1].status == "skipped"


def test_a_run_cut_off_while_it_takes_the_lock_releases_it() -> None:
    setting = Setting(script(lock=KeyboardInterrupt()))
    assert setting.provision().interrupted
    assert setting.playbooks.tags == ["lock", "unlock"]


def test_ctrl_c_stops_the_run_and_releases_the_lock_unheard() -> None:
    heard: list[bool] = []

    def interrupted(_: Mapping[str, Any]) -> list[TaskResult]:
        setting.interruption.request()
        assert setting.interruption.heard()
        raise KeyboardInterrupt

    def unlock(_: Mapping[str, Any]) -> list[TaskResult]:
        heard.append(setting.interruption.heard())
        return [ok()]

    setting = Setting(script(isolation=interrupted, unlock=unlock))
    report = setting.provision()
    assert report.interrupted
    assert heard == [False], "the playbook that releases the lock must not be interrupted by the same Ctrl-C"
    assert setting.playbooks.tags == ["lock", "storage", "isolation", "unlock"]


def test_lock_tasks_never_count_as_changes() -> None:
    setting = Setting(script(lock=[changed("take")], unlock=[changed("release")]))
    report = setting.provision()
    assert report.changed == 0
    assert [event.task for event in setting.events if event.status == "changed"] == []


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
    setting.playbooks = playbooks = SlowPlaybooks(script())
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
    setting.playbooks = playbooks = SlowPlaybooks(script(lock=lambda _: answers.pop(0)))
    playbooks.takes_s = 1900
    run = host_run(setting.host, playbooks, setting.operator, setting.events)
    run.clock = lambda: playbooks.now_s
    report = run_phases(PROVISION, run, setting.interruption)
    assert isinstance(report.error, LockHeldError)
    assert playbooks.tags == ["lock", "storage", "lock"]
