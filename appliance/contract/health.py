"""The health snapshot: one bounded JSON document that a box gives about itself. It holds no patient data.

Each part carries its own verdict, what was compared, and what to do next. A part that could not be read is
`unknown`, and the snapshot is never better than its worst part.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.model import ContractModel, Sha256Hex
from appliance.contract.seal import ModelTask

Text = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Verdict(StrEnum):
    """A judgement. `unknown` is never healthy."""

    OK = "ok"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


# Worst first. A known critical fault outranks a part that could not be read: it needs an action now.
_WORST_FIRST = (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.DEGRADED, Verdict.OK)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict of the whole; of nothing at all it is `unknown`."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.UNKNOWN)


class Part(ContractModel):
    """One judged concern."""

    verdict: Verdict
    reason: Annotated[Text, Field(description="What was compared, in words.")]
    next_action: Annotated[Text, Field(description="What a person does next; empty when the part is ok.")] = ""


class ImagePart(Part):
    """The operating system that runs."""

    version: Annotated[str, Field(max_length=100)] | None = None
    usr_root_hash: Sha256Hex | None = None


class ServiceState(ContractModel):
    """One unit, in systemd's words."""

    unit: Name
    active: Annotated[str, Field(max_length=30)]
    sub: Annotated[str, Field(max_length=30)]
    result: Annotated[str, Field(max_length=30)]
    restarts: Annotated[int, Field(ge=0)]


class ServicesPart(Part):
    """The units that make the appliance."""

    services: Annotated[tuple[ServiceState, ...], Field(max_length=32)] = ()


class LoadedModel(ContractModel):
    """The weights that an engine has loaded, as the kernel verifies them."""

    task: ModelTask
    name: Name
    root_hash: Sha256Hex | None
    engine_root_hash: Annotated[
        Sha256Hex | None, Field(description="Of the image that the engine runs from; none for one in /usr.")
    ] = None


class ModelsPart(Part):
    """The weights of every engine that answers."""

    loaded: Annotated[tuple[LoadedModel, ...], Field(max_length=8)] = ()


class GatewayPart(Part):
    """The gateway's own view: audit log, store, engines, and what waits."""

    audit_size: Annotated[int, Field(ge=0)] | None = None
    audit_root_hash: Sha256Hex | None = None
    checkpoint_age_s: Annotated[float, Field(ge=0)] | None = None
    open_transcripts: Annotated[int, Field(ge=0)] | None = None
    failed_transcripts: Annotated[int, Field(ge=0)] | None = None


class StoragePart(Part):
    """The encrypted state volume and what it stands on."""

    mounted: bool | None = None
    encrypted: bool | None = None
    luks_uuid: Annotated[str, Field(max_length=40)] | None = None
    array_level: Annotated[str, Field(max_length=20)] | None = None
    members_wanted: Annotated[int, Field(ge=0)] | None = None
    members_active: Annotated[int, Field(ge=0)] | None = None
    unencrypted_swap: bool | None = None


class IsolationPart(Part):
    """The live firewall against the sealed one."""

    ruleset_digest: Sha256Hex | None = None
    sealed_digest: Sha256Hex | None = None
    egress_denied_packets: Annotated[int, Field(ge=0)] | None = None
    ingress_denied_packets: Annotated[int, Field(ge=0)] | None = None


class DiskSpace(ContractModel):
    """Room on one file system."""

    mount: Name
    size_mib: Annotated[int, Field(ge=0)]
    free_mib: Annotated[int, Field(ge=0)]


class DiskPart(Part):
    """Room for what is written."""

    file_systems: Annotated[tuple[DiskSpace, ...], Field(max_length=16)] = ()


class ClockPart(Part):
    """Whether the kernel's clock follows a time server."""

    synchronized: bool | None = None
    max_error_ms: Annotated[float, Field(ge=0)] | None = None


class HealthSnapshot(ContractModel):
    """All parts at one moment. `(boot_id, sequence)` orders the snapshots of a box; the sequence only rises."""

    schema_version: Literal["health/v2"] = "health/v2"
    box: Annotated[Name, Field(description="Host name of the box.")]
    site: Annotated[str, Field(max_length=63, description="From the seal; absent until sealed.")] | None = None
    appliance_version: Annotated[str, Field(max_length=50)]
    taken_at: datetime
    boot_id: Annotated[str, Field(max_length=40)]
    sequence: Annotated[int, Field(ge=0)]
    uptime_s: Annotated[float, Field(ge=0)]
    facts_age_s: Annotated[float, Field(ge=0, description="Age of the facts that only root can read.")] | None = None
    verdict: Verdict
    image: ImagePart
    services: ServicesPart
    models: ModelsPart
    gateway: GatewayPart
    storage: StoragePart
    isolation: IsolationPart
    disk: DiskPart
    clock: ClockPart

    def parts(self) -> dict[str, Part]:
        """Return the judged parts by name, in the order in which they are declared."""
        return {name: value for name in type(self).model_fields if isinstance(value := getattr(self, name), Part)}


class TranscriptionHealth(ContractModel):
    """What the transcription service answers on its own `/health`."""

    schema_version: Literal["transcription-health/v1"] = "transcription-health/v1"
    status: Literal["ok"]
    model: Name
    root_hash: Sha256Hex | None
    root_hash_source: Annotated[Text, Field(description="How the hash was read, or why there is none.")]
    queue_length: Annotated[int, Field(ge=0)]
    queue_limit: Annotated[int, Field(ge=1)]
    requests_done: Annotated[int, Field(ge=0)]
    requests_refused: Annotated[int, Field(ge=0)]
    requests_failed: Annotated[int, Field(ge=0)]
