"""`fleetctl init`: what it makes, what it refuses, and how it goes on after an interruption."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleetctl.__main__ import run
from fleetctl.actions import init as action
from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import PrivateKey

OTHER = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


@pytest.fixture
def secret(tmp_path: Path, passphrase: Passphrase) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(passphrase.reveal())
    path.chmod(0o600)
    return path


@pytest.fixture
def made_from_copies(keystore: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are slow to make; these tests are about everything around them."""

    def copy(directory: Path, fleet: str, passphrase: Passphrase, note: object) -> KeyStore:
        directory.mkdir(parents=True, mode=0o700)
        for path in keystore.directory.iterdir():
            (directory / path.name).write_bytes(path.read_bytes())
            (directory / path.name).chmod(path.stat().st_mode & 0o777)
        return KeyStore(directory)

    monkeypatch.setattr(action, "generate_keys", copy)


def test_makes_a_fleet_that_loads(
    tmp_path: Path, secret: Path, passphrase: Passphrase, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = tmp_path / "North Clinics"
    arguments = ["init", str(fleet), "--passphrase-file", str(secret), "--escrow-recipient", OTHER, "-o", "json"]
    assert run(arguments) == 0
    captured = capsys.readouterr()
    made = json.loads(captured.out)
    assert made["fleet"] == "north-clinics"
    assert passphrase.reveal() not in captured.out + captured.err
    loaded = FleetDir.find(fleet)
    keys = loaded.keys
    assert keys.directory == Path.home() / ".local/share/fleetctl/north-clinics/keys"
    assert loaded.fleet.spec.keys_directory.startswith("~/")
    assert loaded.fleet.spec.escrow_recipients == [keys.text("escrow.pub"), OTHER]
    private: PrivateKey = keys.load_private("ca.key", passphrase)
    assert private is not None
    assert sorted(path.name for path in fleet.iterdir()) == [".gitignore", "fleet.yaml", "sites"]
    before = {path: path.read_bytes() for path in [*keys.directory.iterdir(), fleet / "fleet.yaml"]}

    assert run(arguments) == 6
    assert "exists" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.usefixtures("made_from_copies")
def test_interrupted_run_is_finished_with_the_same_keys(
    tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["init", str(tmp_path / "north"), "--passphrase-file", str(secret)]
    with monkeypatch.context() as patch:
        patch.setattr(action.atomic, "write_text", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(arguments) == 130
    keys = Path.home() / ".local/share/fleetctl/north/keys"
    before = (keys / "ca.crt").read_bytes()
    assert not (tmp_path / "north" / "fleet.yaml").exists()
    capsys.readouterr()

    assert run(arguments) == 0
    assert "kept from an interrupted run" in capsys.readouterr().out
    assert (keys / "ca.crt").read_bytes() == before


@pytest.mark.usefixtures("made_from_copies")
def test_keys_of_another_fleet_are_refused(
    tmp_path: Path, secret: Path, keystore: KeyStore, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ["--keys-directory", str(keystore.directory), "--passphrase-file", str(secret)]
    assert run(["init", str(tmp_path / "south"), *keys]) == 6
    assert "keys of another fleet" in capsys.readouterr().err
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase")
    wrong.chmod(0o600)
    assert run(["init", str(tmp_path / "north"), *keys[:2], "--passphrase-file", str(wrong)]) == 9
    assert not (tmp_path / "north" / "fleet.yaml").exists()


@pytest.mark.usefixtures("made_from_copies")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fleet", "--keys-directory", "fleet/keys"], 6, "inside the fleet directory"),
        (["fleet", "--escrow-recipient", OTHER[:-1] + "q"], 2, "valid checksum"),
        (["fleet", "--name", "North"], 2, "no fleet name"),
        (["fleet", "--escrow-recipient", "age1bad"], 2, "is no age recipient"),
        (["repository/fleet", "--keys-directory", "repository/keys"], 6, "inside the git work tree"),
    ],
)
def test_wrong_wishes_change_nothing(
    tmp_path: Path,
    secret: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    assert run(["init", *arguments, "--passphrase-file", str(secret)]) == code
    assert words in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    assert list(Path.home().iterdir()) == []


def test_short_passphrase_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short"
    short.write_text("short")
    short.chmod(0o600)
    assert run(["init", str(tmp_path / "fleet"), "--passphrase-file", str(short)]) == 2
    assert "at least 12" in capsys.readouterr().err
    assert not (tmp_path / "fleet").exists()
