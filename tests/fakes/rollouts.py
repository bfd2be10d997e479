"""A rollout in memory for tests: a plan, fake boxes behind fake sources, a clock that tests turn."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.contract.health import HealthSnapshot
from fleetctl.errors import UnreachableError
from fleetctl.models.rollout import Plan, Stamp
from fleetctl.models.site import Site
from fleetctl.rollout.engine import Clocks, Engine
from fleetctl.rollout.gates import Gate
from fleetctl.rollout.gates_health import FleetHealth
from fleetctl.rollout.gates_service import ServiceLevel
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_lock import Held
from fleetctl.rollout.steps import Tools
from fleetctl.rollout.steps_outcome import Pace
from fleetctl.rollout.verdict_site import Windows
from tests.fakes import site as fake
from tests.fakes.boxes import FakeBox
from tests.fakes.sets import manifest

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
RELEASE = manifest("2026.11-1", 2)
NEWER = manifest("2026.11-2", 3)
OLDER = manifest("2026.10-1", 1)
TARGET = Stamp(name=RELEASE.name, digest=RELEASE.digest, sequence=RELEASE.sequence)


def plan(waves: Mapping[str, int] | None = None, identity: str = "ab" * 16, **policy: Any) -> Plan:
    """A plan with so many sites a wave, s1 s2 … in order. `policy` replaces parts of the policy."""
    counts = waves or {"canary": 1, "rest": 3}
    wave_policy = policy.pop("wave", {})
    # Shares of few sites would stop nearly every test; who is about them sets them.
    policy["abort"] = {"failed": None, "timed_out": None, "all": None, **policy.get("abort", {})}
    rules = {"success_threshold": 0.75, "bake": "2m", "promote": "auto", "concurrency": 2}
    specs, planned, sites, number = [], [], [], 0
    for place, (name, count) in enumerate(counts.items()):
        own = {**rules, **wave_policy.get("*", {}), **wave_policy.get(name, {})}
        names = [f"s{number + each + 1}" for each in range(count)]
        number += count
        specs.append({"name": name, "sites": names, **own})
        planned.append({"name": name, "canary": place == 0, **own})
        sites += [{"site": each, "wave": name, "reason": "a test", "reachable": True, "activation": ""}
                  for each in names]  # fmt: skip
    return Plan.model_validate(
        {
            "id": identity,
            "fleet": "north",
            "release": TARGET.model_dump(),
            "channel": "stable",
            "created_at": START,
            "expires_at": START + timedelta(days=7),
            "created_by": "alex",
            "policy": {"waves": specs, "site_timeout": "1h", "transfers": 2, **policy},
            "policy_name": "weekly",
            "waves": planned,
            "sites": sites,
        }
    )


@dataclass
class FakeClock:
    """Turned by hand. `jump` moves the clock on the wall alone, as a wrong time server does."""

    utc: datetime = START
    mono: float = 1000.0

    def advance(self, seconds: float) -> None:
        self.utc += timedelta(seconds=seconds)
        self.mono += seconds

    def jump(self, **by: float) -> None:
        self.utc += timedelta(**by)

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.utc, lambda: self.mono)


@dataclass
class FakeHealth:
    """Answers as the box runs; `bad` sites say critical, `latency` is p95 and requests by site and set."""

    boxes: Mapping[str, FakeBox]
    clock: FakeClock
    bad: set[str] = field(default_factory=set)
    bad_release: set[str] = field(default_factory=set)
    latency: Callable[[FakeBox], tuple[float, int, int]] = lambda box: (100.0, 50, 0)

    def read(self, site: Site) -> HealthSnapshot:
        box = self.boxes[site.name]
        if not box.reachable:
            raise UnreachableError("no answer", hint="none: a fake", host=site.name)
        models = box.active.models if box.active else {}
        p95, count, failed = self.latency(box)
        part = {"verdict": "ok", "reason": "compared"}
        active = box.active.release if box.active else None
        verdict = "critical" if site.name in self.bad or (site.name in self.bad_release and active) else "ok"
        return fake.snapshot(
            verdict,
            site=site.name,
            taken_at=self.clock.utc.isoformat(),
            services={"verdict": verdict, "reason": "appliance-drafting.service is failed"},
            models={**part, "loaded": [{"task": task, "name": task, "root_hash": root}
                                       for task, root in models.items()]},
            engines={**part, "engines": [
                {"task": task, "answers": True, "latency": {"window_s": 300, "count": count, "failed": failed,
                                                            "p95_ms": p95}} for task in models]},
        )  # fmt: skip


@dataclass
class FakeSources:
    """`fleetctl.rollout.engine.Sources` over fake boxes."""

    plan: Plan
    clock: FakeClock
    boxes: dict[str, FakeBox] = field(default_factory=dict)
    held_sites: dict[str, str] = field(default_factory=dict)
    pinned_sites: dict[str, str] = field(default_factory=dict)
    revoked_because: str = ""
    newest_release: Stamp | None = None
    activation: dict[str, Windows] = field(default_factory=dict)
    download: dict[str, Windows] = field(default_factory=dict)
    evaluation_set: bytes = b"three encounters"

    def __post_init__(self) -> None:
        releases = {each.name: each for each in (OLDER, RELEASE, NEWER)}
        for each in self.plan.sites:
            self.boxes.setdefault(each.site, FakeBox(each.site, dict(releases), clock=lambda: self.clock.utc))
        self.health = FakeHealth(self.boxes, self.clock)

    def tools(self, plan: Plan, site: str, target: Stamp, progress: Callable[[int], None]) -> Tools:
        box = self.boxes[site]
        spec = plan.policy.gates.service_level
        gates: list[Gate] = [FleetHealth(self.health)]
        gates += [ServiceLevel(self.health, spec)] if spec is not None else []
        return Tools(plan, named(site), box, box.releases[target.name], gates, lambda: self.evaluation_set,
                     box.key.public_key(), lambda: self.clock.utc, progress)  # fmt: skip

    def windows(self, plan: Plan) -> tuple[Mapping[str, Windows], Mapping[str, Windows]]:
        return self.activation, self.download

    def held(self, plan: Plan) -> Mapping[str, str]:
        return self.held_sites

    def pinned(self) -> Mapping[str, str]:
        return self.pinned_sites

    def revoked(self, plan: Plan) -> str:
        return self.revoked_because

    def newest(self, plan: Plan, passed: set[str]) -> Stamp | None:
        return self.newest_release


def named(name: str) -> Site:
    """A site of this name."""
    metadata = fake.SITE.metadata.model_copy(update={"name": name})
    return fake.SITE.model_copy(update={"metadata": metadata})


class FakeLock(Held):
    """A lock that is always held."""

    def __init__(self) -> None:
        return

    def check(self) -> None:
        return


@dataclass
class Bench:
    """An engine that is turned by hand: steps wait in `jobs` until the test lets them run."""

    sources: FakeSources
    journal: Journal
    clock: FakeClock
    chance: random.Random | None = None
    pace: Pace = field(
        default_factory=lambda: Pace(watch_s=30, ask_again_s=10, refused_again_s=60, offline_after_s=120)
    )
    stay: bool = False

    def __post_init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        self.said: list[str] = []
        self.most_busy: dict[str, int] = {}
        self.engine = self.opened()

    @property
    def plan(self) -> Plan:
        return self.sources.plan

    def opened(self) -> Engine:
        """A controller that starts now, on the journal as it is."""
        self.jobs = []
        return Engine(self.journal, self.plan, self.sources, FakeLock(), self.said.append, self.pace,
                      self.clock.clocks, self.stay, spawn=self.jobs.append)  # fmt: skip

    def restart(self) -> None:
        self.engine = self.opened()

    def turn(self, seconds: float = 5.0) -> Any:
        """One decision, then steps (all, or some in any order), then time."""
        ending = self.engine.turn()
        while self.jobs and (self.chance is None or self.chance.random() < 0.7):
            place = 0 if self.chance is None else self.chance.randrange(len(self.jobs))
            self.jobs.pop(place)()
        self.clock.advance(seconds)
        return ending

    def run(self, turns: int = 2000, seconds: float = 5.0, until: Callable[[], bool] | None = None) -> Any:
        """Until it ends. Fails when it does not."""
        for _ in range(turns):
            if (ending := self.turn(seconds)) is not None:
                return ending
            if until is not None and until():
                return None
        raise AssertionError(f"no end after {turns} turns: {self.states()}")

    def states(self) -> dict[str, str]:
        return {record.site: record.shown for record in self.journal.sites(self.plan.id)}

    def order(self, **values: Any) -> None:
        """What `pause`, `resume` and `abort` write."""
        self.journal.change(self.plan.id, self.clock.utc, "alex", values=values)


def bench(journal: Journal, made: Plan | None = None, chance: random.Random | None = None, **changed: Any) -> Bench:
    """A rollout that has been started."""
    made = made or plan()
    clock = FakeClock()
    sources = FakeSources(made, clock)
    journal.begin(made, "alex", clock.utc)
    return replace(Bench(sources, journal, clock, chance), **changed) if changed else Bench(
        sources, journal, clock, chance)  # fmt: skip
