"""Names and forms of the log's files, as C2SP tlog-tiles has them (c2sp.org/tlog-tiles)."""

from pathlib import PurePosixPath

from appliance.audit.merkle import HASH_BYTES

TILE_WIDTH = 256
TILE_HEIGHT = 8

CHECKPOINT = "checkpoint"
HEAD = "head"
JOURNAL = "journal"
LOCK = "lock"
VERIFIER_KEY = "verifier-key"


def _grouped(index: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def tile_path(level: int | None, index: int, width: int = TILE_WIDTH) -> PurePosixPath:
    """Of a tile of hashes, or with `level` None of a bundle of entries; a narrower one is partial."""
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"no tile {index} of width {width}")
    kind = "entries" if level is None else str(level)
    return PurePosixPath("tile", kind, _grouped(index) + ("" if width == TILE_WIDTH else f".p/{width}"))


def partial_directory(level: int | None, index: int) -> PurePosixPath:
    """Where the partial forms of one tile lie."""
    return tile_path(level, index, 1).parent


def encode_bundle(entries: list[bytes]) -> bytes:
    """Each entry after its length as a big-endian uint16."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, *, limit: int = TILE_WIDTH) -> list[bytes]:
    """The entries. Raises ValueError where the lengths do not fit the bytes, or for more than `limit` entries."""
    entries: list[bytes] = []
    position, end = 0, len(data)
    while position < end:
        start = position + 2
        position = start + int.from_bytes(data[position:start], "big")
        if position > end or start > end:
            raise ValueError(f"entry {len(entries)} of the bundle is cut off")
        if len(entries) == limit:
            raise ValueError(f"more than {limit} entries in a bundle")
        entries.append(data[start:position])
    return entries


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes. Raises ValueError for another number of bytes than `width` hashes have."""
    if len(data) != width * HASH_BYTES:
        raise ValueError(f"{len(data)} bytes, {width} hashes have {width * HASH_BYTES}")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
