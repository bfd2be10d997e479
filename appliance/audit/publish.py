"""Writing what others read: full tiles and bundles for good, partial ones for the checkpoint that is published."""

from pathlib import Path

from appliance.audit.disk import Disk
from appliance.audit.edge import Edge
from appliance.audit.journal import new_journal
from appliance.audit.layout import CHECKPOINT, JOURNAL, TILE_WIDTH, encode_bundle, partial_directory, tile_path
from appliance.audit.note import Checkpoint


def seal_bundle(disk: Disk, directory: Path, entries: list[bytes], full: list[tuple[int, int, list[bytes]]]) -> None:
    """Write a full bundle, the tiles that it completes, and a journal for the next one, in this order.

    Doing it again after a crash writes the same again.
    """
    number = full[0][1]
    _write(disk, directory / tile_path(None, number), encode_bundle(entries))
    for level, index, hashes in full:
        _write(disk, directory / tile_path(level, index), b"".join(hashes))
    disk.replace(directory / JOURNAL, new_journal(number + 1))
    disk.remove_directory(directory / partial_directory(None, number))
    for level, index, _ in full:
        disk.remove_directory(directory / partial_directory(level, index))


def publish(disk: Disk, directory: Path, edge: Edge, checkpoint: Checkpoint) -> None:
    """Write the partial tiles of a tree, then its checkpoint: who reads the checkpoint finds all that it needs."""
    if edge.entries:
        path = tile_path(None, edge.size // TILE_WIDTH, len(edge.entries))
        _write(disk, directory / path, encode_bundle(edge.entries))
    for level, hashes in enumerate(edge.tiles):
        if hashes:
            number = edge.size // TILE_WIDTH ** (level + 1)
            _write(disk, directory / tile_path(level, number, len(hashes)), b"".join(hashes))
    disk.replace(directory / CHECKPOINT, checkpoint.note.encode())


def _write(disk: Disk, path: Path, data: bytes) -> None:
    disk.make_directory(path.parent)
    disk.replace(path, data)
