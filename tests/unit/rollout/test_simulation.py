"""Random rollouts: boxes that fail, vanish and hang, and a controller that is killed between any two writes.

After each the journal is compared with the boxes, which know nothing of it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import LOOKS, StepKind
from fleetctl.store.database import Database
from tests.fakes.boxes import FakeBox, How
from tests.fakes.rollouts import TARGET, Bench, FakeClock, FakeSources, plan

_FAULTS: tuple[How, ...] = ("lost_before", "lost_after", "hangs", "refused", "failed", "rolled_back", "verification")


class Killed(BaseException):
    """kill -9: nothing of the process runs any more."""


class DyingJournal(Journal):
    """The process is killed right before or right after some of its writes."""

    def __init__(self, database: Database, chance: random.Random, rate: float) -> None:
        super().__init__(database)
        self._chance, self._rate = chance, rate
        self.kills = 0

    def _write(self, name: str, *given: Any, **named: Any) -> Any:
        if self._chance.random() < self._rate:
            self._die()
        found = getattr(Journal, name)(self, *given, **named)
        if self._chance.random() < self._rate:
            self._die()
        return found

    def _die(self) -> None:
        self.kills += 1
        raise Killed

    def intend(self, *given: Any, **named: Any) -> Any:
        return self._write("intend", *given, **named)

    def end(self, *given: Any, **named: Any) -> Any:
        return self._write("end", *given, **named)

    def change(self, *given: Any, **named: Any) -> Any:
        return self._write("change", *given, **named)


class Simulation:
    """One random rollout."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)  # noqa: S311 (no secret)
        counts = {"canary": chance.randint(1, 2), "early": chance.randint(1, 3), "rest": chance.randint(1, 4)}
        made = plan(
            counts,
            wave={"*": {"success_threshold": chance.choice([0.5, 0.75, 1.0]), "concurrency": chance.randint(1, 3)}},
            when_disconnected=chance.choice(["wait", "skip", "fail"]),
            transfers=chance.randint(1, 2),
            abort={"failure_budget": chance.randint(1, 4), "minimum_sample": 3},
        )
        clock = FakeClock()
        self.database = Database("sqlite://")
        self.journal = DyingJournal(self.database, chance, chance.choice([0.0, 0.01, 0.05]))
        self.journal.begin(made, "alex", clock.utc)
        self.sources = FakeSources(made, clock)
        self.wild = True
        for box in self.sources.boxes.values():
            for verb in ("offer", "receive", "stage", "activate", "rollback", "status"):
                if chance.random() < 0.15:
                    kinds = _FAULTS if verb not in ("offer", "receive", "status") else ("lost_before", "lost_after")
                    how = chance.choice(kinds)
                    if not (verb != "activate" and how == "rolled_back"):
                        box.script(verb, how)  # type: ignore[arg-type]
        self.bench = Bench(self.sources, self.journal, clock, chance, stay=False)

    def play(self) -> Bench:
        """To the end, with faults; then once more with everything well, so that what is open is settled."""
        for wild in (True, False):
            self.wild = wild
            if not wild:
                for box in self.sources.boxes.values():
                    box.reachable = True
                    if box.phase != "idle":
                        box.finish(self.chance.choice(["done", "interrupted"]))
                self._restart()
            for _ in range(1500):
                if self._turn() is not None:
                    break
            else:
                raise AssertionError(f"no end: {self.bench.states()}")
        return self.bench

    def _turn(self) -> Any:
        if self.wild:
            self._disturb()
        else:
            # What was scripted to hang may begin as late as now; a box ends every change at some time.
            for box in self.sources.boxes.values():
                if box.phase != "idle":
                    box.finish("interrupted")
        try:
            ending = self.bench.turn(self.chance.choice([1.0, 5.0, 20.0]))
        except Killed:
            self._restart()
            return None
        self._limits()
        self._order()
        return ending

    def _restart(self) -> None:
        # What was sent to a box before the kill may arrive there or not; nobody hears of it.
        for job in self.bench.jobs:
            if self.chance.random() < 0.5:
                job()
        while True:
            try:
                self.bench.restart()
            except Killed:
                continue
            return

    def _disturb(self) -> None:
        for box in self.sources.boxes.values():
            if self.chance.random() < (0.02 if box.reachable else 0.15):
                box.reachable = not box.reachable
            if box.phase != "idle" and self.chance.random() < 0.1:
                box.finish(self.chance.choice(["done", "failed", "interrupted"]))
        if self.chance.random() < 0.01:
            self.bench.clock.jump(days=self.chance.choice([-3, 3]))

    def _limits(self) -> None:
        """Counted at the boxes and threads, not by the engine's own function."""
        changing: Counter[str] = Counter()
        for site, view in self.bench.engine.views.items():
            hangs = any(each.outcome is None and each.action == "activate" for each in self.sources.boxes[site].changes)
            busy = view.live.busy is not None and view.live.busy not in LOOKS
            changing[view.record.wave] += (busy and view.live.busy is not StepKind.ROLLBACK) or hangs
        for wave in self.bench.plan.waves:
            assert changing[wave.name] <= wave.concurrency, (wave, changing)
        sending = [view for view in self.bench.engine.views.values() if view.live.busy is StepKind.SEND]
        assert len(sending) <= self.bench.plan.policy.transfers

    def _order(self) -> None:
        passed = {event.text.split()[1].rstrip(":") for _, event in self.journal.events(self.bench.plan.id,
                                                                                      ("wave_passed",))}  # fmt: skip
        for before, wave in zip(self.bench.plan.waves, self.bench.plan.waves[1:], strict=False):
            touched = any(self.sources.boxes[each.site].calls for each in self.bench.plan.of_wave(wave.name))
            assert not touched or before.name in passed, f"{wave.name} began before {before.name} passed"


