"""Power lost at every operation of every order: the box comes back with the old set or the new one, complete.

The operations of the disk and the steps of the services are counted; one run for each of them, cut before it, in its
middle and behind it. Then the box boots, recovers before its services, starts them, and recovers behind them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.release.record import Record, load
from appliance.release.status import status
from tests.fakes.release_images import Image

from .conftest import TASKS, Box, CutDisk, FastDisk, PowerCut, hash_of, op

Order = Callable[[Box], object]


def ready(box: Box, order: str) -> None:
    """The state before an order, by orders that are not cut."""
    if order == "first-stage":
        box.publish("r1", 1, "new")
        box.send("new")
        return
    box.staged("r1", 1, "new")
    if order == "first-activation":
        return
    box.machine.activate(op(100), "r1", 60, None)
    if order == "rollback":
        return
    if order == "adapter-activation":
        publish_with_adapter(box)
        box.machine.stage(op(101), "r2", "stable")
        return
    box.publish("r2", 2, "newer")
    box.send("newer")
    if order == "second-stage":
        return
    box.machine.stage(op(101), "r2", "stable")
    if order == "bad-activation":
        box.services.bad.add(box.images["newer"].root_hash)


def publish_with_adapter(box: Box) -> None:
    """The models that run, and an adapter of one of them."""
    box.publish("r2", 2, "new", adapters=[box.images["style"].adapter(box.images["new"])])
    box.send("style")


ORDERS: dict[str, Order] = {
    "first-stage": lambda box: box.machine.stage(op(7), "r1", "stable"),
    "first-activation": lambda box: box.machine.activate(op(7), "r1", 60, None),
    "second-stage": lambda box: box.machine.stage(op(7), "r2", "stable"),
    "second-activation": lambda box: box.machine.activate(op(7), "r2", 60, None),
    "adapter-activation": lambda box: box.machine.activate(op(7), "r2", 60, None),
    "bad-activation": lambda box: box.machine.activate(op(7), "r2", 60, None),
    "rollback": lambda box: box.machine.rollback(op(7), "it misheard", 60),
}

# A second or two each; the other sixteen take a minute together.
QUICK = {("first-stage", "middle"), ("first-activation", "before")}


def demand_whole(box: Box, images: dict[str, Image], record: Record) -> None:
    """Links, seal, services and record agree, and no set that is named lacks a byte."""
    assert box.linked() == box.sealed() == box.services.running
    assert record.change is None
    known = {image.root_hash for image in images.values()}
    assert set(box.linked().values()) <= known
    adapters = box.adapters()
    if record.active is not None:
        assert record.active.hashes == box.sealed()
        assert [each.root_hash for each in record.active.adapters] == adapters
    for kept in (record.active, record.previous, record.staged):
        for image in kept.images if kept else ():
            assert hash_of(box.places.image(image.root_hash)) == image.root_hash
    found = status(box.parts)
    assert found.phase == "idle"
    assert not box.drain.on


def come_back(box: Box) -> None:
    """Boot: the unit before the services, the services, the unit behind them."""
    box.disk = FastDisk()
    box.services.step = lambda words: None
    box.boot()
    box.machine.recover(at_boot=True)
    box.systemd_starts()
    box.machine.recover()


def outcomes(box: Box) -> set[str]:
    ended = load(box.places.record).found(op(7))
    return {ended.outcome} if ended else set()


def files(root: Path) -> dict[str, bytes | str]:
    """All that lasts, links as what they say."""
    found: dict[str, bytes | str] = {}
    for path in sorted((root / "var").rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file():
            found[str(path)] = path.read_bytes()
    return found


PLACES = [
    pytest.param(order, how, marks=() if (order, how) in QUICK else pytest.mark.slow)
    for order in ORDERS
    for how in ("before", "middle", "behind")
]


@pytest.mark.parametrize(("order", "how"), PLACES)
def test_power_is_lost_at_every_operation(
    order: str, how: str, make_box: Callable[..., Box], made_images: dict[str, Image]
) -> None:
    template = make_box()
    ready(template, order)
    before = template.sealed()
    total, seen, states = 1, set(), set()
    cut_at = 0
    while cut_at < total:
        cut_at += 1
        box = copied(template, cut_at)
        disk = CutDisk(cut_at, how)
        box.disk, box.services.step = disk, disk.event
        try:
            ORDERS[order](box)
        except PowerCut:
            total += 1
        except Exception:
            assert order == "bad-activation"
            assert not disk.off
        come_back(box)
        record = load(box.places.record)
        demand_whole(box, made_images, record)
        seen |= outcomes(box)
        states.add(frozenset([*box.sealed().items(), *enumerate(box.adapters())]))
        # A second recovery has nothing to do, and does nothing.
        was = files(box.places.root)
        assert box.machine.recover() == "nothing was open"
        assert files(box.places.root) == was
        # The same order again is the same order: it is done now, or its end is told.
        if record.found(op(7)) is None:
            try_again(box, order)
        shutil.rmtree(box.places.root)
    assert cut_at > (6 if "stage" in order else 10)
    if "stage" in order:
        assert states == {frozenset(before.items())}
        assert seen == {"done", "interrupted"}
    elif order == "bad-activation":
        assert states == {frozenset(before.items())}
        assert seen == {"interrupted", "rolled_back"}
    else:
        assert len(states) == 2
        assert seen == ({"done", "interrupted"} if order == "rollback" else {"done", "interrupted", "rolled_back"})


def try_again(box: Box, order: str) -> None:
    try:
        ORDERS[order](box)
    except Exception:
        assert order == "bad-activation"
    assert outcomes(box) <= {"done", "rolled_back"}
    assert box.linked() == box.sealed() == box.services.running


def copied(template: Box, number: int) -> Box:
    """The same box again, in a folder of its own. Hard links between its files are kept, as they are on a disk."""
    import subprocess

    root = template.places.root.with_name(f"{template.places.root.name}-{number}")
    subprocess.run(["cp", "-a", str(template.places.root), str(root)], check=True)
    from appliance.release.places import Places

    from .conftest import FakeServices

    places = Places(root)
    services = FakeServices(places, dict(template.services.running), set(template.services.bad))
    return Box(places, template.repository, template.images, services)


def test_a_bad_release_that_was_cut_while_it_started_is_denied(make_box: Callable[..., Box]) -> None:
    """Nobody can tell a power cut from a release that takes the machine down."""
    box = make_box()
    ready(box, "second-activation")
    disk = CutDisk()

    def step(words: str) -> None:
        if words == "start drafting":
            raise PowerCut

    box.services.step = step
    with pytest.raises(PowerCut):
        ORDERS["second-activation"](box)
    assert disk.done == []
    come_back(box)
    record = load(box.places.record)
    assert [each.release for each in record.denied] == ["r2"]
    assert "takes the machine down" in record.denied[0].reason
    assert box.probe.asked[-1] == "r1"


@pytest.mark.parametrize("when", ["stop drafting", "start drafting"])
def test_a_killed_command_without_a_boot_is_finished_by_the_next_one(when: str, make_box: Callable[..., Box]) -> None:
    box = make_box()
    ready(box, "second-activation")

    def step(words: str) -> None:
        if words == when:
            raise PowerCut

    box.services.step = step
    with pytest.raises(PowerCut):
        ORDERS["second-activation"](box)
    box.services.step = lambda words: None
    box.drain.on = True  # its order is still there
    box.machine.offer("r2", "stable")
    assert not box.drain.on
    assert box.linked() == box.sealed() == box.services.running
    assert box.sealed()["drafting"] == box.images["new"].root_hash
    assert outcomes(box) == {"interrupted" if when == "stop drafting" else "rolled_back"}


@pytest.mark.slow
def test_the_recovery_may_lose_power_as_well(make_box: Callable[..., Box], made_images: dict[str, Image]) -> None:
    template = make_box()
    ready(template, "second-activation")

    def step(words: str) -> None:
        if words == "start drafting":
            raise PowerCut

    template.services.step = step
    with pytest.raises(PowerCut):
        ORDERS["second-activation"](template)
    total, cut_at = 1, 0
    while cut_at < total:
        cut_at += 1
        for how in ("before", "middle", "behind"):
            box = copied(template, cut_at)
            box.boot()
            box.disk = disk = CutDisk(cut_at, how)
            box.services.step = disk.event
            try:
                box.machine.recover(at_boot=True)
                box.systemd_starts()
                box.machine.recover()
            except PowerCut:
                total = max(total, cut_at + 1)
            come_back(box)
            demand_whole(box, made_images, load(box.places.record))
            assert box.sealed()["drafting"] == box.images["new"].root_hash
            assert outcomes(box) == {"rolled_back"}
            shutil.rmtree(box.places.root)
    assert cut_at > 5
    assert set(template.services.running) <= set(TASKS)
