"""The smaller parts of the health snapshot."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.model import ContractModel, Sha256Hex
from appliance.contract.part import Name, Part, Text
from appliance.contract.seal import ModelTask

Count = Annotated[int, Field(ge=0, le=10**15)]


class ImagePart(Part):
    """The operating system that runs."""

    version: Annotated[str, Field(max_length=100)] | None = None
    usr_root_hash: Sha256Hex | None = None


class BootPart(Part):
    """How the machine was started, and whether another start waits."""

    slot: Annotated[str, Field(max_length=100, description="Label of the partition that /usr comes from.")] | None = (
        None
    )
    image_version: Annotated[str, Field(max_length=100)] | None = None
    uefi: bool | None = None
    secure_boot: bool | None = None
    setup_mode: Annotated[bool | None, Field(description="Keys can be replaced without a signature.")] = None
    lockdown: Annotated[str, Field(max_length=30, description="none, integrity or confidentiality.")] | None = None
    pending_reboot: bool | None = None
    pending_version: Annotated[str, Field(max_length=100)] | None = None


class ServiceState(ContractModel):
    """One unit, in systemd's words."""

    unit: Name
    active: Annotated[str, Field(max_length=30)]
    sub: Annotated[str, Field(max_length=30)]
    result: Annotated[str, Field(max_length=30)]
    restarts: Annotated[int, Field(ge=0)]
    restarts_last_hour: Annotated[int, Field(ge=0)] | None = None
    sandbox_differs: Annotated[
        tuple[Annotated[str, Field(max_length=200)], ...],
        Field(max_length=40, description="Properties that systemd reports otherwise than the image's unit file."),
    ] = ()


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


class AuditPart(Part):
    """The audit log: how long it is, when it last signed itself, and whether it verifies."""

    size: Count | None = None
    root_hash: Sha256Hex | None = None
    checkpoint_age_s: Annotated[float, Field(ge=0)] | None = None
    verified_at: datetime | None = None
    verified: Annotated[bool | None, Field(description="What the last verification on the box came to.")] = None
    verified_size: Count | None = None


class EgressProof(ContractModel):
    """The last try to get out that was made on this box, as the box saw it. A canary's word is not in it."""

    finished_at: datetime
    verdict: Annotated[
        Literal["nothing_reached", "reached", "incomplete"],
        Field(description="`incomplete`: something that was asked could not be tried."),
    ]
    ruleset_digest: Sha256Hex | None
    attempts: Count
    reached: Count


class IsolationPart(Part):
    """The live firewall against the sealed one."""

    ruleset_digest: Sha256Hex | None = None
    sealed_digest: Sha256Hex | None = None
    egress_denied_packets: Annotated[int, Field(ge=0)] | None = None
    ingress_denied_packets: Annotated[int, Field(ge=0)] | None = None
    last_proof: EgressProof | None = None


class DiskSpace(ContractModel):
    """Room on one file system."""

    mount: Name
    size_mib: Annotated[int, Field(ge=0)]
    free_mib: Annotated[int, Field(ge=0)]


class DiskPart(Part):
    """Room for what is written."""

    file_systems: Annotated[tuple[DiskSpace, ...], Field(max_length=16)] = ()


class Certificate(ContractModel):
    """One certificate that the box shows or trusts."""

    file: Name
    subject: Annotated[Text, Field(description="RFC 4514.")]
    not_after: datetime


class CertificatesPart(Part):
    """Until when the certificates on the box are good."""

    certificates: Annotated[tuple[Certificate, ...], Field(max_length=32)] = ()


class ClockPart(Part):
    """Whether the kernel's clock follows a time server."""

    synchronized: bool | None = None
    max_error_ms: Annotated[float, Field(ge=0)] | None = None
