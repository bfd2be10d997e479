"""Examples of docs/operate/rollouts.md work: the policy is one, and every command line has options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from fleetctl.cli import release, release_build, rollout, site_hold
from fleetctl.models.load import parse
from fleetctl.models.rollout import RolloutPolicy
from fleetctl.rollout.windows import activation, download

PAGE = (Path(__file__).parents[3] / "docs/operate/rollouts.md").read_text()


def blocks() -> Iterator[str]:
    """The indented examples of the page."""
    for found in re.finditer(r"(?:^ {4}.*\n|^\n(?= {4}))+", PAGE, re.MULTILINE):
        yield "\n".join(line[4:] for line in found[0].splitlines()).strip("\n")


def commands() -> list[str]:
    lines = [line for block in blocks() for line in block.splitlines()]
    return [line.partition(" # ")[0].strip() for line in lines if line.startswith("fleetctl ")]


def test_the_policy_of_the_page_is_one() -> None:
    text = next(block for block in blocks() if block.startswith("apiVersion"))
    spec = parse(text, RolloutPolicy, "rollouts.md").spec
    assert [wave.name for wave in spec.waves] == ["canary", "pilots", "half", "rest"]
    assert not activation(spec.windows, "old-town", {}).never
    assert not download(spec.windows, "anywhere", {}).never


def _groups() -> dict[str, list[click.Command]]:
    sites = typer.Typer()
    for command in (site_hold.hold, site_hold.unhold, site_hold.pin, site_hold.unpin):
        sites.command()(command)
    apps = {"site": [sites], "rollout": [rollout.app], "release": [release.app, release_build.app]}
    return {name: [typer.main.get_command(app) for app in given] for name, given in apps.items()}


GROUPS = _groups()


@pytest.mark.parametrize("line", commands())
def test_every_command_line_of_the_page_is_understood(line: str) -> None:
    _, group, *words = shlex.split(line)
    found: click.Command | None = None
    for candidate in GROUPS[group]:
        current: click.Command | None = candidate
        rest = list(words)
        while isinstance(current, click.Group) and rest:
            current = current.commands.get(rest.pop(0))
        if current is not None:
            found, arguments = current, rest
            break
    assert found is not None, f"there is no command {line}"
    found.make_context(words[0], arguments)


def test_the_page_names_every_command_of_rollouts() -> None:
    there = set(GROUPS["rollout"][0].commands)  # type: ignore[attr-defined]
    assert {line.split()[2] for line in commands() if line.startswith("fleetctl rollout ")} | _in_words() == there


def _in_words() -> set[str]:
    """Commands that the text names without an example of their own."""
    return set(re.findall(r"`(?:fleetctl )?rollout ([a-z]+)", PAGE))
