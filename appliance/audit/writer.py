"""Makes batches of entries durable, one after the other. Used by one thread; knows nothing of waiting callers."""

from pathlib import Path

from appliance.audit import journal
from appliance.audit.disk import Disk
from appliance.audit.head import SLOT_BYTES, encode_slot
from appliance.audit.layout import HEAD, JOURNAL, TILE_WIDTH
from appliance.audit.merkle import leaf_hash
from appliance.audit.note import Checkpoint
from appliance.audit.publish import publish, seal_bundle
from appliance.audit.recover import Opened


class Writer:
    """An opened log's files. After any exception nothing is known about them: throw it away and open again."""

    def __init__(self, directory: Path, opened: Opened, disk: Disk) -> None:
        self._directory, self._disk = directory, disk
        self._key = opened.key
        self.verifier_key = opened.key.verifier
        self.edge = opened.edge
        self.head = opened.head
        self.published = opened.published
        self._slot, self._end = opened.next_slot, opened.journal_end
        self._head_file = disk.open(directory / HEAD)
        try:
            self._open_journal()
        except BaseException:
            disk.close(self._head_file)
            raise

    def _open_journal(self) -> None:
        self._journal = self._disk.open(self._directory / JOURNAL)
        self._room = (self._directory / JOURNAL).stat().st_size

    @property
    def room(self) -> int:
        """How many entries the open bundle still takes: the largest batch."""
        return TILE_WIDTH - len(self.edge.entries)

    def commit(self, entries: list[bytes]) -> Checkpoint:
        """Make a batch durable: first the entries with the checkpoint they lead to, then the head.

        The edge is the caller's to grow (`grown`), because others read it meanwhile.
        """
        leaves = [leaf_hash(entry) for entry in entries]
        checkpoint = self._key.sign(self.edge.size + len(entries), self.edge.root_with(leaves))
        record = journal.encode_record(entries, checkpoint.note)
        while self._end + len(record) > self._room:
            self._disk.write_at(self._journal, bytes(journal.GROWTH_BYTES), self._room)
            self._disk.sync(self._journal)
            self._room += journal.GROWTH_BYTES
        self._disk.write_at(self._journal, record, self._end)
        self._disk.sync(self._journal)
        self._end += len(record)
        self._disk.write_at(self._head_file, encode_slot(checkpoint.note), self._slot * SLOT_BYTES)
        self._disk.sync(self._head_file)
        self._slot = 1 - self._slot
        if full := self.edge.full_tiles_with(leaves):
            seal_bundle(self._disk, self._directory, [*self.edge.entries, *entries], full)
            self._disk.close(self._journal)
            self._open_journal()
            self._end = journal.HEADER_BYTES
        return checkpoint

    def grown(self, entries: list[bytes], checkpoint: Checkpoint) -> None:
        """Take a committed batch into the edge."""
        self.edge.add(entries, [leaf_hash(entry) for entry in entries])
        self.head = checkpoint

    def publish(self) -> Checkpoint:
        """Write the head as the checkpoint for others, with its partial tiles."""
        if self.published.size != self.head.size:
            publish(self._disk, self._directory, self.edge, self.head)
            self.published = self.head
        return self.published

    def close(self) -> None:
        """Give the files back."""
        self._disk.close(self._journal)
        self._disk.close(self._head_file)
