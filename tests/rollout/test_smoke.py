"""One simulated site over a real sshd and rsync: a release is sent, staged, activated and rolled back, as a rollout
orders it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fleetctl.actions.rollout_sites import ssh_boxes
from fleetctl.errors import ChangeError, RefusedError, UnreachableError
from fleetctl.remote.release_box import SshBox
from fleetctl.trust.passphrase import Passphrase
from tests.fleet.processes import poll
from tests.sim.sites.console import operation
from tests.sim.sites.faults import Faults
from tests.sim.sites.fleet import Published, SimulatedFleet, simulated_sites
from tests.sim.sites.invariants import examine, not_repeated
from tests.sim.sites.site import SimulatedSite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(1) as made:
        yield made


@pytest.fixture
def site(fleet: SimulatedFleet) -> SimulatedSite:
    found = fleet.sites["site-0000"]
    fleet.reset(found)
    return found


@pytest.fixture
def box(fleet: SimulatedFleet, site: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshBox]:
    """What a rollout has of the site."""
    for name, value in fleet.fleet.environment().items():
        monkeypatch.setenv(name, value)
    passphrase = Passphrase(fleet.fleet.passphrase_file.read_text().strip())
    with ssh_boxes(fleet.directory, passphrase) as boxes:
        yield boxes(fleet.directory.site(site.name))


@pytest.fixture(scope="module")
def made(fleet: SimulatedFleet) -> Published:
    """A release with another drafting model, alike the provisioned one in nine blocks of ten."""
    return fleet.publish("2026.11-1", 1, {"drafting": fleet.image("drafting", 0, changed=0.1)})


def in_order(fleet: SimulatedFleet, site: SimulatedSite, made: Published) -> None:
    known = [fleet.provisioned_set, made.known]
    found = examine(site.places, known, site.loaded())
    assert [*found.wrong, *not_repeated(found.record, site.events(), known)] == []


def received(box: SshBox, made: Published) -> int:
    """Offer and send; bytes on the wire."""
    offer = box.offer(made.manifest.name, "stable")
    assert offer.refused == ()
    return sum(box.receive(each, kib_s=None, on_progress=lambda _: None).wire_bytes for each in offer.missing)


def answers(box: SshBox) -> bool:
    """Whether the site is reached; a connection of before may be found dead first."""
    try:
        return bool(box.status())
    except UnreachableError:
        return False


def test_a_release_is_sent_activated_and_rolled_back(
    fleet: SimulatedFleet, site: SimulatedSite, box: SshBox, made: Published
) -> None:
    name, old = made.manifest.name, fleet.provisioned_set.models
    wire_bytes = received(box, made)
    assert 0 < wire_bytes < made.images["drafting"].size_bytes / 3
    staged = box.stage(operation(), name, "stable")
    assert staged.staged is not None
    assert staged.staged.digest == made.manifest.digest
    assert site.loaded() == old
    active = box.activate(operation(), name, drain_timeout_s=5, not_after=None)
    assert active.active is not None
    assert active.active.models == made.known.models == site.loaded()
    in_order(fleet, site, made)
    after = box.rollback(operation(), "a test")
    assert after.active is not None
    assert (after.active.models, site.loaded()) == (old, old)
    assert [each.digest for each in after.denied] == [made.manifest.digest]
    assert box.offer(name, "stable").refused
    in_order(fleet, site, made)


def test_a_corrupted_transfer_is_not_staged_and_is_sent_again(
    fleet: SimulatedFleet, site: SimulatedSite, box: SshBox, made: Published
) -> None:
    site.fault(Faults(corrupt_transfers=1))
    received(box, made)
    assert [event for event in site.events() if event.kind == "corrupted"]
    with pytest.raises(Exception, match="SHA-256") as caught:
        box.stage(operation(), made.manifest.name, "stable")
    assert type(caught.value).__name__ == "VerificationError"
    received(box, made)
    assert box.stage(operation(), made.manifest.name, "stable").staged is not None
    in_order(fleet, site, made)


def test_a_dead_engine_is_told_and_the_old_set_serves(
    fleet: SimulatedFleet, site: SimulatedSite, box: SshBox, made: Published
) -> None:
    received(box, made)
    box.stage(operation(), made.manifest.name, "stable")
    site.fault(Faults(drafting="dead", only=(made.known.models["drafting"],)))
    order = operation()
    with pytest.raises(ChangeError):
        box.activate(order, made.manifest.name, drain_timeout_s=5, not_after=None)
    change = next(each for each in box.status().changes if each.operation == order)
    assert change.outcome == "rolled_back"
    assert site.loaded() == fleet.provisioned_set.models
    in_order(fleet, site, made)


def test_a_site_that_is_off_is_out_of_reach_and_answers_when_it_is_back(
    fleet: SimulatedFleet, site: SimulatedSite, box: SshBox, made: Published
) -> None:
    received(box, made)
    box.stage(operation(), made.manifest.name, "stable")
    fleet.power_cut(site.name)
    with pytest.raises(UnreachableError):
        box.status()
    fleet.boot(site.name)
    staged = box.status().staged
    assert staged is not None
    assert staged.digest == made.manifest.digest
    site.fault(Faults(visits=1))
    with pytest.raises(RefusedError):
        box.activate(operation(), made.manifest.name, drain_timeout_s=1, not_after=None)
    in_order(fleet, site, made)


def test_a_transfer_that_breaks_off_is_gone_on_with(fleet: SimulatedFleet, site: SimulatedSite, box: SshBox) -> None:
    number = len(fleet.published) + 1
    other = fleet.publish(f"2026.11-{number}", number, {"drafting": fleet.image("drafting", 99, size_bytes=4 << 20)})
    site.fault(Faults(slow_kib_s=400))
    (missing,) = box.offer(other.manifest.name, "stable").missing
    arriving = site.places.arrived

    def cut() -> None:
        poll(lambda: any(path.stat().st_size for path in arriving.rglob(".*.raw.*")), "nothing arrives")
        fleet.disconnect(site.name)

    cutting = threading.Thread(target=cut)
    cutting.start()
    with pytest.raises(UnreachableError):
        box.receive(missing, kib_s=None, on_progress=lambda _: None)
    cutting.join()
    assert site.loaded() == fleet.provisioned_set.models
    site.fault(Faults())
    fleet.connect(site.name)
    poll(lambda: answers(box), "the site does not come back")
    received(box, other)
    assert box.stage(operation(), other.manifest.name, "stable").staged is not None
    in_order(fleet, site, other)
