"""The simulated sites and the checker of their invariants: each thing that may go wrong is seen when it does."""

from __future__ import annotations

import json
import os
import subprocess
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sim.sites.events import Event
from tests.sim.sites.faults import Faults
from tests.sim.sites.fleet import SimulatedFleet, simulated_sites
from tests.sim.sites.invariants import KnownSet, examine, most_at_once, not_repeated, receiving, switches, switching
from tests.sim.sites.places import Places
from tests.sim.sites.programs import environment
from tests.sim.sites.site import SimulatedSite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(1) as made:
        yield made


@pytest.fixture
def site(fleet: SimulatedFleet) -> SimulatedSite:
    """The site as it was provisioned, with its services."""
    found = fleet.sites["site-0000"]
    found.fault(Faults())
    fleet.install(found)
    systemctl(found, "restart", "appliance-transcription", "appliance-drafting", "appliance-gateway")
    return found


def systemctl(site: SimulatedSite, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [site.places.programs / "systemctl", *words], env=environment(site.places), capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def known(fleet: SimulatedFleet) -> KnownSet:
    return fleet.provisioned_set


def wrong(fleet: SimulatedFleet, site: SimulatedSite) -> str:
    return "; ".join(examine(site.places, [known(fleet)], site.loaded()).wrong)


def test_a_provisioned_site_is_in_order(fleet: SimulatedFleet, site: SimulatedSite) -> None:
    found = examine(site.places, [known(fleet)], site.loaded())
    assert (found.wrong, found.active) == ((), known(fleet))
    assert site.loaded() == known(fleet).models


def test_a_link_to_another_image_is_seen_by_the_engine_and_by_the_checker(
    fleet: SimulatedFleet, site: SimulatedSite
) -> None:
    other = fleet.image("drafting", 7)
    target = site.places.models / "other.raw"
    target.write_bytes(other.path.read_bytes())
    site.places.link("drafting").unlink()
    site.places.link("drafting").symlink_to(target.name)
    said = wrong(fleet, site)
    assert "no complete set" in said
    assert "the seal says" in said
    assert "the engines serve" in said
    assert systemctl(site, "restart", "appliance-drafting").returncode == 1
    assert site.events()[-1].kind == "load-failed"
    assert "not sealed" in site.events()[-1].detail


@pytest.mark.parametrize("place", [0.3, 0.9])
def test_a_flipped_byte_stops_the_engine(fleet: SimulatedFleet, site: SimulatedSite, place: float) -> None:
    image = site.places.link("drafting").resolve()
    content = bytearray(image.read_bytes())
    content[int(len(content) * place)] ^= 1
    image.write_bytes(content)
    assert systemctl(site, "restart", "appliance-drafting").returncode == 1
    assert "drafting" not in site.loaded()
    assert "no sound image" in wrong(fleet, site)


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (Faults(drafting="dead"), None),
        (Faults(drafting="wrong-hash"), "f" * 64),
        (Faults(drafting="dead", only=("0" * 64,)), "own"),
    ],
)
def test_an_engine_has_the_fault_that_was_named(
    fleet: SimulatedFleet, site: SimulatedSite, faults: Faults, told: str | None
) -> None:
    site.fault(faults)
    systemctl(site, "restart", "appliance-drafting")
    engine = site.systemd.engines.get("drafting")
    said = None if engine is None else engine.answer("GET", "/health", b"")[1]["root_hash"]
    assert said == (known(fleet).models["drafting"] if told == "own" else told)


def test_a_power_cut_ends_every_process_and_boot_starts_the_services(
    fleet: SimulatedFleet, site: SimulatedSite
) -> None:
    started = subprocess.Popen(["sleep", "600"], env={**os.environ, **environment(site.places)}, start_new_session=True)
    before = site.places.boot_id.read_text()
    site.power_cut()
    assert started.wait(60) == -9
    assert site.loaded() == {}
    assert list(site.places.run.iterdir()) == []
    assert "off" in systemctl(site, "is-active", "appliance-gateway").stderr
    site.boot()
    assert site.places.boot_id.read_text() != before


def put_record(places: Places, record: dict[str, Any]) -> None:
    text = json.dumps(record).encode()
    places.record.parent.mkdir(parents=True, exist_ok=True)
    places.record.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))


