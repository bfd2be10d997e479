"""Many hosts in one run: a failed host stops no other, the error that the run ends with, Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from appliance.contract.stdout import OutputLost
from fleetctl.actions.provision import PROVISION
from fleetctl.errors import ChangeError, FleetctlError, LockHeldError, PartialError
from fleetctl.phases.base import Event
from fleetctl.phases.runner import HostReport, Interruption, OpenRun, raise_for, run_hosts
from fleetctl.remote.tasks import TaskResult
from tests.fakes.host import failed
from tests.fakes.provisioning import TAGS, Setting, opened, script


def test_a_failed_host_does_not_stop_the_others() -> None:
    good, bad = Setting(), Setting(script(stack=[failed("no")]))
    reports = run_hosts(
        PROVISION, {"bad": lambda: opened(bad), "good": lambda: opened(good)}, Interruption(), parallel=1
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
        deadline_s = time.monotonic() + 300
        while not interruption.heard():
            assert time.monotonic() < deadline_s
            time.sleep(0.001)
        raise KeyboardInterrupt

    setting, waits = Setting(script(storage=busy)), 0
    real_wait = runner._wait

    def wait(futures: Any) -> None:
        nonlocal waits
        waits += 1
        if waits == 1:
            assert started.wait(300)
            raise KeyboardInterrupt
        real_wait(futures)

    monkeypatch.setattr(runner, "_wait", wait)
    with pytest.raises(KeyboardInterrupt):
        run_hosts(PROVISION, {"lab-1": lambda: opened(setting)}, interruption, parallel=1)
    assert setting.playbooks.tags == ["lock", "storage", "unlock"]


def test_ctrl_c_before_every_host_has_begun_reaches_those_that_have() -> None:
    """While the hosts are handed out, one after the other, the first is in work already."""
    interruption, started = Interruption(), threading.Event()

    def busy(_: Mapping[str, Any]) -> list[TaskResult]:
        started.set()
        deadline_s = time.monotonic() + 300
        while not interruption.heard():
            assert time.monotonic() < deadline_s
            time.sleep(0.001)
        raise KeyboardInterrupt

    class Interrupted(dict[str, OpenRun]):
        def __iter__(self) -> Iterator[str]:
            yield "lab-1"
            assert started.wait(300)
            raise KeyboardInterrupt

    setting = Setting(script(storage=busy))
    with pytest.raises(KeyboardInterrupt):
        run_hosts(PROVISION, Interrupted({"lab-1": lambda: opened(setting)}), interruption, parallel=1)
    assert setting.playbooks.tags == ["lock", "storage", "unlock"]


def _events() -> int:
    """How many a whole provisioning has."""
    setting = Setting()
    setting.provision()
    return len(setting.events)


@pytest.mark.parametrize("read", range(_events()))
def test_nobody_reads_on_releases_the_lock(read: int) -> None:
    """After any number of events: as Ctrl-C, nothing new begins, and what must still run does."""

    class Reader(list[Event]):
        def append(self, event: Event) -> None:
            if len(self) == read:
                raise OutputLost(141)
            super().append(event)

    setting, other = Setting(), Setting()
    setting.events = Reader()
    with pytest.raises(OutputLost):
        run_hosts(
            PROVISION, {"lab-1": lambda: opened(setting), "lab-2": lambda: opened(other)}, Interruption(), parallel=1
        )
    tags = setting.playbooks.tags
    assert ("lock" in tags) == ("unlock" in tags)
    assert tags == [*TAGS[: len(tags) - 1], "unlock"] if tags else read < 8
    assert other.playbooks.tags == []
