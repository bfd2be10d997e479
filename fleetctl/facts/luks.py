"""LuksFacts: the LUKS volumes of a host with their key slots, tokens and ciphers, from the LUKS2 metadata itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleetctl.facts.base import Completed, Fact, Output, UnreadableError, completed_stdout, for_each

# blkid(8): with -t, 2 means that no device matched.
_NO_DEVICE_MATCHED = 2


@dataclass(frozen=True)
class KeySlot:
    """One key slot. `opened_by` is `tpm2` or `recovery` where a systemd token names the slot, else `passphrase`."""

    number: int
    opened_by: str
    kdf: str
    kdf_memory_kib: int


@dataclass(frozen=True)
class TpmBinding:
    """What the TPM must show before it gives the key: PCRs by value, and PCRs by a signed policy."""

    pcrs: tuple[int, ...]
    signed_pcrs: tuple[int, ...]
    pcr_bank: str
    with_pin: bool


@dataclass(frozen=True)
class LuksVolume:
    device: str
    uuid: str
    cipher: str
    key_bits: int
    slots: tuple[KeySlot, ...]
    tpm: tuple[TpmBinding, ...]


@dataclass(frozen=True)
class LuksFacts:
    volumes: tuple[LuksVolume, ...]

    def with_uuid(self, uuid: str) -> LuksVolume | None:
        return next((volume for volume in self.volumes if volume.uuid == uuid), None)


def parse(outputs: Sequence[Output]) -> LuksFacts:
    headers, uuids = outputs
    if headers.completed.exit_code == _NO_DEVICE_MATCHED and not headers.completed.stdout.strip():
        return LuksFacts(())
    devices = completed_stdout(headers.completed, "blkid").split()
    for output in (headers, uuids):
        if missing := [device for device in devices if device not in output.items]:
            raise UnreadableError(f"no answer for {', '.join(missing)}")
    return LuksFacts(tuple(parse_volume(device, headers.items[device], uuids.items[device]) for device in devices))


def parse_volume(device: str, header: Completed, uuid: Completed) -> LuksVolume:
    """One volume from `cryptsetup luksDump --dump-json-metadata` and `cryptsetup luksUUID`."""
    metadata = json.loads(completed_stdout(header, f"luksDump {device}"))
    segments = [metadata["segments"][key] for key in sorted(metadata["segments"])]
    ciphers = {segment.get("encryption", "none") for segment in segments}
    if len(ciphers) != 1:
        raise UnreadableError(f"{device} has segments with different ciphers")
    tokens = list(metadata["tokens"].values())
    opened_by = {slot: _opened_by(token) for token in tokens for slot in token["keyslots"]}
    slots = tuple(
        _slot(int(number), slot, opened_by.get(number, "passphrase"))
        for number, slot in sorted(metadata["keyslots"].items(), key=lambda pair: int(pair[0]))
    )
    key_bits = {8 * int(slot["key_size"]) for slot in metadata["keyslots"].values() if slot["type"] == "luks2"}
    if len(key_bits) > 1:
        raise UnreadableError(f"{device} has key slots of different sizes")
    return LuksVolume(
        device=device,
        uuid=completed_stdout(uuid, f"luksUUID {device}").strip(),
        cipher=ciphers.pop(),
        key_bits=key_bits.pop() if key_bits else 0,
        slots=slots,
        tpm=tuple(_binding(token) for token in tokens if token["type"] == "systemd-tpm2"),
    )


def _opened_by(token: dict[str, Any]) -> str:
    return {"systemd-tpm2": "tpm2", "systemd-recovery": "recovery"}.get(token["type"], str(token["type"]))


def _slot(number: int, slot: dict[str, Any], opened_by: str) -> KeySlot:
    kdf = slot["kdf"]
    return KeySlot(number, opened_by, str(kdf["type"]), int(kdf.get("memory", 0)))


def _binding(token: dict[str, Any]) -> TpmBinding:
    # Names of the fields: systemd's src/shared/tpm2-util.c (tpm2_make_luks2_json), all with a hyphen or underscore.
    return TpmBinding(
        pcrs=tuple(token["tpm2-pcrs"]),
        signed_pcrs=tuple(token.get("tpm2_pubkey_pcrs", [])),
        pcr_bank=str(token.get("tpm2-pcr-bank", "")),
        with_pin=bool(token.get("tpm2-pin", False)),
    )


_LUKS_DEVICES = ("blkid", "-c", "/dev/null", "-t", "TYPE=crypto_LUKS", "-o", "device")

LUKS = Fact(
    "luks",
    (
        for_each(_LUKS_DEVICES, "cryptsetup", "luksDump", "--dump-json-metadata", "{}"),
        for_each(_LUKS_DEVICES, "cryptsetup", "luksUUID", "{}"),
    ),
    parse,
)
