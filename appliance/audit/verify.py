"""Checks a whole log on the disk, in one pass and bounded memory; a writer may go on meanwhile."""

from dataclasses import dataclass
from pathlib import Path

from appliance.audit.errors import LogDamagedError
from appliance.audit.head import FILE_BYTES, read_slots
from appliance.audit.layout import CHECKPOINT, HEAD, TILE_WIDTH, tile_path
from appliance.audit.merkle import EMPTY_ROOT, Frontier, complete_root, leaf_hash
from appliance.audit.note import MAX_NOTE_BYTES, Checkpoint, NoteError, VerifierKey, read_checkpoint
from appliance.audit.tiles import TileStore, read_file

_HINT = "keep the disk as it is; compare with a copy and with checkpoints that were kept elsewhere"


@dataclass(frozen=True)
class Verified:
    """What holds: every entry below `newest.size` is the one that was signed."""

    newest: Checkpoint
    published: Checkpoint
    against: Checkpoint | None


def heads(directory: Path, key: VerifierKey) -> tuple[Checkpoint, Checkpoint]:
    """The newest signed head and the published checkpoint. Raises LogDamagedError, LogUnreadableError."""
    data = read_file(directory / CHECKPOINT, MAX_NOTE_BYTES)
    if data is None:
        raise LogDamagedError(f"{directory}: no checkpoint: no log, or cut off", hint="give the log's directory")
    published = signed(data.decode("utf-8", "replace"), key, CHECKPOINT)
    head = read_file(directory / HEAD, FILE_BYTES)
    if head is None:
        return published, published
    newest = read_slots(head, key).newest
    if newest.size < published.size:
        # A writer may have published between the two readings.
        newest = read_slots(read_file(directory / HEAD, FILE_BYTES) or b"", key).newest
    if newest.size < published.size:
        raise LogDamagedError(
            f"the head has {newest.size} entries, the published checkpoint {published.size}: the head was rolled back",
            hint=_HINT,
        )
    return newest, published


def signed(note: str, key: VerifierKey, where: str) -> Checkpoint:
    """The checkpoint, or LogDamagedError naming `where`."""
    try:
        return read_checkpoint(note, key)
    except NoteError as error:
        raise LogDamagedError(f"{where}: {error}", hint="check the key; if it is right, this is forged") from None


def verify(directory: Path, key: VerifierKey, against: Checkpoint | None = None) -> Verified:
    """Hash every entry and compare with tiles, heads and `against`. Raises LogDamagedError, LogUnreadableError."""
    newest, published = heads(directory, key)
    if against and against.size > newest.size:
        raise LogDamagedError(
            f"rolled back: {against.size} entries were signed, {newest.size} are here; entries {newest.size} to "
            f"{against.size - 1} are missing",
            hint=_HINT,
        )
    wanted = {published.size: (published, CHECKPOINT), newest.size: (newest, HEAD)}
    _Pass(directory, newest.size, published.size).run(
        [(head.size, head.root, name) for head, name in wanted.values()]
        + ([(published.size, published.root, CHECKPOINT)] if published.size == newest.size else [])
        + ([(against.size, against.root, "the checkpoint to compare with")] if against else [])
    )
    return Verified(newest, published, against)


class _Pass:
    """One reading of the log from the first entry to the last."""

    def __init__(self, directory: Path, size: int, published: int) -> None:
        self._store = TileStore(directory)
        self._size, self._published = size, published
        self._frontier = Frontier()
        self._rows: list[list[bytes]] = []

    def run(self, roots: list[tuple[int, bytes, str]]) -> None:
        for size, root, name in roots:
            if size == 0:
                self._compare(0, EMPTY_ROOT, root, name)
        for number in range(-(-self._size // TILE_WIDTH)):
            start = number * TILE_WIDTH
            width = min(TILE_WIDTH, self._size - start)
            leaves = [leaf_hash(entry) for entry in self._store.bundle(number, width)]
            self._tile(0, number, leaves)
            self._partial(number, leaves)
            for size, root, name in roots:
                if start < size <= start + width:
                    grown = self._frontier.copy()
                    for leaf in leaves[: size - start]:
                        grown.push(leaf)
                    self._compare(size, grown.root(), root, name)
            if width == TILE_WIDTH:
                self._carry(1, number, complete_root(leaves))
        self._upper_partials()

    @staticmethod
    def _compare(size: int, found: bytes, wanted: bytes, name: str) -> None:
        if found != wanted:
            raise LogDamagedError(
                f"another history: the first {size} entries do not lead to the root that {name} has for {size}",
                hint=_HINT,
            )

    def _carry(self, level: int, index: int, value: bytes) -> None:
        """Take a full tile's root into the level above."""
        if level == 1:
            self._frontier.push(value, 8)
        if len(self._rows) < level:
            self._rows.append([])
        row = self._rows[level - 1]
        row.append(value)
        if len(row) == TILE_WIDTH:
            self._tile(level, index // TILE_WIDTH, row)
            self._rows[level - 1] = []
            self._carry(level + 1, index // TILE_WIDTH, complete_root(row))

    def _tile(self, level: int, number: int, computed: list[bytes]) -> None:
        """Compare with the tile's file; only a full tile has to have one here."""
        stored = self._store.stored(level, number, len(computed))
        if stored is None:
            if len(computed) == TILE_WIDTH:
                # A writer that was stopped before it wrote the tile; it will when it opens the log.
                if (number + 1) * TILE_WIDTH ** (level + 1) == self._size != self._published:
                    return
                raise LogDamagedError(f"{tile_path(level, number)}: missing", hint=_HINT)
            return
        self._same(level, number, computed, stored)

    @staticmethod
    def _same(level: int, number: int, computed: list[bytes], stored: list[bytes]) -> None:
        for offset, (ours, theirs) in enumerate(zip(computed, stored, strict=True)):
            if ours != theirs:
                index = number * TILE_WIDTH + offset
                each = TILE_WIDTH**level
                what = f"entry {index}" if level == 0 else f"entries {index * each} to {(index + 1) * each - 1}"
                raise LogDamagedError(
                    f"{what}: not what {tile_path(level, number)} has a hash of; one of the two was changed", hint=_HINT
                )

    def _partial(self, number: int, leaves: list[bytes]) -> None:
        """The published partial bundle and tile, where the newest head is already further."""
        width = self._published - number * TILE_WIDTH
        if not 0 < width < min(TILE_WIDTH, len(leaves) + 1):
            return
        entries = [leaf_hash(entry) for entry in self._store.bundle(number, width)]
        self._same(0, number, entries, leaves[:width])
        stored = self._store.stored(0, number, width)
        if stored is None:
            raise LogDamagedError(f"{tile_path(0, number, width)}: missing", hint=_HINT)
        self._same(0, number, leaves[:width], stored)

    def _upper_partials(self) -> None:
        for level, row in enumerate(self._rows, start=1):
            width = self._published // TILE_WIDTH**level % TILE_WIDTH
            number = self._published // TILE_WIDTH ** (level + 1)
            if not width or number != self._size // TILE_WIDTH ** (level + 1):
                continue
            stored = self._store.stored(level, number, width)
            if stored is None:
                raise LogDamagedError(f"{tile_path(level, number, width)}: missing", hint=_HINT)
            self._same(level, number, row[:width], stored)
