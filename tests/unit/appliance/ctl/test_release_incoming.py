"""`appliancectl release receive-prepare`: what it takes, what it answers, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from appliance.contract.release_incoming import Incoming
from appliance.ctl.release_incoming import receive_prepare
from appliance.errors import UsageError

NEW, OLD = "a" * 64, "b" * 64


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APPLIANCE_RELEASE_ROOT", str(tmp_path))
    found = tmp_path / "var/lib/appliance/releases"
    (found / "images").mkdir(parents=True)
    (found / "images" / f"{OLD}.raw").write_bytes(b"older")
    return found


def run(*words: str) -> str:
    app = typer.Typer()
    app.command()(receive_prepare)
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_it_answers_one_document_with_the_folders_below_the_root(releases: Path) -> None:
    answer = Incoming.model_validate_json(run("-o", "json"))
    assert answer.repository == f"{releases}/incoming/repository"
    assert answer.image is None
    answer = Incoming.model_validate_json(run("-o", "json", "--root-hash", NEW, "--size-bytes", "9", "--basis", OLD))
    assert answer.image is not None
    assert answer.image.basis == f"{releases}/incoming/basis/{NEW}"
    assert (releases / "incoming/basis" / NEW / f"{NEW}.raw").read_bytes() == b"older"


def test_for_people_it_says_the_same_in_words(releases: Path) -> None:
    assert "basis: none" in run("--root-hash", NEW, "--size-bytes", "9")
    assert f"images are taken in {releases}/incoming/images" in run()


@pytest.mark.parametrize(
    "words",
    [
        ("--root-hash", "../../etc", "--size-bytes", "9"),
        ("--root-hash", NEW.upper(), "--size-bytes", "9"),
        ("--root-hash", NEW),
        ("--size-bytes", "9"),
        ("--basis", OLD),
        ("--root-hash", NEW, "--size-bytes", "9", "--basis", "x"),
        ("-o", "yaml"),
    ],
)
def test_anything_else_is_wrong_usage_and_touches_nothing(releases: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(*words)
    assert not (releases / "incoming").exists()