def equal_to_reality(bench: Bench, boxes: Mapping[str, FakeBox]) -> None:
    """The journal's word on each site against the box."""
    committed, steps = bench.journal.committed(), bench.journal.open_steps(bench.plan.id)
    for record in bench.journal.sites(bench.plan.id):
        box = boxes[record.site]
        runs = box.active is not None and box.active.digest == TARGET.digest
        assert box.switches.count(TARGET.name) <= 1, f"{record.site} was switched twice: {box.switches}"
        assert record.site not in steps, f"{record.site} is open still: {steps[record.site]}"
        assert (record.site in committed) == runs, f"{record.site}: {record.state}, committed {committed}, runs {runs}"
        if record.state.value in ("done", "baking"):
            assert runs, f"{record.site} is {record.state} and does not run it"
        if record.state.value in ("rolled_back", "waiting", "offered", "staged", "skipped", "refused"):
            assert not runs, f"{record.site} is {record.state} and runs it: {record.reason}"
    intents: Counter[str] = Counter()
    for entry in bench.journal.steps(bench.plan.id):
        intents[entry.site] += 1 if entry.what.endswith("ordered") else -1
        assert intents[entry.site] in (0, 1), f"two steps at once at {entry.site}"


def successes(bench: Bench) -> None:
    """Each wave that passed had a real success, and enough of them, by the events' own figures and by the boxes."""
    for _, event in bench.journal.events(bench.plan.id, ("wave_passed",)):
        facts = event.facts
        assert facts["done"] >= 1
        assert facts["done"] / facts["selected"] >= facts["threshold"] - 1e-9


def _play(seed: int) -> int:
    simulation = Simulation(seed)
    try:
        bench = simulation.play()
        equal_to_reality(bench, simulation.sources.boxes)
        successes(bench)
    except AssertionError as problem:
        raise AssertionError(f"seed {seed}: {problem}") from problem
    finally:
        simulation.database.close()
    return simulation.journal.kills


def test_random_rollouts_end_as_the_boxes_are() -> None:
    assert sum(_play(seed) for seed in range(12)) > 0


@pytest.mark.slow
def test_hundreds_of_random_rollouts_end_as_the_boxes_are() -> None:
    assert sum(_play(seed) for seed in range(1000, 1400)) > 300
