"""What the clinical gateway answers on its own `/health`. It holds no patient data."""

from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.drain import InFlight
from appliance.contract.model import ContractModel, Sha256Hex

Count = Annotated[int, Field(ge=0, le=10**12)]


class AuditHealth(ContractModel):
    """The audit log as its only writer sees it."""

    size: Count
    root_hash: Sha256Hex
    checkpoint_age_s: Annotated[float, Field(ge=0)] | None
    writable: Annotated[bool, Field(description="False after a write that failed: nothing is released until restart.")]


class DatabaseHealth(ContractModel):
    """The store."""

    ok: bool


class EnginesHealth(ContractModel):
    """Which engines answer. None: this site has none."""

    transcription: bool
    drafting: bool | None


class GatewayHealth(ContractModel):
    """The gateway's own view of what it needs. v1 did not say what is in work; that is not known, and not zero."""

    schema_version: Literal["gateway-health/v1", "gateway-health/v2"] = "gateway-health/v2"
    status: Literal["ok", "degraded"]
    audit: AuditHealth
    database: DatabaseHealth
    engines: EnginesHealth
    open_transcripts: Annotated[Count, Field(description="Waiting or in work.")]
    failed_transcripts: Annotated[Count, Field(description="Given up; a person has to ask again.")]
    draining: Annotated[
        bool | None, Field(description="Nothing new begins. Looked at before `in_flight` is counted. None: not known.")
    ] = None
    in_flight: Annotated[InFlight | None, Field(description="What is in work. None: not known.")] = None
