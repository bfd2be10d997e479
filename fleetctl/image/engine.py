"""Builds the engine image of GPU sites: vLLM out of its lock, tried, judged, packed and signed like a model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetctl.errors import ConfigError
from fleetctl.image import gpt
from fleetctl.image.cuda import oldest_driver, runtime_version
from fleetctl.image.digest import combined, file_sha256, tree_digest
from fleetctl.image.enginetree import lay_tree
from fleetctl.image.enginetrial import Trial, fetch_driver, judge, try_tree
from fleetctl.image.lockfile import Pin, parse_lock
from fleetctl.image.manifest import EngineManifest, current_manifest, write_manifest
from fleetctl.image.mirrors import Mirrors
from fleetctl.image.packing import COMPRESSED, pack, seed_of
from fleetctl.image.publish import publish
from fleetctl.image.tools import ToolsTree, recipe_digest, remove_tree
from fleetctl.report.progress import Progress

ENGINE = "vllm"
# Changed when this module makes other images out of the same inputs.
_RECIPE = "1"
# Measured: the tree, repart's copy of it, the packed file system and the image, all at once.
_NEEDED_GIB = 32


@dataclass(frozen=True)
class EngineBuild:
    """Everything that building the engine takes.

    `sites` are drafting settings of the GPU profiles and `capabilities` what these demand of a card. `unlocked` opens
    the folder with `secureboot.key`.
    """

    lock: Path
    recipe: Path
    package: Path
    sites: Sequence[dict[str, Any]]
    capabilities: Sequence[str]
    output_dir: Path
    build: Path
    certificate: Path
    unlocked: Callable[[], AbstractContextManager[Path]]
    log_path: Path

    @property
    def image(self) -> Path:
        return self.output_dir / f"{ENGINE}.raw"

    @property
    def manifest_path(self) -> Path:
        return self.output_dir / f"{ENGINE}.json"

    def pins(self) -> list[Pin]:
        return parse_lock(self.lock.read_text(encoding="utf-8"), origin=str(self.lock))

    def input_digest(self) -> str:
        """What decides whether a built image is the one wanted now.

        The appliance's code is not in the image; it only makes the command lines that the trial tries.
        """
        return combined(
            {
                "lock": file_sha256(self.lock),
                "recipe": tree_digest(self.recipe),
                "certificate": file_sha256(self.certificate),
                "tools": recipe_digest(),
                "builder": _RECIPE,
            }
        )

    def current(self) -> EngineManifest | None:
        """The manifest of the built image if it is up to date."""
        return current_manifest(self.manifest_path, EngineManifest, self.input_digest(), self.image)


def version_of(pins: Sequence[Pin]) -> str:
    """vLLM's version in the lock."""
    for pin in pins:
        if pin.name == "vllm":
            return pin.version
    raise ConfigError("the engine's lock does not pin vllm", hint="make lock")


def build_engine(job: EngineBuild, tools: ToolsTree, mirrors: Mirrors, progress: Progress) -> EngineManifest:
    """Lay, try, pack, sign, check again, and only then put it under its final name. The caller holds the build lock."""
    # Taken first: a lock file that is edited meanwhile makes the next build start again.
    digest, pins = job.input_digest(), job.pins()
    cuda, version = runtime_version(pins), version_of(pins)
    oldest = oldest_driver(cuda)
    work = job.build / "engine"
    remove_tree(work)
    work.mkdir(parents=True)
    _check_room(work)
    root = work / "files"
    with progress.step("the driver that a GPU image gets") as step:
        library, driver = fetch_driver(work, mirrors, oldest, log_path=job.log_path, on_line=step.update)
        step.result(f"{driver}; CUDA {cuda} needs {oldest}")
    with progress.step(f"fetching vLLM {version} with CUDA {cuda}") as step:
        debian = lay_tree(
            root, pins, job.recipe, work, tools, mirrors, log_path=job.log_path, on_line=step.update
        )  # fmt: skip
        step.result(f"{len(pins)} packages")
    with progress.step("trying it without a card") as step:
        trial = Trial(root, library, job.recipe, job.package, job.sites)
        found = try_tree(trial, work, tools, job.log_path)
        judge(found, job.sites, job.capabilities, cuda, version)
        step.result(f"{len(job.sites)} command lines, compiler, machine code for {', '.join(job.capabilities)}")
    with progress.step("packing and signing it") as step:
        seed = seed_of("\n".join(pin.line() for pin in pins))
        name = f"{ENGINE}-{version}"
        image = pack(
            work, name, seed, job.unlocked, job.certificate, tools, log_path=job.log_path, options=COMPRESSED
        )  # fmt: skip
        manifest = EngineManifest(
            name=name,
            root_hash=gpt.verity_root_hash(image, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG),
            sha256=file_sha256(image),
            size_bytes=image.stat().st_size,
            cuda=cuda,
            min_driver=oldest,
            packages=sorted(f"{pin.name}=={pin.version}" for pin in pins) + [f"{name}={at}" for name, at in debian],
            input_digest=digest,
        )
        step.result(f"root hash {manifest.root_hash[:16]}…")
        job.manifest_path.unlink(missing_ok=True)
        publish({image: job.image})
        write_manifest(job.manifest_path, manifest)
    remove_tree(work)
    return manifest


def _check_room(folder: Path) -> None:
    free_gib = shutil.disk_usage(folder).free / 2**30
    if free_gib < _NEEDED_GIB:
        raise ConfigError(
            f"{folder} has {free_gib:.0f} GiB free, building the engine takes {_NEEDED_GIB}",
            hint="make room, or set FLEETCTL_CACHE_DIR to a larger disk",
        )
