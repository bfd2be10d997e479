"""The key directory: rights, encryption, and opened keys that do not outlive their use."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fleetctl.errors import ConfigError, RefusedError, VerificationError
from fleetctl.trust.generate import generate_keys
from fleetctl.trust.keystore import PRIVATE_FILES, PUBLIC_FILES, KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.tmpfs import memory_mount


@pytest.fixture
def copied(keystore: KeyStore, tmp_path: Path) -> KeyStore:
    """A copy that a test may spoil."""
    shutil.copytree(keystore.directory, tmp_path / "copy")
    (tmp_path / "copy").chmod(0o700)
    return KeyStore(tmp_path / "copy")


def test_all_files_are_there_with_their_rights(keystore: KeyStore) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in keystore.directory.iterdir()}
    assert modes == dict.fromkeys(PRIVATE_FILES, 0o600) | dict.fromkeys(PUBLIC_FILES, 0o644)
    assert keystore.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", [name for name in PRIVATE_FILES if name.endswith(".key")])
def test_pem_keys_are_encrypted_with_many_iterations(keystore: KeyStore, name: str) -> None:
    # openssl judges what openssl and cryptography made: the structure, not our word for it.
    seen = subprocess.run(
        ["openssl", "asn1parse", "-in", str(keystore.path(name))], capture_output=True, text=True, check=True
    ).stdout
    assert "PBES2" in seen
    assert "aes-256-cbc" in seen
    assert f"INTEGER           :{600_000:06X}" in seen  # 0927C0


def test_ssh_key_is_encrypted(keystore: KeyStore) -> None:
    done = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", str(keystore.path("ssh_ed25519"))], capture_output=True, check=False
    )
    assert done.returncode != 0


def test_wrong_passphrase_is_a_verification_error(keystore: KeyStore) -> None:
    for name in ("ca.key", "ssh_ed25519"):
        with pytest.raises(VerificationError, match=f"does not open {name}"):
            keystore.load_private(name, Passphrase("wrong but long enough"))  # type: ignore[arg-type]


def test_lax_rights_are_refused(copied: KeyStore) -> None:
    (copied.directory / "ca.key").chmod(0o640)
    with pytest.raises(RefusedError, match=r"ca\.key can be read by others"):
        copied.path("ca.key")
    copied.directory.chmod(0o750)
    with pytest.raises(RefusedError, match="can be entered by others"):
        copied.path("ca.crt")


def test_directory_inside_git_is_refused(copied: KeyStore, tmp_path: Path, passphrase: Passphrase) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(RefusedError, match="inside the git work tree"):
        copied.path("ca.crt")
    with pytest.raises(RefusedError, match="inside the git work tree"):
        generate_keys(tmp_path / "new" / "keys", "north", passphrase)


def test_missing_directory_or_file_says_what_to_do(copied: KeyStore, tmp_path: Path) -> None:
    (copied.directory / "ca.crt").unlink()
    with pytest.raises(ConfigError, match=r"ca\.crt is missing"):
        copied.certificate("ca.crt")
    with pytest.raises(ConfigError, match="does not exist"):
        KeyStore(tmp_path / "absent").path("ca.crt")


def test_only_public_files_are_given_as_text(keystore: KeyStore) -> None:
    assert keystore.text("escrow.pub").startswith("age1")
    with pytest.raises(ValueError, match="no public file"):
        keystore.text("ca.key")


def test_unlocked_keys_live_in_memory_and_vanish(keystore: KeyStore, passphrase: Passphrase) -> None:
    with keystore.unlocked(passphrase, ["pcr.key"]) as directory:
        assert directory.parent == memory_mount()
        assert directory.stat().st_mode & 0o777 == 0o700
        assert [path.name for path in directory.iterdir()] == ["pcr.key"]
        assert (directory / "pcr.key").stat().st_mode & 0o777 == 0o600
        assert isinstance(load_pem_private_key((directory / "pcr.key").read_bytes(), None), RSAPrivateKey)
        held = (directory / "pcr.key").open("rb")
    with held:
        assert set(held.read()) == {0}, "the content was not overwritten"
    assert not directory.exists()


def test_unlocked_keys_vanish_after_an_error(keystore: KeyStore, passphrase: Passphrase) -> None:
    with pytest.raises(ZeroDivisionError), keystore.unlocked(passphrase, ["pcr.key"]) as directory:
        raise ZeroDivisionError
    assert not directory.exists()


@contextmanager
def ended(child: subprocess.Popen[str]) -> Iterator[None]:
    """Kill it at the end: who waits for one that goes on waits for ever."""
    try:
        yield
    finally:
        child.kill()


CHILD = """
import signal, sys
from pathlib import Path
from fleetctl.__main__ import take_signals
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
take_signals()
with KeyStore(Path(sys.argv[1])).unlocked(Passphrase(sys.stdin.readline().strip()), ["pcr.key"]) as directory:
    print(directory, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_unlocked_keys_vanish_when_killed(keystore: KeyStore, passphrase: Passphrase, number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(keystore.directory)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests may run under nohup themselves
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    with child, ended(child):
        child.stdin.write(passphrase.reveal() + "\n")
        child.stdin.flush()
        directory = Path(child.stdout.readline().strip())
        assert (directory / "pcr.key").is_file()
        child.send_signal(number)
        child.wait(timeout=60)
    if number is signal.SIGKILL:
        assert directory.exists(), "nobody could clean up yet"
        with keystore.unlocked(passphrase, []):
            pass
    assert not directory.exists()


def test_interrupted_generation_leaves_nothing(
    tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(step: str) -> None:
        if step == "Secure Boot key":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_keys(tmp_path / "keys", "north", passphrase, interrupt)
    assert list(tmp_path.iterdir()) == []
    # What a power cut leaves is removed by the next run, and never taken for keys.
    (tmp_path / ".fleetctl-init-dead").mkdir()
    monkeypatch.setattr("fleetctl.trust.generate._make", lambda *arguments: {"ca.crt": b"x"})
    generate_keys(tmp_path / "keys", "north", passphrase)
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]
    with pytest.raises(RefusedError, match="exists"):
        generate_keys(tmp_path / "keys", "north", passphrase)


def test_no_memory_file_system_is_refused() -> None:
    with pytest.raises(RefusedError, match="no writable file system in memory"):
        memory_mount("/dev/vda / ext4 rw 0 0\n/dev/vda /dev/shm ext4 rw 0 0\n")
