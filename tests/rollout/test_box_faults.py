"""One site with everything that can go wrong there, at its console: after each, it is complete on the old set or the
new one, and serves it."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.tuf_attacks import MIRROR
from tests.fakes.tuf_hostile import Target
from tests.sim.sites.console import Console, operation
from tests.sim.sites.faults import Faults
from tests.sim.sites.fleet import Published, SimulatedFleet, simulated_sites
from tests.sim.sites.invariants import examine, not_repeated
from tests.sim.sites.site import SimulatedSite

_SEQUENCE = itertools.count(1)
VOLUME_BYTES = 64 << 20

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(1, volume_bytes=VOLUME_BYTES) as made:
        yield made


@pytest.fixture
def site(fleet: SimulatedFleet) -> Iterator[SimulatedSite]:
    """The site as it was provisioned: it knows of no release."""
    found = fleet.sites["site-0000"]
    fleet.reset(found)
    yield found
    assert wrong(fleet, found) == []


@pytest.fixture
def console(fleet: SimulatedFleet, site: SimulatedSite) -> Console:
    return Console(fleet, site)


def release(fleet: SimulatedFleet, *, minimum: int = 0) -> Published:
    """The next release: another drafting model."""
    number = next(_SEQUENCE)
    return fleet.publish(f"r{number}", number, {"drafting": fleet.image("drafting", number)}, minimum=minimum)


def wrong(fleet: SimulatedFleet, site: SimulatedSite) -> list[str]:
    """What the checker says now."""
    known = [fleet.provisioned_set, *(each.known for each in fleet.published)]
    found = examine(site.places, known, site.loaded() if site.powered else None)
    return [*found.wrong, *not_repeated(found.record, site.events(), known)]


def staged(console: Console, made: Published) -> None:
    console.bring(made)
    said = console.stage(made.manifest.name)
    assert said.code == 0, said


def runs(site: SimulatedSite) -> str:
    return site.loaded()["drafting"]


def test_forward_and_back(fleet: SimulatedFleet, site: SimulatedSite, console: Console) -> None:
    first = release(fleet)
    console.bring(first, images=False)
    offer = console.offer(first.manifest.name)
    assert offer.code == 0, offer
    assert offer.answer["refused"] == []
    assert [each["task"] for each in offer.answer["missing"]] == ["drafting"]
    staged(console, first)
    assert runs(site) == fleet.provisioned_set.models["drafting"]
    assert console.activate(first.manifest.name).code == 0
    assert runs(site) == first.known.models["drafting"]
    assert console.rollback().code == 0
    assert runs(site) == fleet.provisioned_set.models["drafting"]
    again = console.offer(first.manifest.name)
    assert again.answer["refused"], "what was rolled back is refused until it is cleared"
    assert console.run("clear", first.manifest.name, "--operation", operation()).code == 0
    staged(console, first)
    assert console.activate(first.manifest.name).code == 0


def test_the_same_operation_again_is_the_same_change(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console
) -> None:
    made = release(fleet)
    staged(console, made)
    words = ("activate", made.manifest.name, "--operation", operation(), "--drain-timeout", "5")
    assert console.run(*words).code == 0
    loads = len([event for event in site.events() if event.kind == "loaded"])
    assert console.run(*words).code == 0
    assert len([event for event in site.events() if event.kind == "loaded"]) == loads


@pytest.mark.parametrize("fault", ["dead", "wrong-hash", "bad-probe"])
@pytest.mark.parametrize("task", ["drafting", "transcription"])
def test_an_engine_that_does_not_serve_the_release_brings_the_old_set_back(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console, fault: str, task: str
) -> None:
    number = next(_SEQUENCE)
    images = {each: fleet.image(each, number) for each in ("drafting", "transcription")}
    made = fleet.publish(f"r{number}", number, images)
    staged(console, made)
    site.fault(Faults.model_validate({task: fault, "only": [made.known.models[task]]}))
    said = console.activate(made.manifest.name)
    assert said.code == 1, said
    assert site.loaded() == fleet.provisioned_set.models
    assert console.status()["changes"][0]["outcome"] == "rolled_back"
    assert console.offer(made.manifest.name).answer["refused"]


def test_nothing_is_switched_while_a_visit_goes_on(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console
) -> None:
    made = release(fleet)
    staged(console, made)
    site.fault(Faults(visits=1))
    before = len(site.events())
    said = console.activate(made.manifest.name, drain_s=1)
    assert said.code == 6, said
    assert [event.what for event in site.events()[before:] if event.kind == "systemctl"] == []
    assert not site.places.drain.exists()
    site.fault(Faults())
    assert console.activate(made.manifest.name).code == 0


def test_a_flipped_byte_of_what_arrived_is_never_staged(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console
) -> None:
    made = release(fleet)
    console.bring(made)
    arrived = site.places.arrived / f"{made.known.models['drafting']}.raw"
    content = bytearray(arrived.read_bytes())
    content[len(content) // 2] ^= 1
    arrived.write_bytes(content)
    assert console.stage(made.manifest.name).code == 9
    assert console.status()["staged"] is None
    assert console.activate(made.manifest.name).code == 6


def test_a_staged_image_that_rots_is_not_switched_to(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console
) -> None:
    made = release(fleet)
    staged(console, made)
    image = site.places.image(made.known.models["drafting"])
    content = bytearray(image.read_bytes())
    content[len(content) // 2] ^= 1
    image.write_bytes(content)
    assert console.activate(made.manifest.name).code == 9
    assert runs(site) == fleet.provisioned_set.models["drafting"]
    assert console.stage(made.manifest.name).code == 9
    console.bring(made, images=False)
    assert [each["task"] for each in console.offer(made.manifest.name).answer["missing"]] == ["drafting"]
    staged(console, made)
    assert console.activate(made.manifest.name).code == 0


def test_a_full_disk_refuses_before_anything_is_touched(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console
) -> None:
    made = release(fleet)
    staged(console, made)
    site.fill_disk(leave_bytes=64 << 10)
    before = len(site.events())
    assert console.activate(made.manifest.name).code in (5, 6)
    assert [event for event in site.events()[before:] if event.kind == "systemctl"] == []
    site.free_disk()
    assert console.activate(made.manifest.name).code == 0


def test_a_clock_in_the_past_makes_nothing_valid_and_one_in_the_future_stops_nothing(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console
) -> None:
    made = release(fleet)
    staged(console, made)
    site.fault(Faults(clock_s=200 * 86400))
    said = console.activate(made.manifest.name)
    assert (said.code, "expired" in said.words) == (9, True), said
    assert runs(site) == fleet.provisioned_set.models["drafting"]
    site.fault(Faults(clock_s=-400 * 86400))
    assert console.activate(made.manifest.name).code == 0, "a clock in the past is no reason to stay behind"


@pytest.mark.parametrize("attack", sorted(MIRROR))
def test_hostile_metadata_changes_nothing(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console, attack: str, tmp_path: Path
) -> None:
    first = release(fleet)
    older = fleet.repository.copy(tmp_path / "older")
    second = release(fleet)
    staged(console, first)
    console.bring(second)
    assert console.offer(second.manifest.name).code == 0  # it has seen the newest
    target = Target(fleet.repository.folder, older, fleet.repository.keys, "stable", second.manifest.name)
    MIRROR[attack](target, tmp_path / "hostile")
    console.bring(second, repository=tmp_path / "hostile")
    for name in (second.manifest.name, "evil"):
        said = console.stage(name)
        if said.code == 0:  # an attack that only holds back leaves what was signed
            assert console.status()["staged"]["digest"] == second.manifest.digest
        else:
            assert said.code == 9, said
    assert runs(site) == fleet.provisioned_set.models["drafting"]


def test_an_older_release_than_the_minimum_is_refused(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console
) -> None:
    old, new = release(fleet), release(fleet)
    staged(console, new)
    assert console.activate(new.manifest.name).code == 0
    console.bring(old)
    assert console.offer(old.manifest.name).answer["refused"]


@pytest.mark.parametrize("seed", range(6))
def test_a_power_cut_leaves_the_old_set_or_the_new_one(
    fleet: SimulatedFleet, site: SimulatedSite, console: Console, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 (no secret)
    made = release(fleet)
    staged(console, made)
    process = console.begin("activate", made.manifest.name, "--operation", operation(), "--drain-timeout", "5")
    time.sleep(dice.uniform(0.1, 1.0))
    fleet.power_cut(site.name)
    process.communicate(timeout=120)
    fleet.boot(site.name)
    assert wrong(fleet, site) == [], f"seed {seed}"
    assert set(site.loaded()) == {"transcription", "drafting"}
