"""Merkle trees of RFC 6962: hashes, roots, proofs and their verification."""

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
# RFC 6962, 2.1: the root of no entries at all.
EMPTY_ROOT = hashlib.sha256(b"").digest()
# Sizes and indices are 64-bit numbers wherever trees are exchanged.
MAX_SIZE = 2**63 - 1

NodeReader = Callable[[int, int], bytes]
"""(height, index) to the hash of the complete subtree over the leaves [index << height, (index + 1) << height)."""


class ProofError(ValueError):
    """A proof does not prove what it claims; the text says which."""


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962, 2.1: a leaf's hash."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962, 2.1: an inner node's hash."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^k sibling hashes."""
    row = list(hashes)
    if not row or len(row) & (len(row) - 1):
        raise ValueError(f"{len(row)} hashes are no complete subtree")
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


class Frontier:
    """The complete subtrees at the right edge of a growing tree: at most one hash a level, so it stays small."""

    def __init__(self, parts: Sequence[tuple[int, bytes]] = ()) -> None:
        self._parts = list(parts)

    def copy(self) -> "Frontier":
        """Another one that grows by itself."""
        return Frontier(self._parts)

    @property
    def size(self) -> int:
        """How many leaves are below it."""
        return sum(1 << height for height, _ in self._parts)

    def push(self, value: bytes, height: int = 0) -> None:
        """Put a complete subtree of 2^height leaves to the right of all others, which are at least as high."""
        if self._parts and self._parts[-1][0] < height:
            raise ValueError("a higher subtree cannot stand to the right of a lower one")
        while self._parts and self._parts[-1][0] == height:
            value = node_hash(self._parts.pop()[1], value)
            height += 1
        self._parts.append((height, value))

    def root(self) -> bytes:
        """The tree's root."""
        if not self._parts:
            return EMPTY_ROOT
        value = self._parts[-1][1]
        for _, left in reversed(self._parts[:-1]):
            value = node_hash(left, value)
        return value


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def range_root(node: NodeReader, start: int, end: int) -> bytes:
    """The root over the leaves [start, end), where the range is one that RFC 6962 splits a tree into."""
    size = end - start
    if size == 0:
        return EMPTY_ROOT
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return node(height, start >> height)
    middle = start + _split(size)
    return node_hash(range_root(node, start, middle), range_root(node, middle, end))


def inclusion_proof(node: NodeReader, index: int, size: int) -> list[bytes]:
    """RFC 6962, 2.1.1: the siblings from the leaf up."""
    if not 0 <= index < size:
        raise ProofError(f"no entry {index} in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(range_root(node, middle, end))
            end = middle
        else:
            proof.append(range_root(node, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(node: NodeReader, old: int, new: int) -> list[bytes]:
    """RFC 6962, 2.1.2: that the tree of `old` leaves is the beginning of the tree of `new`. From 0 there is none."""
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof from {old} to {new} entries")
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(range_root(node, middle, end))
            end = middle
        else:
            proof.append(range_root(node, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(range_root(node, start, end))
    return proof[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162, 2.1.3.2. Raises ProofError."""
    _bounded(leaf, root, *proof)
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(f"no entry {index} in a tree of {size}")
    here, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof is longer than the tree is high")
        if here & 1 or here == last:
            value = node_hash(sibling, value)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise ProofError("the proof is shorter than the tree is high")
    if value != root:
        raise ProofError(f"entry {index} does not lead to the root of the tree of {size}")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162, 2.1.4.2. Raises ProofError."""
    if not 0 < old <= new <= MAX_SIZE:
        raise ProofError(f"no consistency proof from {old} to {new} entries")
    if old == new:
        if proof or old_root != new_root:
            raise ProofError(f"two different trees of {old} entries" if not proof else "the proof should be empty")
        return
    _bounded(old_root, new_root, *proof)
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise ProofError("the proof is empty")
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the proof is longer than the tree is high")
        if here & 1 or here == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise ProofError("the proof is shorter than the tree is high")
    if before != old_root:
        raise ProofError(f"the proof does not lead to the old root, of {old} entries")
    if after != new_root:
        raise ProofError(f"the proof does not lead to the new root, of {new} entries")


def _bounded(*hashes: bytes) -> None:
    if len(hashes) > 130 or any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError("a hash is not of 32 bytes, or there are too many")
