"""Weights for small model images, and what a kernel with dm-verity would see of an image.

The images are packed by tests/fakes/releases.py. The kernel here has no device mapper, so what a simulated service
"mounts" is verified by `verified_root_hash` in this process, block by block: a changed byte of data, tree or table is
seen as the kernel would see it, at the start. It shares no code with the box's own verification, which it judges.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from pathlib import Path

from fleetctl.errors import VerificationError
from fleetctl.image.gpt import ROOT, ROOT_VERITY, read_partitions

_BLOCK = 4096
_DIGESTS_A_BLOCK = _BLOCK // 32


class CorruptImageError(ValueError):
    """The bytes of an image do not fit its own root hash."""


def weights(task: str, seed: int, *, size_bytes: int = 1 << 20, changed: float = 0.0) -> dict[str, bytes]:
    """Files like those of a model of that task, without meaning. With `changed`, that share of their 4 KiB blocks
    differs from those of the same seed: what a fine-tune of the same architecture looks like to a transfer.
    """
    dice = random.Random(f"{task} {seed}")  # noqa: S311 (no secret)
    body = bytearray(dice.randbytes(size_bytes))
    for start in range(0, size_bytes, _BLOCK):
        if dice.random() < changed:
            body[start : start + 64] = dice.randbytes(64)
    if task == "drafting":
        return {"model.gguf": b"GGUF" + struct.pack("<I", 3) + bytes(body)}
    return {
        "model.bin": bytes(body),
        "config.json": json.dumps({"model_type": "simulated", "seed": seed}).encode(),
        "tokenizer.json": b'{"version": "1.0"}',
        "vocabulary.json": b'["a", "b"]',
    }


def verified_root_hash(path: Path) -> str:
    """The root hash that every block of the image fits, computed from the data. Raises CorruptImageError, OSError.

    The hash tree is dm-verity's (kernel, Documentation/admin-guide/device-mapper/verity.rst, version 1: salt first).
    """
    try:
        found = {partition.kind: partition for partition in read_partitions(path)}
        data, hashes = found[ROOT], found[ROOT_VERITY]
    except KeyError as problem:
        raise CorruptImageError(f"{path.name}: no partition of type {problem}") from None
    except (VerificationError, struct.error) as problem:
        raise CorruptImageError(f"{path.name}: {problem}") from None
    with path.open("rb") as file:
        file.seek(hashes.offset_bytes)
        superblock = file.read(512)
        if len(superblock) < 512 or superblock[:8] != b"verity\0\0":
            raise CorruptImageError(f"{path.name}: its hash partition has no verity superblock")
        block_bytes, count, salt_bytes = struct.unpack_from("<IQH", superblock, 68)
        if block_bytes != _BLOCK or count * _BLOCK > data.size_bytes:
            raise CorruptImageError(f"{path.name}: its hash tree covers {count} blocks of {block_bytes} bytes")
        salt = superblock[88 : 88 + salt_bytes]
        file.seek(data.offset_bytes)
        level = [_digest(salt, file.read(_BLOCK)) for _ in range(count)]
        levels: list[bytes] = []
        while len(level) > 1 or not levels:
            blocks = [
                b"".join(level[start : start + _DIGESTS_A_BLOCK]).ljust(_BLOCK, b"\0")
                for start in range(0, len(level), _DIGESTS_A_BLOCK)
            ]
            levels.append(b"".join(blocks))
            level = [_digest(salt, block) for block in blocks]
        # The levels lie from the top down behind the superblock.
        file.seek(hashes.offset_bytes + _BLOCK)
        tree = file.read(sum(map(len, levels)))
    if tree != b"".join(reversed(levels)):
        raise CorruptImageError(f"{path.name}: a block does not fit the hash tree")
    named = data.identity.hex + hashes.identity.hex
    if level[0].hex() != named:
        raise CorruptImageError(f"{path.name}: its blocks have root hash {level[0].hex()}, its table says {named}")
    return named


def _digest(salt: bytes, block: bytes) -> bytes:
    return hashlib.sha256(salt + block).digest()
