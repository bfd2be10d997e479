"""A release that brings another operating system: stage, activate, start anew, commit; or back. Power lost anywhere."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, NotVerifiedError, RefusedError
from appliance.release.places import Places
from appliance.release.record import load
from appliance.release.status import status
from appliance.release.system_switch import RestartsError
from tests.fakes.systems import System, install_system, simulated_boot, system

from .conftest import Box, FakeServices, PowerCut, op
from .system_world import World
from .test_slots import CutBlocks


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, System]:
    work = tmp_path_factory.mktemp("systems")
    return {name: system(work, version, name.encode() * 9000) for name, version in
            (("a", "0.1.0"), ("b", "0.2.0"), ("c", "0.3.0"))}  # fmt: skip


@pytest.fixture
def world(make_box: Callable[..., Box], systems: dict[str, System]) -> World:
    return World(own(make_box(), systems), systems)


def own(box: Box, systems: dict[str, System]) -> Box:
    """Give a box of the other tests a system disk, and the seal of its system."""
    install_system(box.places.root, systems["a"])
    box.places.command_line.write_text(f"usrhash={systems['a'].root_hash}\n")
    seal = box.places.seal.read_text()
    box.places.seal.write_text(seal.replace("a" * 64, systems["a"].root_hash))
    return box


def test_another_system_is_staged_started_and_committed(world: World) -> None:
    wanted = world.systems["b"]
    manifest = world.publish("r1", 1, "b", "new")
    offer = world.machine().offer("r1", "stable")
    assert offer.refused == ()
    world.staged("r1", 1, "b", "new")
    # The slot has its bytes, so that the file is gone; nothing that runs has changed.
    assert not list(world.places.images.glob(f"*{wanted.root_hash}*"))
    assert not list(world.places.arrived.glob("*.raw"))
    assert (world.runs, world.seal_usr) == ("a", "a")
    before = world.places.seal.read_text()
    assert world.machine().activate(op(1), "r1", 60, None) is None
    found = status(world.machine()._parts)
    assert (found.phase, found.changes[0].outcome) == ("rebooting", None)
    assert world.slots is not None
    # Until it runs, the seal is that of the system that does; and nothing begins.
    assert world.places.seal.read_text() == before
    assert world.box.drain.on
    world.power_on(settle=False)
    assert (world.runs, world.seal_usr) == ("b", "b")
    assert world.box.drain.on
    assert status(world.machine()._parts).phase == "probing"
    world.settle()
    world.whole()
    record = load(world.places.record)
    assert record.active is not None
    assert (record.active.release, record.active.digest) == ("r1", manifest.digest)
    assert record.previous is not None
    assert record.previous.usr == world.systems["a"].root_hash
    found = status(world.machine()._parts)
    assert found.usr_root_hash == wanted.root_hash
    assert found.active is not None
    assert found.active.usr_root_hash == wanted.root_hash
    assert found.previous is not None
    assert found.previous.complete
    # The same order again is the same order.
    again = world.machine().activate(op(1), "r1", 60, None)
    assert again is not None
    assert again.outcome == "done"


def test_a_system_that_does_not_come_up_falls_back_by_itself_and_is_denied(world: World) -> None:
    world.staged("r1", 1, "b", "new")
    world.comes_up.discard("b")
    world.machine().activate(op(1), "r1", 60, None)
    world.power_on()
    world.whole()
    assert (world.runs, world.outcome(1)) == ("a", "rolled_back")
    record = load(world.places.record)
    assert "did not come up" in record.denied[0].reason
    assert world.box.sealed()["drafting"] == world.box.images["old"].root_hash
    with pytest.raises(RefusedError, match="denied here"):
        world.machine().stage(op(2), "r1", "stable")


def test_a_system_that_comes_up_and_does_not_serve_goes_back(world: World) -> None:
    world.staged("r1", 1, "b", "new")
    world.box.probe.bad.add(world.box.images["new"].root_hash)
    world.machine().activate(op(1), "r1", 60, None)
    world.power_on()
    world.whole()
    assert (world.runs, world.outcome(1)) == ("a", "rolled_back")
    assert "says nothing that makes sense" in load(world.places.record).denied[0].reason


def test_it_goes_back_by_order_and_the_left_one_is_denied(world: World) -> None:
    world.staged("r1", 1, "b", "new")
    world.machine().activate(op(1), "r1", 60, None)
    world.power_on()
    assert world.machine().rollback(op(2), "it misheard", 60) is None
    world.power_on()
    world.whole()
    assert (world.runs, world.outcome(2)) == ("a", "done")
    assert load(world.places.record).denied[0].reason == "it misheard"
    assert world.box.sealed()["drafting"] == world.box.images["old"].root_hash


def test_a_third_system_takes_the_slot_of_the_set_before_and_never_that_of_the_running_one(world: World) -> None:
    world.staged("r1", 1, "b")
    world.machine().activate(op(1), "r1", 60, None)
    world.power_on()
    world.staged("r2", 2, "c")
    record = load(world.places.record)
    assert record.previous is None
    assert record.active is not None
    assert record.active.release == "r1"
    with pytest.raises(RefusedError, match="no earlier set"):
        world.machine().rollback(op(2), "why", 60)
    world.machine().activate(op(3), "r2", 60, None)
    world.comes_up.discard("c")
    world.power_on()
    world.whole()
    assert (world.runs, world.outcome(3)) == ("b", "rolled_back")


def test_a_release_without_a_system_keeps_the_one_that_runs(world: World) -> None:
    world.staged("r1", 1, "b")
    world.machine().activate(op(1), "r1", 60, None)
    world.power_on()
    found = world.box.publish("r2", 2, "newer", usr_root_hashes=(world.systems["b"].root_hash,))
    world.box.send("newer")
    world.machine().stage(op(2), "r2", "stable")
    world.machine().activate(op(3), "r2", 60, None)
    assert world.slots is not None
    assert world.slots.reboots == []
    world.whole()
    record = load(world.places.record)
    assert record.active is not None
    assert record.active.digest == found.digest
    # Back to the set before, which has the same system: no start of the machine.
    world.machine().rollback(op(4), "why", 60)
    assert world.slots.reboots == []
    world.whole()


def test_what_is_no_system_for_this_box_is_refused_before_anything_is_touched(world: World, tmp_path: Path) -> None:
    large = system(tmp_path, "0.4.0", b"x" * 200_000)
    world.systems["large"] = large
    world.publish("r1", 1, "large")
    offer = world.machine().offer("r1", "stable")
    assert offer.refused == ("OS image: slot b: usr has 200704 bytes, the partition 131072",)
    world.publish("r2", 2, "b")
    path = world.places.arrived / f"{world.systems['b'].root_hash}.raw"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(NotVerifiedError, match="signed is"):
        world.machine().stage(op(2), "r2", "stable")
    assert not path.exists()
    assert world.slots is not None
    assert not world.slots.holds(world.systems["b"].root_hash)
    assert world.machine().offer("r2", "stable").missing[0].task == "system"


def test_orders_that_come_while_the_machine_starts_anew_are_refused(world: World) -> None:
    world.staged("r1", 1, "b")
    world.machine().activate(op(1), "r1", 60, None)
    with pytest.raises(RestartsError, match="about to start"):
        world.machine().offer("r1", "stable")
    # It is ordered again, should the first order have got lost.
    assert world.slots is not None
    assert world.slots.reboots == ["reboot"]
    with pytest.raises(RefusedError):
        world.machine().activate(op(1), "r1", 60, None)
    world.power_on()
    world.whole()
    assert world.outcome(1) == "done"


def test_an_old_system_that_cannot_be_reached_is_told_and_does_not_start_for_ever(world: World) -> None:
    world.staged("r1", 1, "b", "new")
    world.box.probe.bad.add(world.box.images["new"].root_hash)
    world.machine().activate(op(1), "r1", 60, None)
    world.power_on(settle=False)
    # The disk's fault: the boot loader's order cannot be changed any more, and it ends in the new system every time.
    seen, said = 0, ""
    for _ in range(6):
        try:
            world.machine().recover()
        except RestartsError:
            seen += 1
            world.box.boot()
            world.machine().recover(at_boot=True)
            world.box.systemd_starts()
        except ApplianceError as error:
            said = str(error)
    assert seen == 3
    assert "CRITICAL" in said
    record = load(world.places.record)
    assert record.change is not None
    assert record.change.stuck


ORDERS: dict[str, Callable[[World], object]] = {
    "stage": lambda world: world.machine(world.box.disk).stage(op(7), "r1", "stable"),
    "activate": lambda world: world.machine(world.box.disk).activate(op(7), "r1", 60, None),
    "bad-activate": lambda world: world.machine(world.box.disk).activate(op(7), "r1", 60, None),
    "dead-activate": lambda world: world.machine(world.box.disk).activate(op(7), "r1", 60, None),
    "rollback": lambda world: world.machine(world.box.disk).rollback(op(7), "it misheard", 60),
}


def ready(world: World, order: str) -> None:
    if order == "stage":
        world.publish("r1", 1, "b", "new")
        return
    world.staged("r1", 1, "b", "new")
    if order == "rollback":
        world.machine().activate(op(100), "r1", 60, None)
        world.power_on()
    if order == "bad-activate":
        world.box.probe.bad.add(world.box.images["new"].root_hash)
    if order == "dead-activate":
        world.comes_up.discard("b")


def copied(world: World, number: int) -> World:
    root = world.places.root.with_name(f"{world.places.root.name}-{number}")
    subprocess.run(["cp", "-a", str(world.places.root), str(root)], check=True)
    places = Places(root)
    services = FakeServices(places, dict(world.box.services.running), set(world.box.services.bad))
    box = Box(places, world.box.repository, world.box.images, services, probe=world.box.probe)
    return World(box, world.systems, set(world.comes_up))


# The others take most of a minute together.
QUICK = {("stage", "middle"), ("activate", "before"), ("dead-activate", "before")}
PLACES = [
    pytest.param(order, how, marks=() if (order, how) in QUICK else pytest.mark.slow)
    for order in ORDERS
    for how in ("before", "middle", "behind")
]


@pytest.mark.parametrize(("order", "how"), PLACES)
def test_power_is_lost_at_every_operation_of_an_order_and_of_what_follows_the_start(
    order: str, how: str, world: World
) -> None:
    ready(world, order)
    was = world.runs
    ends: set[tuple[str, str | None]] = set()
    cut_at, total = 0, 1
    while cut_at < total:
        cut_at += 1
        here = copied(world, cut_at)
        disk = CutBlocks(cut_at, how)
        here.box.disk, here.box.services.step = disk, disk.event
        try:
            ORDERS[order](here)
            # Not cut yet: it goes on behind the start of the machine, on the same count.
            if order != "stage":
                here.box.boot()
                simulated_boot(here.places.root)
                if here.runs == "b" and "b" not in here.comes_up:
                    here.power_on(settle=False)
                    here.machine(disk)
                else:
                    here.machine(disk).recover(at_boot=True)
                here.box.services.step = disk.event
                here.box.systemd_starts()
                here.machine(disk).recover()
        except PowerCut:
            total += 1
        except RestartsError:
            assert order == "bad-activate"
        here.power_on()
        here.whole()
        ends.add((here.runs, here.outcome(7)))
        if order == "stage" and here.outcome(7) != "done":
            here.publish("r1", 1, "b", "new")
            here.machine().stage(op(8), "r1", "stable")
            assert here.slots is not None
            assert here.slots.holds(here.systems["b"].root_hash)
        shutil.rmtree(here.places.root)
    expected: dict[str, set[tuple[str, str | None]]] = {
        "stage": {("a", None), ("a", "interrupted"), ("a", "done")},
        "activate": {("a", "interrupted"), ("b", "done"), ("a", None)},
        "bad-activate": {("a", "interrupted"), ("a", "rolled_back"), ("a", None)},
        "dead-activate": {("a", "interrupted"), ("a", "rolled_back"), ("a", None)},
        "rollback": {("b", "interrupted"), ("a", "done"), ("b", None)},
    }
    assert ends <= expected[order]
    assert len(ends) >= 2
    assert was in ("a", "b")
    assert total > 8
