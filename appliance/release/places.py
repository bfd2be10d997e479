"""Where releases lie on a box. Everything is below one root, so that a test has a box in a folder.

`models` and `releases` lie on the state volume, so that an image moves between them by name; the seal and the site's
lock lie on the root volume.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.drain import DRAIN_PATH
from appliance.contract.seal import SEAL_PATH, ModelTask

ROOT_VARIABLE = "APPLIANCE_RELEASE_ROOT"


@dataclass(frozen=True)
class Places:
    """All paths that a release touches or is judged by."""

    root: Path = Path("/")

    @classmethod
    def from_environment(cls) -> "Places":
        """The box itself, or the folder that stands for it."""
        return cls(Path(os.environ.get(ROOT_VARIABLE) or "/"))

    def below(self, path: str | Path) -> Path:
        """An absolute path of the box."""
        return self.root / str(path).lstrip("/")

    @property
    def models(self) -> Path:
        """What the units mount: TASK.raw links, and what the provisioning installed."""
        return self.below("/var/lib/appliance/models")

    def link(self, task: ModelTask) -> Path:
        """The link that the unit of a task mounts."""
        return self.models / f"{task}.raw"

    def adapter_link(self, place: int) -> Path:
        """The link that the drafting unit mounts at /run/adapters/PLACE."""
        return self.models / f"adapter-{place}.raw"

    @property
    def codes(self) -> Path:
        """Code tables, as `appliancectl codes` keeps them."""
        return self.below("/var/lib/appliance/codes")

    @property
    def releases(self) -> Path:
        """Everything that is ours."""
        return self.below("/var/lib/appliance/releases")

    @property
    def record(self) -> Path:
        """The write-ahead record: what runs, what is staged, and the change that is open."""
        return self.releases / "record"

    @property
    def metadata(self) -> Path:
        """The verified TUF metadata."""
        return self.releases / "metadata"

    @property
    def repository(self) -> Path:
        """What the operator sent of the fleet's repository: metadata/ and targets/. Not verified."""
        return self.releases / "incoming" / "repository"

    @property
    def arrived(self) -> Path:
        """Images as they come: ROOT_HASH.raw. Not verified."""
        return self.releases / "incoming" / "images"

    @property
    def bases(self) -> Path:
        """What deltas start from while images are sent."""
        return self.releases / "incoming" / "basis"

    @property
    def images(self) -> Path:
        """Verified images: ROOT_HASH.raw."""
        return self.releases / "images"

    def image(self, root_hash: str) -> Path:
        """Where a verified image lies."""
        return self.images / f"{root_hash}.raw"

    @property
    def sets(self) -> Path:
        """Verified manifests: DIGEST.json."""
        return self.releases / "sets"

    def manifest(self, digest: str) -> Path:
        """Where a verified manifest lies."""
        return self.sets / f"{digest}.json"

    @property
    def bootstrap(self) -> Path:
        """The root metadata that everything else is trusted by; installed at provisioning."""
        return self.below("/etc/appliance/release-root.json")

    @property
    def channel(self) -> Path:
        """One line with the site's channel; without the file any channel of the fleet is followed."""
        return self.below("/etc/appliance/release-channel")

    @property
    def drafting_settings(self) -> Path:
        """The engine, the cards and their memory."""
        return self.below("/etc/appliance/drafting.json")

    @property
    def seal(self) -> Path:
        """What was approved."""
        return self.below(SEAL_PATH)

    @property
    def site_lock(self) -> Path:
        """The lock of whoever provisions the site."""
        return self.below("/var/lib/fleetctl/lock.json")

    @property
    def turn(self) -> Path:
        """The lock of a provisioning step that is at work."""
        return self.below("/run/fleetctl-module.lock")

    @property
    def own_lock(self) -> Path:
        """The lock of a release command that is at work."""
        return self.below("/run/appliance-release.lock")

    @property
    def drain(self) -> Path:
        """The order to drain, for the gateway."""
        return self.below(DRAIN_PATH)

    @property
    def resting(self) -> Path:
        """The tasks whose engines an evaluation has stopped (appliance/evaluation/on_box.py); it starts them again."""
        return self.below("/run/appliance-evaluate/resting")

    def socket(self, service: str) -> Path:
        """Where a service answers."""
        return self.below(f"/run/appliance-{service}/http.sock")

    @property
    def boot_id(self) -> Path:
        """Another one with every boot."""
        return self.below("/proc/sys/kernel/random/boot_id")

    @property
    def command_line(self) -> Path:
        """The kernel's, which names the root hash of /usr."""
        return self.below("/proc/cmdline")

    @property
    def memory(self) -> Path:
        """The machine's memory."""
        return self.below("/proc/meminfo")
