"""What a check may look at: the site as wanted, the release as built, and the facts as read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.contract.health import HealthSnapshot
from appliance.contract.seal import ModelTask
from fleetctl.egress.isolation import IsolationRecord
from fleetctl.facts.base import Unreadable
from fleetctl.facts.host import HostFacts
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site


@dataclass(frozen=True)
class WantedEngine:
    """The engine image of a GPU site, and the oldest driver that it runs on."""

    root_hash: str
    min_driver: str


@dataclass(frozen=True)
class Wanted:
    """What the operator built for this site: root hashes of the OS image's /usr and of each task's model image, and
    the engine image of a site with GPUs (None: it has none).

    `Unreadable` when the operator has no such build; then a check cannot say that the box runs it.
    """

    usr_root_hash: str | Unreadable
    model_root_hashes: Mapping[ModelTask, str | Unreadable]
    engine: WantedEngine | Unreadable | None = None


@dataclass(frozen=True)
class CheckContext:
    """`health` is the box's own snapshot over HTTPS, `Unreadable` when it did not answer or was not asked; `escrowed`
    gives for each LUKS UUID in the fleet's escrow the SHA-256 of its file, empty when that is damaged;
    `isolation` is what this machine kept of the rules that it made, None when another one made them."""

    site: Site
    profile: HardwareProfile
    wanted: Wanted
    facts: HostFacts
    escrowed: Mapping[str, str]
    health: HealthSnapshot | Unreadable
    isolation: IsolationRecord | Unreadable | None
