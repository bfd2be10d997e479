"""The command tree: a Typer group whose commands are imported when they are called, not before."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from fleetctl.cli.registry import COMMANDS, Row

EPILOG = "Data goes to stdout, everything else to stderr. Exit codes: docs/reference/cli.md."

# Plain help: it reads the same on a serial console, and rich's help costs more than all other imports together.
MARKUP = None


def load(row: Row) -> Any:
    """Import a command and build it. The class is Typer's own; its base is not public, hence `Any`."""
    module, _, attribute = row.target.partition(":")
    target = getattr(import_module(module), attribute)
    if isinstance(target, typer.Typer):
        target.rich_markup_mode = MARKUP
        target.info.help = target.info.help if isinstance(target.info.help, str) else row.help
        built: Any = get_group(target)
        built.no_args_is_help = True
    else:
        single = typer.Typer(add_completion=False, rich_markup_mode=MARKUP)
        single.command(row.name)(target)
        built = get_command(single)
    built.name = row.name
    return built


class LazyGroup(TyperGroup):
    """Shows the registry's table in its help and imports one command when that one is run."""

    rows: ClassVar[dict[str, Row]] = {row.name: row for row in COMMANDS}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.rows)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        row = self.rows.get(cmd_name)
        # Named only, for help texts and completion.
        return TyperCommand(row.name, help=row.help, short_help=row.help) if row else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        self.commands = {name: self.get_command(ctx, name) for name in self.rows}  # what "did you mean" compares with
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(self.rows[name]) if name in self.rows else command, rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=MARKUP,
    epilog=EPILOG,
    help="Prepares, seals, proves and watches clinical-documentation appliances over a fleet of sites.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root() -> None:
    """Holds the group; every option belongs to a command."""


def command() -> Any:
    """The whole tree, ready to run."""
    return get_command(app)
