"""What all models share: strictness, the apiVersion/kind/metadata/spec shape, and the checked string types."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class StrictModel(BaseModel):
    """Unknown keys and values of another type are refused; nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_alias=True, validate_by_name=True)


# RFC 1123 label: it becomes a host name, a file name and a name in a certificate.
NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, description="RFC 1123 label: a-z, 0-9 and -, at most 63.")]
LabelKey = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9./-]{0,61}[a-z0-9])?$")]
LabelValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")]


def _without_zone(text: str) -> str:
    """The text, if it has no zone: Python accepts any words after fe80::1%, and they would stand in a rule."""
    if "%" in text:
        raise ValueError("takes no zone (what follows %)")
    return text


def _ip_address(text: str) -> str:
    address = ipaddress.ip_address(_without_zone(text))
    if address.is_unspecified or address.is_multicast:
        raise ValueError("must be the address of one host")
    return address.compressed


def _network(text: str) -> str:
    network = ipaddress.ip_network(_without_zone(text), strict=True)
    if network.prefixlen == 0:
        raise ValueError("the whole internet is no source network; name the network")
    return network.compressed


def _mac(text: str) -> str:
    if not re.fullmatch(r"([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", text):
        raise ValueError("must be six hexadecimal pairs with colons, like 52:54:00:12:34:56")
    return text.lower()


IpAddress = Annotated[str, AfterValidator(_ip_address), Field(description="IPv4 or IPv6 address; no name.")]
Network = Annotated[str, AfterValidator(_network), Field(description="Network in CIDR form, host bits zero.")]
MacAddress = Annotated[str, AfterValidator(_mac), Field(description="MAC address, colons between the pairs.")]
Port = Annotated[int, Field(ge=1, le=65535)]
# As the disk reports it (lsblk SERIAL). No spaces or slashes: it becomes part of a /dev/disk/by-id name.
DiskSerial = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$", description="Serial of a disk.")]
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Name in the model catalogue.")]


class Metadata(StrictModel):
    """Identity of a resource."""

    name: Name
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, description="For selectors (-l key=value).")


class Resource(StrictModel):
    """A whole file: apiVersion, kind and metadata; each kind adds its `spec`."""

    api_version: Literal["fleetctl/v1"] = Field(alias="apiVersion", description="Version of the form.")
    kind: str
    metadata: Metadata

    @property
    def name(self) -> str:
        return self.metadata.name
