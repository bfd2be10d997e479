"""The stored entries of a log as they lie there, from the first to the newest; verified before any is handed out."""

from collections.abc import Iterator
from pathlib import Path

from appliance.audit.layout import TILE_WIDTH
from appliance.audit.shown import recorded_key
from appliance.audit.tiles import TileStore
from appliance.audit.verify import verify


def stored_entries(directory: Path) -> Iterator[bytes]:
    """Every entry that is acknowledged now, as canonical JSON, in order. A writer may go on meanwhile.

    Raises LogDamagedError, LogUnreadableError, and UsageError when there is no log.
    """
    size = verify(directory, recorded_key(directory)).newest.size
    store = TileStore(directory)
    for number in range(-(-size // TILE_WIDTH)):
        yield from store.bundle(number, min(TILE_WIDTH, size - number * TILE_WIDTH))
