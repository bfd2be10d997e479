"""A rollout over 60 simulated sites in four waves, three of them bad and five out of reach: it stops where it must, bad
sites go back, and what returns or is tried again catches up. `history` and `explain` tell the story."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import pytest

from tests.sim.sites.faults import Faults
from tests.sim.sites.fleet import Published, SimulatedFleet, simulated_sites
from tests.sim.sites.invariants import most_at_once, receiving, switching
from tests.sim.sites.operator import PACE, Operator

pytestmark = pytest.mark.slow

SITES = int(os.environ.get("FLEETCTL_TEST_SITES", "60"))
CONCURRENCY, TRANSFERS = 6, 3
CANARIES = ("site-0000", "site-0001", "site-0002")


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(SITES) as made:
        yield made


@pytest.fixture(scope="module")
def operator(fleet: SimulatedFleet) -> Operator:
    return Operator(fleet)


def policy(operator: Operator) -> None:
    """Four waves. The waves behind the canary live with a bad site and an absent one."""
    wave = {"bake": "2s", "concurrency": CONCURRENCY}
    operator.policy(
        "four-waves",
        waves=[
            {"name": "canary", "sites": list(CANARIES), "success_threshold": 1.0, **wave},
            {"name": "fifth", "percent": 20, "success_threshold": 0.6, **wave},
            {"name": "half", "percent": 60, "success_threshold": 0.8, **wave},
            {"name": "rest", "percent": 100, "success_threshold": 0.8, **wave},
        ],
        abort={"failed": 0.2, "all": 0.3, "failure_budget": 4, "minimum_sample": 10},
        transfers=TRANSFERS,
    )


def of_wave(planned: Sequence[dict[str, str]], wave: str) -> list[str]:
    return [each["site"] for each in planned if each["wave"] == wave]


def breaks(fleet: SimulatedFleet, made: Published, site: str, fault: str) -> None:
    """The release does not serve at that site; the old set does."""
    fleet.sites[site].fault(Faults.model_validate({"drafting": fault, "only": [made.known.models["drafting"]]}))


def serving(fleet: SimulatedFleet, made: Published) -> set[str]:
    return {name for name, site in fleet.sites.items() if site.loaded() == made.known.models}


def test_sixty_sites_in_four_waves(fleet: SimulatedFleet, operator: Operator) -> None:
    made = fleet.publish("2026.11-1", 1, {"drafting": fleet.image("drafting", 0, changed=0.1)})
    policy(operator)
    # Who is in which wave is known beforehand: a plan that nobody starts says it.
    waves = operator.planned(operator.plan("2026.11-1", "four-waves"))["plan"]["sites"]
    fifth, half, rest = (of_wave(waves, name) for name in ("fifth", "half", "rest"))
    assert len(CANARIES) + len(fifth) + len(half) + len(rest) == SITES
    away = [fifth[0], *half[:2], *rest[:2]]
    for number, name in enumerate(away):
        fleet.power_cut(name) if number % 2 else fleet.disconnect(name)
    bad = {CANARIES[1]: "dead", fifth[1]: "wrong-hash", half[2]: "bad-probe"}
    for name, fault in bad.items():
        breaks(fleet, made, name, fault)

    # The canary fails: everything stops, and nobody behind it was touched.
    plan = fleet.folder / "go.plan"
    done = operator.run(
        "plan", "--release", "2026.11-1", "--policy", "four-waves", "-O", str(plan), "--by", operator.name
    )
    assert done.returncode == 0, done.stderr[-3000:]
    done = operator.run("start", str(plan), *PACE, "--by", operator.name)
    assert done.returncode == 6, done.stderr[-3000:]
    assert operator.wrong(settled=True) == []
    written = operator.written()
    assert written.state == "stopped"
    assert written.sites[CANARIES[1]]["state"] == "rolled_back"
    assert serving(fleet, made) <= set(CANARIES) - {CANARIES[1]}
    assert CANARIES[1] in operator.run("history").stdout
    told = operator.run("explain", CANARIES[1]).stdout
    assert "rolled_back" in told
    assert "drafting" in told

    # The canary is repaired, tried again, and the other waves live with a bad site and with absent ones each.
    fleet.sites[CANARIES[1]].fault(Faults())
    retried = operator.run("retry", CANARIES[1], "--clear", "--by", operator.name)
    assert retried.returncode == 0, retried.stderr
    done = operator.run("resume", *PACE, "--by", operator.name)
    assert done.returncode == 7, done.stderr[-3000:]
    assert operator.wrong(settled=True) == []
    written = operator.written()
    assert serving(fleet, made) == set(fleet.sites) - set(away) - {fifth[1], half[2]}
    assert sorted(written.states()["rolled_back"]) == sorted((fifth[1], half[2]))
    assert {name for name in away if written.sites[name]["offline_since"]} == set(away)
    assert "offline" in operator.run("explain", away[-1]).stdout

    # The absent ones return, the bad ones are repaired: the same rollout brings all of them along.
    for number, name in enumerate(away):
        fleet.boot(name) if number % 2 else fleet.connect(name)
    for name in (fifth[1], half[2]):
        fleet.sites[name].fault(Faults())
    assert operator.run("retry", "--clear", "--by", operator.name).returncode == 0
    done = operator.run("resume", *PACE, "--by", operator.name)
    assert (done.returncode, operator.written().state) == (0, "done"), done.stderr[-3000:]
    assert operator.wrong(settled=True) == []
    assert serving(fleet, made) == set(fleet.sites)

    # What was seen of the limits, by the sites themselves.
    events = {name: site.events() for name, site in fleet.sites.items()}
    assert 1 < most_at_once(each for of_site in events.values() for each in receiving(of_site)) <= TRANSFERS
    assert most_at_once(each for of_site in events.values() for each in switching(of_site)) <= CONCURRENCY

    history = operator.run("history").stdout
    for name in ("canary", "fifth", "half", "rest"):
        assert f"wave_passed: wave {name}" in history
    for said in ("stopped", "returned", "retry", operator.name):
        assert said in history
    told = operator.run("explain", away[0]).stdout
    assert "done" in told
    assert "returned" in operator.run("history", "--site", away[0]).stdout
