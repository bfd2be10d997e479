"""Damage, edits and rollback: a writer refuses to go on, and says what and where."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.audit import AuditLog, AuditUnavailableError, Checkpoint, LogDamagedError
from appliance.audit.verify import verify
from appliance.contract.audit import AuditEntry

Entry = Callable[[int], AuditEntry]
Open = Callable[..., AuditLog]
HEX = random.Random(7)  # noqa: S311 (chooses bits, keeps no secret)


@pytest.fixture
def filled(open_log: Open, entry: Entry, tmp_path: Path) -> tuple[Path, AuditLog, Checkpoint]:
    """A closed log of 530 entries, and its checkpoint at 300."""
    log = open_log()
    for n in range(300):
        log.append(entry(n))
    early = log.checkpoint()
    for n in range(300, 520):
        log.append(entry(n))
    log.checkpoint()
    for n in range(520, 530):
        log.append(entry(n))
    log.close()
    return tmp_path / "audit", log, early


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1 << HEX.randrange(8)
    path.write_bytes(data)


def test_any_flipped_byte_of_the_journal_keeps_the_writer_out(
    filled: tuple[Path, AuditLog, object], open_log: Open
) -> None:
    directory, _, _ = filled
    journal = directory / "journal"
    whole = journal.read_bytes()
    used = len(whole.rstrip(b"\0"))
    for position in [*range(60), *range(60, used, 97), used - 1]:
        flip(journal, position)
        with pytest.raises(LogDamagedError, match="journal"):
            open_log()
        journal.write_bytes(whole)
    assert open_log().size == 530


def test_torn_bytes_behind_the_last_batch_are_cut(filled: tuple[Path, AuditLog, object], open_log: Open) -> None:
    directory, _, _ = filled
    journal = directory / "journal"
    whole = journal.read_bytes()
    used = len(whole.rstrip(b"\0"))
    journal.write_bytes(whole[:used] + b"torn" * 100 + whole[used + 400 :])
    log = open_log()
    assert (log.size, log.cut_bytes, log.recovered_entries) == (530, 400, 0)
    # Left there, they would stand behind the next batch and look like a head that was rolled back.
    assert not any(journal.read_bytes()[used:])


def test_a_damaged_head_loses_nothing(filled: tuple[Path, AuditLog, object], open_log: Open) -> None:
    directory, _, _ = filled
    head = directory / "head"
    whole = head.read_bytes()
    outcomes = set()
    for slot in (0, 4096):
        for position in [*range(slot, slot + 300, 7), slot + 4095]:
            flip(head, position)
            try:
                # The newest slot is damaged: the journal still has the last batch, signed.
                log = open_log()
            except LogDamagedError as error:
                # The older slot is damaged, and no crash explains it.
                assert "acknowledged may be gone" in str(error)  # noqa: PT017 (both outcomes are right)
                outcomes.add("refused")
            else:
                assert (log.size, log.recovered_entries) == (530, 1)
                log.close()
                outcomes.add("recovered")
            head.write_bytes(whole)
    assert outcomes == {"refused", "recovered"}
    head.write_bytes(whole[:5000])
    with pytest.raises(LogDamagedError, match="5000 bytes"):
        open_log()


@pytest.mark.parametrize("name", ["journal", "head", "checkpoint", "tile/0/001", "tile/0/000"])
def test_a_missing_file_keeps_the_writer_out(name: str, filled: tuple[Path, AuditLog, object], open_log: Open) -> None:
    directory, _, _ = filled
    (directory / name).unlink()
    if name.startswith("tile/0"):
        # Its hashes can be computed from the entries; without those nothing replaces it.
        (directory / name.replace("tile/0", "tile/entries")).unlink()
    with pytest.raises(AuditUnavailableError, match=r"missing|not here"):
        open_log()


def test_an_old_copy_of_the_head_is_seen(filled: tuple[Path, AuditLog, object], open_log: Open, entry: Entry) -> None:
    directory, _, _ = filled
    old = (directory / "head").read_bytes()
    log = open_log()
    for n in range(530, 534):
        log.append(entry(n))
    log.close()
    (directory / "head").write_bytes(old)
    with pytest.raises(LogDamagedError, match="rolled back"):
        open_log()


def test_an_old_copy_of_everything_is_seen_by_who_kept_a_checkpoint(
    filled: tuple[Path, AuditLog, Checkpoint], open_log: Open, entry: Entry, tmp_path: Path
) -> None:
    directory, log, early = filled
    shutil.copytree(directory, tmp_path / "old")
    again = open_log()
    again.append(entry(530))
    kept = again.checkpoint()
    again.close()
    assert verify(directory, log.verifier_key, kept).newest.size == 531
    assert verify(directory, log.verifier_key, early).against == early
    with pytest.raises(LogDamagedError, match="rolled back: 531 entries were signed, 530 are here"):
        verify(tmp_path / "old", log.verifier_key, kept)

    # The box goes on from the old copy: another history under the same key.
    shutil.rmtree(directory)
    shutil.copytree(tmp_path / "old", directory)
    forked = open_log()
    forked.append(entry(9999))
    forked.append(entry(9998))
    forked.close()
    with pytest.raises(LogDamagedError, match="another history: the first 531 entries"):
        verify(directory, log.verifier_key, kept)


def test_verify_names_the_entry_that_was_changed(filled: tuple[Path, AuditLog, object]) -> None:
    directory, log, _ = filled
    bundle = directory / "tile/entries/001"
    whole = bundle.read_bytes()
    at = whole.index(b"user-300")
    bundle.write_bytes(whole.replace(b"user-300", b"user-301", 1))
    with pytest.raises(LogDamagedError, match="entry 300: not what tile/0/001"):
        verify(directory, log.verifier_key)
    bundle.write_bytes(whole[:at])
    with pytest.raises(LogDamagedError, match="cut off"):
        verify(directory, log.verifier_key)
    bundle.unlink()
    with pytest.raises(LogDamagedError, match="entries 256 to 511 are missing"):
        verify(directory, log.verifier_key)


def test_verify_notices_every_kind_of_file(filled: tuple[Path, AuditLog, object]) -> None:
    directory, log, _ = filled
    used = {"journal": len((directory / "journal").read_bytes().rstrip(b"\0"))}
    names = ["checkpoint", "journal", "tile/entries/000", "tile/0/000", "tile/0/001", "tile/1/000.p/2"]
    names += ["tile/entries/002.p/18", "tile/0/002.p/18"]
    for name in names:
        path = directory / name
        whole = path.read_bytes()
        size = used.get(name, len(whole))
        for position in [*range(0, size, max(1, size // 10)), size - 1]:
            flip(path, position)
            if name == "journal":
                # The published partial bundle stands in for it.
                shutil.move(directory / "tile/entries/002.p/18", directory / "kept")
            with pytest.raises(LogDamagedError):
                verify(directory, log.verifier_key)
            if name == "journal":
                shutil.move(directory / "kept", directory / "tile/entries/002.p/18")
            path.write_bytes(whole)
    assert verify(directory, log.verifier_key).newest.size == 530
