"""Two fleets and a medium between them: for the tests of releases on removable media."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from appliance.contract.release import ReleaseManifest
from fleetctl.image.digest import file_sha256
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.carry import Carried
from fleetctl.release.carry_export import export
from fleetctl.release.carry_import import import_release
from fleetctl.release.repository_client import fingerprint
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress
from tests.fakes.release_images import Image, model_image
from tests.fakes.releases import SignedRepository, manifest

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
QUIET = Progress(Console(file=io.StringIO()))


class Fleet(FleetDir):
    """A fleet with a state folder of its own, so that two fleets meet in one test."""

    @property
    def state_dir(self) -> Path:
        folder = self.path / "state"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass
class Sender:
    """A fleet with a repository of two releases, and their images in its store."""

    store: ReleaseStore
    repository: SignedRepository
    images: list[Image]
    releases: list[ReleaseManifest]

    def sent(self, to: Path, name: str = "2026.11-2") -> Path:
        export(self.store, name, "stable", to, lambda: NOW, QUIET)
        return to / name


def make_sender(folder: Path) -> Sender:
    store = ReleaseStore(Fleet(folder / "sender"))
    repository = SignedRepository(store.folder, now=lambda: NOW, channels=("stable", "canary"))
    (store.folder / "root.json").write_bytes(repository.root)
    store.images.mkdir(parents=True)
    work = folder / "work"
    work.mkdir()
    images = [model_image(work, {"model.bin": bytes([n]) * 50_000}) for n in range(3)]
    for image in images:
        shutil.move(image.path, store.image(image.root_hash))
    speech, old, new = images
    parts = [speech.component(), old.component("drafting", "notes")]
    releases = [manifest("2026.11-1", 1, parts), manifest("2026.11-2", 2, [parts[0], new.component("drafting", "n2")])]
    for each in releases:
        repository.publish("stable", each)
    return Sender(store, repository, images, releases)


def taken(store: ReleaseStore, path: Path, sender: Sender, **options: Any) -> Carried:
    pin = None if (store.folder / "root.json").exists() else fingerprint(sender.repository.root)
    return import_release(store, path, lambda: NOW, QUIET, **{"root_sha256": pin} | options)


def everything(folder: Path) -> dict[str, str]:
    """Every file that a person or a program would see, by digest: not locks, and not parts of images."""
    return {
        str(path.relative_to(folder)): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", ".part")) and "trusted" not in path.parts
    }


def flip(path: Path, at: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)
