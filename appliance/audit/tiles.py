"""Reading the log's files: tiles, bundles of entries and what stands for a partial one."""

from collections import OrderedDict
from pathlib import Path

from appliance.audit import journal
from appliance.audit.errors import LogDamagedError, LogUnreadableError
from appliance.audit.layout import JOURNAL, TILE_WIDTH, decode_bundle, decode_tile, tile_path
from appliance.audit.merkle import HASH_BYTES, complete_root, leaf_hash

# A full bundle of the largest entries.
MAX_FILE_BYTES = TILE_WIDTH * (2 + 0xFFFF)
_HINT = "restore the log from its copy, and find out who changed it"


def read_file(path: Path, limit: int = MAX_FILE_BYTES) -> bytes | None:
    """The content; None where there is no such file. Raises LogUnreadableError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LogUnreadableError(f"{path}: {error.strerror}", hint="run as the log's owner; check the disk") from None
    if len(data) > limit:
        raise LogDamagedError(f"{path}: larger than the {limit} bytes that are possible", hint=_HINT)
    return data


class TileStore:
    """The files of one log directory, read only. Damaged or missing files raise LogDamagedError."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Proofs walk the same few tiles again; 64 of them are half a megabyte.
        self._cache: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def bundle(self, number: int, width: int = TILE_WIDTH) -> list[bytes]:
        """The first `width` entries of a bundle: from the full one, the partial one or the journal."""
        for wide in dict.fromkeys((TILE_WIDTH, width)):
            path = tile_path(None, number, wide)
            data = read_file(self.directory / path)
            if data is None:
                continue
            try:
                entries = decode_bundle(data)
            except ValueError as error:
                raise LogDamagedError(f"{path}: {error}", hint=_HINT) from None
            if len(entries) != wide:
                raise LogDamagedError(f"{path}: {len(entries)} entries, not {wide}", hint=_HINT)
            return entries[:width]
        waiting = self._from_journal(number, width)
        if waiting is None:
            start = number * TILE_WIDTH
            raise LogDamagedError(f"entries {start} to {start + width - 1} are missing: cut off or deleted", hint=_HINT)
        return waiting

    def _from_journal(self, number: int, width: int) -> list[bytes] | None:
        data = read_file(self.directory / JOURNAL, journal.MAX_BYTES)
        try:
            if data is None or journal.bundle_of(data) != number:
                return None
        except journal.JournalError:
            return None
        return journal.first_entries(data, width)

    def stored(self, level: int, number: int, width: int = TILE_WIDTH) -> list[bytes] | None:
        """The first `width` hashes as a tile's file has them; None where there is no file."""
        for wide in dict.fromkeys((TILE_WIDTH, width)):
            path = tile_path(level, number, wide)
            data = read_file(self.directory / path, TILE_WIDTH * HASH_BYTES)
            if data is not None:
                try:
                    return decode_tile(data, wide)[:width]
                except ValueError as error:
                    raise LogDamagedError(f"{path}: {error}", hint=_HINT) from None
        return None

    def hashes(self, level: int, number: int, width: int = TILE_WIDTH) -> list[bytes]:
        """The first `width` hashes of a tile, computed from what is below where its file is not there."""
        cached = self._cache.get((level, number))
        if cached is not None:
            self._cache.move_to_end((level, number))
            return cached[:width]
        found = self.stored(level, number, width)
        if found is None:
            if level == 0:
                found = [leaf_hash(entry) for entry in self.bundle(number, width)]
            else:
                first = number * TILE_WIDTH
                found = [complete_root(self.hashes(level - 1, first + i)) for i in range(width)]
        if width == TILE_WIDTH:
            self._cache[level, number] = found
            if len(self._cache) > 64:
                self._cache.popitem(last=False)
        return found

    def node(self, height: int, index: int) -> bytes:
        """A complete subtree's hash: a NodeReader of merkle.py."""
        level, number, offset, count = place(height, index)
        return complete_root(self.hashes(level, number, offset + count)[offset:])


def place(height: int, index: int) -> tuple[int, int, int, int]:
    """Where a node's parts stand: level and number of a tile, the first hash in it, and how many."""
    level, within = divmod(height, 8)
    first = index << within
    return level, first // TILE_WIDTH, first % TILE_WIDTH, 1 << within
