"""A whole log, or the proof of one entry, against the key of its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleetctl.auditlog.files import LARGEST_PROOF, WIDTH, LogCopy, ProofFile, name, read, text
from fleetctl.auditlog.notes import PublicKey, TreeHead, read_head
from fleetctl.auditlog.tree import NO_ENTRIES, Growing, check_inclusion, of_entry, of_pair, wrong
from fleetctl.errors import UnreachableError, UsageError


@dataclass(frozen=True)
class Verified:
    """What was proven. `entry` is that of a proof file; a log's entries are too many to carry."""

    head: TreeHead
    entries: int
    against: int | None = None
    index: int | None = None
    entry: bytes | None = None


def verify_path(
    path: Path, log: PublicKey, *, against: str | None = None, witnesses: tuple[PublicKey, ...] = ()
) -> Verified:
    """A directory is a log, a file a proof. Raises VerificationError, UnreachableError, UsageError."""
    older = read_head(against, log) if against is not None else None
    if path.is_dir():
        copy = LogCopy(path)
        head = read_head(copy.checkpoint(), log, witnesses)
        verify_log(copy, head, older)
        return Verified(head, head.size, older.size if older else None)
    data = read(path, LARGEST_PROOF)
    if data is None:
        raise UnreachableError(f"{path}: no such file or directory", hint="give a copy of the log, or a proof file")
    proof = ProofFile.of(text(data))
    head = read_head(proof.checkpoint, log, witnesses)
    check_inclusion(proof.index, head.size, of_entry(proof.entry), proof.path, head.root)
    if older and older.size != head.size:
        raise UsageError(
            f"the proof is under {head.size} entries, the other checkpoint has {older.size}: a proof cannot join them",
            hint="give the copy of the log, or `appliancectl audit prove INDEX --checkpoint FILE`",
        )
    if older and older.root != head.root:
        raise wrong(f"a fork: two different trees of {head.size} entries were signed")
    return Verified(head, 1, older.size if older else None, proof.index, proof.entry)


def verify_log(copy: LogCopy, head: TreeHead, older: TreeHead | None = None) -> None:
    """Hash every entry; each tile, the root, and the root at `older`'s size have to come out. Bounded memory."""
    if older and older.size > head.size:
        raise wrong(
            f"rolled back: {older.size} entries were signed, {head.size} are here: "
            f"entries {head.size} to {older.size - 1} are gone"
        )
    tree, above = Growing(), _Above(copy, head.size)
    wanted = {older.size: older.root} if older else {}
    if wanted.get(0, NO_ENTRIES) != NO_ENTRIES:
        raise wrong("the older checkpoint has a root of no entries that cannot be")
    for number in range(-(-head.size // WIDTH)):
        width = min(WIDTH, head.size - number * WIDTH)
        stored = copy.hashes(0, number, width)
        for offset, entry in enumerate(copy.entries(number, width)):
            leaf = of_entry(entry)
            if leaf != stored[offset]:
                raise wrong(
                    f"entry {number * WIDTH + offset} was changed, or its hash in {name('0', number)} was: they differ"
                )
            tree.add(leaf)
            if tree.size in wanted and tree.root() != wanted[tree.size]:
                raise wrong(f"a fork: the first {tree.size} entries are not those that were signed before")
        if width == WIDTH:
            above.take(stored)
    above.finish()
    if tree.root() != head.root:
        raise wrong(f"the {head.size} entries do not lead to the root that was signed: some entry was changed")


class _Above:
    """The tiles above level 0, each compared with what the full tiles below it hash to."""

    def __init__(self, copy: LogCopy, size: int) -> None:
        self._copy, self._size = copy, size
        self._rows: list[list[bytes]] = []
        self._done: list[int] = []

    def take(self, hashes: list[bytes], level: int = 0) -> None:
        """A full tile of `level` passed by."""
        while len(hashes) > 1:
            hashes = [of_pair(*hashes[i : i + 2]) for i in range(0, len(hashes), 2)]
        if level == len(self._rows):
            self._rows.append([])
            self._done.append(0)
        self._rows[level] += hashes
        if len(self._rows[level]) == WIDTH:
            row = self._compare(level)
            self._done[level] += 1
            self._rows[level] = []
            self.take(row, level + 1)

    def finish(self) -> None:
        """The partial tiles at the right edge."""
        for level, row in enumerate(self._rows):
            if row:
                self._compare(level)

    def _compare(self, below: int) -> list[bytes]:
        row, number = self._rows[below], self._done[below]
        stored = self._copy.hashes(below + 1, number, len(row))
        for offset, (ours, theirs) in enumerate(zip(row, stored, strict=True)):
            if ours != theirs:
                each = WIDTH ** (below + 1)
                first = (number * WIDTH + offset) * each
                raise wrong(
                    f"entries {first} to {first + each - 1} do not hash to what {name(str(below + 1), number)} has: "
                    "they or it were changed"
                )
        return row
