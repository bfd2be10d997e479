"""What a finished image says about itself: the JSON file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from appliance.contract.adapter import AdapterForm
from appliance.contract.seal import ModelTask
from fleetctl import atomic
from fleetctl.models.base import StrictModel

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S", "ModelManifest", "EngineManifest")


class BuiltFile(StrictModel):
    """One file of a finished image."""

    name: str
    size_bytes: int = Field(ge=0)
    sha256: str


class ImageManifest(StrictModel):
    """`edge-<profile>.json`. Written last: an image without it is not finished."""

    kind: Literal["edge-image"] = "edge-image"
    profile: str
    version: str
    usr_root_hash: str = Field(description="dm-verity root hash of /usr; also on the signed kernel command line")
    input_digest: str = Field(description="digest of everything the image was made from")
    inputs: dict[str, str] = Field(description="the parts of input_digest")
    files: list[BuiltFile]
    packages: str = Field(description="file that lists the Debian packages inside")
    driver: str | None = Field(default=None, description="version of NVIDIA's driver inside; none without one")


class ModelFile(StrictModel):
    """One file inside a model image."""

    path: str
    sha256: str


class ModelManifest(StrictModel):
    """`<model>.json` beside a model image."""

    kind: Literal["model-image"] = "model-image"
    name: str
    root_hash: str = Field(description="dm-verity root hash: the model's identity")
    sha256: str = Field(description="of the image file")
    size_bytes: int
    files: list[ModelFile]
    licence: str
    origin: str
    input_digest: str
    own_for: ModelTask | None = Field(
        default=None, description="task of a model that is a site's own (release import-model); none in the catalogue"
    )


class AdapterManifest(StrictModel):
    """`<adapter>.json` beside the image of a LoRA adapter."""

    kind: Literal["adapter-image"] = "adapter-image"
    name: str
    digest: str = Field(description="of its files: what requests call it by")
    root_hash: str = Field(description="dm-verity root hash of the image")
    sha256: str = Field(description="of the image file")
    size_bytes: int
    files: list[ModelFile]
    form: AdapterForm
    rank: int
    kinds: list[str] = Field(description="kinds of documents that it drafts")
    base: str = Field(description="name of the model that it was trained on")
    base_root_hash: str
    licence: str
    origin: str
    input_digest: str


class EngineManifest(StrictModel):
    """`vllm.json` beside the engine image of GPU sites."""

    kind: Literal["engine-image"] = "engine-image"
    name: str = Field(description="with vLLM's version")
    root_hash: str = Field(description="dm-verity root hash: the engine's identity")
    sha256: str = Field(description="of the image file")
    size_bytes: int
    cuda: str = Field(description="version of the CUDA runtime inside")
    min_driver: str = Field(description="oldest driver that runs it")
    packages: list[str] = Field(description="name and version of each Python and Debian package inside")
    input_digest: str


def write_manifest(path: Path, manifest: BaseModel) -> None:
    """Write it so that a crash leaves the old one or none."""
    atomic.write_text(path, manifest.model_dump_json(indent=2) + "\n")


def read_manifest(path: Path, model: type[M]) -> M | None:
    """The manifest, or None when there is none that this version can read: then the image is built again."""
    try:
        return model.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def current_manifest(path: Path, model: type[S], input_digest: str, image: Path) -> S | None:
    """The manifest of a signed image that was made from these inputs and stands there whole, or None."""
    manifest = read_manifest(path, model)
    if manifest is None or manifest.input_digest != input_digest or not image.is_file():
        return None
    return manifest if image.stat().st_size == manifest.size_bytes else None
