"""Kills the controller of a rollout, or the power of a site, at random places, again and again, and has everything
checked after each. The dice are seeded; where exactly a process dies depends on the machine as well."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.sim.sites.controller import compare
from tests.sim.sites.fleet import SimulatedFleet
from tests.sim.sites.invariants import Found, not_repeated
from tests.sim.sites.operator import PACE, Operator, kill

# A site takes ten rows to its switch: an order and its outcome for each of five steps.
_ROWS = 9
_PATIENCE_S = 600.0
_QUIET_S = 300.0
_MOST_RETRIES = 12


@dataclass
class Killer:
    """`killed`: how often what was killed in the middle of which step."""

    fleet: SimulatedFleet
    operator: Operator
    dice: random.Random
    killed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def rollout(self, release: str, policy: str, kills: int) -> None:
        """One rollout with so many kills, which in the end reaches every site."""
        for site in self.fleet.sites.values():
            site.places.events.unlink(missing_ok=True)
        process = self._started("start", str(self.operator.plan(release, policy)))
        left = kills
        while left and process.poll() is None:
            if self._ends_before(process, self.dice.randint(0, _ROWS), self.dice.uniform(0.0, 0.8)):
                break
            left -= 1
            if self.dice.random() < 0.5:
                process = self._controller(process)
            else:
                self._site()
        self._to_the_end(process)

    # --- kills

    def _controller(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        where = self._open()
        self.killed["controller", self.dice.choice(sorted(where.values())) if where else "between"] += 1
        kill(process)
        self._quiet()
        self._demand([])
        return self._started("resume")

    def _site(self) -> None:
        where = self._open()
        # Rather one that is at work.
        name = self.dice.choice(sorted(where) or sorted(self.fleet.sites))
        self.killed["site", where.get(name, "between")] += 1
        self.fleet.power_cut(name)
        site = self.fleet.sites[name]
        while self.dice.random() < 0.2:
            site.cut_while_it_recovers(self.dice.uniform(0.0, 0.6))
        self.fleet.boot(name, connected=False)
        found = self.operator.examined(only=[name])
        self._demand([*found[name].wrong, *self._repeated(found)])
        self.fleet.connect(name)

    # --- what is asked after each

    def _demand(self, wrong: list[str]) -> None:
        """Fail with what must hold and does not."""
        wrong = wrong or []
        if not wrong and not any(site.is_busy() for site in self.fleet.sites.values()):
            found = self.operator.examined()
            wrong = [sentence for each in found.values() for sentence in each.wrong]
            wrong += self._repeated(found)
            wrong += compare(self.operator.written(), found)
        assert not wrong, "\n".join([*wrong, f"kills so far: {self.killed}", self._log()])

    def _repeated(self, found: dict[str, Found]) -> list[str]:
        known = [self.fleet.provisioned_set, *(each.known for each in self.fleet.published)]
        return [
            f"{name}: {sentence}"
            for name, each in found.items()
            for sentence in not_repeated(each.record, self.fleet.sites[name].events(), known)
        ]

    def _quiet(self) -> None:
        """Wait until no program of any site runs. What was cut off then is finished by the next command."""
        deadline_s = time.monotonic() + _QUIET_S
        while any(site.is_busy() for site in self.fleet.sites.values()):
            assert time.monotonic() < deadline_s, f"programs of a site do not end\n{self._log()}"
            time.sleep(0.1)
        for name, found in self.operator.examined(at_rest=False).items():
            if found.record.get("change") is not None or self.fleet.sites[name].places.drain.exists():
                self.fleet.sites[name].appliancectl("release", "status")

    # --- the controller

    def _started(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin, and return when it has ordered something, or has ended."""
        before = self._steps()
        process = self.operator.begin(*words, *PACE, "--by", self.operator.name)
        deadline_s = time.monotonic() + _PATIENCE_S
        while process.poll() is None and self._steps() == before:
            assert time.monotonic() < deadline_s, f"the controller orders nothing\n{self._log()}"
            time.sleep(0.05)
        return process

    def _to_the_end(self, process: subprocess.Popen[bytes]) -> None:
        """Retry what a cut has made fail, as an operator does, until every site is done."""
        for _ in range(_MOST_RETRIES):
            code = process.wait(_PATIENCE_S)
            if code == 0:
                break
            assert code in (6, 7), f"exit code {code}\n{self._log()}"
            done = self.operator.run("retry", "--clear", "--by", self.operator.name)
            assert done.returncode == 0, done.stderr
            process = self.operator.begin("resume", *PACE, "--by", self.operator.name)
        self._quiet()
        wrong = self.operator.wrong(settled=True)
        assert not wrong, "\n".join([*wrong, f"kills so far: {self.killed}", self._log()])
        target = self.fleet.published[-1].known.models
        behind = [name for name, site in self.fleet.sites.items() if site.loaded() != target]
        assert not behind, f"not brought along: {behind}\n{self._log()}"

    def _ends_before(self, process: subprocess.Popen[bytes], rows: int, seconds: float) -> bool:
        """Whether it ends before it has written so much more, and worked on for so long."""
        wanted, deadline_s = self._steps() + rows, time.monotonic() + _PATIENCE_S
        while process.poll() is None and self._steps() < wanted:
            assert time.monotonic() < deadline_s, f"the controller goes on with nothing\n{self._log()}"
            time.sleep(0.02)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _open(self) -> dict[str, str]:
        """Sites with an order that is not over, and which."""
        written = self.operator.written()
        ended = {step["step"] for step in written.steps if step["phase"] == "outcome"}
        return {
            step["site"]: step["kind"] for step in written.steps
            if step["phase"] == "intent" and step["id"] not in ended
        }  # fmt: skip

    def _steps(self) -> int:
        return self.operator.steps()

    def _log(self) -> str:
        return self.operator.log.read_text(errors="replace")[-6000:]
