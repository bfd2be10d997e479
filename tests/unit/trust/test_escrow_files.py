"""Escrow files: kept, never lost, and found again by the name of the volume that they open."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pyrage
import pytest

from fleetctl.errors import ConfigError, UsageError, VerificationError
from fleetctl.trust.escrow_files import EscrowFiles
from fleetctl.trust.escrow_index import INDEX_NAME, EscrowIndex, IndexEntry, VolumeName

ONE, TWO, THREE = (f"{number}" * 8 + "-1111-4111-8111-111111111111" for number in (1, 2, 3))
CIPHERTEXT = "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n"
ROOT, STATE = VolumeName.root, VolumeName.state


@pytest.fixture
def files(tmp_path: Path) -> EscrowFiles:
    return EscrowFiles(tmp_path / "escrow", "north")


def test_files_are_kept_and_never_lost(files: EscrowFiles) -> None:
    assert files.luks_uuids() == frozenset()
    assert files.store(ONE, CIPHERTEXT, STATE)
    assert not files.store(ONE, CIPHERTEXT, STATE)
    newer = CIPHERTEXT.replace("AAAA", "BBBB")
    assert files.store(ONE, newer, STATE)
    assert files.ciphertext(ONE) == newer
    assert files.luks_uuids() == frozenset({ONE})
    kept = [path.read_text() for path in files.directory.glob("*.age")]
    assert sorted(kept) == sorted([CIPHERTEXT, newer])


def _armour(content: bytes) -> str:
    return f"-----BEGIN AGE ENCRYPTED FILE-----\n{b64encode(content).decode()}\n-----END AGE ENCRYPTED FILE-----\n"


AGE = b"age-encryption.org/v1\n-> X25519 abc\ndef\n--- mac\n" + b"p" * 32


def test_a_whole_file_is_named_by_its_digest(files: EscrowFiles) -> None:
    whole = pyrage.encrypt(b"key", [pyrage.x25519.Identity.generate().to_public()], armored=True).decode()
    files.store(ONE, whole, STATE)
    files.store(TWO, _armour(AGE), ROOT)
    assert files.digests() == {
        uuid: sha256(text.encode()).hexdigest() for uuid, text in ((ONE, whole), (TWO, _armour(AGE)))
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        _armour(AGE)[:-9],
        _armour(AGE[:-1]),
        _armour(b"x" * 200),
        _armour(AGE).replace("YWdl", "?!dl"),
        CIPHERTEXT,
    ],
)
def test_a_damaged_file_is_there_without_a_digest(files: EscrowFiles, text: str) -> None:
    files.store(ONE, text, STATE)
    assert files.digests() == {ONE: ""}


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "x", ONE.upper() + "/", ONE + "\n"])
def test_a_name_from_the_box_is_no_path(files: EscrowFiles, name: str) -> None:
    with pytest.raises(VerificationError, match="no LUKS UUID"):
        files.store(name, CIPHERTEXT, STATE)
    assert not files.directory.parent.exists()


def test_a_volume_is_found_by_its_name_and_the_newest_counts(files: EscrowFiles) -> None:
    for uuid, volume in ((THREE, ROOT), (TWO, STATE), (ONE, ROOT)):
        files.store(uuid, CIPHERTEXT, volume)
    assert (files.find(ROOT), files.find(STATE)) == (ONE, TWO)
    assert files.find(THREE.upper()) == THREE
    files.store(THREE, CIPHERTEXT.replace("AAAA", "BBBB"), ROOT)
    assert files.find(ROOT) == THREE


def test_the_time_counts_more_than_the_place_in_the_file() -> None:
    entries = [
        IndexEntry(luks_uuid=ONE, volume=ROOT, stored_at="2026-11-22T03:00:00Z"),
        IndexEntry(luks_uuid=TWO, volume=ROOT, stored_at="2026-11-21T03:00:00Z"),
    ]
    assert EscrowIndex(volumes=entries).newest(ROOT) == ONE
    assert EscrowIndex(volumes=entries).newest(STATE) is None


def test_a_run_killed_between_key_and_index_is_completed_by_the_next(
    files: EscrowFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EscrowIndex, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            files.store(ONE, CIPHERTEXT, ROOT)
    assert files.luks_uuids() == frozenset({ONE})
    assert files.store(ONE, CIPHERTEXT, ROOT)
    assert files.find(ROOT) == ONE
    assert len(list(files.directory.iterdir())) == 2


def test_a_damaged_index_is_said_so_and_keeps_no_key_out(files: EscrowFiles) -> None:
    files.store(ONE, CIPHERTEXT, ROOT)
    (files.directory / INDEX_NAME).write_text("volumes: [{luks_uuid: x}]\n")
    with pytest.raises(ConfigError, match=r"volumes\.yaml:1"):
        files.store(TWO, CIPHERTEXT, STATE)
    assert files.luks_uuids() == frozenset({ONE, TWO})
    with pytest.raises(ConfigError):
        files.find(ROOT)
    assert files.find(TWO) == TWO


def test_what_is_not_there_is_said_with_what_is(files: EscrowFiles) -> None:
    with pytest.raises(UsageError, match="there is no escrow file in"):
        files.find(ROOT)
    files.store(ONE, CIPHERTEXT, STATE)
    for wanted, words in ((ROOT, "names no root volume"), (TWO, f"no escrow file for {TWO}")):
        with pytest.raises(UsageError, match=words) as error:
            files.find(wanted)
        assert ONE in error.value.hint
    (files.directory / INDEX_NAME).unlink()
    with pytest.raises(UsageError, match="names no state volume"):
        files.find(STATE)
