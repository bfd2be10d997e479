"""A second implementation of consistency proofs, by the recursive definition: it judges the one of the box.

The operator's verifier reads every entry and needs no such proof, so this one is of the tests only.
"""

from __future__ import annotations

from collections.abc import Sequence

from fleetctl.auditlog.tree import LARGEST, _hashes, _largest_power_below, of_pair, wrong


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """That the first `old` of `new` entries have `old_root` (RFC 6962, 2.1.2, read backwards)."""
    if not 0 < old <= new <= LARGEST:
        raise wrong(f"there is no consistency proof from {old} to {new} entries")
    if old != new:
        _hashes(old_root, new_root, *path)

    def rebuilt(m: int, n: int, path: Sequence[bytes], whole: bool) -> tuple[bytes, bytes]:
        """Old and new root of a subtree that holds m old and n new entries."""
        if m == n:
            expected = 0 if whole else 1
            if len(path) != expected:
                raise wrong("the consistency proof has the wrong length")
            return (old_root, old_root) if whole else (path[0], path[0])
        if not path:
            raise wrong("the consistency proof is too short")
        k, rest, last = _largest_power_below(n), path[:-1], path[-1]
        if m <= k:
            before, after = rebuilt(m, k, rest, whole)
            return before, of_pair(after, last)
        before, after = rebuilt(m - k, n - k, rest, False)
        return of_pair(last, before), of_pair(last, after)

    if rebuilt(old, new, path, True) != (old_root, new_root):
        raise wrong(f"the {old} entries seen before are not the beginning of the {new}")
