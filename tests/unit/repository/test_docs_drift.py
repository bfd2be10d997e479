"""Generated pages equal what their generator writes now."""

from __future__ import annotations

from pathlib import Path

from fleetctl.cli.reference import reference
from fleetctl.models.reference import reference as files_reference

ROOT = Path(__file__).resolve().parents[3]


def test_command_reference_is_current() -> None:
    assert (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8") == reference(), "run: make docs"


def test_files_reference_is_current() -> None:
    assert (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8") == files_reference(), "run: make docs"
