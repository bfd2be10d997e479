"""What the engine needs of a fleet: boxes over SSH, gates, windows, holds, and what the signed repository says now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TypeVar, cast

from appliance.contract.envelope import public_key_of
from appliance.contract.release import ReleaseManifest
from fleetctl.errors import ConfigError, RefusedError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import Plan, Stamp
from fleetctl.models.rolloutfiles import read_holds, read_pins
from fleetctl.models.site import Site
from fleetctl.release.repository_view import View, published
from fleetctl.release.store import ReleaseStore
from fleetctl.remote.health_client import HealthClient
from fleetctl.remote.keypins import HEALTH, read_key
from fleetctl.rollout import windows
from fleetctl.rollout.box import Box
from fleetctl.rollout.gates import Gate, HealthSource
from fleetctl.rollout.gates_health import FleetHealth
from fleetctl.rollout.gates_service import ServiceLevel
from fleetctl.rollout.steps import Tools
from fleetctl.rollout.story import Known
from fleetctl.rollout.verdict_site import Windows
from fleetctl.trust.passphrase import Passphrase

# The repository's signatures and the files of holds are read again that often: a revocation reaches a rollout in time.
_READ_AGAIN_S = 15.0
# As the box reads one at most: appliance/evaluation/evaluation_set.py.
MAX_SET_BYTES = 1 << 30
T = TypeVar("T")


@dataclass
class FleetSources:
    """`fleetctl.rollout.engine.Sources` of a real fleet. `boxes` and `health` are the ways to a site."""

    fleetdir: FleetDir
    boxes: Callable[[Site], Box]
    health: HealthSource
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    mono: Callable[[], float] = monotonic
    _kept: dict[str, tuple[float, object]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tools(self, plan: Plan, site: str, target: Stamp, progress: Callable[[int], None]) -> Tools:
        """Everything for a step at one site."""
        found = self.fleetdir.site(site)
        spec = plan.policy.gates.service_level
        gates: list[Gate] = [FleetHealth(self.health)]
        if spec is not None:
            gates.append(ServiceLevel(self.health, spec))
        key = read_key(HEALTH, self.fleetdir.health_keys, site)
        return Tools(
            plan, found, self.boxes(found), self._manifest(plan, target), gates, lambda: self._evaluation_set(plan),
            public_key_of(key) if key is not None else None, self.now, progress,
        )  # fmt: skip

    def windows(self, plan: Plan) -> tuple[Mapping[str, Windows], Mapping[str, Windows]]:
        """By the labels that the plan has kept."""
        spec = plan.policy.windows
        return (
            {each.site: windows.activation(spec, each.site, each.labels) for each in plan.sites},
            {each.site: windows.download(spec, each.site, each.labels) for each in plan.sites},
        )

    def held(self, plan: Plan) -> Mapping[str, str]:
        """Sites that are held, or pinned to another release, in words."""
        return self._read_again("held", lambda: held_sites(self.fleetdir, plan, self.now()))

    def pinned(self) -> Mapping[str, str]:
        """Site → the release that it is pinned to. Raises `ConfigError`: what cannot be read may pin a site."""
        return self._read_again(
            "pinned", lambda: {site: pin.spec.release for site, pin in read_pins(self.fleetdir.path).items()}
        )

    def revoked(self, plan: Plan) -> str:
        """Why the plan's release may not be rolled out any more; empty: it is approved in its channel."""
        return revoked(self._view(), plan)

    def newest(self, plan: Plan, passed: set[str]) -> Stamp | None:
        """The newest approved release of the channel that this or another rollout has brought through its waves."""
        try:
            releases = self._view().of(plan.channel)
        except UsageError:
            return None
        for each in releases:
            if each.revoked is None and (each.digest in passed or each.digest == plan.release.digest):
                return Stamp(name=each.name, digest=each.digest, sequence=each.sequence)
        return None

    def _view(self) -> View:
        return self._read_again("repository", lambda: published(ReleaseStore(self.fleetdir), now=self.now()))

    def _manifest(self, plan: Plan, target: Stamp) -> ReleaseManifest:
        """The verified manifest. Raises `RefusedError` when it is revoked, `UsageError` when it is gone."""
        found = self._view().find(plan.channel, target.name).manifest
        if found is None or found.digest != target.digest:
            raise RefusedError(
                f"{target.name} in {plan.channel} is not the release of the plan", hint="fleetctl release verify"
            )
        return found

    def _evaluation_set(self, plan: Plan) -> bytes:
        clinical = plan.policy.gates.clinical
        if clinical is None:
            raise ConfigError("the policy has no clinical gate", hint="gates.clinical")
        path = evaluation_path(self.fleetdir, clinical.evaluation_set)
        try:
            with path.open("rb") as file:
                content = file.read(MAX_SET_BYTES + 1)
        except OSError as problem:
            raise ConfigError(
                f"{path}: the evaluation set of the clinical gate cannot be read: {problem.strerror}",
                hint=f"put it there: the encounters of {clinical.evaluation_set} belong to the fleet",
            ) from None
        if len(content) > MAX_SET_BYTES:
            raise ConfigError(f"{path} has more than {MAX_SET_BYTES} bytes", hint="take out encounters")
        return content

    def _read_again(self, name: str, read: Callable[[], T]) -> T:
        """Read once in a while, by one thread at a time. What cannot be read is raised, not kept."""
        with self._lock:
            at, value = self._kept.get(name, (float("-inf"), None))
            if self.mono() - at >= _READ_AGAIN_S:
                value = read()
                self._kept[name] = (self.mono(), value)
            return cast("T", value)


def revoked(view: View, plan: Plan) -> str:
    """Why the plan's release may not be rolled out any more; empty: it is approved in its channel."""
    try:
        found = view.find(plan.channel, plan.release.name)
    except (RefusedError, UsageError) as problem:
        return problem.message
    if found.digest != plan.release.digest:
        return f"{plan.release.name} is {found.digest[:12]} now, the plan is of {plan.release.digest[:12]}"
    return ""


def known_now(fleetdir: FleetDir, plan: Plan, at: datetime) -> Known:
    """What an explanation needs of the fleet directory. A repository that does not verify raises nothing."""
    held = held_sites(fleetdir, plan, at)
    try:
        return Known(held, revoked(published(ReleaseStore(fleetdir), now=at), plan))
    except (VerificationError, ConfigError) as problem:
        return Known(held, not_known=problem.message)


def held_sites(fleetdir: FleetDir, plan: Plan, at: datetime) -> dict[str, str]:
    """Sites that are held, or pinned to another release. Raises `ConfigError`: what cannot be read may hold a site."""
    pins = read_pins(fleetdir.path)
    found = {site: pin.spec.words() for site, pin in pins.items() if pin.spec.release != plan.release.name}
    for site, hold in read_holds(fleetdir.path).items():
        if hold.spec.is_active(at):
            found[site] = hold.spec.words()
    return found


def evaluation_path(fleetdir: FleetDir, name: str) -> Path:
    """Where the operator keeps an evaluation set: outside of git, readable by its owner alone, for it holds speech."""
    return fleetdir.state_dir / "evaluation" / f"{name}.tar"


@contextmanager
def reaching(fleetdir: FleetDir, passphrase: Passphrase) -> Iterator[FleetSources]:
    """The fleet over SSH and HTTPS, with an agent that holds the key for as long as this lasts."""
    from fleetctl.actions.rollout_sites import ssh_boxes

    with ssh_boxes(fleetdir, passphrase) as boxes:
        yield FleetSources(fleetdir, boxes, HealthClient.of(fleetdir, passphrase))
