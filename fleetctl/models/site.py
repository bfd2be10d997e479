"""`sites/<name>.yaml`: one appliance host, where it is reached, and what it may do."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from appliance.contract.seal import ModelTask
from fleetctl.models.base import (
    DiskSerial,
    IpAddress,
    MacAddress,
    ModelName,
    Name,
    Network,
    Port,
    Resource,
    StrictModel,
)
from fleetctl.models.via import ViaText


class ManagementEndpoint(StrictModel):
    """Where fleetctl reaches the host."""

    address: IpAddress
    ssh_port: Port = Field(22, description="For changes.")
    health_port: Port = Field(9443, description="For reading health, by mutual TLS.")
    via: ViaText | None = None


class ClinicalEndpoint(StrictModel):
    """Where the EHR and browsers reach the host."""

    address: IpAddress
    port: Port = Field(443, description="TLS.")


class AttachedNetwork(StrictModel):
    """One network of the host, as seen from inside it."""

    interface_mac: MacAddress
    sources: list[Network] = Field(min_length=1, description="Networks whose hosts may connect.")


class Networks(StrictModel):
    """The two networks of an appliance; they never share an interface."""

    management: AttachedNetwork
    clinical: AttachedNetwork

    @model_validator(mode="after")
    def _two_interfaces(self) -> Networks:
        if self.management.interface_mac == self.clinical.interface_mac:
            raise ValueError("management and clinical must have different interfaces (interface_mac)")
        return self


class EgressRule(StrictModel):
    """One destination that the host may open a connection to."""

    name: Name = Field(description="What it is for, for example ehr or time.")
    protocol: Literal["tcp", "udp"] = Field(description="Transport.")
    address: IpAddress
    port: Port = Field(description="Destination port.")


class Egress(StrictModel):
    """What may leave. Nothing else does, DNS included."""

    allow: list[EgressRule] = Field(default_factory=list, max_length=64)

    @model_validator(mode="after")
    def _unique_names(self) -> Egress:
        _refuse_repeats("egress rule", [rule.name for rule in self.allow])
        return self


class Storage(StrictModel):
    """The disks of the state volume, by serial."""

    data_disks: list[DiskSerial] = Field(min_length=1, description="Serials, as lsblk shows them.")
    erase_disks: list[DiskSerial] = Field(
        default_factory=list, description="Of data_disks, those whose existing content may be destroyed."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Storage:
        _refuse_repeats("data disk", self.data_disks)
        _refuse_repeats("disk to erase", self.erase_disks)
        stray = sorted(set(self.erase_disks) - set(self.data_disks))
        if stray:
            raise ValueError(f"erase_disks names {', '.join(stray)}, which data_disks does not")
        return self


class Release(StrictModel):
    """What runs there."""

    transcription: ModelName = Field(description="Speech model, by its name in the model catalogue.")
    drafting: ModelName | None = Field(None, description="Language model; a site without one drafts nothing.")

    def models(self) -> dict[ModelTask, str]:
        """The catalogue name of each task's model, for the tasks that this site has."""
        named: dict[ModelTask, str] = {"transcription": self.transcription}
        if self.drafting is not None:
            named["drafting"] = self.drafting
        return named


CommonName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$", description="CN of a certificate.")]
# Inside the fleet directory: no leading slash, no dot-dot, nothing hidden.
FleetFile = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,7}$", max_length=200),
]


ClinicalRole = Literal["clinician", "coder", "front_desk", "auditor", "admin"]


class Issuer(StrictModel):
    """An identity provider of the practice, whose tokens the gateway takes. Its keys are never fetched."""

    issuer: str = Field(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^\s]*)?$", max_length=500,
                        description="The tokens' claim iss, to the letter.")  # fmt: skip
    audience: str = Field(min_length=1, max_length=500, description="The tokens' claim aud.")
    jwks: FleetFile = Field(description="Its public keys (JWK set), a file below the fleet directory.")
    roles: dict[Annotated[str, Field(min_length=1, max_length=200)], ClinicalRole] = Field(
        default_factory=lambda: {role: role for role in get_args(ClinicalRole)},
        min_length=1,
        max_length=100,
        description="Role or group of the provider: role here. Without it the provider's names are ours.",
    )
    roles_claim: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.:/-]{1,200}$",
        description="Claim with the roles, like realm_access.roles; default: roles.",
    )


class Identity(StrictModel):
    """Who may use the clinical API."""

    issuers: list[Issuer] = Field(default_factory=list, max_length=8)
    ehr_clients: list[CommonName] = Field(
        default_factory=list, max_length=32, description="Client certificates (OU=clinical) that are an EHR."
    )
    local_issuer: bool = Field(
        False, description="The box's console may issue tokens. For profiles with the label class: lab only."
    )

    @model_validator(mode="after")
    def _unique(self) -> Identity:
        _refuse_repeats("issuer", [issuer.issuer for issuer in self.issuers])
        _refuse_repeats("EHR client", self.ehr_clients)
        return self


class ClinicalPolicy(StrictModel):
    """The practice's rules; what is left out is as the appliance has it."""

    review_window_h: int | None = Field(None, ge=1, le=24 * 366, description="Hours within which a draft is reviewed.")
    retention_days: int | None = Field(
        None, ge=1, le=366 * 50, description="After the last signature; then the encounter's key is destroyed."
    )
    consent_overrides: FleetFile | None = Field(
        None, description="Counsel's decisions on recording law (JSON), a file below the fleet directory."
    )
    deid_policy: FleetFile | None = Field(
        None, description="Which text a model reads without identifiers (JSON), a file below the fleet directory."
    )


class SiteSpec(StrictModel):
    """What is wanted of one site."""

    profile: Name = Field(description="Hardware profile (fleetctl profile list).")
    management: ManagementEndpoint
    clinical: ClinicalEndpoint
    networks: Networks
    egress: Egress = Field(default_factory=Egress)
    storage: Storage
    release: Release
    identity: Identity = Field(default_factory=Identity)
    clinical_policy: ClinicalPolicy = Field(default_factory=ClinicalPolicy)


class Site(Resource):
    """One site."""

    kind: Literal["Site"] = Field(description="What this file is.")
    spec: SiteSpec


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} named twice: {', '.join(repeated)}")
