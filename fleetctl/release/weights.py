"""Makes a model image out of a site's own weights: looked at, copied, looked at again, packed and signed like a model
of the catalogue. It then stands in the image cache under its name, and a manifest says that it is the site's own.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from appliance.contract.bundles import Form
from appliance.contract.release import ComponentName, Line
from appliance.contract.seal import ModelTask
from fleetctl.errors import ChangeError, RefusedError, UsageError
from fleetctl.image import gpt
from fleetctl.image.catalogue import read_catalogue
from fleetctl.image.digest import combined, file_sha256
from fleetctl.image.manifest import ModelFile, ModelManifest, read_manifest
from fleetctl.image.model import publish_model
from fleetctl.image.packing import seed_of
from fleetctl.release.weights_folder import OwnFolder, examine, lay
from fleetctl.report.progress import Progress

Pack = Callable[[Path, uuid.UUID], Path]
# The copy, repart's file system and the image, all at once.
_COPIES = 3


class OwnModel(BaseModel):
    """What a site says of its own weights."""

    task: ModelTask
    name: str
    licence: str
    origin: str

    def check(self) -> None:
        """Raises UsageError for what cannot stand in a release, RefusedError for a name of the catalogue."""
        for option, value, kind in (
            ("--name", self.name, ComponentName),
            ("--licence", self.licence.strip(), Line),
            ("--origin", self.origin.strip(), Line),
        ):
            try:
                TypeAdapter(kind).validate_python(value)
            except ValidationError as problem:
                words = problem.errors(include_url=False, include_input=False)[0]["msg"]
                hint = "a name in a-z 0-9 . _ -; a licence such as Apache-2.0; where the weights come from, in one line"
                raise UsageError(f"{option} {value!r}: {words}", hint=hint) from None
        if self.name in read_catalogue().spec.models:
            raise RefusedError(
                f"{self.name} is a model of the catalogue; fleetctl image model {self.name} would replace yours",
                hint="choose another --name",
            )


class Looked(BaseModel):
    """What a folder was found to be; nothing was changed."""

    task: ModelTask
    name: str
    form: Form
    files: list[str]
    size_bytes: int


@dataclass(frozen=True)
class OwnBuild:
    """Where it is made and kept. `packer` holds the build lock and has the keys; it is opened when all was seen."""

    output_dir: Path
    build: Path
    certificate: Path
    packer: Callable[[], AbstractContextManager[Pack]]


def look(own: OwnModel, folder: Path) -> tuple[Looked, OwnFolder]:
    """Look at the folder, and change nothing. Raises RefusedError or UsageError."""
    own.check()
    found = examine(folder, own.task)
    names = [file.name for file in found.files]
    shown = Looked(task=own.task, name=own.name, form=found.form, files=names, size_bytes=found.size_bytes)
    return shown, found


def import_model(own: OwnModel, folder: Path, job: OwnBuild, progress: Progress) -> ModelManifest:
    """Return the manifest of the signed image. The same weights under the same name again change nothing."""
    with progress.step(f"looking at {folder}") as step:
        shown, found = look(own, folder)
        step.result(f"{shown.form}, {', '.join(shown.files)[:100]}, {shown.size_bytes:,} bytes")
    job.build.mkdir(parents=True, exist_ok=True)
    demand_room(job.build, own.name, found.size_bytes)
    with job.packer() as pack:
        work = job.build / "own-model"
        shutil.rmtree(work, ignore_errors=True)
        with progress.step(f"copying {own.name}") as step:
            files = lay(found, work / "files", step.counter(found.size_bytes))
        try:
            return _packed(own, files, work, pack, job, progress)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def demand_room(build: Path, name: str, size_bytes: int) -> None:
    """Raise ChangeError when files of this size cannot be packed there."""
    free = shutil.disk_usage(build).free
    if free < (needed := size_bytes * _COPIES):
        raise ChangeError(
            f"{build}: {needed:,} bytes are needed to pack {name}, {free:,} are free",
            hint="make room, or use another cache with FLEETCTL_CACHE_DIR",
        )


def _packed(
    own: OwnModel, files: list[ModelFile], work: Path, pack: Pack, job: OwnBuild, progress: Progress
) -> ModelManifest:  # fmt: skip
    seed = seed_of(" ".join(f"{file.path}={file.sha256}" for file in files))
    said = f"{own.task} {own.licence} {own.origin} " + " ".join(f"{file.path}={file.sha256}" for file in files)
    digest = combined({"own": said, "certificate": file_sha256(job.certificate)})
    there = read_manifest(job.output_dir / f"{own.name}.json", ModelManifest)
    if there is not None and there.input_digest == digest and (job.output_dir / f"{own.name}.raw").is_file():
        progress.line(f"{own.name} is up to date: {job.output_dir / own.name}.raw")
        return there
    if there is not None and there.files != files:
        raise RefusedError(
            f"{job.output_dir / own.name}.raw exists and holds other weights",
            hint="choose another --name: releases tell models apart by it",
        )
    with progress.step(f"packing and signing {own.name}") as step:
        image = pack(work, seed)
        manifest = ModelManifest(
            name=own.name,
            root_hash=gpt.verity_root_hash(image, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG),
            sha256=file_sha256(image),
            size_bytes=image.stat().st_size,
            files=files,
            licence=own.licence.strip(),
            origin=own.origin.strip(),
            input_digest=digest,
            own_for=own.task,
        )
        publish_model(image, manifest, job.output_dir)
        step.result(f"root hash {manifest.root_hash[:16]}…")
    return manifest
