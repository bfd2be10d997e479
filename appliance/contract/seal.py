"""The seal: what the box looked like when it was closed, and must look like whenever a PHI service starts.

Written by the `seal` role to SEAL_PATH; read by `appliancectl seal check`, the health agent and the services.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from appliance.contract.adapter import MAX_ADAPTERS, KindName, Rank, problem_of
from appliance.contract.model import ContractModel, Sha256Hex

SEAL_PATH = "/var/lib/fleetctl/seal.json"

LuksUuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


ModelTask = Literal["transcription", "drafting"]
"""What a model is for; one model a task."""


class SealedModel(ContractModel):
    """The weights that were approved for one task of this box."""

    task: ModelTask
    name: Annotated[str, Field(min_length=1, max_length=100, description="Catalogue name, as in the site file.")]
    root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of the weights image.")]


class SealedAdapter(ContractModel):
    """A LoRA adapter that was approved for the drafting model. Its place in the list is where the unit mounts it."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    digest: Annotated[Sha256Hex, Field(description="Of its files: what requests call it by.")]
    root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of its image.")]
    rank: Rank
    kinds: Annotated[tuple[KindName, ...], Field(min_length=1, max_length=16, description="Documents that it drafts.")]


class SealedEngine(ContractModel):
    """The engine image that was approved for a GPU site: vLLM and CUDA's libraries."""

    name: Annotated[str, Field(min_length=1, max_length=100, description="With vLLM's version.")]
    root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of the engine image.")]


class SealedVolume(ContractModel):
    """The encrypted volume that holds clinical data."""

    mount: Annotated[str, Field(pattern=r"^/")] = "/var/lib/appliance"
    mapper: Annotated[str, Field(min_length=1, max_length=64, description="Device-mapper name.")] = "state"
    luks_uuid: LuksUuid


class Seal(ContractModel):
    """What was approved at provisioning. A box that differs starts no PHI service."""

    schema_version: Literal["seal/v2"] = "seal/v2"
    site: Annotated[str, Field(min_length=1, max_length=63)]
    sealed_at: datetime
    usr_root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of /usr.")]
    ruleset_digest: Annotated[Sha256Hex, Field(description="Digest of the live nftables rules; see ruleset.py.")]
    state_volume: SealedVolume
    root_luks_uuid: LuksUuid | None = None
    models: Annotated[tuple[SealedModel, ...], Field(min_length=1, max_length=8)]
    engine: Annotated[SealedEngine | None, Field(description="Of a GPU site; others have their engine in /usr.")] = None
    adapters: Annotated[
        tuple[SealedAdapter, ...],
        Field(max_length=MAX_ADAPTERS, description="Of the drafting model; a seal without any has no such member."),
    ] = ()

    @model_validator(mode="after")
    def _one_model_a_task(self) -> Self:
        tasks = [model.task for model in self.models]
        if len(set(tasks)) != len(tasks):
            raise ValueError("a task has two models")
        if "transcription" not in tasks:
            raise ValueError("no model for transcription")
        if self.adapters and "drafting" not in tasks:
            raise ValueError("adapters without a model for drafting")
        if problem := problem_of(self.adapters):
            raise ValueError(problem)
        return self

    def model_for(self, task: ModelTask) -> SealedModel | None:
        """The approved weights for a task; None when the site has none."""
        return next((model for model in self.models if model.task == task), None)