def record_of(fleet: SimulatedFleet, **changed: Any) -> dict[str, Any]:
    models = [
        {"task": task, "name": "n", "root_hash": root_hash, "size_bytes": 1, "installed_as": None}
        for task, root_hash in known(fleet).models.items()
    ]
    active = {"release": None, "sequence": 0, "digest": None, "minimum_sequence": 0, "models": models}
    return {
        "active": active, "previous": None, "staged": None, "minimum_sequence": 0, "denied": [], "ended": [],
        "change": None,
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"change": {"action": "activate", "operation": "0" * 32}}, "still open"),
        ({"minimum_sequence": 4}, "the minimum is 4"),
        ({"denied": [{"digest": None}]}, "denied here"),
        ({"ended": [{"operation": "1" * 32}, {"operation": "1" * 32}]}, "ended twice"),
        ({"staged": {"models": [{"task": "drafting", "root_hash": "2" * 64}]}}, "staged set lacks"),
    ],
)
def test_the_checker_sees_what_a_record_must_not_say(
    fleet: SimulatedFleet, site: SimulatedSite, changed: dict[str, Any], said: str
) -> None:
    site.places.images.mkdir(parents=True, exist_ok=True)
    for task, root_hash in known(fleet).models.items():
        image = site.places.image(root_hash)
        image.unlink(missing_ok=True)
        image.hardlink_to(site.places.link(task).resolve())  # type: ignore[arg-type]
    put_record(site.places, record_of(fleet))
    assert wrong(fleet, site) == ""
    put_record(site.places, record_of(fleet, **changed))
    assert said in wrong(fleet, site)
    site.places.record.unlink()


def loads(*names: str) -> list[Event]:
    return [Event(float(number), "loaded", "drafting", name) for number, name in enumerate(names)]


def test_a_set_that_came_back_without_an_order_is_told() -> None:
    sets = [KnownSet("old", None, {"drafting": "o"}), KnownSet("new", "d", {"drafting": "n"})]
    once = {"ended": [{"action": "activate", "release": "new", "operation": "1", "outcome": "done"}]}
    assert switches(loads("o", "n", "n"), sets) == ["old", "new"]
    assert not_repeated(once, loads("o", "n", "n"), sets) == []
    assert "2 times" in not_repeated(once, loads("o", "n", "o", "n"), sets)[0]
    twice = {"ended": [*once["ended"], {"action": "activate", "release": "new", "operation": "2", "outcome": "done"}]}
    assert "activated 2 times" in not_repeated(twice, loads("o", "n"), sets)[0]


def test_a_set_that_another_change_went_back_to_is_no_repeat() -> None:
    sets = [KnownSet("a", "d", {"drafting": "a"}), KnownSet("b", "e", {"drafting": "b"})]
    first = {"action": "activate", "release": "a", "operation": "1", "outcome": "done"}
    second = {"action": "activate", "release": "b", "operation": "2", "outcome": "done"}
    assert "2 times" in not_repeated({"ended": [second, first]}, loads("o", "a", "b", "a"), sets)[0]
    for record in (
        {"ended": [second | {"outcome": "rolled_back"}, first]},
        {"ended": [first], "change": second},
        {"ended": [second | {"action": "rollback", "release": None, "operation": "3"}, second, first]},
    ):
        assert not_repeated(record, loads("o", "a", "b", "a"), sets) == []
        assert "3 times" in not_repeated(record, loads("o", "a", "b", "a", "b", "a"), sets)[0]


def test_what_went_on_at_once_is_counted() -> None:
    assert most_at_once([(0, 1), (1, 2)]) == 1
    assert most_at_once([(0, 1), (1, 2), (0.5, 1.5)]) == 2
    events = [
        Event(1, "systemctl", "stop"), Event(2, "systemctl", "start"), Event(3, "systemctl", "stop"),
        Event(4, "power", "off"), Event(5, "systemctl", "start"), Event(9, "received", "x.raw", "6.5"),
    ]  # fmt: skip
    assert switching(events) == [(1, 2), (3, 4)]
    assert receiving(events) == [(6.5, 9)]
