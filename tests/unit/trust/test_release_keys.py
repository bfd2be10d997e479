"""Release keys in folders: made, sealed, opened; what is not right is told and nothing is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import SSlibKey

from fleetctl.errors import ConfigError, RefusedError, UsageError, VerificationError
from fleetctl.trust import release_keys
from fleetctl.trust.distinct_keys import check_distinct
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import KeyRecord, ReleaseKeys, read_record
from fleetctl.trust.release_signers import Keyring, pin_from


@pytest.fixture
def keys(tmp_path: Path) -> ReleaseKeys:
    return ReleaseKeys(tmp_path / "keys" / "release")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, passphrase: Passphrase) -> ReleaseKeys:
    """A folder with the keys anna and ben, sealed with the passphrase of the tests."""
    found = ReleaseKeys(tmp_path_factory.mktemp("sealed") / "release")
    for name in ("anna", "ben"):
        found.make(name, passphrase)
    return found


@pytest.fixture
def own(sealed: ReleaseKeys, tmp_path: Path) -> ReleaseKeys:
    """A copy that a test may damage."""
    shutil.copytree(sealed.directory, tmp_path / "own")
    return ReleaseKeys(tmp_path / "own")


def ring(keys: ReleaseKeys, passphrase: Passphrase) -> Keyring:
    return Keyring([keys], lambda: passphrase, lambda: pytest.fail("no token is asked for a PIN"))


def test_a_made_key_signs(own: ReleaseKeys, passphrase: Passphrase) -> None:
    anna, ben = own.records()
    assert (anna.name, ben.name) == ("anna", "ben")
    (signer,) = ring(own, passphrase).signers([anna.keyid, "0" * 64])
    signature = signer.sign(b"these bytes")
    anna.key.verify_signature(signature, b"these bytes")
    assert anna.key.to_dict()["x-fleetctl-name"] == "anna"


def test_private_keys_are_sealed_and_for_the_owner_alone(sealed: ReleaseKeys, passphrase: Passphrase) -> None:
    assert sealed.directory.stat().st_mode & 0o777 == 0o700
    path = sealed.directory / "anna.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    record = (sealed.directory / "anna.json").read_text()
    assert passphrase.reveal() not in record
    assert "PRIVATE" not in record


def test_a_wrong_passphrase_opens_nothing(own: ReleaseKeys) -> None:
    wrong = Passphrase("another twelve characters")
    with pytest.raises(VerificationError, match="does not open") as caught:
        ring(own, wrong).signers([own.records()[0].keyid])
    assert wrong.reveal() not in str(caught.value)


def test_the_passphrase_is_asked_once_and_only_when_a_key_opens(own: ReleaseKeys, passphrase: Passphrase) -> None:
    asked = []

    def ask() -> Passphrase:
        asked.append(1)
        return passphrase

    keyring = Keyring([own], ask, ask)
    assert len(keyring.records()) == 2
    assert not asked
    assert len(keyring.signers(keyring.records())) == 2
    assert asked == [1]


def test_a_fleet_of_before_has_none_and_nothing_breaks(keystore: KeyStore) -> None:
    found = ReleaseKeys.of_fleet(keystore)
    assert not found.exists()
    with pytest.raises(ConfigError, match="there are no release keys") as caught:
        found.records()
    assert "fleetctl release keys init" in caught.value.hint


def test_keys_are_never_overwritten(own: ReleaseKeys, passphrase: Passphrase) -> None:
    before = (own.directory / "anna.key").read_bytes()
    with pytest.raises(RefusedError, match="has a key anna"):
        own.make("anna", passphrase)
    assert (own.directory / "anna.key").read_bytes() == before


def test_a_run_that_was_cut_off_made_no_key(
    keys: ReleaseKeys, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(release_keys.atomic, "write_text", cut)
        with pytest.raises(KeyboardInterrupt):
            keys.make("anna", passphrase)
    assert keys.records() == []
    made = keys.make("anna", passphrase)
    assert keys.open(made, passphrase)


def test_folders_and_files_that_others_can_read_are_refused(own: ReleaseKeys, passphrase: Passphrase) -> None:
    own.directory.chmod(0o750)
    with pytest.raises(RefusedError, match="can be entered by others"):
        own.records()
    own.directory.chmod(0o700)
    (own.directory / "anna.key").chmod(0o640)
    with pytest.raises(RefusedError, match="can be read by others"):
        own.open(own.records()[0], passphrase)


def test_keys_inside_git_are_refused(tmp_path: Path, passphrase: Passphrase) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "fleet")], check=True)
    with pytest.raises(RefusedError, match="inside the git work tree"):
        ReleaseKeys(tmp_path / "fleet" / "keys").make("anna", passphrase)
    assert not (tmp_path / "fleet" / "keys").exists()


def test_a_private_key_under_another_record_is_refused(own: ReleaseKeys, passphrase: Passphrase) -> None:
    shutil.copy(own.directory / "ben.key", own.directory / "anna.key")
    with pytest.raises(VerificationError, match=r"is not the key of anna\.json"):
        own.open(own.records()[0], passphrase)
    (own.directory / "anna.key").unlink()
    with pytest.raises(ConfigError, match=r"anna\.key is missing"):
        own.open(own.records()[0], passphrase)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keyid": "0" * 64}, "is not the one of this public key"),
        ({"public": "0" * 20}, "public"),
        ({"public": "z" * 64}, "is no public key"),
        ({"keytype": "ecdsa"}, "is none of a key of type ecdsa"),
        ({"scheme": "rsassa-pss-sha256"}, "scheme"),
        ({"token": "hsm:1?label=a b"}, "token"),
        ({"token": "file2:/etc/passwd"}, "token"),
        ({"extra": 1}, "extra"),
        ({"name": "../anna"}, "name"),
    ],
)
def test_records_that_are_not_sound(own: ReleaseKeys, change: dict[str, object], words: str) -> None:
    path = own.directory / "anna.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ConfigError) as caught:
        read_record(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message


def test_files_that_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    with pytest.raises(ConfigError, match="No such file"):
        read_record(path)
    path.write_bytes(b"x" * (1 << 20))
    with pytest.raises(ConfigError, match="more than 16384 bytes"):
        read_record(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not ASCII"):
        read_record(path)


def test_a_record_under_another_name_is_refused(own: ReleaseKeys) -> None:
    (own.directory / "anna.json").rename(own.directory / "carla.json")
    with pytest.raises(ConfigError, match=r"carla\.json is the record of anna"):
        own.records()


def test_one_key_under_two_ids_is_found_however_it_is_spelled() -> None:
    key = SSlibKey.from_crypto(Ed25519PrivateKey.generate().public_key())
    upper = SSlibKey("f" * 64, "ed25519", "ed25519", {"public": key.keyval["public"].upper()})
    other = SSlibKey.from_crypto(Ed25519PrivateKey.generate().public_key())
    check_distinct([key, other, key], "the root")
    with pytest.raises(VerificationError, match="the root lists one public key under two ids"):
        check_distinct([key, other, upper], "the root")
    with pytest.raises(VerificationError, match="is no public key"):
        check_distinct([SSlibKey("e" * 64, "ed25519", "ed25519", {"public": "00"})], "the root")


@pytest.fixture
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)


def test_the_pin_comes_from_a_file_or_not_at_all(tmp_path: Path, no_terminal: None) -> None:
    path = tmp_path / "pin"
    path.write_text("1234\n")
    path.chmod(0o600)
    assert pin_from(None, path).reveal() == "1234"
    with pytest.raises(UsageError, match="the token needs a PIN"):
        pin_from(None, None)


def test_names_that_are_none() -> None:
    key = SSlibKey.from_crypto(Ed25519PrivateKey.generate().public_key())
    for name in ("", "A", "a/b", ".a", "a" * 64):
        with pytest.raises(ConfigError, match="is no name of a key"):
            KeyRecord.of(name, key)
