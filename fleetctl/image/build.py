"""Builds the OS image of a fleet: tools, Python trees, mkosi, checks, and only then the final names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import VerificationError
from fleetctl.image import gpt
from fleetctl.image.command import run_logged
from fleetctl.image.cuda import driver_of, oldest_driver, runtime_version, too_old
from fleetctl.image.digest import combined, file_sha256, tree_digest
from fleetctl.image.lockfile import parse_lock
from fleetctl.image.manifest import BuiltFile, ImageManifest, read_manifest, write_manifest
from fleetctl.image.mirrors import Mirrors
from fleetctl.image.mkosi import COMPONENTS, ImageProfile, MkosiRun, stage
from fleetctl.image.publish import publish
from fleetctl.image.pythontree import code_packs, own_tree, third_party_tree
from fleetctl.image.tools import ToolsTree, recipe_digest
from fleetctl.report.progress import Progress

# Changed when this module makes other images out of the same inputs.
_RECIPE = "1"


@dataclass(frozen=True)
class ImageBuild:
    """Everything that building one image needs.

    `unlocked` opens the folder with `secureboot.key` and `pcr.key` while mkosi signs; `certificate` and `pcr_public`
    are their public halves.
    """

    profile: ImageProfile
    version: str
    recipe: Path
    lock: Path
    engine_lock: Path
    package: Path
    output_dir: Path
    build: Path
    certificate: Path
    pcr_public: Path
    unlocked: Callable[[], AbstractContextManager[Path]]
    log_path: Path

    @property
    def name(self) -> str:
        return f"edge-{self.profile}"

    @property
    def manifest_path(self) -> Path:
        return self.output_dir / f"{self.name}.json"

    def oldest_driver(self) -> str | None:
        """The oldest driver that the engine of GPU sites runs on; None for a profile without a driver."""
        if self.profile != "gpu":
            return None
        pins = parse_lock(self.engine_lock.read_text(encoding="utf-8"), origin=str(self.engine_lock))
        return oldest_driver(runtime_version(pins))

    def inputs(self) -> dict[str, str]:
        """Digests of everything that goes in, except the Debian packages: `--refresh` takes newer ones."""
        return {
            "recipe": tree_digest(self.recipe),
            "python_lock": file_sha256(self.lock),
            "appliance": tree_digest(self.package),
            "secureboot_certificate": file_sha256(self.certificate),
            "pcr_public_key": file_sha256(self.pcr_public),
            "tools": recipe_digest(),
            "profile": self.profile,
            "oldest_driver": self.oldest_driver() or "",
            "version": self.version,
            "builder": _RECIPE,
        }

    def current(self) -> ImageManifest | None:
        """The manifest of the built image if it is up to date and its files are there."""
        manifest = read_manifest(self.manifest_path, ImageManifest)
        if manifest is None or manifest.input_digest != combined(self.inputs()):
            return None
        for file in manifest.files:
            path = self.output_dir / file.name
            if not path.is_file() or path.stat().st_size != file.size_bytes:
                return None
        return manifest


def build_image(
    job: ImageBuild, tools: ToolsTree, mirrors: Mirrors, progress: Progress, *, refresh: bool = False
) -> ImageManifest:
    """Build the image and return its manifest. The caller holds the build lock."""
    # Taken first: a file that is edited while mkosi runs makes the next build start again.
    inputs = job.inputs()
    with progress.step("the appliance's Python packages") as step:
        pins = parse_lock(job.lock.read_text(encoding="utf-8"), origin=str(job.lock))
        third_party = third_party_tree(pins, job.build, tools, log_path=job.log_path, on_line=step.update)
        own = own_tree(job.package, job.version, job.build, tools, log_path=job.log_path)
        code_packs(job.package, third_party, own, log_path=job.log_path)
        step.result(f"{len(pins)} packages")
    with progress.step(f"building {job.name} {job.version}") as step, job.unlocked() as keys:
        shutil.copy(job.certificate, keys / "secureboot.crt")
        run = MkosiRun(
            recipe=job.recipe,
            profile=job.profile,
            version=job.version,
            work=job.build / job.name,
            tools=tools.path,
            extra_trees=(third_party, own),
            certificate=keys / "secureboot.crt",
            keys=keys,
            refresh=refresh,
        )
        prepare_folders(run, mirrors)

        def show(line: str) -> None:
            if announced := stage(line):
                step.update(announced)

        run_logged(
            tools.mkosi_argv(run.arguments()),
            title="mkosi",
            log_path=job.log_path,
            env=tools.mkosi_env(job.build),
            on_line=show,
        )
    with progress.step(f"checking {job.name}") as step:
        manifest = _finish(job, run, inputs)
        step.result(f"usr root hash {manifest.usr_root_hash[:16]}…")
    return manifest


def prepare_folders(run: MkosiRun, mirrors: Mirrors) -> None:
    """mkosi's folders and the tree with apt's sources. What an interrupted run left in the workspace goes."""
    for folder in (run.work / "workspace", run.output, run.sandbox):
        shutil.rmtree(folder, ignore_errors=True)
    apt = run.sandbox / "etc/apt"
    for folder in (*run.folders().values(), apt / "sources.list.d", apt / "apt.conf.d"):
        folder.mkdir(parents=True, exist_ok=True)
    (apt / "sources.list.d/mkosi.sources").write_text(mirrors.sources(COMPONENTS[run.profile]))
    (apt / "apt.conf.d/60-build-machine.conf").write_text(mirrors.apt_conf())


def _finish(job: ImageBuild, run: MkosiRun, inputs: dict[str, str]) -> ImageManifest:
    image = run.output / f"{run.name}.raw"
    root_hash = gpt.verity_root_hash(image, gpt.USR, gpt.USR_VERITY, gpt.USR_VERITY_SIG)
    # The other place that names it is the signed kernel command line, which is what the machine believes.
    if f"usrhash={root_hash}".encode() not in (run.output / f"{run.name}.efi").read_bytes():
        raise VerificationError(
            f"the kernel image does not name the root hash {root_hash} of /usr",
            hint=f"the build's output: {job.log_path}",
        )
    suffixes = (".raw", ".efi", ".usr-x86-64.raw", ".usr-x86-64-verity.raw", ".usr-x86-64-verity-sig.raw", ".manifest")
    driver = check_driver(run.output / f"{run.name}.manifest", job.oldest_driver())
    sources = [run.output / f"{run.name}{suffix}" for suffix in suffixes]
    files = [BuiltFile(name=p.name, size_bytes=p.stat().st_size, sha256=file_sha256(p)) for p in sources]
    manifest = ImageManifest(
        profile=job.profile,
        version=job.version,
        usr_root_hash=root_hash,
        input_digest=combined(inputs),
        inputs=inputs,
        files=files,
        packages=f"{run.name}.manifest",
        driver=driver,
    )
    job.output_dir.mkdir(parents=True, exist_ok=True)
    job.manifest_path.unlink(missing_ok=True)
    publish({source: job.output_dir / source.name for source in sources})
    write_manifest(job.manifest_path, manifest)
    shutil.rmtree(run.output)
    return manifest


def check_driver(listing: Path, oldest: str | None) -> str | None:
    """The version of NVIDIA's driver in mkosi's list of packages. Raises `VerificationError` when it is too old."""
    packages = json.loads(listing.read_bytes())["packages"]
    driver = driver_of((package["name"], package["version"]) for package in packages)
    if oldest is not None and (why := too_old(driver, oldest)):
        raise VerificationError(
            f"this image would not run the drafting engine: {why}",
            hint="requirements/vllm.in: a vLLM for an older CUDA; or build from an archive with a newer driver",
        )
    return driver
