"""The part `storage` of the health snapshot: the encrypted state volume, its keys, its array and its drives."""

from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.model import ContractModel
from appliance.contract.part import Name, Part

Count = Annotated[int, Field(ge=0, lt=2**64)]
Pcrs = Annotated[tuple[Annotated[int, Field(ge=0, le=23)], ...], Field(max_length=24)]
# Percent of a rated life, which a drive may pass: NVMe counts up to 255 (NVM Express base specification, SMART log).
Percent = Annotated[int, Field(ge=0, le=255)]


class LuksSlot(ContractModel):
    """One key slot. `kind` is what opens it: a systemd token's `tpm2` or `recovery`, or a `passphrase`."""

    number: Annotated[int, Field(ge=0, le=31)]
    kind: Name


class TpmBinding(ContractModel):
    """What the TPM must show before it gives the key: PCRs by value, and PCRs by a signed policy."""

    pcrs: Pcrs
    signed_pcrs: Pcrs
    bank: Annotated[str, Field(max_length=20)]


class LuksVolume(ContractModel):
    """The LUKS2 header of one volume, without any key material."""

    volume: Name
    uuid: Annotated[str, Field(max_length=40)]
    slots: Annotated[tuple[LuksSlot, ...], Field(max_length=32)]
    tpm: Annotated[tuple[TpmBinding, ...], Field(max_length=8)] = ()


class ArrayMember(ContractModel):
    """One device of the array, in the kernel's words (Documentation/admin-guide/md.rst: in_sync, faulty, spare)."""

    device: Name
    state: Name
    errors: Count


class DriveWear(ContractModel):
    """What a drive says of its own wear; `kind` says by which log. A virtual disk has none, and says so by `kind`."""

    device: Name
    kind: Literal["nvme", "ata", "virtual", "unread"]
    model: Annotated[str, Field(max_length=64)] = ""
    used_percent: Percent | None = None
    spare_percent: Percent | None = None
    spare_threshold_percent: Percent | None = None
    critical_warning: Annotated[int, Field(ge=0, le=255)] | None = None
    media_errors: Annotated[int, Field(ge=0, lt=2**128)] | None = None
    reason: Annotated[str, Field(max_length=300, description="Why it could not be read.")] = ""


class StoragePart(Part):
    """The encrypted state volume and what it stands on."""

    mounted: bool | None = None
    encrypted: bool | None = None
    luks_uuid: Annotated[str, Field(max_length=40)] | None = None
    array_level: Annotated[str, Field(max_length=20)] | None = None
    members_wanted: Annotated[int, Field(ge=0)] | None = None
    members_active: Annotated[int, Field(ge=0)] | None = None
    unencrypted_swap: bool | None = None
    luks: Annotated[tuple[LuksVolume, ...], Field(max_length=8)] = ()
    members: Annotated[tuple[ArrayMember, ...], Field(max_length=64)] = ()
    drives: Annotated[tuple[DriveWear, ...], Field(max_length=64)] = ()
