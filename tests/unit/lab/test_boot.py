"""Waiting for a boot: success, each way it fails, and the wrong machine at the port."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import CriticalError, UnreachableError, VerificationError
from fleetctl.lab import boot
from fleetctl.lab.boot import BootWatch
from fleetctl.lab.console import SerialLog
from fleetctl.remote.pins import fingerprint

KEY = ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 42 + "A")
LINE = f"fleetctl: ssh host key {fingerprint(' '.join(KEY))}\n"


class Guest:
    """A guest whose console and QEMU say what a test makes them say, one second at a time."""

    name = "lab-1"

    def __init__(self, folder: Path) -> None:
        self.serial = SerialLog(folder)
        self.state: str | None = "running"
        self.seconds = 0.0
        self.script: dict[float, object] = {}

    def qemu_state(self) -> str | None:
        return self.state

    def qemu_words(self) -> str:
        return "qemu: out of luck"

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        event = self.script.get(self.seconds)
        if callable(event):
            event()

    def say(self, text: str) -> None:
        with self.serial.path.open("a") as log:
            log.write(text)


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


def watch(guest: Guest, *, since: int = 0, timeout_s: float = 100, reports: list[str] | None = None) -> BootWatch:
    report = (reports if reports is not None else []).append
    return BootWatch(guest, since, timeout_s, report, clock=lambda: guest.seconds, sleep=guest.sleep)


def answers(monkeypatch: pytest.MonkeyPatch, *results: object) -> None:
    left = list(results)

    def contact(address: str, port: int, timeout_s: float) -> object:
        result = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(boot, "first_contact", contact)


def test_reached_when_the_key_on_the_network_is_the_one_on_the_console(guest: Guest, monkeypatch) -> None:
    guest.script = {3.0: lambda: guest.say("Linux version 6.12\n"), 50.0: lambda: guest.say(LINE)}
    answers(monkeypatch, UnreachableError("nothing answers", hint="-"), KEY)
    reports: list[str] = []
    assert watch(guest, reports=reports).wait_for_key("127.0.0.1", 20001) == " ".join(KEY)
    assert any("last: Linux version 6.12" in report for report in reports)
    assert reports[-1] == "waiting for SSH; nothing answers"


def test_another_key_on_the_port_is_refused(guest: Guest, monkeypatch) -> None:
    guest.say(LINE)
    answers(monkeypatch, ("ssh-ed25519", KEY[1][:-4] + "BBBA"))
    with pytest.raises(VerificationError, match="host key mismatch"):
        watch(guest).wait_for_key("127.0.0.1", 20001)


def test_fingerprint_of_an_earlier_boot_does_not_count(guest: Guest) -> None:
    guest.say(LINE)
    with pytest.raises(CriticalError, match="not reachable after 11 s"):
        watch(guest, since=guest.serial.size(), timeout_s=10).wait_for_fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Kernel panic - not syncing: no init\n", "kernel panicked: Kernel panic - not syncing: no init"),
        ("You are in emergency mode.\n", "emergency mode"),
        ("Please enter passphrase for disk root: ", "asks for a recovery key"),
    ],
)
def test_failed_boot_shows_the_console_and_where_the_log_is(guest: Guest, text: str, message: str) -> None:
    guest.script = {5.0: lambda: guest.say(f"starting\n{text}")}
    with pytest.raises(CriticalError, match=message) as caught:
        watch(guest).wait_for_fingerprint()
    assert "    | starting" in caught.value.message
    assert str(guest.serial.path) in caught.value.message
    assert "NAME" not in caught.value.hint
    assert guest.seconds == 5.0


@pytest.mark.parametrize(
    ("state", "message"),
    [(None, "QEMU ended: qemu: out of luck"), ("io-error", "could not be written"), ("shutdown", "powered itself off")],
)
def test_machine_that_stopped_ends_the_wait(guest: Guest, state: str | None, message: str) -> None:
    guest.script = {7.0: lambda: setattr(guest, "state", state)}
    with pytest.raises(CriticalError, match=message):
        watch(guest).wait_for_fingerprint()
    assert guest.seconds == 7.0


@pytest.mark.parametrize("state", ["paused", "unknown", "prelaunch"])
def test_a_state_that_can_pass_does_not_end_the_wait(guest: Guest, state: str) -> None:
    guest.state = state
    guest.script = {9.0: lambda: guest.say(LINE)}
    assert watch(guest).wait_for_fingerprint().startswith("SHA256:")


def test_words_after_the_fingerprint_are_the_guests_own_affair(guest: Guest, monkeypatch) -> None:
    guest.say(LINE + "log: You are in emergency mode\n")
    answers(monkeypatch, KEY)
    watch(guest).wait_for_key("127.0.0.1", 20001)


def test_ssh_that_never_answers_ends_at_the_deadline(guest: Guest, monkeypatch) -> None:
    guest.say(LINE)
    answers(monkeypatch, UnreachableError("nothing answers", hint="-"))
    with pytest.raises(CriticalError, match=r"not reachable after 101 s \(waiting for SSH\)"):
        watch(guest).wait_for_key("127.0.0.1", 20001)
