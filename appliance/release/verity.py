"""Proves in user space that the blocks of an image give its dm-verity root hash, as the kernel will demand of each.

Format: kernel, Documentation/admin-guide/device-mapper/verity.rst, and cryptsetup's DMVerity page; version 1.
`veritysetup verify` cannot be asked: data and tree are partitions of one file, and it takes no offset for the data.
Working on the descriptor that was hashed, nothing can be exchanged in between.
"""

import hashlib
import os
import struct

from appliance.release.gpt import Extent, Layout, broken

_SUPERBLOCK = struct.Struct("<8sII16s32sIIQH6x256s168x")
_MAX_BLOCK = 65536
_PIECE = 4 << 20


class _Tree:
    """The superblock and the levels behind it, from the top down."""

    def __init__(self, descriptor: int, hashes: Extent, data: Extent) -> None:
        raw = os.pread(descriptor, _SUPERBLOCK.size, hashes.start)
        if len(raw) < _SUPERBLOCK.size:
            raise broken("its hash tree is cut off")
        magic, version, kind, _, algorithm, data_block, hash_block, blocks, salt_size, salt = _SUPERBLOCK.unpack(raw)
        if (magic, version, kind, algorithm.rstrip(b"\0")) != (b"verity\0\0", 1, 1, b"sha256"):
            raise broken("its hash tree is no dm-verity tree of version 1 with sha256")
        for size in (data_block, hash_block):
            if not 512 <= size <= _MAX_BLOCK or size & (size - 1):
                raise broken(f"its hash tree has blocks of {size} bytes")
        # One block alone has no tree. What lies behind the last block that is covered is not part of the device.
        if salt_size > 256 or blocks < 2 or blocks * data_block > data.size:
            raise broken(f"its hash tree covers {blocks} blocks, with {salt_size} bytes of salt")
        self.data_block, self.hash_block = data_block, hash_block
        self.seed = hashlib.sha256(salt[:salt_size])
        # Level 0 is nearest to the data and lies last.
        self.counts = [blocks]
        while self.counts[-1] > 1:
            self.counts.append(-(-self.counts[-1] // (hash_block // 32)))
        self.offsets: dict[int, int] = {}
        at = hashes.start + -(-_SUPERBLOCK.size // hash_block) * hash_block
        for level in range(len(self.counts) - 1, 0, -1):
            self.offsets[level], at = at, at + self.counts[level] * hash_block
        if at > hashes.start + hashes.size:
            raise broken("its hash tree is cut off")
        self.used = at

    def digest(self, block: bytes | memoryview) -> bytes:
        found = self.seed.copy()
        found.update(block)
        return found.digest()


def proven_root_hash(descriptor: int, layout: Layout) -> str:
    """Return the root hash that data and tree give. Raises NotVerifiedError where a block differs from the tree."""
    tree = _Tree(descriptor, layout.hashes, layout.data)
    counts, offsets = tree.counts, tree.offsets
    source, block, places = layout.data.start, tree.data_block, counts[0]
    for level in range(1, len(counts)):
        _compare(descriptor, tree, (source, block, places), (offsets[level], counts[level]), level)
        source, block, places = offsets[level], tree.hash_block, counts[level]
    return tree.digest(os.pread(descriptor, tree.hash_block, source)).hex()


def used_extents(descriptor: int, layout: Layout) -> tuple[Extent, Extent]:
    """Data and hash tree without what lies behind them in their partitions. Nothing is proven. NotVerifiedError."""
    tree = _Tree(descriptor, layout.hashes, layout.data)
    data = Extent(layout.data.start, tree.counts[0] * tree.data_block)
    return data, Extent(layout.hashes.start, tree.used - layout.hashes.start)


def _compare(descriptor: int, tree: _Tree, below: tuple[int, int, int], level: tuple[int, int], number: int) -> None:
    """Hash all blocks below a level, and compare with what the level says."""
    source, block, places = below
    offset, count = level
    each = tree.hash_block // 32
    for index in range(count):
        wanted = os.pread(descriptor, tree.hash_block, offset + index * tree.hash_block)
        first, last = index * each, min((index + 1) * each, places)
        digests = bytearray()
        while first < last:
            take = min(last - first, max(1, _PIECE // block))
            piece = memoryview(os.pread(descriptor, take * block, source + first * block))
            if len(piece) != take * block:
                raise broken("it is cut off")
            for at in range(0, len(piece), block):
                digests += tree.digest(piece[at : at + block])
            first += take
        if bytes(digests.ljust(tree.hash_block, b"\0")) != wanted:
            what = "data" if number == 1 else "hash"
            raise broken(f"{what} blocks {index * each} to {last - 1} are not what its hash tree says")
