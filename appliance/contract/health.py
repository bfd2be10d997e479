"""The health snapshot: one bounded JSON document that a box gives about itself. It holds no patient data.

Each part carries its own verdict, what was compared, and what to do next. A part that could not be read is
`unknown`, and the snapshot is never better than its worst part. `health_reading.py` reads one of any version that is
understood; what a box signs is in `signed.py`.
"""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from appliance.contract.faults import Fault
from appliance.contract.health_engines import EnginesPart, EngineState, Latency
from appliance.contract.health_gpus import GpusPart
from appliance.contract.health_parts import (
    AuditPart,
    BootPart,
    Certificate,
    CertificatesPart,
    ClockPart,
    DiskPart,
    DiskSpace,
    EgressProof,
    GatewayPart,
    ImagePart,
    IsolationPart,
    LoadedModel,
    ModelsPart,
    ServicesPart,
    ServiceState,
)
from appliance.contract.health_storage import ArrayMember, DriveWear, LuksSlot, LuksVolume, StoragePart, TpmBinding
from appliance.contract.model import ContractModel
from appliance.contract.part import Name, Part, Text, Verdict, worst

__all__ = [
    "ArrayMember", "AuditPart", "BootPart", "Certificate", "CertificatesPart", "ClockPart", "DiskPart", "DiskSpace",
    "DriveWear", "EgressProof", "EngineState", "EnginesPart", "GatewayPart", "GpusPart", "HealthSnapshot", "ImagePart",
    "IsolationPart", "Latency", "LoadedModel", "LuksSlot", "LuksVolume", "ModelsPart", "Name", "Part", "ServiceState",
    "ServicesPart", "StoragePart", "Text", "TpmBinding", "Verdict", "worst",
]  # fmt: skip

VERSION = 3
MAX_FAULTS_SHOWN = 64
"""The worst and newest; how many more there are is said, and `appliancectl health faults` lists them all."""
SINCE_V3 = ("gpus", "engines", "certificates", "audit", "boot")
"""Parts that a box of health/v2 cannot report."""


class HealthSnapshot(ContractModel):
    """All parts at one moment. `(boot_id, sequence)` orders the snapshots of a box; the sequence only rises.

    A part that is None is one that the box's version cannot report. It counts neither as ok nor against the box.
    """

    schema_version: Literal["health/v2", "health/v3", "health/v4"] = "health/v3"
    box: Annotated[Name, Field(description="Host name of the box.")]
    site: Annotated[str, Field(max_length=63, description="From the seal; absent until sealed.")] | None = None
    appliance_version: Annotated[str, Field(max_length=50)]
    taken_at: AwareDatetime
    boot_id: Annotated[str, Field(max_length=40)]
    sequence: Annotated[int, Field(ge=0)]
    uptime_s: Annotated[float, Field(ge=0)]
    facts_age_s: Annotated[float, Field(ge=0, description="Age of the facts that only root can read.")] | None = None
    verdict: Verdict
    image: ImagePart
    boot: BootPart | None = None
    services: ServicesPart
    engines: EnginesPart | None = None
    models: ModelsPart
    gateway: GatewayPart
    audit: AuditPart | None = None
    gpus: GpusPart | None = None
    storage: StoragePart
    isolation: IsolationPart
    certificates: CertificatesPart | None = None
    disk: DiskPart
    clock: ClockPart
    faults: Annotated[
        tuple[Fault, ...],
        Field(max_length=MAX_FAULTS_SHOWN, description="Open and acknowledged ones; what is cleared is left out."),
    ] = ()
    faults_left_out: Annotated[int, Field(ge=0)] = 0
    other_parts: Annotated[
        dict[Name, Part],
        Field(
            default_factory=dict,
            max_length=32,
            exclude_if=lambda parts: not parts,
            description="Parts of a newer box's version.",
        ),
    ]

    @model_validator(mode="after")
    def _has_what_its_version_has(self) -> Self:
        if self.schema_version != "health/v2" and (absent := [n for n in SINCE_V3 if getattr(self, n) is None]):
            raise ValueError(f"{self.schema_version} has the part {absent[0]}, which is missing")
        return self

    def parts(self) -> dict[str, Part]:
        """Return the judged parts by name, in the order in which they are declared; a newer box's own come last."""
        own = {name: value for name in type(self).model_fields if isinstance(value := getattr(self, name), Part)}
        return own | self.other_parts

    def not_reported(self) -> tuple[str, ...]:
        """Return the parts that this version of the box cannot report yet."""
        return tuple(name for name in SINCE_V3 if getattr(self, name) is None)
