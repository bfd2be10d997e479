"""`fleetctl profile`: hardware profiles, the built-in ones and the fleet's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="List, show and validate hardware profiles.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a profile (fleetctl profile list).")]


@app.command("list")
def list_profiles(fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """List the profiles: the built-in ones, and the fleet's own, which win."""
    from fleetctl.models.fleetdir import load_profile
    from fleetctl.models.profile import builtin_profile_paths
    from fleetctl.report.emit import emit

    paths = _paths(fleet)
    builtin = builtin_profile_paths()
    rows = []
    for name, path in sorted(paths.items()):
        spec = load_profile(name, paths).spec
        rows.append(
            {
                "name": name,
                "origin": "built-in" if builtin.get(name) == path else "fleet",
                "storage": f"{spec.storage.level}, {spec.storage.min_disks} disks",
                "gpus": sum(gpu.count for gpu in spec.gpus),
                "description": spec.description,
            }
        )
    emit(rows, output, _table)


@app.command("show")
def show(name: NameArgument, fleet: FleetOption = None, output: OutputOption = OutputFormat.yaml) -> None:
    """Show one profile, with every default filled in."""
    from fleetctl.models.fleetdir import load_profile
    from fleetctl.report.emit import emit

    emit(load_profile(name, _paths(fleet)), output)


@app.command("validate")
def validate(
    files: Annotated[list[Path], typer.Argument(help="Profile files to check.")],
    output: OutputOption = OutputFormat.table,
) -> None:
    """Check profile files; every problem with its line and the nearest right key. Exit 2 if one is wrong."""
    from fleetctl.errors import ConfigError
    from fleetctl.models.load import load
    from fleetctl.models.profile import HardwareProfile
    from fleetctl.report.emit import emit

    results = []
    for file in files:
        problems: list[str] = []
        try:
            name = load(file, HardwareProfile).name
            if name != file.stem:
                problems = [f"{file}: metadata.name is {name}: name the file {name}.yaml"]
        except ConfigError as error:
            problems = error.message.splitlines()
        results.append({"file": str(file), "valid": not problems, "problems": problems})
    emit(results, output, _verdicts)
    wrong = sum(not result["valid"] for result in results)
    if wrong:
        raise ConfigError(f"{wrong} of {len(files)} profiles wrong", hint="fleetctl profile show lab-vm is a right one")


def _paths(fleet: Path | None) -> dict[str, Path]:
    """The fleet's profiles when there is a fleet here, else the built-in ones."""
    from fleetctl.errors import UsageError
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.models.profile import builtin_profile_paths

    try:
        return FleetDir.find(fleet).profile_paths()
    except UsageError:
        if fleet is not None:
            raise
        return builtin_profile_paths()


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table("NAME", "ORIGIN", "STORAGE", "GPUS", "DESCRIPTION", box=None)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table


def _verdicts(results: list[dict[str, Any]]) -> str:
    lines = [f"{r['file']}: ok" if r["valid"] else "\n".join(r["problems"]) for r in results]
    return "\n".join(lines)
