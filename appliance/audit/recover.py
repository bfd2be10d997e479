"""Opening a log: makes a new one, or brings one back to what was acknowledged, or says why that cannot be.

What a crash can leave, by the order of writing (journal, flush, head, flush, acknowledge; then tiles of a full bundle):

    journal torn behind the head                 never acknowledged: cut
    journal whole behind the head, by one batch  signed, so it stays: the head follows
    a head slot torn                             then its batch is whole in the journal: the head follows
    bundle full, its tiles not all written       written again from the journal
Anything else is damage, and the log stays shut.
"""

from dataclasses import dataclass
from pathlib import Path

from appliance.audit import journal
from appliance.audit.disk import Disk
from appliance.audit.edge import Edge
from appliance.audit.errors import AuditUnavailableError, LogDamagedError
from appliance.audit.head import FILE_BYTES, SLOT_BYTES, Slots, encode_slot, read_slots
from appliance.audit.key import SigningKey
from appliance.audit.layout import CHECKPOINT, HEAD, JOURNAL, TILE_WIDTH, VERIFIER_KEY
from appliance.audit.merkle import EMPTY_ROOT, leaf_hash, range_root
from appliance.audit.note import Checkpoint, NoteError, read_checkpoint
from appliance.audit.publish import publish, seal_bundle
from appliance.audit.tiles import TileStore, read_file

_HINT = "leave the files as they are; appliancectl audit verify says more; restore the log from its copy"


@dataclass
class Opened:
    """A log ready to be written. `cut_bytes` and `recovered_entries` tell what the last crash left."""

    key: SigningKey
    edge: Edge
    head: Checkpoint
    next_slot: int
    journal_end: int
    published: Checkpoint
    cut_bytes: int = 0
    recovered_entries: int = 0


def open_log(directory: Path, key_path: Path, origin: str, disk: Disk) -> Opened:
    """Raises LogDamagedError with what differs and where, AuditUnavailableError, OSError."""
    key = SigningKey.load(key_path, origin)
    if key is None:
        key = _make(directory, key_path, origin, disk)
    head_data = read_file(directory / HEAD, FILE_BYTES)
    if head_data is None:
        raise LogDamagedError(
            f"{directory}: the key has signed a log that is not here any more",
            hint="restore the log; a new log under an old key would contradict what the key has signed",
        )
    slots = read_slots(head_data, key.verifier)
    store = TileStore(directory)
    edge, opened = _replay(directory, key, slots, store, disk)
    opened.published = _published(directory, key, edge, store, opened.head)
    return opened


def _make(directory: Path, key_path: Path, origin: str, disk: Disk) -> SigningKey:
    """A new, empty log. The key comes last: where it is, the log has been."""
    if _holds_entries(directory):
        raise AuditUnavailableError(
            f"{key_path}: the key of this log is missing", hint="restore the key; a log goes on only under its own"
        )
    key = SigningKey.make(origin)
    empty = key.sign(0, EMPTY_ROOT)
    disk.make_directory(key_path.parent)
    disk.replace(directory / VERIFIER_KEY, f"{key.verifier}\n".encode())
    disk.replace(directory / JOURNAL, journal.new_journal(0))
    disk.replace(directory / HEAD, encode_slot(empty.note) * 2)
    publish(disk, directory, Edge(), empty)
    key.store(key_path, disk)
    return key


def _holds_entries(directory: Path) -> bool:
    """Whether there is more here than the beginning of a log whose making was interrupted."""
    checkpoint = read_file(directory / CHECKPOINT, 65536)
    data = read_file(directory / JOURNAL, journal.MAX_BYTES)
    return (
        (directory / "tile").exists()
        or (checkpoint is not None and checkpoint.split(b"\n")[1:2] != [b"0"])
        or (data is not None and any(data[journal.HEADER_BYTES :]))
    )


