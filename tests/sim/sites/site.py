"""One simulated site: its machine as a folder, its services, its sshd, and what can happen to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.contract.seal import ModelTask, Seal, SealedModel, SealedVolume
from appliance.health.key import DIRECTORY as KEY_FOLDER
from tests.fakes.release_images import Image
from tests.fakes.releases import USR_ROOT_HASH
from tests.fakes.systems import System, install_system, simulated_boot
from tests.sim.fleet.directory import SimSite
from tests.sim.fleet.machine import RULES, UUID
from tests.sim.sites.events import Event, read_events, tell
from tests.sim.sites.faults import Faults, read_faults, write_faults
from tests.sim.sites.places import Places
from tests.sim.sites.programs import environment, install
from tests.sim.sites.services import ENGINES, GATEWAY, Services, SimulatedSystemd
from tests.sim.sites.sshd import Sshd, working

MEMORY_MIB = 16384


@dataclass(frozen=True)
class Installed:
    """A model image that the provisioning put there, under its catalogue name."""

    name: str
    image: Image


class SimulatedSite:
    """A site whose provisioning is over. It is off until `boot`."""

    def __init__(
        self,
        number: SimSite,
        places: Places,
        sshd: Sshd,
        services: Services,
        installed: Mapping[ModelTask, Installed],
        *,
        volume_bytes: int | None = None,
    ) -> None:
        self.number, self.name, self.places, self.sshd = number, number.name, places, sshd
        self._services = services
        self.systemd = services.of[self.name] = SimulatedSystemd(places)
        self._volume_bytes = volume_bytes
        self.powered = False
        self._provision(installed)

    # --- provisioning

    def _provision(self, installed: Mapping[ModelTask, Installed]) -> None:
        places = self.places
        install(places)
        state = places.models.parent
        for folder in (state, places.run, places.seal.parent, places.below("/etc/appliance")):
            folder.mkdir(parents=True, exist_ok=True)
        if self._volume_bytes is not None:
            options = f"size={self._volume_bytes},mode=0755"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "simulated", str(state)], check=True)
        self._write("/proc/cmdline", f"ro usrhash={USR_ROOT_HASH} quiet\n")
        self._write("/proc/meminfo", f"MemTotal: {MEMORY_MIB * 1024} kB\nMemAvailable: {MEMORY_MIB * 512} kB\n")
        self._write("/etc/appliance/drafting.json", json.dumps({"engine": "llama.cpp"}))
        self.install(installed)

    def install(self, installed: Mapping[ModelTask, Installed]) -> None:
        """Put these images there, link and seal them, as the roles `models` and `seal` do."""
        places = self.places
        places.models.mkdir(exist_ok=True)
        for task, model in installed.items():
            target = places.models / f"{model.name}.raw"
            target.unlink(missing_ok=True)
            shutil.copyfile(model.image.path, target)
            places.link(task).unlink(missing_ok=True)
            places.link(task).symlink_to(target.name)
        models = tuple(
            SealedModel(task=task, name=model.name, root_hash=model.image.root_hash)
            for task, model in installed.items()
        )
        seal = Seal(
            site=self.name, sealed_at=datetime.now(UTC), usr_root_hash=USR_ROOT_HASH, ruleset_digest=RULES,
            state_volume=SealedVolume(luks_uuid=UUID), models=models,
        )  # fmt: skip
        places.seal.write_text(seal.model_dump_json(indent=1))
        places.seal.chmod(0o600)

    def _write(self, path: str, text: str) -> None:
        target = self.places.below(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def trusts(self, root: bytes) -> None:
        """Install the root metadata that the provisioning would bring."""
        self._write("/etc/appliance/release-root.json", root.decode())

    def signs_with(self, key: Ed25519PrivateKey) -> None:
        """Have the health agent's key lie where the agent makes it."""
        folder = self.places.below(KEY_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "health.key"
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.chmod(0o600)

    def give_slots(self, running: System) -> None:
        """A system disk with two slots, of which the first holds this system: simulated, a file. Before it boots."""
        for name in ("dev", "efi"):
            shutil.rmtree(self.places.root / name, ignore_errors=True)
        install_system(self.places.root, running)
        self._write("/proc/cmdline", f"ro usrhash={running.root_hash} quiet\n")
        seal = json.loads(self.places.seal.read_text())
        self.places.seal.write_text(json.dumps({**seal, "usr_root_hash": running.root_hash}, indent=1))

    @property
    def system(self) -> str:
        """Root hash of the system that runs."""
        return self.places.command_line.read_text().partition("usrhash=")[2].split()[0]

    def is_told_to_restart(self) -> bool:
        """Whether systemd was ordered to start the machine anew since it is on."""
        last = [event.what for event in self.events() if event.what == "reboot" or event.kind == "power"]
        return bool(last) and last[-1] == "reboot"

    def _choose_system(self) -> None:
        """Simulated: the boot loader, until a system comes up; what hangs is given up by its deadline."""
        if not self.places.below("/dev/system-disk").exists():
            return
        for _ in range(6):
            linux = self.places.below("/efi/EFI/Linux")
            before = {path.name for path in linux.iterdir()}
            found = simulated_boot(self.places.root, dead=read_faults(self.places.faults).dead_systems)
            tell(self.places.events, "booted", found or "nothing", ", ".join(sorted(before)))
            if found:
                return
        raise AssertionError("no system comes up")

    # --- power and network

    def boot(self, *, connected: bool = True) -> None:
        """Power comes: what was cut off is finished or undone before any service starts, as the boot unit does it."""
        self._write("/proc/sys/kernel/random/boot_id", f"{uuid.uuid4()}\n")
        tell(self.places.events, "power", "on")
        self._choose_system()
        self._services.run(self.systemd.power_on())
        self.powered = True
        self.recovered = self._unit("--at-boot")
        # The units of patients' data wait for the recovery; one that failed keeps them from starting.
        if self.recovered.returncode == 0:
            for unit in (*ENGINES, GATEWAY):
                self._services.run(self.systemd.order(["start", f"{unit}.service"]))
            self.settled = self._unit()
        if connected:
            self.connect()

    def power_cut(self) -> None:
        """All processes of the site end at once, and /run is empty. What was written is on the disk: a kernel that
        loses what was not synced is simulated in the unit tests of the box's own disk."""
        self.sshd.kill()
        self._services.run(self.systemd.power_off())
        self.powered = False
        tell(self.places.events, "power", "off")
        for path in self.places.run.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _unit(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What appliance-release-recover.service and appliance-release-settle.service run."""
        return subprocess.run(
            [sys.executable, "-m", "appliance.release", *words], env=environment(self.places), check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def cut_while_it_recovers(self, after_s: float) -> None:
        """Power comes, and fails again so long after the recovery has begun."""
        self._services.run(self.systemd.power_on())
        self.powered = True
        with subprocess.Popen(
            [sys.executable, "-m", "appliance.release", "--at-boot"],
            env=environment(self.places), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        ):  # fmt: skip
            time.sleep(after_s)
            self.power_cut()

    def is_busy(self) -> bool:
        """Whether a program of the site's runs."""
        return bool(working(self.places.root))

    def disconnect(self) -> None:
        """The site goes on, but nobody reaches it, and sessions end in the middle."""
        self.sshd.kill_connections()

    def connect(self) -> None:
        """It is reached again."""
        if not self.sshd.running:
            self.sshd.start()
            self.sshd.wait()

    def fault(self, faults: Faults) -> None:
        """Have this wrong from now on, and nothing else."""
        write_faults(self.places.faults, faults)

    def fill_disk(self, leave_bytes: int) -> None:
        """Fill the volume of the state, but for so much. Only on a site with a volume of its own."""
        assert self._volume_bytes is not None, "this site shares the machine's disk"
        state = self.places.models.parent
        found = os.statvfs(state)
        with (state / "ballast").open("wb") as file:
            file.write(b"\0" * max(0, found.f_bavail * found.f_frsize - leave_bytes))

    def free_disk(self) -> None:
        """Take the ballast away."""
        (self.places.models.parent / "ballast").unlink(missing_ok=True)

    # --- what is seen from inside

    def appliancectl(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """The real program at the site's console."""
        return subprocess.run(
            [str(self.places.programs / "appliancectl"), *arguments],
            env=environment(self.places), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip

    def loaded(self) -> dict[ModelTask, str]:
        """Root hash of what each simulated engine serves now."""
        return {task: engine.loaded.root_hash for task, engine in self.systemd.engines.items()}

    def events(self) -> list[Event]:
        """What happened here so far."""
        return read_events(self.places.events)

    def remove(self) -> None:
        """End everything of the site, and give its volume back."""
        self.sshd.kill()
        if self._volume_bytes is not None:
            with contextlib.suppress(subprocess.CalledProcessError):
                subprocess.run(["umount", "-l", str(self.places.models.parent)], check=True, capture_output=True)
