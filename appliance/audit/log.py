"""The audit log's writer: entries from many threads, one durable order."""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from appliance.audit import merkle
from appliance.audit.canonical import decode, encode
from appliance.audit.disk import Disk
from appliance.audit.errors import AuditUnavailableError, LogInUseError
from appliance.audit.layout import LOCK, TILE_WIDTH
from appliance.audit.note import Checkpoint, NoteError, VerifierKey, check_name
from appliance.audit.recover import open_log
from appliance.audit.tiles import TileStore
from appliance.audit.writer import Writer
from appliance.contract.audit import AuditEntry

# Entries that wait for the disk; more than this is a disk that does not keep up, and memory is bounded (64 MiB).
MAX_WAITING = 4096
# How long an acknowledged entry may be missing in the published checkpoint. Publishing costs about ten flushes.
PUBLISH_INTERVAL_S = 2.0
_REOPEN = "look at the disk, then start the service again: opening the log checks what is there"


@dataclass(frozen=True)
class Receipt:
    """An entry is durable: its index, and a size of the tree, under a signed head on the disk, that includes it."""

    index: int
    tree_size: int


@dataclass(frozen=True)
class LoggedEntry:
    """An entry as it lies in the log. `data` is what was hashed."""

    index: int
    data: bytes

    @property
    def entry(self) -> AuditEntry:
        """Parsed. Raises ValueError when it is no entry of a version known here."""
        return decode(self.data)


