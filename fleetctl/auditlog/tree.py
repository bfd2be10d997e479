"""RFC 6962 trees from their recursive definition: what a proof has to lead to."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from fleetctl.errors import VerificationError

HASH_SIZE = 32
LARGEST = 2**63 - 1
NO_ENTRIES = sha256().digest()


def wrong(message: str) -> VerificationError:
    """What every failed check here raises."""
    return VerificationError(message, hint="keep what you have; ask for another copy, and compare both")


def of_entry(entry: bytes) -> bytes:
    """MTH({d(0)})."""
    return sha256(b"\0" + entry).digest()


def of_pair(left: bytes, right: bytes) -> bytes:
    """The node above two."""
    return sha256(b"\1" + left + right).digest()


def _largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def _hashes(*values: bytes) -> None:
    if any(len(value) != HASH_SIZE for value in values):
        raise wrong("something is not a hash of 32 bytes")


def check_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """That `leaf` is number `index` of the `size` under `root` (RFC 6962, 2.1.1, read backwards)."""
    if not 0 <= index < size <= LARGEST:
        raise wrong(f"the proof is of entry {index} in a tree of {size} entries")
    _hashes(leaf, root, *path)

    def rebuilt(index: int, size: int, path: Sequence[bytes]) -> bytes:
        if size == 1:
            if path:
                raise wrong("the inclusion proof is too long")
            return leaf
        if not path:
            raise wrong("the inclusion proof is too short")
        k = _largest_power_below(size)
        if index < k:
            return of_pair(rebuilt(index, k, path[:-1]), path[-1])
        return of_pair(path[-1], rebuilt(index - k, size - k, path[:-1]))

    if rebuilt(index, size, path) != root:
        raise wrong(f"entry {index} is not under the root of the {size} entries")


class Growing:
    """The root of a stream of leaves, after any number of them; holds one hash for each bit of the size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf: every trailing one-bit of the size closes a subtree."""
        bits = self.size
        while bits & 1:
            leaf = of_pair(self._peaks.pop(), leaf)
            bits >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Peaks folded from the right."""
        if not self._peaks:
            return NO_ENTRIES
        *left, value = self._peaks
        while left:
            value = of_pair(left.pop(), value)
        return value
