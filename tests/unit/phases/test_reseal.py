"""No reseal without a recovery key that was tried a moment ago (rule 11)."""

from __future__ import annotations

import pytest

from fleetctl.actions.reseal import phases as of_the_command
from fleetctl.errors import RefusedError
from fleetctl.facts.base import Completed
from fleetctl.models.fleetdir import FleetDir
from fleetctl.phases.gather_facts import GatherFacts
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.phases.reseal import RequireTestedKeys, Reseal, Stage
from fleetctl.phases.try_recovery_keys import TryRecoveryKeys, try_command
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import site as fake
from tests.fakes.host import changed
from tests.fakes.provisioning import Setting


def phases(stage: Stage) -> tuple[object, ...]:
    keys = TryRecoveryKeys(lambda site, uuid: f"ciphertext of {uuid}", lambda text: f"key in {text}")
    return (GatherFacts(), RequireTestedKeys(keys), Reseal(stage), ReleaseLock())


def setting(root: Completed) -> Setting:
    answers = {tuple(try_command("/dev/vda8", 0)): root, tuple(try_command("/dev/md127", 0)): Completed(0, "")}
    tasks = {"escrow": [changed("note it")], "reseal": [changed("bind")], "unlock": []}
    return Setting(tasks, readings=[fake.sealed_facts()], answers=answers)


@pytest.mark.parametrize("stage", ["before", "after"])
def test_the_keys_are_tried_and_then_the_volumes_are_bound_anew(stage: Stage) -> None:
    made = setting(Completed(0, ""))
    report = made.provision(phases(stage))
    assert report.error is None
    calls = dict(made.playbooks.calls)
    assert calls["reseal"]["reseal"] == {"stage": stage}


@pytest.mark.parametrize("stage", ["before", "after"])
def test_the_command_itself_tries_the_keys_before_it_binds_anew(stage: Stage, fleet_dir: FleetDir) -> None:
    titles = [phase.title for phase in of_the_command(fleet_dir, Passphrase("never asked for"), stage)]
    assert titles[titles.index("RequireTestedKeys") + 1] == "Reseal"
    assert titles.count("Reseal") == 1


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_key_that_opens_nothing_refuses_before_anything_is_changed(stage: Stage) -> None:
    made = setting(Completed(2, "", "No key available"))
    report = made.provision(phases(stage))
    assert isinstance(report.error, RefusedError)
    assert report.error.exit_code == 6
    assert "no tested recovery key is in escrow" in report.error.message
    assert "reseal" not in [tag for tag, _ in made.playbooks.calls]
