"""A release: the coupled set that a site runs, by digests. It is made, approved, rolled out and rolled back as one.

The manifest is a target of the fleet's TUF repository, so whoever verified its metadata has verified these bytes; the
images that it names are verified by length and SHA-256 when they have arrived, and block by block by dm-verity when
they are read. Nothing of a release is believed for its name.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer, model_validator

from appliance.contract.adapter import MAX_ADAPTERS, AdapterForm, KindName, Rank, problem_of
from appliance.contract.code_pack import MAX_PACK_BYTES
from appliance.contract.model import ContractModel, Sha256Hex, left_out_if_empty
from appliance.contract.seal import ModelTask

MAX_MANIFEST_BYTES = 1 << 20
MAX_IMAGE_BYTES = 1 << 40
MAX_SYSTEM_BYTES = 8 << 30

ADAPTER_FORMS: Mapping[str, AdapterForm] = {"llama.cpp": "gguf", "vllm": "safetensors"}
"""Engine → the form of adapters that it reads."""
ReleaseName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]
"""Name of a release, for instance 2026.11-1. It is a file name and a part of a TUF target path."""
ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""A channel is a delegated TUF role: who holds its keys decides what its sites may run."""
ComponentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
MiB = Annotated[int, Field(ge=0, le=16 << 20)]


class ModelComponent(ContractModel):
    """The weights of one task: a signed erofs image under dm-verity."""

    task: ModelTask
    name: Annotated[ComponentName, Field(description="Catalogue name; the root hash is the identity.")]
    root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of the image.")]
    sha256: Annotated[Sha256Hex, Field(description="Of the whole image file.")]
    size_bytes: Annotated[int, Field(gt=0, le=MAX_IMAGE_BYTES)]
    form: Annotated[Literal["gguf", "safetensors", "ctranslate2"], Field(description="Of the weights in it.")]
    licence: Line
    origin: Line
    memory_mib: Annotated[MiB, Field(description="What the engine needs at least to load it, on the card or the host.")]


class AdapterComponent(ContractModel):
    """A LoRA adapter of the drafting model: a signed erofs image under dm-verity, like a model's."""

    name: ComponentName
    digest: Annotated[Sha256Hex, Field(description="Of its files (`adapter.digest_of`): its name in requests.")]
    kinds: Annotated[tuple[KindName, ...], Field(min_length=1, max_length=16, description="Documents that it drafts.")]
    root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of the image.")]
    sha256: Annotated[Sha256Hex, Field(description="Of the whole image file.")]
    size_bytes: Annotated[int, Field(gt=0, le=MAX_IMAGE_BYTES)]
    form: AdapterForm
    rank: Rank
    base_root_hash: Annotated[Sha256Hex, Field(description="Root hash of the model that it was trained on.")]
    licence: Line
    origin: Line
    memory_mib: MiB


class CodePackComponent(ContractModel):
    """A code table that comes with the release: one file (`contract/code_pack.py`), no image."""

    name: Annotated[ComponentName, Field(description="Code system or table: icd-10-cm, ncci-ptp-practitioner.")]
    version: Annotated[Line, Field(description="As its publisher names it.")]
    effective_from: Annotated[date, Field(description="First day of service that it was published for.")]
    sha256: Annotated[Sha256Hex, Field(description="Of the file: its identity.")]
    size_bytes: Annotated[int, Field(gt=0, le=MAX_PACK_BYTES)]
    licence: Annotated[str, StringConstraints(min_length=1, max_length=500)]

    @property
    def root_hash(self) -> str:
        """What it is kept and sent under. It has no hash tree: the whole file is hashed whenever it is opened."""
        return self.sha256


ImageComponent = ModelComponent | AdapterComponent | CodePackComponent
"""What a box keeps on its disk for a release: all have a name, a root hash, a length and a SHA-256."""


class Pinned(ContractModel):
    """A part that is known by its digest alone: a prompt, a code table."""

    name: ComponentName
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    sha256: Sha256Hex


class SystemPart(ContractModel):
    """One part of an operating system's file."""

    sha256: Sha256Hex
    size_bytes: Annotated[int, Field(gt=0, le=MAX_SYSTEM_BYTES)]


class SystemComponent(ContractModel):
    """An operating system: what is written into the idle slot of a box, in one file, part behind part in this order.

    `usr`, `verity` and `signature` go into the slot's partitions; zeros at their ends are left out. `kernel` is the
    signed unified kernel image whose command line names `root_hash`.
    """

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+~-]{0,23}$")]
    root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of /usr: the identity.")]
    sha256: Annotated[Sha256Hex, Field(description="Of the whole file.")]
    size_bytes: Annotated[int, Field(gt=0, le=MAX_SYSTEM_BYTES)]
    usr: SystemPart
    verity: SystemPart
    signature: SystemPart
    kernel: SystemPart

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(part.size_bytes for part in self.parts.values()) != self.size_bytes:
            raise ValueError("size_bytes: is not the sum of the parts")
        return self

    @property
    def parts(self) -> dict[str, SystemPart]:
        """By name, in the order in which they lie in the file."""
        return {"usr": self.usr, "verity": self.verity, "signature": self.signature, "kernel": self.kernel}

    @property
    def task(self) -> Literal["system"]:
        """What it is for, as of a model."""
        return "system"

    @property
    def name(self) -> str:
        """For people."""
        return f"operating system {self.version}"


