"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl import atomic


def test_replaces_and_sets_the_mode(tmp_path: Path) -> None:
    file = tmp_path / "f"
    atomic.write_text(file, "one")
    atomic.write_bytes(file, b"two", mode=0o600)
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_without_replace_the_first_one_stays(tmp_path: Path) -> None:
    file = tmp_path / "f"
    atomic.write_text(file, "one", replace=False)
    with pytest.raises(FileExistsError):
        atomic.write_text(file, "two", replace=False)
    assert file.read_text() == "one"
    assert list(tmp_path.iterdir()) == [file]


def test_failure_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f"
    atomic.write_text(file, "one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write_text(file, "two")
    assert file.read_text() == "one"
    assert list(tmp_path.iterdir()) == [file]
