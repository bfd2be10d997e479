"""Makes an adapter image: a LoRA adapter that fits a model of this fleet, looked at, copied, packed and signed.

It stands in the image cache beside the models. Its manifest names the base by root hash: a release that has another
drafting model cannot have this adapter.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from appliance.contract.adapter import AdapterForm, KindName
from appliance.contract.release import ComponentName, Line
from fleetctl.errors import RefusedError, UsageError
from fleetctl.image import gpt
from fleetctl.image.digest import combined, file_sha256
from fleetctl.image.manifest import AdapterManifest, ModelFile, ModelManifest, read_manifest
from fleetctl.image.model import publish_model
from fleetctl.image.packing import seed_of
from fleetctl.release.adapter_folder import FoundAdapter, adapter_digest, demand_base, examine_adapter
from fleetctl.release.weights import OwnBuild, demand_room
from fleetctl.release.weights_folder import lay_files
from fleetctl.report.progress import Progress


class OwnAdapter(BaseModel):
    """What is said of an adapter."""

    name: str
    kinds: tuple[str, ...]
    licence: str
    origin: str

    def check(self) -> None:
        """Raises UsageError for what cannot stand in a release."""
        said: list[tuple[str, str, Any]] = [("--name", self.name, ComponentName)]
        said += [("--licence", self.licence.strip(), Line), ("--origin", self.origin.strip(), Line)]
        said += [("--kind", kind, KindName) for kind in self.kinds]
        for option, value, kind in said:
            try:
                TypeAdapter(kind).validate_python(value)
            except ValidationError as problem:
                words = problem.errors(include_url=False, include_input=False)[0]["msg"]
                raise UsageError(f"{option} {value!r}: {words}", hint="--help says what is wanted") from None
        if not self.kinds or len(set(self.kinds)) != len(self.kinds):
            raise UsageError("--kind: none, or one twice", hint="--kind visit_note; repeat for more")


class LookedAdapter(BaseModel):
    """What a folder was found to be; nothing was changed."""

    name: str
    form: AdapterForm
    rank: int
    base: str
    base_root_hash: str
    kinds: tuple[str, ...]
    matrices: int
    size_bytes: int


@dataclass(frozen=True)
class Base:
    """The model that it was trained on: its manifest, and a folder with its weights while they are compared."""

    manifest: ModelManifest
    weights: Callable[[], AbstractContextManager[Path]]


def look_adapter(own: OwnAdapter, folder: Path, base: Base) -> tuple[LookedAdapter, FoundAdapter]:
    """Look at the folder and hold it against the base; change nothing. Raises RefusedError or UsageError."""
    own.check()
    found = examine_adapter(folder)
    with base.weights() as weights:
        demand_base(found, weights, base.manifest.files, base.manifest.name)
    shown = LookedAdapter(
        name=own.name, form=found.form, rank=found.rank, base=base.manifest.name,
        base_root_hash=base.manifest.root_hash, kinds=own.kinds, matrices=len(found.shapes),
        size_bytes=found.size_bytes,
    )  # fmt: skip
    return shown, found


def import_adapter(own: OwnAdapter, folder: Path, base: Base, job: OwnBuild, progress: Progress) -> AdapterManifest:
    """Return the manifest of the signed image. The same adapter under the same name again changes nothing."""
    with progress.step(f"looking at {folder}") as step:
        shown, found = look_adapter(own, folder, base)
        step.result(f"{shown.form}, rank {shown.rank}, {shown.matrices} matrices of {shown.base}")
    job.build.mkdir(parents=True, exist_ok=True)
    demand_room(job.build, own.name, found.size_bytes)
    with job.packer() as pack:
        work = job.build / "own-adapter"
        shutil.rmtree(work, ignore_errors=True)
        try:
            files = lay_files(folder, found.files, work / "files")
            if examine_adapter(work / "files").shapes != found.shapes:
                raise RefusedError(f"{folder}: it changed while it was read", hint="run this again")
            there = _there(own, files, base, job)
            if there is not None:
                progress.line(f"{own.name} is up to date: {job.output_dir / own.name}.raw")
                return there
            with progress.step(f"packing and signing {own.name}") as step:
                image = pack(work, seed_of(" ".join(f"{file.path}={file.sha256}" for file in files)))
                manifest = AdapterManifest(
                    name=own.name,
                    digest=adapter_digest(files),
                    root_hash=gpt.verity_root_hash(image, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG),
                    sha256=file_sha256(image),
                    size_bytes=image.stat().st_size,
                    files=files,
                    form=found.form,
                    rank=found.rank,
                    kinds=list(own.kinds),
                    base=base.manifest.name,
                    base_root_hash=base.manifest.root_hash,
                    licence=own.licence.strip(),
                    origin=own.origin.strip(),
                    input_digest=_input_digest(own, files, base, job),
                )
                publish_model(image, manifest, job.output_dir)
                step.result(f"digest {manifest.digest[:16]}…")
            return manifest
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _there(own: OwnAdapter, files: list[ModelFile], base: Base, job: OwnBuild) -> AdapterManifest | None:
    """The image that is there already. Raises RefusedError when the name is another adapter's."""
    there = read_manifest(job.output_dir / f"{own.name}.json", AdapterManifest)
    if there is None:
        return None
    if there.input_digest == _input_digest(own, files, base, job) and (job.output_dir / f"{own.name}.raw").is_file():
        return there
    if there.files != files:
        raise RefusedError(
            f"{job.output_dir / own.name}.raw exists and holds another adapter",
            hint="choose another --name: releases tell adapters apart by it",
        )
    return None


def _input_digest(own: OwnAdapter, files: list[ModelFile], base: Base, job: OwnBuild) -> str:
    said = " ".join((*own.kinds, own.licence, own.origin, base.manifest.root_hash))
    content = " ".join(f"{file.path}={file.sha256}" for file in files)
    return combined({"own": said, "files": content, "certificate": file_sha256(job.certificate)})
