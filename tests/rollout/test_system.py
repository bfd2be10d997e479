"""A release with an operating system at one simulated site, over a real sshd and rsync. Simulated: its start."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from fleetctl.actions.rollout_sites import ssh_boxes
from fleetctl.errors import RefusedError, UnreachableError
from fleetctl.remote.release_box import SshBox
from fleetctl.trust.passphrase import Passphrase
from tests.fakes.systems import System, system
from tests.fleet.processes import poll
from tests.sim.sites.console import operation
from tests.sim.sites.faults import Faults
from tests.sim.sites.fleet import Published, SimulatedFleet, simulated_sites
from tests.sim.sites.programs import environment
from tests.sim.sites.site import SimulatedSite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(1) as made:
        yield made


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, System]:
    work = tmp_path_factory.mktemp("systems")
    return {name: system(work, version, name.encode() * 20_000) for name, version in (("a", "0.1.0"), ("b", "0.2.0"))}


@pytest.fixture(scope="module")
def made(fleet: SimulatedFleet, systems: dict[str, System]) -> Published:
    images = {"drafting": fleet.image("drafting", 0, changed=0.1)}
    return fleet.publish("2026.12-1", 1, images, system=systems["b"])


@pytest.fixture
def site(fleet: SimulatedFleet, systems: dict[str, System]) -> SimulatedSite:
    found = fleet.sites["site-0000"]
    if found.powered:
        found.power_cut()
    found.install(fleet.provisioned)
    found.give_slots(systems["a"])
    fleet.reset(found)
    # `reset` seals anew, as the provisioning does.
    found.power_cut()
    found.give_slots(systems["a"])
    fleet.boot(found.name)
    return found


@pytest.fixture
def box(fleet: SimulatedFleet, site: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshBox]:
    """What a rollout has of the site."""
    for name, value in fleet.fleet.environment().items():
        monkeypatch.setenv(name, value)
    passphrase = Passphrase(fleet.fleet.passphrase_file.read_text().strip())
    with ssh_boxes(fleet.directory, passphrase) as boxes:
        yield boxes(fleet.directory.site(site.name))


def staged(box: SshBox, made: Published) -> None:
    offer = box.offer(made.manifest.name, "stable")
    assert offer.refused == ()
    assert "system" in [each.task for each in offer.missing]
    for each in offer.missing:
        box.receive(each, kib_s=None, on_progress=lambda _: None)
    assert box.stage(operation(), made.manifest.name, "stable").staged is not None


def restart(fleet: SimulatedFleet, site: SimulatedSite) -> None:
    """What the site was told to do, as often as it is told."""
    while site.is_told_to_restart():
        fleet.power_cut(site.name)
        fleet.boot(site.name)


def answers(box: SshBox, phase: str = "idle") -> bool:
    """Whether the site is reached and in this phase; a connection of before is found dead first."""
    try:
        return box.status().phase == phase
    except UnreachableError:
        return False


def ended(box: SshBox, order: str) -> str | None:
    """How an order ended, once the box answers."""
    poll(lambda: answers(box), "the site does not come to rest")
    return next(each.outcome for each in box.status().changes if each.operation == order)


def test_it_starts_anew_and_commits(
    fleet: SimulatedFleet, site: SimulatedSite, box: SshBox, made: Published, systems: dict[str, System]
) -> None:
    staged(box, made)
    order = operation()
    found = box.activate(order, made.manifest.name, drain_timeout_s=5, not_after=None)
    assert found.phase == "rebooting"
    with pytest.raises(RefusedError):
        box.offer(made.manifest.name, "stable")
    restart(fleet, site)
    assert ended(box, order) == "done"
    assert site.system == systems["b"].root_hash
    found = box.status()
    assert found.usr_root_hash == systems["b"].root_hash
    assert found.active is not None
    assert found.active.models == site.loaded() == made.known.models
    # And back by order.
    order = operation()
    box.rollback(order, "a test")
    restart(fleet, site)
    assert ended(box, order) == "done"
    assert site.system == systems["a"].root_hash
    assert site.loaded() == fleet.provisioned_set.models


@pytest.mark.parametrize("fault", ["dead system", "dead engine"])
def test_one_that_does_not_come_up_or_does_not_serve_goes_back_by_itself(
    fault: str, fleet: SimulatedFleet, site: SimulatedSite, box: SshBox, made: Published, systems: dict[str, System]
) -> None:
    staged(box, made)
    bad = {"dead_systems": (systems["b"].root_hash,)}
    if fault == "dead engine":
        bad = {"drafting": "dead", "only": (made.known.models["drafting"],)}
    site.fault(Faults.model_validate(bad))
    order = operation()
    box.activate(order, made.manifest.name, drain_timeout_s=5, not_after=None)
    restart(fleet, site)
    assert ended(box, order) == "rolled_back"
    assert site.system == systems["a"].root_hash
    assert site.loaded() == fleet.provisioned_set.models
    assert box.offer(made.manifest.name, "stable").refused


@pytest.mark.parametrize("after_s", [0.6, 1.2])
def test_power_lost_while_the_slot_is_written(
    after_s: float, fleet: SimulatedFleet, site: SimulatedSite, box: SshBox, made: Published, systems: dict[str, System]
) -> None:
    offer = box.offer(made.manifest.name, "stable")
    for each in offer.missing:
        box.receive(each, kib_s=None, on_progress=lambda _: None)
    argv = [str(site.places.programs / "appliancectl"), "release", "stage", made.manifest.name, "--channel", "stable"]
    with subprocess.Popen(
        argv, env=environment(site.places), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    ):  # fmt: skip
        time.sleep(after_s)
        fleet.power_cut(site.name)
    fleet.boot(site.name)
    poll(lambda: answers(box), "the site does not come back")
    assert site.system == systems["a"].root_hash
    assert site.loaded() == fleet.provisioned_set.models
    if box.offer(made.manifest.name, "stable").missing:
        staged(box, made)
    elif (found := box.status().staged) is None or found.digest != made.manifest.digest:
        assert box.stage(operation(), made.manifest.name, "stable").staged is not None
