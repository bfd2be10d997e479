"""Key slots and TPM bindings of a LUKS2 volume, read from its header on the disk. Needs root; no key is read.

The format: LUKS2 On-Disk Format Specification 1.1.4 (cryptsetup project), sections 2.1 and 3; names in the tokens:
systemd's src/shared/tpm2-util.c (tpm2_make_luks2_json).
"""

import json
import struct
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from appliance.facts.reading import UnreadableError

_MAGIC = b"LUKS\xba\xbe"
_BINARY = struct.Struct(">6sHQQ48s32s64s40s48sQ184s64s")
_CHECKSUM_AT, _CHECKSUM_BYTES = 448, 64
_JSON_AT = 4096
# The largest header that the format allows.
_MAX_HEADER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Slot:
    """One key slot. `kind` is `tpm2` or `recovery` where a systemd token names it, else `passphrase`."""

    number: int
    kind: str


@dataclass(frozen=True)
class Binding:
    """PCRs by value, and PCRs by a signed policy."""

    pcrs: tuple[int, ...]
    signed_pcrs: tuple[int, ...]
    bank: str


@dataclass(frozen=True)
class Header:
    """What of a header is no secret."""

    uuid: str
    slots: tuple[Slot, ...]
    tpm: tuple[Binding, ...]


def parse_header(data: bytes) -> Header:
    """Parse the primary header, with its checksum. Raises UnreadableError."""
    if len(data) < _JSON_AT:
        raise UnreadableError("a LUKS2 header is longer")
    magic, version, size, _, _, kind, _, uuid, *_ = _BINARY.unpack_from(data)
    if magic != _MAGIC or version != 2:
        raise UnreadableError("no LUKS2 header")
    if not _JSON_AT < size <= min(len(data), _MAX_HEADER_BYTES):
        raise UnreadableError(f"a LUKS2 header that calls itself {size} bytes long")
    if kind.rstrip(b"\0") != b"sha256":
        raise UnreadableError("a LUKS2 header with another checksum than SHA-256")
    blank = data[:_CHECKSUM_AT] + bytes(_CHECKSUM_BYTES) + data[_CHECKSUM_AT + _CHECKSUM_BYTES : size]
    if data[_CHECKSUM_AT : _CHECKSUM_AT + 32] != sha256(blank).digest():
        raise UnreadableError("the LUKS2 header's checksum does not match: it is damaged")
    try:
        metadata = json.loads(data[_JSON_AT:size].split(b"\0", 1)[0])
        return _header(uuid.split(b"\0", 1)[0].decode("ascii"), metadata)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(f"LUKS2 metadata is not understood ({type(error).__name__})") from None


def _header(uuid: str, metadata: dict[str, Any]) -> Header:
    tokens = list(metadata["tokens"].values())
    kinds = {"systemd-tpm2": "tpm2", "systemd-recovery": "recovery"}
    named = {slot: kinds.get(token["type"], str(token["type"])) for token in tokens for slot in token["keyslots"]}
    slots = (Slot(int(number), named.get(number, "passphrase")) for number in sorted(metadata["keyslots"], key=int))
    tpm = (
        Binding(
            tuple(token["tpm2-pcrs"]), tuple(token.get("tpm2_pubkey_pcrs", ())), str(token.get("tpm2-pcr-bank", ""))
        )
        for token in tokens
        if token["type"] == "systemd-tpm2"
    )
    return Header(uuid, tuple(slots), tuple(tpm))


def read_header(device: Path) -> Header:
    """Read the header of a block device."""
    try:
        with device.open("rb", buffering=0) as file:
            first = file.read(_JSON_AT)
            size = min(_BINARY.unpack_from(first)[2], _MAX_HEADER_BYTES) if len(first) == _JSON_AT else 0
            rest = b""
            while len(first) + len(rest) < size and (piece := file.read(size - len(first) - len(rest))):
                rest += piece
    except OSError as error:
        raise UnreadableError(f"{device}: {error.strerror}") from None
    return parse_header(first + rest)
