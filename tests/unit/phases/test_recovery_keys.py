"""Recovery keys: in escrow before the box hears of it, and tried on the box through stdin."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fleetctl.errors import ChangeError, VerificationError
from fleetctl.facts.base import Completed
from fleetctl.phases.gather_facts import GatherFacts
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.phases.runner import HostReport
from fleetctl.phases.try_recovery_keys import TryRecoveryKeys, try_command
from fleetctl.remote.tasks import TaskResult
from tests.fakes import site as fake
from tests.fakes.host import changed
from tests.fakes.provisioning import CIPHERTEXT, WAITING, Setting, script


def test_recovery_keys_are_in_escrow_before_the_box_hears_that_they_are() -> None:
    order: list[str] = []

    def escrow(fleet_site: Mapping[str, Any]) -> list[TaskResult]:
        order.append(f"confirmed with {sorted(setting.operator.stored)}")
        assert fleet_site["escrow"][0]["ciphertext_sha256"] == hashlib.sha256(CIPHERTEXT.encode()).hexdigest()
        return [changed("confirm")]

    storage = [changed("make it", storage={"awaiting_escrow": WAITING})]
    setting = Setting(script(storage=storage, escrow=escrow))
    report = setting.provision()
    assert order == [f"confirmed with ['{fake.STATE_UUID}']"]
    assert setting.operator.stored == {fake.STATE_UUID: CIPHERTEXT}
    assert report.changed == 2


def test_when_escrow_cannot_be_written_the_box_is_not_told_that_it_was() -> None:
    setting = Setting(script(storage=[changed(storage={"awaiting_escrow": WAITING})]))

    def full(luks_uuid: str, ciphertext: str, volume: str) -> None:
        raise ChangeError("disk full", hint="make room")

    setting.operator.store_escrow = full  # type: ignore[method-assign]
    report = setting.provision()
    assert isinstance(report.error, ChangeError)
    assert setting.playbooks.tags == ["lock", "storage", "unlock"]


def test_what_is_no_ciphertext_is_not_escrowed() -> None:
    waiting = [{"luks_uuid": fake.STATE_UUID, "ciphertext": "cbdefghi-in-plain-words"}]
    setting = Setting(script(storage=[changed(storage={"awaiting_escrow": waiting})]))
    report = setting.provision()
    assert report.error is not None
    assert "no age ciphertext" in report.error.message
    assert "plain-words" not in report.error.message
    assert setting.operator.stored == {}


def test_a_key_of_an_unknown_volume_is_not_escrowed() -> None:
    setting = Setting(script(storage=[changed(storage={"awaiting_escrow": [{**WAITING[0], "volume": "swap"}]})]))
    report = setting.provision()
    assert report.error is not None
    assert "'swap', which is neither root nor state" in report.error.message
    assert setting.operator.stored == {}


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