class AuditLog:
    """An append-only Merkle log with one writer process. All methods may be called from any thread.

    The first failure of the disk ends it: every append from then on raises AuditUnavailableError, because after a
    failed flush nobody knows what is on the disk. Opening it again finds out.
    """

    def __init__(self, directory: Path, writer: Writer, lock: int, publish_interval_s: float) -> None:
        self._directory, self._writer, self._lock_file = directory, writer, lock
        self._interval_s = publish_interval_s
        self._store = TileStore(directory)
        self._edge_lock = threading.Lock()
        self._wake = threading.Condition()
        self._waiting: deque[tuple[bytes, Future[Receipt]]] = deque()
        self._publishing: list[Future[Checkpoint]] = []
        self._closing = False
        self._failure: str | None = None
        self.recovered_entries = 0
        self.cut_bytes = 0
        self._thread = threading.Thread(target=self._run, name="audit-log", daemon=True)

    @classmethod
    def open(
        cls,
        directory: Path,
        key_path: Path,
        origin: str,
        *,
        disk: Disk | None = None,
        publish_interval_s: float = PUBLISH_INTERVAL_S,
    ) -> "AuditLog":
        """Open the log, or make it with its key where neither is there.

        `origin` names the log in every checkpoint, for instance example.org/north/audit. Raises LogInUseError when
        another process writes it, LogDamagedError when the disk does not hold what was signed, else
        AuditUnavailableError.
        """
        disk = disk or Disk()
        try:
            check_name(origin)
        except NoteError as error:
            raise AuditUnavailableError(f"the log's origin: {error}", hint="such as example.org/north/audit") from None
        lock = -1
        try:
            disk.make_directory(directory)
            lock = _lock(directory / LOCK)
            opened = open_log(directory, key_path, origin, disk)
            log = cls(directory, Writer(directory, opened, disk), lock, publish_interval_s)
        except BaseException as error:
            if lock >= 0:
                os.close(lock)
            if isinstance(error, OSError):
                raise AuditUnavailableError(
                    f"{directory}: the audit log cannot be opened: {error.strerror}", hint=_REOPEN
                ) from None
            raise
        log.recovered_entries, log.cut_bytes = opened.recovered_entries, opened.cut_bytes
        log._thread.start()
        return log

    # Writing

    def append(self, entry: AuditEntry) -> Receipt:
        """Log one decision; returns when it is durable. Raises AuditUnavailableError, EntryRefusedError."""
        return self._submit(encode(entry)).result()

    def checkpoint(self) -> Checkpoint:
        """Publish the newest head with its tiles, and return it. Raises AuditUnavailableError."""
        waiting: Future[Checkpoint] = Future()
        with self._wake:
            self._refuse_when_ended()
            self._publishing.append(waiting)
            self._wake.notify()
        return waiting.result()

    def close(self) -> None:
        """Write what waits, publish, and let the next writer in. Does nothing the second time."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        with self._wake:
            lock, self._lock_file = self._lock_file, -1
        if lock >= 0:
            self._writer.close()
            os.close(lock)

    def __enter__(self) -> "AuditLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Reading

    @property
    def verifier_key(self) -> VerifierKey:
        """The public key that verifies this log's checkpoints."""
        return self._writer.verifier_key

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._writer.head.size

    @property
    def available(self) -> bool:
        """Whether entries are taken."""
        with self._wake:
            return self._failure is None and not self._closing

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """That entry `index` is in the tree of the first `size` entries (RFC 6962, 2.1.1). Raises ValueError."""
        with self._edge_lock:
            self._within(size)
            return merkle.inclusion_proof(self._node, index, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """That the tree of `old` entries is the beginning of that of `new` (RFC 6962, 2.1.2). Raises ValueError."""
        with self._edge_lock:
            self._within(new)
            return merkle.consistency_proof(self._node, old, new)

    def entries(self, start: int, end: int) -> Iterator[LoggedEntry]:
        """The entries [start, end), read bundle by bundle. Raises ValueError beyond what is durable."""
        if not 0 <= start <= end:
            raise ValueError(f"no entries from {start} to {end}")
        with self._edge_lock:
            self._within(end)
        return self._read(start, end)

    def _read(self, start: int, end: int) -> Iterator[LoggedEntry]:
        while start < end:
            number = start // TILE_WIDTH
            with self._edge_lock:
                edge = self._writer.edge
                at_edge = number == edge.size // TILE_WIDTH
                bundle = list(edge.entries) if at_edge else self._store.bundle(number)
            first = number * TILE_WIDTH
            stop = min(end, first + TILE_WIDTH)
            for index in range(start, stop):
                yield LoggedEntry(index, bundle[index - first])
            start = stop

    def _within(self, size: int) -> None:
        if size > self._writer.edge.size:
            raise ValueError(f"the log has {self._writer.edge.size} entries, not {size}")

    def _node(self, height: int, index: int) -> bytes:
        return self._writer.edge.node(self._store, height, index)

    # The thread that writes

    def _submit(self, data: bytes) -> "Future[Receipt]":
        waiting: Future[Receipt] = Future()
        with self._wake:
            self._refuse_when_ended()
            if len(self._waiting) >= MAX_WAITING:
                raise AuditUnavailableError(
                    f"{MAX_WAITING} audit entries wait for the disk", hint="send less at once; look at the disk"
                )
            self._waiting.append((data, waiting))
            self._wake.notify()
        return waiting

    def _refuse_when_ended(self) -> None:
        if self._failure is not None:
            raise AuditUnavailableError(self._failure, hint=_REOPEN)
        if self._closing:
            raise AuditUnavailableError("the audit log is closed", hint="open it again")

    def _run(self) -> None:
        taken: list[tuple[bytes, Future[Receipt]]] = []
        published_s = time.monotonic()
        try:
            while True:
                taken, asked, ending = self._next(published_s)
                if taken:
                    self._commit(taken)
                    taken = []
                due = time.monotonic() - published_s >= self._interval_s
                if asked or due or (ending and not self._waiting):
                    published = self._writer.publish()
                    published_s = time.monotonic()
                    with self._wake:
                        self._publishing = self._publishing[len(asked) :]
                    for waiting in asked:
                        waiting.set_result(published)
                if ending and not self._waiting:
                    return
        except BaseException as error:
            self._fail(error, taken)

    def _next(self, published_s: float) -> tuple[list[tuple[bytes, Future[Receipt]]], list[Future[Checkpoint]], bool]:
        """Wait for work: what to write now, who asked for a checkpoint, and whether the end was asked for."""
        with self._wake:
            while not (self._waiting or self._publishing or self._closing):
                unpublished = self._writer.published.size != self._writer.head.size
                left_s = self._interval_s - (time.monotonic() - published_s)
                if unpublished and left_s <= 0:
                    break
                self._wake.wait(left_s if unpublished else None)
            taken: list[tuple[bytes, Future[Receipt]]] = []
            while self._waiting and len(taken) < self._writer.room:
                item = self._waiting.popleft()
                if item[1].set_running_or_notify_cancel():
                    taken.append(item)
            asked = [] if self._waiting else list(self._publishing)
            return taken, asked, self._closing

    def _commit(self, taken: list[tuple[bytes, "Future[Receipt]"]]) -> None:
        entries = [data for data, _ in taken]
        checkpoint = self._writer.commit(entries)
        with self._edge_lock:
            self._writer.grown(entries, checkpoint)
        first = checkpoint.size - len(taken)
        for offset, (_, waiting) in enumerate(taken):
            waiting.set_result(Receipt(first + offset, checkpoint.size))

    def _fail(self, error: BaseException, taken: list[tuple[bytes, "Future[Receipt]"]]) -> None:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        with self._wake:
            self._failure = f"the audit log could not be written: {reason}"
            left = [*(waiting for _, waiting in taken), *(waiting for _, waiting in self._waiting)]
            asked = self._publishing
            self._waiting.clear()
            self._publishing = []
        for waiting in left:
            if not waiting.done():
                waiting.set_exception(AuditUnavailableError(self._failure, hint=_REOPEN))
        for request in asked:
            request.set_exception(AuditUnavailableError(self._failure, hint=_REOPEN))


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LogInUseError(
            f"{path.parent}: another process writes this audit log",
            hint="the gateway is the only writer; stop the other one",
        ) from None
    return descriptor
