"""`disk escrow show`: a recovery key reaches a person's terminal and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pyrage
import pytest

from fleetctl.__main__ import run
from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.escrow_files import EscrowFiles
from fleetctl.trust.escrow_index import VolumeName
from fleetctl.trust.keystore import KeyStore
from tests.fakes import site as fake
from tests.fakes.terminal import DEADLINE_S, Terminal

pytestmark = pytest.mark.slow

KEY = "-".join(["cbdefghi"] * 8)
SHOW = ["disk", "escrow", "show", "lab-1"]


def encrypted(text: str, keystore: KeyStore) -> str:
    recipient = pyrage.x25519.Recipient.from_str(keystore.text("escrow.pub"))
    return pyrage.encrypt(text.encode(), [recipient], armored=True).decode()


@pytest.fixture
def fleet(fleet_dir: FleetDir, keystore: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetDir:
    """A fleet that has the root volume's key in escrow, and what is no key under the state volume's name."""
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text("correct horse battery staple\n")
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(passphrase))
    monkeypatch.setenv("FLEETCTL_FLEET", str(fleet_dir.path))
    fleet_dir.write_site(fake.SITE)
    files = EscrowFiles(fleet_dir.escrow_dir, "lab-1")
    files.store(fake.ROOT_UUID, encrypted(KEY, keystore), VolumeName.root)
    files.store(fake.STATE_UUID, encrypted("\x1b]0;owned\x07", keystore), VolumeName.state)
    return fleet_dir


def on_a_terminal(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what the terminal shows and what stderr says."""
    with (
        closing(Terminal()) as terminal,
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [sys.executable, "-m", "fleetctl", *SHOW, *arguments],
            stdin=subprocess.DEVNULL, stdout=terminal.child, stderr=said,
        ) as program,
    ):  # fmt: skip
        try:
            shown = terminal.read().decode()
            code = program.wait(DEADLINE_S)
        finally:
            program.kill()
        said.seek(0)
        return code, shown, said.read().decode()


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("arguments", [["--volume", "root"], ["--uuid", fake.ROOT_UUID]])
def test_the_key_is_shown_on_a_terminal_with_a_warning_beside_it(arguments: list[str]) -> None:
    code, shown, errors = on_a_terminal(*arguments)
    assert (code, shown.strip()) == (0, KEY)
    assert "Clear the screen" in errors
    assert KEY not in errors


@pytest.mark.usefixtures("fleet")
def test_what_is_no_recovery_key_does_not_reach_the_terminal() -> None:
    code, shown, errors = on_a_terminal("--volume", "state")
    assert (code, shown) == (9, "")
    assert "something else than a recovery key" in errors
    assert "owned" not in errors


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--volume", "root"], "stdout is no terminal"),
        ([], "which volume?"),
        (["--volume", "root", "--uuid", fake.ROOT_UUID], "which volume?"),
    ],
)
def test_a_pipe_gets_no_key_and_a_volume_must_be_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*SHOW, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "hint:" in err


def test_an_unknown_volume_is_2_before_a_passphrase_is_needed(
    fleet: FleetDir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FLEETCTL_PASSPHRASE_FILE")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    (fleet.escrow_dir / "lab-1" / "volumes.yaml").unlink()
    assert run([*SHOW, "--volume", "root"]) == 2
    assert fake.ROOT_UUID in capsys.readouterr().err
