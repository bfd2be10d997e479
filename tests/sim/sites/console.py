"""The console of a simulated site: the real `appliancectl release`, without a controller and without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sim.sites.fleet import Published, SimulatedFleet
from tests.sim.sites.programs import environment
from tests.sim.sites.site import SimulatedSite


@dataclass(frozen=True)
class Said:
    """What a command answered: exit code, the last JSON document, and what it said to people."""

    code: int
    answer: Any
    words: str


@dataclass(frozen=True)
class Console:
    """A person at the site."""

    fleet: SimulatedFleet
    site: SimulatedSite

    def bring(self, release: Published, *, repository: Path | None = None, images: bool = True) -> None:
        """Put the repository and, as a rule, the images into `incoming/`, as the operator's rsync leaves them."""
        places = self.site.places
        shutil.rmtree(places.repository, ignore_errors=True)
        places.repository.parent.mkdir(parents=True, exist_ok=True)
        _copied(repository or self.fleet.repository.folder, places.repository)
        places.arrived.mkdir(exist_ok=True)
        for image in release.images.values() if images else ():
            if not places.image(image.root_hash).exists():
                shutil.copyfile(image.path, places.arrived / f"{image.root_hash}.raw")

    def run(self, *words: str) -> Said:
        """Run `appliancectl release WORDS -o json`."""
        done = self.site.appliancectl("release", *words, "-o", "json")
        lines = done.stdout.splitlines()
        return Said(done.returncode, json.loads(lines[-1]) if lines else None, done.stderr)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        return subprocess.Popen(
            [str(self.site.places.programs / "appliancectl"), "release", *words, "-o", "json"],
            env={**os.environ, **environment(self.site.places)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def offer(self, name: str) -> Said:
        return self.run("offer", name, "--channel", "stable")

    def stage(self, name: str) -> Said:
        return self.run("stage", name, "--channel", "stable", "--operation", operation())

    def activate(self, name: str, *, drain_s: int = 5) -> Said:
        return self.run("activate", name, "--operation", operation(), "--drain-timeout", str(drain_s))

    def rollback(self, reason: str = "a test") -> Said:
        return self.run("rollback", "--operation", operation(), "--reason", reason)

    def status(self) -> Any:
        said = self.run("status")
        assert said.code == 0, said
        return said.answer


def operation() -> str:
    """A new operation id."""
    return uuid.uuid4().hex


def _copied(folder: Path, target: Path) -> None:
    """Copy with holes as holes: hostile repositories have files of gigabytes that hold nothing."""
    subprocess.run(["cp", "-r", "--sparse=always", str(folder), str(target)], check=True)