Component = ImageComponent | SystemComponent


class EvaluationResult(ContractModel):
    """What a set of encounters gave when the release was made. `measures`: for instance word_error_rate, 0 to 1."""

    evaluation_set: ComponentName
    set_sha256: Sha256Hex
    at: datetime
    measures: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")], float]


class ReleaseManifest(ContractModel):
    """Everything that belongs together. `sequence` grows by every release of a fleet and is what may not go back.

    `code_tables` are those of the OS image, pinned like the prompts; `code_packs` come with the release, and are left
    out where there are none, so that a box of before them reads the manifest.
    """

    schema_version: Literal["release/v1"] = "release/v1"
    name: ReleaseName
    sequence: Annotated[int, Field(ge=1, le=2**53)]
    created_at: datetime
    usr_root_hashes: Annotated[
        tuple[Sha256Hex, ...],
        Field(min_length=1, max_length=16, description="OS images (root hash of /usr) that it was made for."),
    ]
    appliance_version: Line
    system: Annotated[
        SystemComponent | None, Field(description="The OS image that it brings; without one it runs on those above.")
    ] = None
    models: Annotated[tuple[ModelComponent, ...], Field(min_length=1, max_length=8)]
    adapters: Annotated[tuple[AdapterComponent, ...], Field(max_length=MAX_ADAPTERS)] = ()
    prompts: Annotated[tuple[Pinned, ...], Field(max_length=64)] = ()
    code_tables: Annotated[tuple[Pinned, ...], Field(max_length=64)] = ()
    code_packs: Annotated[tuple[CodePackComponent, ...], Field(max_length=32)] = ()
    engine: Annotated[Literal["llama.cpp", "vllm"], Field(description="That the drafting model was made for.")]
    engine_root_hash: Annotated[Sha256Hex | None, Field(description="Of the engine image of a GPU site.")] = None
    evaluations: Annotated[tuple[EvaluationResult, ...], Field(max_length=16)] = ()
    bom_sha256: Annotated[Sha256Hex, Field(description="Of the CycloneDX ML-BOM beside it.")]
    minimum_sequence: Annotated[
        int, Field(ge=0, le=2**53, description="Once it runs, nothing older than this is accepted any more.")
    ] = 0
    notes: Annotated[str, Field(max_length=2000)] = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        tasks = [model.task for model in self.models]
        if len(set(tasks)) != len(tasks):
            raise ValueError("models: a task has two models")
        if "transcription" not in tasks:
            raise ValueError("models: no model for transcription")
        if self.minimum_sequence > self.sequence:
            raise ValueError("minimum_sequence: is above the release's own")
        drafting = self.model_for("drafting")
        if any(drafting is None or adapter.base_root_hash != drafting.root_hash for adapter in self.adapters):
            raise ValueError("adapters: one was trained on another model than the release's for drafting")
        if wrong := next((each.name for each in self.adapters if each.form != ADAPTER_FORMS[self.engine]), None):
            raise ValueError(f"adapters: {wrong} is not of the form that {self.engine} reads")
        if problem := problem_of(self.adapters):
            raise ValueError(problem)
        if len({(each.name, each.effective_from) for each in self.code_packs}) != len(self.code_packs):
            raise ValueError("code_packs: two tables of one name and day")
        if self.system is not None and self.usr_root_hashes != (self.system.root_hash,):
            raise ValueError("usr_root_hashes: are not the root hash of the system that the release brings")
        return self

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return left_out_if_empty(handler(self), "code_packs")

    @property
    def images(self) -> tuple[ImageComponent, ...]:
        """Everything that has to be on a box which runs it."""
        return (*self.models, *self.adapters, *self.code_packs)

    def model_for(self, task: ModelTask) -> ModelComponent | None:
        """The weights for a task; None when the release has none."""
        return next((model for model in self.models if model.task == task), None)

    @property
    def components(self) -> tuple[Component, ...]:
        """Everything that comes as a file of its own: the images, and the operating system."""
        return (*self.images, *([self.system] if self.system is not None else []))

    def content(self) -> bytes:
        """Return the bytes that are published: JSON with sorted keys, in ASCII, with a line end."""
        # Left out where there is none: the identity of a release from before there were any stays what it was.
        without = {"system"} if self.system is None else set()
        text = json.dumps(self.model_dump(mode="json", exclude=without), sort_keys=True, indent=1, ensure_ascii=True)
        return text.encode() + b"\n"

    @property
    def digest(self) -> str:
        """SHA-256 of `content`: the release's identity."""
        return hashlib.sha256(self.content()).hexdigest()


def manifest_target(channel: str, name: str) -> str:
    """Return the TUF target path of a release's manifest."""
    return f"{channel}/{name}/release.json"


def bom_target(channel: str, name: str) -> str:
    """Return the TUF target path of its bill of materials."""
    return f"{channel}/{name}/bom.json"