def _replay(directory: Path, key: SigningKey, slots: Slots, store: TileStore, disk: Disk) -> tuple[Edge, Opened]:
    head = slots.newest
    data = read_file(directory / JOURNAL, journal.MAX_BYTES)
    if data is None:
        raise LogDamagedError("journal: missing", hint=_HINT)
    try:
        bundle = journal.bundle_of(data)
    except journal.JournalError as error:
        raise LogDamagedError(f"journal: {error}", hint=_HINT) from None
    start = bundle * TILE_WIDTH
    if not start <= head.size <= start + TILE_WIDTH:
        raise LogDamagedError(f"the journal begins at entry {start}, the head says {head.size} entries", hint=_HINT)
    edge = Edge.of_full_bundles(store, bundle)
    opened = Opened(key, edge, head, slots.next_slot, journal.HEADER_BYTES, head)
    pending: list[bytes] = []
    behind: journal.Record | None = None
    for record in journal.records(data):
        if start + len(pending) == head.size:
            behind = record
            break
        pending += record.entries
        opened.journal_end = record.end
    at = f"journal: byte {opened.journal_end}, entry {start + len(pending)}"
    if start + len(pending) != head.size:
        raise LogDamagedError(f"{at}: no whole record, but the head says {head.size} entries", hint=_HINT)
    leaves = [leaf_hash(entry) for entry in pending]
    if edge.root_with(leaves) != head.root:
        raise LogDamagedError(
            f"the tiles up to entry {start} and the journal do not lead to the root signed for {head.size} entries",
            hint=_HINT,
        )
    if behind is not None:
        more = [leaf_hash(entry) for entry in behind.entries]
        opened.head = _signed_in_journal(key, behind, head.size + len(more), edge.root_with([*leaves, *more]), at)
        pending, leaves = [*pending, *behind.entries], [*leaves, *more]
        opened.journal_end, opened.recovered_entries = behind.end, len(more)
        if any(data[behind.end :]):
            raise LogDamagedError("head: older than the journal by more than one batch: rolled back", hint=_HINT)
    elif slots.other_torn:
        raise LogDamagedError(
            f"head: slot {slots.next_slot} is damaged, and the journal has no batch behind entry {head.size}: "
            "entries that were acknowledged may be gone",
            hint=_HINT,
        )
    if len(pending) > TILE_WIDTH:
        raise LogDamagedError(f"{at}: more than {TILE_WIDTH} entries", hint=_HINT)
    _repair(directory, data, opened, disk, slots)
    full = edge.full_tiles_with(leaves)
    if full:
        seal_bundle(disk, directory, pending, full)
        opened.journal_end = journal.HEADER_BYTES
    edge.add(pending, leaves)
    return edge, opened


def _signed_in_journal(key: SigningKey, record: journal.Record, size: int, root: bytes, at: str) -> Checkpoint:
    try:
        signed = read_checkpoint(record.note, key.verifier)
    except NoteError as error:
        raise LogDamagedError(f"{at}: {error}", hint=_HINT) from None
    if (signed.size, signed.root) != (size, root):
        raise LogDamagedError(f"{at}: the batch does not lead to the checkpoint beside it", hint=_HINT)
    return signed


def _repair(directory: Path, data: bytes, opened: Opened, disk: Disk, slots: Slots) -> None:
    """Let the head follow the journal, and make what lies behind the journal's last batch zeros again."""
    if opened.recovered_entries:
        descriptor = disk.open(directory / HEAD)
        try:
            disk.write_at(descriptor, encode_slot(opened.head.note), slots.next_slot * SLOT_BYTES)
            disk.sync(descriptor)
        finally:
            disk.close(descriptor)
        opened.next_slot = slots.slot
    if torn := data[opened.journal_end :].rstrip(b"\0"):
        opened.cut_bytes = len(torn)
        kept = data[: opened.journal_end]
        disk.replace(directory / JOURNAL, kept.ljust(max(journal.INITIAL_BYTES, len(data)), b"\0"))


def _published(directory: Path, key: SigningKey, edge: Edge, store: TileStore, head: Checkpoint) -> Checkpoint:
    data = read_file(directory / CHECKPOINT, 65536)
    if data is None:
        raise LogDamagedError("checkpoint: missing", hint=_HINT)
    try:
        published = read_checkpoint(data.decode("utf-8", "replace"), key.verifier)
    except NoteError as error:
        raise LogDamagedError(f"checkpoint: {error}", hint=_HINT) from None
    if published.size > head.size:
        raise LogDamagedError(
            f"the published checkpoint has {published.size} entries, the head {head.size}: rolled back", hint=_HINT
        )
    root = range_root(lambda height, index: edge.node(store, height, index), 0, published.size)
    if root != published.root:
        raise LogDamagedError(f"the first {published.size} entries are not those that were published", hint=_HINT)
    return published
