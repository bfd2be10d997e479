"""What the operator built for a site: the root hashes that are to run there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.contract.seal import ModelTask
from fleetctl.facts.base import Unreadable


@dataclass(frozen=True)
class WantedEngine:
    """The engine image of a GPU site, and the oldest driver that it runs on."""

    root_hash: str
    min_driver: str


@dataclass(frozen=True)
class Wanted:
    """What the operator built for this site: root hashes of the OS image's /usr and of each task's model image, and
    the engine image of a site with GPUs (None: it has none). `release`: its models are those that a rollout has
    brought there, not those that the site file names.

    `Unreadable` when the operator has no such build; then a check cannot say that the box runs it.
    """

    usr_root_hash: str | Unreadable
    model_root_hashes: Mapping[ModelTask, str | Unreadable]
    engine: WantedEngine | Unreadable | None = None
    release: str | None = None

    def named_by(self) -> str:
        """Who names the models, in words."""
        return f"release {self.release}" if self.release else "the site file"
