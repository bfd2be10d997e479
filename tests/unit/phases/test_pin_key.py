"""A key of the box is pinned as soon as there is one, and another one later is an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fleetctl.errors import ChangeError, ConfigError, VerificationError
from fleetctl.facts.base import Completed
from fleetctl.phases.pin_key import DEADLINE_S, PinAuditKey, PinHealthKey
from fleetctl.remote.keypins import AUDIT, HEALTH, pin_key, read_key, remove_key
from tests.fakes import site as fake
from tests.fakes.host import FakeHost, FakeOperator, FakePlaybooks, host_run

# Another log's: Ed25519, 32 bytes of 7.
OTHER = "lab-1+812102f7+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"


def test_it_is_pinned_once() -> None:
    host, operator = FakeHost(answers={PinAuditKey().command: Completed(0, fake.AUDIT_KEY + "\n")}), FakeOperator()
    run = host_run(host, FakePlaybooks({}), operator, [])
    assert PinAuditKey().run(run).detail == "pinned"
    assert PinAuditKey().run(run).detail == "as pinned"
    assert operator.keys["audit"] == fake.AUDIT_KEY


def test_it_waits_for_a_log_that_is_not_there_yet_and_not_for_ever() -> None:
    now = [0.0]
    host = FakeHost(answers={PinAuditKey().command: Completed(2, "", "error: no log\n")})
    run = host_run(host, FakePlaybooks({}), FakeOperator(), [])

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] == 20:
            host.answers[PinAuditKey().command] = Completed(0, fake.AUDIT_KEY)

    phase = PinAuditKey(clock=lambda: now[0], sleep=sleep)
    assert phase.run(run).detail == "pinned"
    assert now[0] == 20
    host.answers[PinAuditKey().command] = Completed(5, "", "error: no log\n")
    with pytest.raises(ChangeError, match="no log"):
        phase.run(run)
    assert now[0] > DEADLINE_S


def test_any_other_failure_is_told_at_once() -> None:
    host = FakeHost(answers={PinAuditKey().command: Completed(9, "", "error: the log is damaged\n")})
    phase = PinAuditKey(sleep=lambda seconds: pytest.fail("it waited"))
    with pytest.raises(ChangeError, match="the log is damaged"):
        phase.run(host_run(host, FakePlaybooks({}), FakeOperator(), []))


def test_an_interruption_ends_the_wait() -> None:
    host = FakeHost(answers={PinAuditKey().command: Completed(5, "", "error: no log\n")})
    run = replace(host_run(host, FakePlaybooks({}), FakeOperator(), []), cancelled=lambda: True)
    with pytest.raises(KeyboardInterrupt):
        PinAuditKey(sleep=lambda seconds: None).run(run)


def test_another_key_names_both(tmp_path: Path) -> None:
    path = tmp_path / "audit_keys"
    path.write_text("# a note of a person")
    assert pin_key(AUDIT, path, "lab-1", fake.AUDIT_KEY)
    assert not pin_key(AUDIT, path, "lab-1", fake.AUDIT_KEY + "\n")
    assert read_key(AUDIT, path, "lab-1") == fake.AUDIT_KEY
    assert read_key(AUDIT, path, "lab-2") is None
    with pytest.raises(VerificationError) as caught:
        pin_key(AUDIT, path, "lab-1", OTHER)
    assert fake.AUDIT_KEY in caught.value.message
    assert OTHER in caught.value.message
    assert caught.value.exit_code == 9
    assert path.read_text() == f"# a note of a person\nlab-1 {fake.AUDIT_KEY}\n"
    assert remove_key(path, "lab-1")
    assert not remove_key(path, "lab-1")
    assert path.read_text() == "# a note of a person\n"


@pytest.mark.parametrize("key", ["", "lab-1", "warning: x", fake.AUDIT_KEY.replace("AQEC", "AQED"), "two words"])
def test_what_is_no_key_is_not_pinned(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="verifier key"):
        pin_key(AUDIT, tmp_path / "audit_keys", "lab-1", key)
    assert not (tmp_path / "audit_keys").exists()


@pytest.mark.parametrize("lines", [f"lab-1 {fake.AUDIT_KEY}\n" * 2, "lab-1\n", "lab-1 x\n"])
def test_a_damaged_pin_is_never_taken_for_none(tmp_path: Path, lines: str) -> None:
    (tmp_path / "audit_keys").write_text(lines)
    with pytest.raises(ConfigError):
        read_key(AUDIT, tmp_path / "audit_keys", "lab-1")


def test_the_health_key_is_pinned_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "health_keys"
    host, operator = (
        FakeHost(answers={("appliancectl", "health", "key"): Completed(0, fake.HEALTH_KEY_TEXT)}),
        FakeOperator(),
    )
    phase = PinHealthKey()
    assert (phase.title, phase.run(host_run(host, FakePlaybooks({}), operator, [])).detail) == (
        "PinHealthKey",
        "pinned",
    )
    assert operator.keys == {"health": fake.HEALTH_KEY_TEXT}
    assert pin_key(HEALTH, path, "lab-1", fake.HEALTH_KEY_TEXT)
    assert read_key(HEALTH, path, "lab-1") == fake.HEALTH_KEY_TEXT
    with pytest.raises(VerificationError, match="the health agent signs with another key"):
        pin_key(HEALTH, path, "lab-1", "ed25519:" + "A" * 43 + "=")
    with pytest.raises(ConfigError, match="not a public key"):
        pin_key(HEALTH, path, "lab-2", fake.AUDIT_KEY)
