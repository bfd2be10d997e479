"""The offline verifier on whole logs and proofs: what holds, and every class of change that must not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.audit import AuditLog
from appliance.audit.note import VerifierKey
from appliance.audit.proof import make
from appliance.audit.shown import kept_checkpoint, proof_of
from appliance.audit.tiles import TileStore
from fleetctl.auditlog.files import LogCopy, ProofFile, name
from fleetctl.auditlog.notes import WITNESS, PublicKey, read_head
from fleetctl.auditlog.verify import verify_path
from fleetctl.auditlog.witness import WitnessKey, witness
from fleetctl.errors import UnreachableError, UsageError, VerificationError

CHOICE = random.Random(11)  # noqa: S311 (chooses bits, keeps no secret)


def flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1 << CHOICE.randrange(8)
    return bytes(changed)


def test_a_log_verifies_alone_and_against_each_of_its_checkpoints(made) -> None:
    assert verify_path(made.directory, made.key).entries == 520
    for size, kept in made.notes.items():
        assert verify_path(made.directory, made.key, against=kept).against == size


@pytest.mark.parametrize(
    "path",
    ["tile/entries/000", "tile/entries/002.p/8", "tile/0/001", "tile/0/002.p/8", "tile/1/000.p/2", "checkpoint"],
)
def test_any_flipped_bit_of_any_file_is_noticed(path: str, made) -> None:
    file = made.directory / path
    whole = file.read_bytes()
    for position in [*range(0, len(whole), max(1, len(whole) // 25)), len(whole) - 1]:
        file.write_bytes(flipped(whole, position))
        with pytest.raises(VerificationError):
            verify_path(made.directory, made.key)
    for spoiled in (whole[:-1], whole + b"\0", b""):
        file.write_bytes(spoiled)
        with pytest.raises(VerificationError):
            verify_path(made.directory, made.key)
    file.unlink()
    with pytest.raises((VerificationError, UnreachableError)):
        verify_path(made.directory, made.key)


def test_the_entry_that_was_changed_is_named(made) -> None:
    bundle = made.directory / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(b"user-400", b"user-401"))
    with pytest.raises(VerificationError, match="entry 400 was changed"):
        verify_path(made.directory, made.key)
    bundle.unlink()
    with pytest.raises(VerificationError, match="entries 256 to 511 are missing"):
        verify_path(made.directory, made.key)


def test_a_change_carried_up_through_the_tiles_is_noticed_at_the_signed_root(made) -> None:
    from fleetctl.auditlog.tree import of_entry, of_pair

    bundle = made.directory / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b'user-7"', b'user-8"'))
    row = [of_entry(entry) for entry in LogCopy(made.directory).entries(0, 256)]
    (made.directory / "tile/0/000").write_bytes(b"".join(row))
    with pytest.raises(VerificationError, match="entries 0 to 255 do not hash to what tile/1/000"):
        verify_path(made.directory, made.key)
    while len(row) > 1:
        row = [of_pair(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    above = made.directory / "tile/1/000.p/2"
    above.write_bytes(row[0] + above.read_bytes()[32:])
    with pytest.raises(VerificationError, match="do not lead to the root that was signed"):
        verify_path(made.directory, made.key)


def test_rollback_and_fork_are_told_apart(made, tmp_path: Path, fill: Callable[..., str]) -> None:
    # The history goes on twice from the same state, under the same key.
    import shutil

    shutil.copytree(made.directory, tmp_path / "twin")
    with AuditLog.open(made.directory, tmp_path / "key", "example.org/audit") as log:
        ahead = fill(log, 600)
    with pytest.raises(VerificationError, match=r"rolled back: 600 .* 520 are here: entries 520 to 599 are gone"):
        verify_path(tmp_path / "twin", made.key, against=ahead)
    with AuditLog.open(tmp_path / "twin", tmp_path / "key", "example.org/audit") as log:
        fill(log, 700, "other")
    with pytest.raises(VerificationError, match="a fork: the first 600 entries"):
        verify_path(tmp_path / "twin", made.key, against=ahead)
    assert verify_path(tmp_path / "twin", made.key, against=made.notes[520]).entries == 700


def test_a_proof_holds_and_no_changed_one(made, tmp_path: Path) -> None:
    key = VerifierKey.parse(made.key.text)
    text = str(proof_of(299, made.directory, key))
    file = tmp_path / "proof"
    file.write_text(text)
    found = verify_path(file, made.key)
    assert (found.index, b"user-299" in (found.entry or b"")) == (299, True)
    data = text.encode()
    for position in range(0, len(data), 3):
        file.write_bytes(flipped(data, position))
        with pytest.raises(VerificationError):
            verify_path(file, made.key)
    file.write_text(text)
    with pytest.raises(UsageError, match="cannot join"):
        verify_path(file, made.key, against=made.notes[300])


def test_every_entry_has_a_proof_under_an_older_checkpoint(made, tmp_path: Path) -> None:
    key = VerifierKey.parse(made.key.text)
    (tmp_path / "kept").write_text(made.notes[300])
    old = kept_checkpoint(tmp_path / "kept", key)
    for index in (0, 255, 256, 299):
        proof = ProofFile.of(str(make(TileStore(made.directory), index, old)))
        (tmp_path / "proof").write_text(str(make(TileStore(made.directory), index, old)))
        assert verify_path(tmp_path / "proof", made.key).index == proof.index == index


def test_cosignatures_have_to_be_there_and_to_fit(made, tmp_path: Path) -> None:
    signer = WitnessKey.make(tmp_path / "witness.key", "example.org/w1")
    _, note = witness(LogCopy(made.directory), made.key, tmp_path / "state", signer, now_s=1_770_000_000)
    other = WitnessKey.make(tmp_path / "other.key", "example.org/w1")
    with pytest.raises(VerificationError, match="not signed by the witness"):
        verify_path(made.directory, made.key, witnesses=(signer.public,))
    (made.directory / "checkpoint").write_text(note)
    assert verify_path(made.directory, made.key, witnesses=(signer.public,)).head.witnesses == ("example.org/w1",)
    with pytest.raises(VerificationError, match="not signed by the witness"):
        verify_path(made.directory, made.key, witnesses=(other.public,))
    # Another program's reader of cosignatures, the box's, agrees.
    assert VerifierKey.parse(signer.public.text).key_id == signer.public.tag
    head, _, line = note.rpartition("— ")
    for position in range(15, len(line) - 1, 5):
        changed = head + "— " + flipped(line.encode(), position).decode("latin-1")
        with pytest.raises(VerificationError):
            read_head(changed, made.key, (signer.public,))


def test_what_is_not_there_or_no_key_is_said(made, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        verify_path(tmp_path / "nothing", made.key)
    with pytest.raises(UnreachableError, match="no checkpoint in it"):
        verify_path(tmp_path, made.key)
    with pytest.raises(UsageError, match="not of a witness"):
        PublicKey.of(made.key.text, WITNESS)
    assert name("0", 1234067) == "tile/0/x001/x234/067"
