"""The root hash is read from the partition table and must agree with the signed one."""

from __future__ import annotations

import json
import struct
import uuid
from pathlib import Path

import pytest

from fleetctl.errors import VerificationError
from fleetctl.image import gpt

ROOT_HASH = "46660b8d6d462c9e992c5bc502164b32544b01cca5e531eb51917b028c482780"


def image(path: Path, *, signed: str = ROOT_HASH, kinds: tuple[uuid.UUID, ...] | None = None) -> Path:
    """A disk image of 3 one-sector partitions after a table of 4 entries, as the specification lays it out."""
    kinds = kinds or (gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG)
    identities = (uuid.UUID(hex=ROOT_HASH[:32]), uuid.UUID(hex=ROOT_HASH[32:]), uuid.UUID(int=7))
    header = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, 9, 3, 8, bytes(16), 2, 4, 128, 0)
    table = b"".join(
        struct.pack("<16s16sQQQ72s", kind.bytes_le, identity.bytes_le, 3 + n, 3 + n, 0, "model".encode("utf-16-le"))
        for n, (kind, identity) in enumerate(zip(kinds, identities, strict=True))
    )
    signature = json.dumps({"rootHash": signed, "signature": "AA=="}).encode()
    sectors = [bytes(512), header, table.ljust(512, b"\0"), b"data", b"hash", signature]
    path.write_bytes(b"".join(sector.ljust(512, b"\0") for sector in sectors))
    return path


def test_partitions_are_read(tmp_path: Path) -> None:
    partitions = gpt.read_partitions(image(tmp_path / "i"))
    assert [p.kind for p in partitions] == [gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG]
    assert partitions[2] == gpt.Partition(gpt.ROOT_VERITY_SIG, uuid.UUID(int=7), "model", 5 * 512, 512)


def test_root_hash_stands_in_two_places(tmp_path: Path) -> None:
    path = image(tmp_path / "i")
    assert gpt.verity_root_hash(path, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG) == ROOT_HASH


def test_disagreement_is_refused(tmp_path: Path) -> None:
    path = image(tmp_path / "i", signed="0" * 64)
    with pytest.raises(VerificationError, match="its signature 0000"):
        gpt.verity_root_hash(path, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG)


def test_missing_partition_is_refused(tmp_path: Path) -> None:
    path = image(tmp_path / "i", kinds=(gpt.ROOT, gpt.ROOT_VERITY, gpt.USR))
    with pytest.raises(VerificationError, match=str(gpt.ROOT_VERITY_SIG)):
        gpt.verity_root_hash(path, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG)


@pytest.mark.parametrize("content", [b"", bytes(4096), b"x" * 512 + b"EFI PART" + b"\xff" * 4096])
def test_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "i"
    path.write_bytes(content)
    with pytest.raises(VerificationError):
        gpt.read_partitions(path)
