"""What a box says of its releases: its status, what it lacks of one, and how a change goes on.

`appliancectl release … -o json` writes one document a line: ReleaseStep while something goes on, and one of the others
as the last line. Who reads them compares `schema_version`; a line of another version is told as such.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer

from appliance.contract.adapter import MAX_ADAPTERS
from appliance.contract.model import ContractModel, Sha256Hex, left_out_if_empty
from appliance.contract.release import ChannelName, Line, ReleaseName
from appliance.contract.seal import ModelTask

OperationId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Given by who orders a change, a random UUID without hyphens: the same one again is the same change, not another."""

Action = Literal["stage", "verify", "evaluate", "activate", "rollback", "clear"]
Phase = Literal["idle", "staging", "draining", "switching", "rebooting", "probing", "rolling_back"]
"""rebooting: the order to start the other operating system was given; until it has started, the box does not answer."""
Outcome = Literal["done", "refused", "failed", "rolled_back", "interrupted"]
"""rolled_back: a change failed behind the switch, and the last good set runs again, probed. interrupted: cut off before
anything was switched; nothing changed."""


class SetState(ContractModel):
    """A complete set on the box. `release` is None for what the provisioning installed.

    `adapters` is left out where there are none, so that a fleetctl of before them reads this too.
    """

    release: ReleaseName | None
    sequence: Annotated[int, Field(ge=0)]
    digest: Annotated[Sha256Hex | None, Field(description="Of the manifest.")]
    models: Annotated[dict[ModelTask, Sha256Hex], Field(description="dm-verity root hash a task.")]
    usr_root_hash: Annotated[Sha256Hex | None, Field(description="Its own OS image; None: that which runs.")] = None
    complete: Annotated[bool, Field(description="All of its images are there, with the right length.")]
    adapters: Annotated[tuple[Sha256Hex, ...], Field(max_length=MAX_ADAPTERS, description="Root hash each.")] = ()

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return left_out_if_empty(handler(self), "adapters")


class Denied(ContractModel):
    """A release that was rolled back from here: it is refused until an operator clears it."""

    release: ReleaseName
    digest: Sha256Hex
    at: datetime
    reason: Line


class LastChange(ContractModel):
    """How the newest change ended, or that it goes on (`outcome` None)."""

    operation: OperationId
    action: Action
    release: ReleaseName | None
    started_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    reason: Annotated[str, Field(max_length=500)] = ""


class TrustedMetadata(ContractModel):
    """The TUF metadata that the box has verified last, and until when it counts."""

    root_version: Annotated[int, Field(ge=1)]
    timestamp_version: Annotated[int, Field(ge=0)]
    snapshot_version: Annotated[int, Field(ge=0)]
    expires_at: Annotated[datetime | None, Field(description="Earliest expiry of what is trusted.")]


class ReleaseStatus(ContractModel):
    """The whole of it. `changes` are the newest operations, newest first: a repeated order is found here."""

    schema_version: Literal["release-status/v1"] = "release-status/v1"
    site: Annotated[str, Field(min_length=1, max_length=63)]
    at: datetime
    boot_id: Annotated[str, Field(max_length=64)]
    phase: Phase
    usr_root_hash: Annotated[Sha256Hex | None, Field(description="Of the OS image that runs; None: not known.")] = None
    active: SetState | None
    previous: Annotated[SetState | None, Field(description="The last good set: what a rollback returns to.")]
    staged: SetState | None
    minimum_sequence: Annotated[int, Field(ge=0)]
    denied: Annotated[tuple[Denied, ...], Field(max_length=64)] = ()
    changes: Annotated[tuple[LastChange, ...], Field(max_length=32)] = ()
    metadata: TrustedMetadata | None = None
    images: Annotated[
        dict[Sha256Hex, int], Field(description="Root hash and bytes of every complete image that is kept.")
    ]
    free_bytes: Annotated[int, Field(ge=0, description="On the volume that holds the images.")]
    in_flight: Annotated[
        dict[str, int] | None, Field(description="Visits, uploads, transcripts and drafts in work; None: not known.")
    ] = None


class WantedImage(ContractModel):
    """An image that the box lacks of a release, and what it has that may be like it (for a delta).

    That of an adapter has the task of its model; a code table is no image, and is of the task "codes".
    """

    task: ModelTask | Literal["codes", "system"]
    root_hash: Sha256Hex
    sha256: Sha256Hex
    size_bytes: Annotated[int, Field(gt=0)]
    basis: Annotated[Sha256Hex | None, Field(description="Root hash of the image that the task uses now.")]
    received_bytes: Annotated[int, Field(ge=0, description="Of an earlier transfer that broke off.")]


class Offer(ContractModel):
    """What a box says to a release whose metadata it has verified: what it lacks, or why it will not have it.

    `refused` is empty when it may be staged. Everything that can be known before a byte is transferred is judged here:
    channel, sequence, deny-list, OS image, engine, disk, memory.
    """

    schema_version: Literal["release-offer/v1"] = "release-offer/v1"
    release: ReleaseName
    channel: ChannelName
    digest: Sha256Hex
    refused: Annotated[tuple[Line, ...], Field(max_length=16)] = ()
    missing: Annotated[tuple[WantedImage, ...], Field(max_length=9 + MAX_ADAPTERS)] = ()


class ReleaseStep(ContractModel):
    """A step of a change that goes on."""

    schema_version: Literal["release-step/v1"] = "release-step/v1"
    at: datetime
    phase: Phase
    text: Line


class Comparison(ContractModel):
    """One measure of the clinical gate: the running set, the staged one, and the worst that the policy allows."""

    measure: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
    incumbent: float
    candidate: float
    allowed: float
    passed: bool


class ClinicalResult(ContractModel):
    """What the evaluation set gave at this site. Signed by the box's key (envelope type CLINICAL_RESULT)."""

    schema_version: Literal["clinical-result/v1"] = "clinical-result/v1"
    site: Annotated[str, Field(min_length=1, max_length=63)]
    release: ReleaseName
    digest: Sha256Hex
    incumbent: Annotated[dict[ModelTask, Sha256Hex], Field(description="Root hashes of what it was compared with.")]
    candidate: dict[ModelTask, Sha256Hex]
    set_sha256: Annotated[Sha256Hex, Field(description="Of the evaluation set.")]
    policy_sha256: Sha256Hex
    encounters: Annotated[int, Field(ge=1)]
    comparisons: Annotated[tuple[Comparison, ...], Field(min_length=1, max_length=64)]
    passed: bool
    at: datetime
    expires_at: datetime


CLINICAL_RESULT = "application/vnd.fleetctl.clinical-result+json"
