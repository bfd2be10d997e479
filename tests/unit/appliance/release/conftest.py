"""A box in a folder: real files, real images, real metadata. Fake, and named so: services, gateway, probe, clock."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from appliance.contract.drain import InFlight
from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import ReleaseStep
from appliance.contract.seal import ModelTask
from appliance.release.disk import Disk
from appliance.release.facts import Room
from appliance.release.machine import Machine
from appliance.release.parts import Parts
from appliance.release.places import Places
from appliance.release.probe import ProbeError
from appliance.release.record import KeptSet
from appliance.release.services import ServiceError
from appliance.release.trust import Trust
from tests.fakes.release_images import Image, model_image, verity_parts
from tests.fakes.releases import USR_ROOT_HASH, SignedRepository, manifest

START = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
TASKS: tuple[ModelTask, ...] = ("transcription", "drafting")


class PowerCut(BaseException):
    """The machine is off: nothing that comes behind it happens."""


class FastDisk(Disk):
    """The real disk without waiting for it; order and atomicity are what these tests are about."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        assert path.is_dir()

    def close_for_writing(self, descriptor: int) -> None:
        pass


class CutDisk(FastDisk):
    """A disk that counts its operations, and loses power before, in the middle of, or behind number `cut_at`."""

    def __init__(self, cut_at: int | None = None, how: str = "before") -> None:
        self.cut_at, self.how = cut_at, how
        self.count, self.off = 0, False
        self.done: list[str] = []

    def _operation(self, words: str, run: Callable[[], None], half: Callable[[], None] = lambda: None) -> None:
        if self.off:
            raise PowerCut
        self.count += 1
        if self.count == self.cut_at:
            self.off = True
            if self.how == "middle":
                half()
            if self.how == "behind":
                run()
            raise PowerCut
        run()
        self.done.append(words)

    def replace(self, path: Path, data: bytes, *, mode: int = 0o640) -> None:
        def half() -> None:
            path.with_name(f".{path.name}.new").write_bytes(data[: len(data) // 2])

        self._operation(f"replace {path.name}", lambda: super(CutDisk, self).replace(path, data, mode=mode), half)

    def point(self, link: Path, target: str) -> None:
        def half() -> None:
            link.with_name(f".{link.name}.new").unlink(missing_ok=True)
            link.with_name(f".{link.name}.new").symlink_to(target)

        self._operation(f"point {link.name}", lambda: super(CutDisk, self).point(link, target), half)

    def link(self, path: Path, name: Path) -> None:
        self._operation(f"link {name.name[:8]}", lambda: super(CutDisk, self).link(path, name))

    def move(self, path: Path, name: Path) -> None:
        self._operation(f"move {name.name[:8]}", lambda: super(CutDisk, self).move(path, name))

    def remove(self, path: Path) -> None:
        self._operation(f"remove {path.name[:8]}", lambda: super(CutDisk, self).remove(path))

    def event(self, words: str) -> None:
        """A step of a service: the power may fail there as well."""
        self._operation(words, lambda: None)


@dataclass
class FakeServices:
    """Engines that load what their link leads to, as the unit does, and refuse what is not sealed."""

    places: Places
    running: dict[ModelTask, str] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    step: Callable[[str], None] = lambda words: None
    served: set[str] = field(default_factory=set)

    def _load_adapters(self) -> None:
        """Those that the seal names, from where the unit mounts them."""
        sealed = json.loads(self.places.seal.read_text()).get("adapters", [])
        for place, each in enumerate(sealed):
            if hash_of(self.places.adapter_link(place).resolve(strict=True)) != each["root_hash"]:
                raise ServiceError(f"adapter {place}: not sealed", hint="")
            if each["root_hash"] in self.bad:
                raise ServiceError(f"adapter {place}: does not load", hint="")
        self.served = {each["digest"] for each in sealed}

    def stop(self, tasks: Iterable[ModelTask]) -> None:
        for task in tasks:
            self.step(f"stop {task}")
            self.running.pop(task, None)
            self.events.append(f"stop {task}")

    def start(self, tasks: Iterable[ModelTask]) -> None:
        for task in tasks:
            self.step(f"start {task}")
            if task in self.running:
                continue
            found = self.places.link(task).resolve(strict=True)
            root_hash = hash_of(found)
            sealed = {each["task"]: each["root_hash"] for each in json.loads(self.places.seal.read_text())["models"]}
            if root_hash != sealed[task]:
                raise ServiceError(f"{task}: not sealed", hint="")
            if root_hash in self.bad:
                raise ServiceError(f"{task}: does not load", hint="")
            if task == "drafting":
                self._load_adapters()
            self.running[task] = root_hash
            self.events.append(f"load {task} {root_hash[:8]}")

    def loaded(self, task: ModelTask) -> str | None:
        return self.running.get(task)

    def adapters(self) -> set[str] | None:
        return self.served if "drafting" in self.running else None


@dataclass
class FakeDrain:
    """A gateway with work that ends by itself, or does not."""

    visits: list[int | None] = field(default_factory=list)
    on: bool = False
    begun: int = 0

    def begin(self, operation: str, reason: str, until: datetime) -> None:
        self.on, self.begun = True, self.begun + 1

    def in_flight(self) -> InFlight | None:
        assert self.on
        left = self.visits.pop(0) if len(self.visits) > 1 else (self.visits[0] if self.visits else 0)
        return None if left is None else InFlight(visits=left, uploads=0, transcripts=0, drafts=0)

    def end(self) -> None:
        self.on = False


@dataclass
class FakeProbe:
    """Works unless it is told which sets do not."""

    bad: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __call__(self, kept: KeptSet) -> None:
        self.asked.append(kept.words)
        if self.bad & set(kept.hashes.values()):
            raise ProbeError(f"{kept.words} says nothing that makes sense", hint="")


def hash_of(image: Path) -> str:
    """The root hash that the image's blocks give, by veritysetup: another program than the one that is tested."""
    return _judged(image.read_bytes())


@lru_cache(maxsize=64)
def _judged(content: bytes) -> str:
    with TemporaryDirectory() as folder:
        image = Path(folder) / "image"
        image.write_bytes(content)
        data, tree = verity_parts(image, Path(folder))
        claimed = str(json.loads(content[content.index(b'{"rootHash"') :].split(b"}")[0] + b"}")["rootHash"])
        argv = ["veritysetup", "verify", str(data), str(tree), claimed]
        return claimed if subprocess.run(argv, capture_output=True, check=False).returncode == 0 else "damaged"


@dataclass
class Box:
    """One box with its fleet: what the tests order, and what they look at."""

    places: Places
    repository: SignedRepository
    images: dict[str, Image]
    services: FakeServices
    drain: FakeDrain = field(default_factory=FakeDrain)
    probe: FakeProbe = field(default_factory=FakeProbe)
    disk: Disk = field(default_factory=FastDisk)
    clock: list[datetime] = field(default_factory=lambda: [START])
    free_bytes: int = 10 << 30
    told: bool = False
    steps: list[ReleaseStep] = field(default_factory=list)
    elapsed_s: float = 0.0

    def _sleep(self, seconds: float) -> None:
        self.elapsed_s += seconds

    @property
    def parts(self) -> Parts:
        return Parts(
            self.places, self.disk, self.services, self.drain, self.probe, now=lambda: self.clock[0],
            monotonic=lambda: self.elapsed_s, sleep=self._sleep,
            room=lambda path: Room(self.free_bytes, 100 << 30), tell=self.steps.append,
            is_told_to_end=lambda: self.told,
        )  # fmt: skip

    @property
    def machine(self) -> Machine:
        return Machine(self.parts)

    def publish(self, name: str, sequence: int, drafting: str, channel: str = "stable", **more: Any) -> ReleaseManifest:
        """Sign a release with the transcription model of the box and one of the drafting models, and send it."""
        components = [
            self.images["speech"].component("transcription", "tiny-speech"),
            self.images[drafting].component("drafting", f"tiny-{drafting}"),
        ]
        found = manifest(name, sequence, components, **more)
        self.repository.publish(channel, found)
        self.send_metadata()
        return found

    def send_metadata(self, repository: Path | None = None) -> None:
        shutil.rmtree(self.places.repository, ignore_errors=True)
        # shutil would write out the holes of a metadata file without an end: 8 GiB.
        source = repository or self.repository.folder
        self.places.repository.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", "--sparse=always", source, self.places.repository], check=True)

    def send(self, *names: str) -> None:
        """Have images arrive."""
        self.places.arrived.mkdir(parents=True, exist_ok=True)
        for name in names:
            image = self.images[name]
            shutil.copy(image.path, self.places.arrived / f"{image.root_hash}.raw")

    def staged(self, name: str, sequence: int, drafting: str, **more: Any) -> ReleaseManifest:
        found = self.publish(name, sequence, drafting, **more)
        self.send(drafting)
        self.machine.stage(op(1000 + sequence), name, "stable")
        return found

    def sealed(self) -> dict[str, str]:
        return {each["task"]: each["root_hash"] for each in json.loads(self.places.seal.read_text())["models"]}

    def linked(self) -> dict[str, str]:
        return {task: hash_of(self.places.link(task).resolve(strict=True)) for task in TASKS}

    def adapters(self) -> list[str]:
        """Root hashes of the adapters that are sealed; what is linked and loaded has to be the same."""
        sealed = json.loads(self.places.seal.read_text()).get("adapters", [])
        links = sorted(self.places.models.glob("adapter-*.raw"))
        hashes = [str(each["root_hash"]) for each in sealed]
        assert [hash_of(link.resolve(strict=True)) for link in links] == hashes
        assert self.services.served == {each["digest"] for each in sealed}
        return hashes

    def boot(self) -> None:
        """The machine was off: nothing runs, /run is empty, another boot."""
        self.services.running.clear()
        self.drain.on = False
        self.places.boot_id.write_text(f"boot-{self.places.boot_id.read_text()}"[:60])

    def systemd_starts(self) -> None:
        """What systemd does with the units behind the recovery."""
        self.services.start(TASKS)


def op(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture(scope="session")
def made_images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    folder = tmp_path_factory.mktemp("images")
    speech = {"model.bin": b"speech" * 3000, "config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.json": b"[]"}
    found = {"speech": model_image(folder, speech)}
    for name in ("old", "new", "newer"):
        found[name] = model_image(folder, {"model.gguf": b"GGUF" + name.encode() * 5000})
    for name in ("style", "style-2", "letters"):
        found[name] = model_image(folder, {"adapter.gguf": b"GGUF" + name.encode() * 3000})
    return found


@pytest.fixture(scope="session")
def made_repository(tmp_path_factory: pytest.TempPathFactory) -> SignedRepository:
    return SignedRepository(tmp_path_factory.mktemp("fleet") / "releases", ("stable", "candidate"), now=lambda: START)


def install(root: Path, images: dict[str, Image], repository: SignedRepository) -> Places:
    """What the provisioning leaves on a box."""
    places = Places(root)
    for path in (
        places.models,
        places.seal.parent,
        places.boot_id.parent,
        places.bootstrap.parent,
        places.own_lock.parent,
    ):
        path.mkdir(parents=True, exist_ok=True)
    for task, name in (("transcription", "speech"), ("drafting", "old")):
        shutil.copy(images[name].path, places.models / f"tiny-{name}.raw")
        (places.models / f"tiny-{name}.json").write_text("{}")
        (places.models / f"{task}.raw").symlink_to(f"tiny-{name}.raw")
    seal = {
        "schema_version": "seal/v2", "site": "clinic-1", "sealed_at": "2026-11-01T00:00:00Z",
        "usr_root_hash": USR_ROOT_HASH, "ruleset_digest": "b" * 64, "root_luks_uuid": None,
        "state_volume": {
            "mount": "/var/lib/appliance", "mapper": "state", "luks_uuid": "00000000-0000-4000-8000-000000000000",
        },
        "models": [
            {"task": "transcription", "name": "tiny-speech", "root_hash": images["speech"].root_hash},
            {"task": "drafting", "name": "tiny-old", "root_hash": images["old"].root_hash},
        ],
    }  # fmt: skip
    places.seal.write_text(json.dumps(seal, indent=1, sort_keys=True) + "\n")
    places.boot_id.write_text("boot-1\n")
    places.command_line.write_text(f"root=LABEL=root usrhash={USR_ROOT_HASH} ro\n")
    places.memory.write_text("MemTotal:        8000000 kB\nMemFree: 1 kB\n")
    places.bootstrap.write_bytes(repository.root)
    return places


@pytest.fixture
def make_box(tmp_path: Path, made_images: dict[str, Image], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Box]:
    count = 0
    repository = SignedRepository(tmp_path / "fleet", ("stable", "candidate"), now=lambda: START)
    monkeypatch.setattr(Trust, "_flush", lambda self: None)

    def made(disk: Disk | None = None) -> Box:
        nonlocal count
        count += 1
        places = install(tmp_path / f"box-{count}", made_images, repository)
        services = FakeServices(places)
        box = Box(places, repository, made_images, services, disk=disk or FastDisk())
        box.services.start(TASKS)
        return box

    return made


@pytest.fixture
def box(make_box: Callable[..., Box]) -> Box:
    return make_box()
