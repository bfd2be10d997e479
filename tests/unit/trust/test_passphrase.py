"""Where a passphrase comes from, and where it never shows."""

from __future__ import annotations

import copy
import os
import pickle
import sys
from pathlib import Path

import pytest

from fleetctl.errors import UsageError
from fleetctl.trust import passphrase as module
from fleetctl.trust.passphrase import Passphrase

SECRET = "correct horse battery"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def descriptor(content: bytes) -> int:
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    return reader


def test_from_descriptor_file_and_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Passphrase.from_options(fd=descriptor(SECRET.encode())).reveal() == SECRET
    assert Passphrase.from_options(file=file).reveal() == SECRET
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(file))
    assert Passphrase.from_options().reveal() == SECRET


def test_descriptor_wins_over_the_environments_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(file))
    # Typer hands the environment's value over as the option's.
    assert Passphrase.from_options(fd=descriptor(b"another secret"), file=file).reveal() == "another secret"


def test_two_sources_are_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="two sources"):
        Passphrase.from_options(fd=0, file=file)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"\n", "empty"), (b"a\nb\n", "more than one line"), (b"\xff", "UTF-8"), (b"x" * 2000, "bytes")],
)
def test_odd_content_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Passphrase.from_options(fd=descriptor(content))


def test_file_that_others_can_read_is_refused(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(UsageError) as caught:
        Passphrase.from_options(file=file)
    assert caught.value.hint == f"chmod 600 {file}"


def test_no_terminal_no_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(UsageError, match="no terminal"):
            Passphrase.from_options()


class _Terminal:
    def isatty(self) -> bool:
        return True


def test_prompt_asks_twice_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([SECRET, SECRET, SECRET, "something else", SECRET])
    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(module.getpass, "getpass", lambda prompt: next(answers))
    assert Passphrase.from_options(new=True).reveal() == SECRET
    with pytest.raises(UsageError, match="differ"):
        Passphrase.from_options(new=True)
    assert Passphrase.from_options().reveal() == SECRET


def test_new_one_must_be_long_enough() -> None:
    with pytest.raises(UsageError, match="at least 12"):
        Passphrase.from_options(fd=descriptor(b"short words"), new=True)
    assert Passphrase.from_options(fd=descriptor(b"short words"))


def test_never_shown_or_stored() -> None:
    secret = Passphrase(SECRET)
    assert SECRET not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)
