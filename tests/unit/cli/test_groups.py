"""Options that come together: a command shows them as its own, and gets them as one object."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from fleetctl.cli.groups import Access, OptionGroup, PassphraseSource, SiteChoice, grouped
from fleetctl.cli.options import OutputFormat, OutputOption
from fleetctl.errors import UsageError
from fleetctl.models.fleetdir import FleetDir


class Twice(OptionGroup):
    def __init__(self, deep: bool = False) -> None: ...


def _app(seen: list[object]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @grouped
    def look(
        choice: SiteChoice,
        access: Access,
        deep: Annotated[bool, typer.Option("--deep")] = False,
        output: OutputOption = OutputFormat.table,
    ) -> None:
        """Looks."""
        seen.extend([choice, access, deep, output])

    return app


def test_a_command_gets_its_groups_as_objects(tmp_path: Path) -> None:
    seen: list[object] = []
    secret = tmp_path / "passphrase"
    secret.write_text("five words are quite enough\n")
    secret.chmod(0o600)
    words = ["a", "b", "--deep", "--passphrase-file", str(secret), "-o", "json"]
    result = CliRunner().invoke(_app(seen), words)
    assert result.exit_code == 0, result.output
    choice, access, deep, output = seen
    assert isinstance(choice, SiteChoice)
    assert isinstance(access, Access)
    assert (deep, output) == (True, OutputFormat.json)
    assert access.passphrase().reveal() == "five words are quite enough"


def test_help_shows_the_commands_own_options_before_the_common_ones() -> None:
    text = CliRunner().invoke(_app([]), ["--help"], env={"COLUMNS": "200"}).output
    order = [text.index(name) for name in ("--selector", "--deep", "--fleet", "--passphrase-fd", "--output")]
    assert order == sorted(order)
    assert "Looks." in text


def test_an_option_declared_twice_is_a_defect() -> None:
    with pytest.raises(TypeError, match="look declares deep twice"):

        @grouped
        def look(first: Twice, second: Twice) -> None: ...


@pytest.mark.parametrize(
    ("names", "selector", "words"),
    [
        (None, None, "no site was named"),
        (["a"], ["role=lab"], "both names and selectors"),
        (None, ["role=lab"], "no site has the labels role=lab"),
    ],
)
def test_a_choice_of_nothing_is_refused(
    names: list[str] | None, selector: list[str] | None, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(FleetDir, "sites", lambda self, selectors: [])
    with pytest.raises(UsageError, match=words):
        SiteChoice(names, selector).of(FleetDir(tmp_path))


def test_a_passphrase_is_read_only_when_it_is_wanted(tmp_path: Path) -> None:
    source = PassphraseSource(passphrase_file=tmp_path / "missing")
    with pytest.raises(UsageError):
        source.passphrase()
