"""A fleet of simulated sites with everything that an operator has of it: fleet directory, pins, signed releases and
images; and on the other side the sites, their health agents and the listener in front of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.release import ReleaseManifest
from appliance.contract.seal import ModelTask
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.code_packs import code_pack
from tests.fakes.release_images import Image, model_image
from tests.fakes.releases import SignedRepository, manifest
from tests.fakes.systems import System
from tests.sim.fleet.agents import Agents
from tests.sim.fleet.directory import SimFleet, SimSite, make_fleet
from tests.sim.fleet.front import Front
from tests.sim.sites.faults import Faults
from tests.sim.sites.images import weights
from tests.sim.sites.invariants import KnownSet
from tests.sim.sites.machine import SiteMachine
from tests.sim.sites.places import Places
from tests.sim.sites.services import TASKS, Services
from tests.sim.sites.site import Installed, SimulatedSite
from tests.sim.sites.sshd import Sshd

SSH_PORT = 2278
CATALOGUE: Mapping[ModelTask, str] = {"transcription": "whisper-tiny.en", "drafting": "smollm2-135m-instruct"}


@dataclass(frozen=True)
class Published:
    """A release in the fleet's repository, and its images."""

    manifest: ReleaseManifest
    images: Mapping[ModelTask, Image]

    @property
    def known(self) -> KnownSet:
        """As the checker has it."""
        models = {task: image.root_hash for task, image in self.images.items()}
        return KnownSet(self.manifest.name, self.manifest.digest, models)


class SimulatedFleet:
    """The sites by name in `sites`; use `simulated_sites`, which ends them."""

    def __init__(self, folder: Path, count: int, *, volume_bytes: int | None = None) -> None:
        self.folder = folder
        self.fleet: SimFleet = make_fleet(folder / "f", count, ssh_port=SSH_PORT)
        self.directory = FleetDir(self.fleet.path)
        self.services = Services()
        self._work = folder / "w"
        self._work.mkdir()
        # Made once and never by a site's own doing: what the provisioning brought everywhere.
        self.provisioned: dict[ModelTask, Installed] = {
            task: Installed(CATALOGUE[task], self.image(task, 0)) for task in TASKS
        }
        self.published: list[Published] = []
        self.repository = SignedRepository(self.fleet.path / "releases")
        (self.repository.folder / "root.json").write_bytes(self.repository.root)  # the operator's pin
        authorized = self.fleet.folder / "keys/ssh_ed25519.pub"
        self.sites: dict[str, SimulatedSite] = {}
        for site in self.fleet.sites:
            places = Places(folder / str(site.number))
            sshd = Sshd(places, site.address, SSH_PORT, authorized)
            made = SimulatedSite(site, places, sshd, self.services, self.provisioned, volume_bytes=volume_bytes)
            made.trusts(self.repository.root)
            self.sites[site.name] = made
        pins = "".join(f"{name} {site.sshd.host_key}\n" for name, site in self.sites.items())
        self.directory.known_hosts.write_text(pins)
        self.agents = Agents(self.fleet, fresh_s=1.0, machine=self._machine)
        (self.fleet.path / "health_keys").write_text(self.agents.pins())
        for name, made in self.sites.items():
            made.signs_with(self.agents.of[name].key)
        self.front = Front(self.fleet)

    def _machine(self, site: SimSite) -> SiteMachine:
        return SiteMachine(self.sites[site.name])

    @property
    def provisioned_set(self) -> KnownSet:
        """What every site runs in the beginning."""
        return KnownSet("provisioned", None, {task: each.image.root_hash for task, each in self.provisioned.items()})

    def install(self, site: SimulatedSite) -> None:
        """Provision a site (again)."""
        site.install(self.provisioned)

    def reset(self, site: SimulatedSite) -> None:
        """Make a site as if it had never known of a release, and boot it."""
        if site.powered:
            site.power_cut()
        shutil.rmtree(site.places.releases, ignore_errors=True)
        site.places.events.unlink(missing_ok=True)
        site.fault(Faults())
        site.free_disk()
        site.install(self.provisioned)
        self.boot(site.name)

    # --- releases

    def image(self, task: ModelTask, seed: int, *, size_bytes: int = 1 << 20, changed: float = 0.0) -> Image:
        """Pack an image with weights of that seed."""
        return model_image(self._work, weights(task, seed, size_bytes=size_bytes, changed=changed))

    def publish(
        self,
        name: str,
        sequence: int,
        images: Mapping[ModelTask, Image],
        *,
        channel: str = "stable",
        minimum: int = 0,
        code_packs: Sequence[Path] = (),
        system: System | None = None,
    ) -> Published:
        """Sign a release of these images (what is left out is what was provisioned) into a channel."""
        found = {task: images.get(task) or model.image for task, model in self.provisioned.items()}
        self.operator_images.mkdir(parents=True, exist_ok=True)
        for image in found.values():
            if not (target := self.operator_images / f"{image.root_hash}.raw").exists():
                shutil.copyfile(image.path, target)
        components = [image.component(task, CATALOGUE[task]) for task, image in found.items()]
        packs = [code_pack(path) for path in code_packs]
        for pack, path in zip(packs, code_packs, strict=True):
            shutil.copy(path, self.operator_images / f"{pack.root_hash}.raw")
        brought = {}
        if system is not None:
            (self.operator_images / f"{system.root_hash}.raw").write_bytes(system.whole)
            brought = {"system": system.component(), "usr_root_hashes": (system.root_hash,)}
        made = manifest(name, sequence, components, minimum_sequence=minimum, code_packs=packs, **brought)
        self.repository.publish(channel, made)
        self.published.append(Published(made, found))
        return self.published[-1]

    @property
    def operator_images(self) -> Path:
        """`ReleaseStore.images` of a process with the fleet's `environment()`."""
        return self.fleet.folder / "state" / self.directory.fleet.name / "releases/images"

    # --- running

    def start(self) -> None:
        """Boot every site, and let the health of all be read."""
        self.services.start()
        for site in self.sites.values():
            site.sshd.start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(SimulatedSite.boot, self.sites.values()))
        for site in self.sites.values():
            site.sshd.wait()
        self.agents.start()
        self.front.start()

    def power_cut(self, name: str) -> None:
        """Cut the power of a site, at whatever it is."""
        self.sites[name].power_cut()
        self._listen()

    def boot(self, name: str, *, connected: bool = True) -> None:
        """Power comes back. Without `connected` nobody reaches the site yet."""
        self.sites[name].boot(connected=connected)
        if connected:
            self._listen()

    def disconnect(self, name: str) -> None:
        """The site goes on by itself, and nobody reaches it."""
        self.sites[name].disconnect()
        self._listen()

    def connect(self, name: str) -> None:
        """It is reached again."""
        self.sites[name].connect()
        self._listen()

    def _listen(self) -> None:
        """Health is answered by the sites that are on and connected, by no other."""
        closed = {name for name, site in self.sites.items() if not (site.powered and site.sshd.running)}
        if closed != self.front.closed:
            self.front.closed = closed
            self.front.configure()

    def stop(self) -> None:
        """End all of it."""
        self.front.stop()
        self.agents.stop()
        for site in self.sites.values():
            site.remove()
        self.services.stop()


@contextmanager
def simulated_sites(count: int, *, volume_bytes: int | None = None) -> Iterator[SimulatedFleet]:
    """Make, boot and in the end remove a fleet of so many sites. Its folder has a short name, for unix sockets."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sim-", dir="/tmp")))
        fleet = SimulatedFleet(folder, count, volume_bytes=volume_bytes)
        stack.callback(fleet.stop)
        fleet.start()
        yield fleet
