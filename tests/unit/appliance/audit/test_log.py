"""Appending, reading, proving: what callers of AuditLog rely on."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from appliance.audit import AuditLog, AuditUnavailableError, EntryRefusedError, LogDamagedError, LogInUseError
from appliance.audit.canonical import encode
from appliance.audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from appliance.audit.note import read_checkpoint
from appliance.audit.verify import verify
from appliance.contract.audit import MAX_ENTRY_BYTES, AuditEntry, Digest

Entry = Callable[[int], AuditEntry]
Open = Callable[..., AuditLog]


def test_an_entry_gets_the_next_index_and_is_under_the_signed_head(
    open_log: Open, entry: Entry, tmp_path: Path
) -> None:
    log = open_log()
    receipts = [log.append(entry(n)) for n in range(3)]
    assert [receipt.index for receipt in receipts] == [0, 1, 2]
    assert [receipt.tree_size for receipt in receipts] == [1, 2, 3]
    head = log.checkpoint()
    assert read_checkpoint(head.note, log.verifier_key).size == 3
    verify_inclusion(1, 3, leaf_hash(encode(entry(1))), log.inclusion_proof(1, 3), head.root)
    assert verify(tmp_path / "audit", log.verifier_key).newest.size == 3


def test_proofs_hold_at_every_kind_of_size(open_log: Open, entry: Entry) -> None:
    log = open_log()
    roots = {}
    for n in range(600):
        log.append(entry(n))
        if n + 1 in (1, 2, 255, 256, 257, 511, 512, 513, 600):
            roots[n + 1] = log.checkpoint().root
    for new, root in roots.items():
        for index in {0, 1, 100, 255, 256, new - 1} & set(range(new)):
            leaf = leaf_hash(encode(entry(index)))
            verify_inclusion(index, new, leaf, log.inclusion_proof(index, new), root)
        for old in [size for size in roots if size <= new]:
            verify_consistency(old, new, roots[old], root, log.consistency_proof(old, new))


def test_entries_come_back_as_they_were_given(open_log: Open, entry: Entry) -> None:
    log = open_log()
    for n in range(300):
        log.append(entry(n))
    found = list(log.entries(250, 300))
    assert [logged.index for logged in found] == list(range(250, 300))
    assert [logged.entry for logged in found] == [entry(n) for n in range(250, 300)]
    with pytest.raises(ValueError, match="300 entries, not 301"):
        log.entries(0, 301)


def test_many_threads_get_different_indices_and_share_flushes(open_log: Open, entry: Entry, fast_disk: object) -> None:
    log = open_log()
    indices: list[int] = []
    gate = threading.Barrier(16)

    def work(worker: int) -> None:
        gate.wait()
        for n in range(40):
            indices.append(log.append(entry(worker * 1000 + n)).index)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indices) == list(range(640))
    logged = {found.data for found in log.entries(0, 640)}
    assert logged == {encode(entry(worker * 1000 + n)) for worker in range(16) for n in range(40)}


def test_one_tree_goes_on_after_reopening(open_log: Open, entry: Entry, tmp_path: Path) -> None:
    for round_ in range(4):
        log = open_log()
        assert log.size == round_ * 130
        assert (log.recovered_entries, log.cut_bytes) == (0, 0)
        for n in range(130):
            log.append(entry(round_ * 130 + n))
        log.close()
    assert verify(tmp_path / "audit", log.verifier_key).published.size == 520


def test_a_second_writer_is_refused_in_this_and_in_another_process(open_log: Open, tmp_path: Path) -> None:
    open_log()
    with pytest.raises(LogInUseError, match="another process writes"):
        open_log()
    code = (
        "import sys; from pathlib import Path; from appliance.audit import AuditLog, LogInUseError\n"
        "try: AuditLog.open(Path(sys.argv[1]), Path(sys.argv[2]), 'example.org/north/audit')\n"
        "except LogInUseError as error: sys.exit(error.exit_code)"
    )
    paths = [str(tmp_path / "audit"), str(tmp_path / "keys" / "audit.key")]
    assert subprocess.run([sys.executable, "-c", code, *paths], check=False).returncode == 6


def test_a_closed_log_takes_nothing(open_log: Open, entry: Entry) -> None:
    log = open_log()
    log.close()
    log.close()
    assert not log.available
    with pytest.raises(AuditUnavailableError, match="closed"):
        log.append(entry(0))
    with pytest.raises(AuditUnavailableError, match="closed"):
        log.checkpoint()


def test_what_does_not_fit_is_refused_and_the_log_goes_on(open_log: Open, entry: Entry) -> None:
    log = open_log()
    with pytest.raises(EntryRefusedError, match="time zone"):
        log.append(entry(0).model_copy(update={"at": datetime(2026, 1, 1)}))  # noqa: DTZ001 (that is the case)
    digests = tuple(Digest(name="a" * 64, algorithm="sha256", value="0" * 64) for _ in range(100))
    large = entry(0).model_copy(update={"considered": digests})
    with pytest.raises(EntryRefusedError, match=str(MAX_ENTRY_BYTES)):
        log.append(large)
    assert log.append(entry(1)).index == 0


def test_the_key_is_its_owners_and_stays_with_its_log(open_log: Open, entry: Entry, tmp_path: Path) -> None:
    log = open_log()
    log.append(entry(0))
    log.close()
    key = tmp_path / "keys" / "audit.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (tmp_path / "audit" / "verifier-key").read_text() == f"{log.verifier_key}\n"

    with pytest.raises(LogDamagedError, match="not here any more"):
        open_log(directory=tmp_path / "another")
    with pytest.raises(LogDamagedError, match="not signed by"):
        open_log(origin="example.org/other")
    key.chmod(0o640)
    with pytest.raises(AuditUnavailableError, match="read by others"):
        open_log()
    key.rename(tmp_path / "taken-away")
    with pytest.raises(AuditUnavailableError, match="key of this log is missing"):
        open_log()


def test_an_origin_that_breaks_a_checkpoint_is_refused(open_log: Open) -> None:
    for origin in ("", "two words", "a+b", "line\nbreak"):
        with pytest.raises(AuditUnavailableError, match="origin"):
            open_log(origin=origin)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_directory_without_rights_is_unavailable(open_log: Open, tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir(mode=0o500)
    with pytest.raises(AuditUnavailableError, match="cannot be opened"):
        open_log()


def test_a_million_entries_would_need_a_small_edge(open_log: Open, entry: Entry) -> None:
    log = open_log()
    for n in range(1030):
        log.append(entry(n))
    edge = log._writer.edge
    assert sum(map(len, edge.tiles)) + len(edge.entries) <= 6 + 4 + 6
    assert edge.frontier.size == 1030
