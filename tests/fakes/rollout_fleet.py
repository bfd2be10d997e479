"""A fleet directory with sites, a rollout policy and a signed repository, and fake boxes that answer for the sites."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from appliance.contract.release import ReleaseManifest
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from tests.fakes.boxes import FakeBox
from tests.fakes.releases import SignedRepository
from tests.fakes.site import SITE

POLICY = """\
apiVersion: fleetctl/v1
kind: RolloutPolicy
metadata: {name: careful}
spec:
  waves:
    - {name: canary, sites: [north], bake: 2h, promote: human}
    - {name: rest, percent: 100}
"""


@dataclass
class RolloutFleet:
    """`boxes` by site; a site without one in it cannot be reached."""

    fleet: FleetDir
    repository: SignedRepository
    boxes: dict[str, FakeBox] = field(default_factory=dict)

    def add(self, name: str, labels: Mapping[str, str] | None = None, **box: Any) -> FakeBox:
        """A site with its box."""
        metadata = SITE.metadata.model_copy(update={"name": name, "labels": dict(labels or {})})
        self.fleet.write_site(SITE.model_copy(update={"metadata": metadata}), replace=True)
        self.boxes[name] = FakeBox(name, **box)
        return self.boxes[name]

    def policy(self, text: str = POLICY, name: str = "careful") -> None:
        """Write a rollout policy."""
        folder = self.fleet.path / "policies/rollouts"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(text)

    def publish(self, release: ReleaseManifest, channel: str = "stable") -> None:
        """Approve a release."""
        self.repository.publish(channel, release)

    @contextmanager
    def ssh_boxes(self, fleetdir: FleetDir, passphrase: object) -> Iterator[Callable[[Site], FakeBox]]:
        """In place of `fleetctl.actions.rollout_sites.ssh_boxes`."""
        yield lambda site: self.boxes.get(site.name) or FakeBox(site.name, reachable=False)


def rollout_fleet(fleet: FleetDir) -> RolloutFleet:
    """The fleet without sites and releases; its policy is `careful`."""
    repository = SignedRepository(fleet.path / "releases")
    (fleet.path / "releases/root.json").write_bytes(repository.root)
    found = RolloutFleet(fleet, repository)
    found.policy()
    return found
