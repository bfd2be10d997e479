"""Rollouts whose controller is killed and whose sites lose their power at random places, with the checker after each.

FLEETCTL_TEST_KILLS=300 FLEETCTL_TEST_SEED=7 pytest tests/rollout/test_kills.py -s
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.sim.sites.fleet import SimulatedFleet, simulated_sites
from tests.sim.sites.killing import Killer
from tests.sim.sites.operator import Operator

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("FLEETCTL_TEST_KILLS", "24"))
A_ROLLOUT = 8
SITES = 4


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(SITES) as made:
        yield made


def test_a_kill_anywhere_loses_nothing_and_repeats_nothing(fleet: SimulatedFleet) -> None:
    seed = int(os.environ.get("FLEETCTL_TEST_SEED", str(random.SystemRandom().randrange(1_000_000))))
    print(f"seed {seed}")
    operator = Operator(fleet)
    # What a power cut spoils is tried again by the operator, so nothing but the canary stops a rollout here.
    operator.policy(
        "kills",
        waves=[
            {"name": "canary", "sites": ["site-0000"], "bake": "1s", "success_threshold": 1.0},
            {"name": "rest", "percent": 100, "bake": "1s", "success_threshold": 1.0},
        ],
        abort={"failed": None, "timed_out": None, "all": None, "failure_budget": 5000},
    )
    killer = Killer(fleet, operator, random.Random(seed))  # noqa: S311 (no secret)
    number = 0
    while (so_far := killer.killed.total()) < KILLS:
        number += 1
        image = fleet.image("drafting", number, size_bytes=256 << 10)
        fleet.publish(f"k{number}", number, {"drafting": image})
        killer.rollout(f"k{number}", "kills", min(A_ROLLOUT, KILLS - so_far))
    print(f"seed {seed}: {killer.killed.total()} kills in {number} rollouts: {dict(killer.killed)}")
    assert {what for what, _ in killer.killed} == {"controller", "site"}
