"""The seal: what the box looked like when it was closed, and must look like whenever a PHI service starts.

Written by the `seal` role to SEAL_PATH; read by `appliancectl seal check`, the health agent and the services.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from appliance.contract.model import ContractModel, Sha256Hex

SEAL_PATH = "/var/lib/fleetctl/seal.json"

LuksUuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class SealedModel(ContractModel):
    """The weights that were approved for this box."""

    name: Annotated[str, Field(min_length=1, max_length=100, description="Catalogue name, as in the site file.")]
    root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of the weights image.")]


class SealedVolume(ContractModel):
    """The encrypted volume that holds clinical data."""

    mount: Annotated[str, Field(pattern=r"^/")] = "/var/lib/appliance"
    mapper: Annotated[str, Field(min_length=1, max_length=64, description="Device-mapper name.")] = "state"
    luks_uuid: LuksUuid


class Seal(ContractModel):
    """What was approved at provisioning. A box that differs starts no PHI service."""

    schema_version: Literal["seal/v1"] = "seal/v1"
    site: Annotated[str, Field(min_length=1, max_length=63)]
    sealed_at: datetime
    usr_root_hash: Annotated[Sha256Hex, Field(description="dm-verity root hash of /usr.")]
    ruleset_digest: Annotated[Sha256Hex, Field(description="Digest of the live nftables rules; see ruleset.py.")]
    state_volume: SealedVolume
    root_luks_uuid: LuksUuid | None = None
    model: SealedModel
