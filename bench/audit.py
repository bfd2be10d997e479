"""Durable appends per second of the audit log against SQLite with the same durability, and the time to verify a log.

Same entries, same folder, each append answered when it is on the disk: SQLite in WAL mode with synchronous=FULL, one
transaction an entry. SQLite makes one flush a commit; the log makes two (entries, then head), hashes and signs.
"""

from __future__ import annotations

import argparse
import platform
import resource
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import cryptography

from appliance.audit import AuditLog
from appliance.audit.canonical import encode
from appliance.audit.verify import verify
from appliance.contract.audit import Actor, AuditEntry, Digest, Tool
from fleetctl.auditlog.notes import LOG, PublicKey
from fleetctl.auditlog.verify import verify_path

Append = Callable[[AuditEntry], object]
THREADS = 16


def entry(number: int) -> AuditEntry:
    """A decision with as much in it as a finished draft has."""
    digest = f"{number:064x}"
    return AuditEntry(
        at=datetime(2026, 3, 1, tzinfo=UTC),
        event="draft.completed",
        actor=Actor(subject=f"user-{number}", role="clinician"),
        encounter=f"encounter-{number}",
        inputs=(Digest(name="transcript", algorithm="commitment", value=digest),),
        tools=(Tool(kind="model", name="model", digest=digest), Tool(kind="prompt", name="note", digest=digest)),
        produced=(Digest(name="document", algorithm="commitment", value=digest),),
        numbers={"sentences": 20, "unsupported": 1},
    )


def rate(append: Append, entries: list[AuditEntry], threads: int) -> float:
    """Appends per second with so many callers at once, each waiting for its own."""
    gate = threading.Barrier(threads + 1)
    failed: list[BaseException] = []

    def work(mine: list[AuditEntry]) -> None:
        gate.wait()
        try:
            for one in mine:
                append(one)
        except BaseException as error:  # a thread's error has to end the measurement
            failed.append(error)

    workers = [threading.Thread(target=work, args=(entries[n::threads],)) for n in range(threads)]
    for worker in workers:
        worker.start()
    gate.wait()
    started_s = time.perf_counter()
    for worker in workers:
        worker.join()
    if failed:
        raise failed[0]
    return len(entries) / (time.perf_counter() - started_s)


def sqlite_append(path: Path) -> Append:
    """One connection a thread, as SQLite wants it; writers queue for its lock."""
    local = threading.local()

    def connection() -> sqlite3.Connection:
        if not hasattr(local, "open"):
            local.open = sqlite3.connect(path, timeout=60, isolation_level=None)
            local.open.execute("PRAGMA journal_mode=WAL")
            local.open.execute("PRAGMA synchronous=FULL")
        found: sqlite3.Connection = local.open
        return found

    connection().execute("CREATE TABLE entry (number INTEGER PRIMARY KEY, data BLOB NOT NULL)")
    return lambda one: connection().execute("INSERT INTO entry (data) VALUES (?)", (encode(one),))


def appends(folder: Path, count: int, rounds: int) -> None:
    """Print rates and ratios; the two take turns, so that a busy machine slows both alike."""
    entries = [entry(n) for n in range(count)]
    for threads in (1, THREADS):
        best = {"audit log": 0.0, "SQLite": 0.0}
        for number in range(rounds):
            path = folder / f"{threads}-{number}"
            path.mkdir()
            with AuditLog.open(path / "log", path / "key", "bench.example/audit") as log:
                best["audit log"] = max(best["audit log"], rate(log.append, entries, threads))
            best["SQLite"] = max(best["SQLite"], rate(sqlite_append(path / "sqlite"), entries, threads))
        ratio = best["audit log"] / best["SQLite"]
        print(
            f"durable appends, {threads:2} thread(s): audit log {best['audit log']:,.0f}/s, "
            f"SQLite (WAL, FULL) {best['SQLite']:,.0f}/s, ratio {ratio:.2f} (best of {rounds} rounds of {count})"
        )


def _flushes(log: AuditLog, entries: Iterator[AuditEntry], batch: int) -> None:
    waiting = []
    for one in entries:
        waiting.append(log._submit(encode(one)))
        if len(waiting) == batch:
            for receipt in waiting:
                receipt.result()
            waiting.clear()
    for receipt in waiting:
        receipt.result()


def verification(folder: Path, count: int) -> None:
    """Make a log of `count` entries and verify it with both programs."""
    started_s = time.perf_counter()
    with AuditLog.open(folder / "log", folder / "key", "bench.example/audit") as log:
        _flushes(log, map(entry, range(count)), 1024)
        kept = log.checkpoint()
    print(f"written in groups: {count:,} entries in {time.perf_counter() - started_s:.1f} s")
    started_s = time.perf_counter()
    AuditLog.open(folder / "log", folder / "key", "bench.example/audit").close()
    print(f"opening it: {time.perf_counter() - started_s:.2f} s")
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started_s = time.perf_counter()
    assert verify(folder / "log", log.verifier_key, kept).newest.size == count
    box_s = time.perf_counter() - started_s
    started_s = time.perf_counter()
    found = verify_path(folder / "log", PublicKey.of(str(log.verifier_key), LOG), against=kept.note)
    offline_s = time.perf_counter() - started_s
    assert found.entries == count
    after_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"verifying {count:,} entries: box {box_s:.1f} s ({count / box_s:,.0f}/s), ", end="")
    print(f"offline {offline_s:.1f} s ({count / offline_s:,.0f}/s), ratio {box_s / offline_s:.2f}")
    print(f"peak memory before verifying {before_mib:.0f} MiB, after {after_mib:.0f} MiB")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=200_000, help="length of the log that is verified")
    parser.add_argument("--appends", type=int, default=2_000, help="appends a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: the system's temporary folder")
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"cryptography {cryptography.__version__}, entries of {len(encode(entry(1)))} bytes"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        appends(Path(name), options.appends, options.rounds)
        verification(Path(name), options.entries)
    return 0


if __name__ == "__main__":
    sys.exit(main())
