"""An image cache of a fleet as the image commands leave it: small real model images, manifests of OS and engine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import appliance
from appliance.contract.seal import ModelTask
from fleetctl.image.cache import ImageCache
from fleetctl.image.digest import tree_digest
from fleetctl.image.jobs import model_job
from fleetctl.image.manifest import (
    AdapterManifest,
    EngineManifest,
    ImageManifest,
    ModelFile,
    ModelManifest,
    write_manifest,
)
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.build_parts import Cached
from tests.fakes.release_images import Image, model_image

CODE = Path(appliance.__file__).parent
WHISPER_FILES = {"model.bin": b"w", "config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"a"}
GGUF_FILES = {"model.gguf": b"g"}
SAFETENSORS_FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"s"}


@dataclass
class FilledCache:
    """`model` and the others put something in; `cached` is what a build of a release reads."""

    fleet: FleetDir
    root: Path

    @property
    def cache(self) -> ImageCache:
        return ImageCache(self.root)

    @property
    def models(self) -> Path:
        return self.cache.models(self.fleet.fleet.name)

    def cached(self, package: Path = CODE) -> Cached:
        return Cached(self.fleet, self.cache, package)

    def model(
        self,
        task: ModelTask,
        name: str,
        files: Mapping[str, bytes],
        *,
        own: bool = True,
        licence: str = "Apache-2.0",
        origin: str = "made by a test",
    ) -> Image:
        """A packed model: a site's own, or (not `own`) one of the catalogue, up to date."""
        self.models.mkdir(parents=True, exist_ok=True)
        work = self.root / "work"
        work.mkdir(exist_ok=True)
        image = model_image(work, {key: value + name.encode() for key, value in files.items()})
        shutil.move(image.path, self.models / f"{name}.raw")
        digest = "0" * 64
        if not own:
            digest = model_job(self.fleet, name, None, self.cache, _never).input_digest()
        manifest = ModelManifest(
            name=name,
            root_hash=image.root_hash,
            sha256=image.sha256,
            size_bytes=image.size_bytes,
            files=[ModelFile(path=path, sha256="5" * 64) for path in files],
            licence=licence,
            origin=origin,
            input_digest=digest,
            own_for=task if own else None,
        )
        write_manifest(self.models / f"{name}.json", manifest)
        return image

    def adapter(self, name: str, base: Image, *, kinds: tuple[str, ...] = ("visit_note",), seed: bytes = b"") -> Image:
        """A packed LoRA adapter of a model."""
        folder = self.cache.adapters(self.fleet.fleet.name)
        folder.mkdir(parents=True, exist_ok=True)
        (self.root / "work").mkdir(exist_ok=True)
        image = model_image(self.root / "work", {"adapter.gguf": b"GGUF" + name.encode() * 2000 + seed})
        made = image.adapter(base, name, kinds)
        shutil.move(image.path, folder / f"{name}.raw")
        manifest = AdapterManifest(
            name=name, digest=made.digest, root_hash=made.root_hash, sha256=made.sha256, size_bytes=made.size_bytes,
            files=[ModelFile(path="adapter.gguf", sha256="5" * 64)], form="gguf", rank=made.rank, kinds=list(kinds),
            base="notes", base_root_hash=base.root_hash, licence="MIT", origin="a test", input_digest="0" * 64,
        )  # fmt: skip
        write_manifest(folder / f"{name}.json", manifest)
        return image

    def system(self, profile: str = "lab", *, code: Path = CODE, version: str = "0.1.0") -> str:
        """The manifest of a finished OS image; returns its root hash."""
        folder = self.cache.images(self.fleet.fleet.name)
        folder.mkdir(parents=True, exist_ok=True)
        root_hash = {"lab": "a" * 64, "gpu": "b" * 64}[profile]
        manifest = ImageManifest(
            profile=profile,
            version=version,
            usr_root_hash=root_hash,
            input_digest="0" * 64,
            inputs={"appliance": tree_digest(code)},
            files=[],
            packages="packages",
        )
        write_manifest(folder / f"edge-{profile}.json", manifest)
        return root_hash

    def engine(self) -> str:
        folder = self.cache.engines(self.fleet.fleet.name)
        folder.mkdir(parents=True, exist_ok=True)
        manifest = EngineManifest(
            name="vllm-1", root_hash="e" * 64, sha256="f" * 64, size_bytes=1, cuda="12.8", min_driver="570",
            packages=[], input_digest="0" * 64,
        )  # fmt: skip
        write_manifest(folder / "vllm.json", manifest)
        return manifest.root_hash


def _never() -> object:
    raise AssertionError("a passphrase was asked for")
