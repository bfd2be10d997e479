"""`sites/<name>.yaml`: one appliance host, where it is reached, and what it may do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

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


class ManagementEndpoint(StrictModel):
    """Where fleetctl reaches the host."""

    address: IpAddress
    ssh_port: Port = Field(22, description="For changes.")
    health_port: Port = Field(9443, description="For reading health, by mutual TLS.")


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


class SiteSpec(StrictModel):
    """What is wanted of one site."""

    profile: Name = Field(description="Hardware profile (fleetctl profile list).")
    management: ManagementEndpoint
    clinical: ClinicalEndpoint
    networks: Networks
    egress: Egress = Field(default_factory=Egress)
    storage: Storage
    release: Release


class Site(Resource):
    """One site."""

    kind: Literal["Site"] = Field(description="What this file is.")
    spec: SiteSpec


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} named twice: {', '.join(repeated)}")
