"""The operator of a simulated fleet: `fleetctl` as a person starts it, in a process that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.sim.sites.controller import Written, compare, count_steps, read_journal
from tests.sim.sites.fleet import SimulatedFleet
from tests.sim.sites.invariants import Found, examine, in_order, not_repeated

# Sites of the simulation answer at once; the product's pace is for clinics.
PACE = ("--every", "1", "--ask-again", "1", "--try-again", "1", "--offline-after", "1")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Operator:
    """`name` stands in the history of what is ordered."""

    fleet: SimulatedFleet
    name: str = "sim.operator"

    def policy(self, name: str, **spec: Any) -> None:
        """Write `policies/rollouts/NAME.yaml`."""
        path = self.fleet.fleet.path / "policies/rollouts" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"apiVersion": "fleetctl/v1", "kind": "RolloutPolicy", "metadata": {"name": name}, "spec": spec}
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def plan(self, release: str, policy: str) -> Path:
        """Make a signed plan."""
        file = self.fleet.folder / f"{release}-{policy}.plan"
        done = self.run("plan", "--release", release, "--policy", policy, "-O", str(file), "--by", self.name)
        assert done.returncode == 0, done.stderr[-3000:]
        return file

    def planned(self, file: Path) -> Any:
        """What the plan says, as JSON."""
        done = self.run("plan", "--show", str(file), "-o", "json")
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    def run(self, *words: str, timeout_s: float = 900) -> Done:
        """`fleetctl rollout WORDS` to its end."""
        return subprocess.run(
            self._argv(words), env=self._environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """The same in the background, in a process group of its own; what it says is in `log`."""
        with self.log.open("ab") as log:
            log.write(f"--- {' '.join(words)}\n".encode())
            log.flush()
            return subprocess.Popen(
                self._argv(words), env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    @property
    def log(self) -> Path:
        """What background commands said."""
        return self.fleet.folder / "operator.log"

    @property
    def store(self) -> Path:
        """The fleet's store."""
        return self.fleet.fleet.folder / "state" / self.fleet.directory.fleet.name / "store/observations.db"

    def _argv(self, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "fleetctl", "rollout", *words]

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, **self.fleet.fleet.environment(), "FLEETCTL_FLEET": str(self.fleet.fleet.path),
                "COLUMNS": "200"}  # fmt: skip

    # --- judged from outside

    def written(self) -> Written:
        """The journal of the newest rollout."""
        return read_journal(self.store)

    def steps(self) -> int:
        """How many steps were written down in all, of every rollout."""
        return count_steps(self.store)

    def examined(self, *, at_rest: bool = True, only: Sequence[str] | None = None) -> dict[str, Found]:
        """What each site is found to be."""
        known = [self.fleet.provisioned_set, *(each.known for each in self.fleet.published)]
        return {
            name: examine(site.places, known, site.loaded() if site.powered else None, at_rest=at_rest)
            for name, site in self.fleet.sites.items()
            if only is None or name in only
        }

    def wrong(self, *, settled: bool = False) -> list[str]:
        """Everything that must hold and does not, with nothing going on at any site."""
        known = [self.fleet.provisioned_set, *(each.known for each in self.fleet.published)]
        found = self.examined()
        wrong = [sentence for each in found.values() for sentence in each.wrong]
        for name, each in found.items():
            events = self.fleet.sites[name].events()
            wrong += [f"{name}: {sentence}" for sentence in not_repeated(each.record, events, known)]
            if not in_order(events):
                wrong.append(f"{name}: its events are out of order")
        return [*wrong, *compare(self.written(), found, settled=settled)]


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and all that it has started: rsync, ssh and the agent die with it, as with its machine."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
