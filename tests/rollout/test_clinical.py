"""Rollouts whose policy asks for the clinical gate, over simulated sites: both sets are measured at each site before
the switch, a release that is worse at one site stops there, and a gate that cannot run is a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.evaluation import archive, index
from tests.sim.sites.faults import Faults
from tests.sim.sites.fleet import Published, SimulatedFleet, simulated_sites
from tests.sim.sites.operator import PACE, Operator

pytestmark = pytest.mark.slow

FIRST, SECOND = "site-0000", "site-0001"
MEASURES = {
    "word_error_rate", "number_error_rate", "drug_error_rate", "negation_error_rate", "words_on_silence",
    "unsupported_share",
}  # fmt: skip


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(2) as made:
        yield made


@pytest.fixture(scope="module")
def operator(fleet: SimulatedFleet) -> Operator:
    found = Operator(fleet)
    found.policy(
        "clinical",
        waves=[
            {"name": "canary", "sites": [FIRST], "success_threshold": 1.0, "bake": "1s"},
            {"name": "rest", "percent": 100, "success_threshold": 1.0, "bake": "1s"},
        ],
        gates={"clinical": {"evaluation_set": "visits", "valid_for": "1d"}},
    )
    return found


def evaluation_set(fleet: SimulatedFleet) -> Any:
    """Where the operator keeps it."""
    path = fleet.fleet.folder / "state" / fleet.directory.fleet.name / "evaluation/visits.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def release(fleet: SimulatedFleet, number: int) -> Published:
    """Another drafting model and another one for transcription, so that both are measured."""
    images = {"drafting": fleet.image("drafting", number), "transcription": fleet.image("transcription", number)}
    return fleet.publish(f"2026.11-{number}", number, images)  # type: ignore[arg-type]


def started(operator: Operator, made: Published, code: int) -> None:
    plan = operator.plan(made.manifest.name, "clinical")
    done = operator.run("start", str(plan), *PACE, "--by", operator.name)
    assert done.returncode == code, done.stderr[-3000:]


def results(operator: Operator, site: str) -> list[Any]:
    """What the clinical gate said of the site, in the history."""
    told = json.loads(operator.run("history", "--site", site, "-o", "json").stdout)
    gates = [gate for each in told for gate in each["facts"].get("gates") or ()]
    return [gate for gate in gates if gate["gate"] == "clinical"]


def test_a_release_that_is_as_good_is_measured_at_each_site_and_goes_on(
    fleet: SimulatedFleet, operator: Operator
) -> None:
    evaluation_set(fleet).write_bytes(archive(index()))
    made = release(fleet, 1)
    started(operator, made, 0)
    assert operator.wrong(settled=True) == []
    for name in (FIRST, SECOND):
        assert fleet.sites[name].loaded() == made.known.models
        (found,) = results(operator, name)
        assert found["verdict"] == "passed"
        result = found["result"]
        assert {each["measure"] for each in result["comparisons"]} == MEASURES
        assert (result["site"], result["candidate"]) == (name, made.known.models)
        assert result["incumbent"] == fleet.provisioned_set.models
        measured = {each.detail for each in fleet.sites[name].events() if each.kind == "evaluating"}
        assert measured == {*made.known.models.values(), *fleet.provisioned_set.models.values()}


def test_a_release_that_is_worse_at_the_second_site_stops_there(fleet: SimulatedFleet, operator: Operator) -> None:
    made, before = release(fleet, 2), fleet.sites[SECOND].loaded()
    fleet.sites[SECOND].fault(Faults(transcription="worse", drafting="worse", only=tuple(made.known.models.values())))
    started(operator, made, 6)
    assert operator.wrong(settled=True) == []
    assert fleet.sites[FIRST].loaded() == made.known.models
    # It was never switched: what its own recordings say decides before the visit of the next patient does.
    assert fleet.sites[SECOND].loaded() == before
    found = results(operator, SECOND)[0]
    assert {each["verdict"] for each in results(operator, SECOND)} == {"failed"}
    assert "drug_error_rate" in found["reason"]
    assert "unsupported_share" in found["reason"]
    measured = [each.detail for each in fleet.sites[SECOND].events() if each.kind == "evaluating"]
    assert [measured.count(root_hash) for root_hash in made.known.models.values()] == [1, 1]
    told = operator.run("explain", SECOND).stdout
    assert "clinical" in told
    assert "drug_error_rate" in told
    fleet.sites[SECOND].fault(Faults())


def test_engines_that_rest_meanwhile_serve_again_when_both_sets_were_measured(
    fleet: SimulatedFleet, operator: Operator
) -> None:
    evaluation_set(fleet).write_bytes(archive(index()))
    made = release(fleet, 3 + len(fleet.published))
    operator.policy(
        "resting",
        waves=[{"name": "all", "percent": 100, "success_threshold": 1.0, "bake": "1s"}],
        gates={"clinical": {"evaluation_set": "visits", "engines_rest": True}},
    )
    seen = {name: len(site.events()) for name, site in fleet.sites.items()}
    done = operator.run("start", str(operator.plan(made.manifest.name, "resting")), *PACE, "--by", operator.name)
    assert done.returncode == 0, done.stderr[-3000:]
    assert operator.wrong(settled=True) == []
    for name, site in fleet.sites.items():
        assert site.loaded() == made.known.models
        new = site.events()[seen[name] :]
        measured = [at for at, each in enumerate(new) if each.kind == "evaluating"]
        orders = [
            (at, each.what)
            for at, each in enumerate(new)
            if each.kind == "systemctl" and "appliance-drafting" in each.detail.split()
        ]
        assert [what for at, what in orders if at < measured[0]] == ["stop"]
        assert not [what for at, what in orders if measured[0] < at < measured[-1]]
        # Back with what ran before; then the switch.
        assert [what for at, what in orders if at > measured[-1]][:2] == ["start", "stop"]


@pytest.mark.parametrize("why", ["the engine does not start", "there is no set", "the set has nothing to measure by"])
def test_a_gate_that_cannot_run_is_a_failure(why: str, fleet: SimulatedFleet, operator: Operator) -> None:
    made, before = release(fleet, 3 + len(fleet.published)), fleet.sites[FIRST].loaded()
    path = evaluation_set(fleet)
    if why == "the engine does not start":
        fleet.sites[FIRST].fault(Faults(transcription="dead", only=tuple(made.known.models.values())))
    elif why == "there is no set":
        path.unlink()
    else:
        path.write_bytes(archive(index(silences=[]), {"audio/e1.wav": b"RIFF-e1"}))
    started(operator, made, 6)
    assert operator.wrong(settled=True) == []
    assert fleet.sites[FIRST].loaded() == before
    assert operator.written().sites[FIRST]["state"] in ("failed", "refused")
    fleet.sites[FIRST].fault(Faults())
    path.write_bytes(archive(index()))
