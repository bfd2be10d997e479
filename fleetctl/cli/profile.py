"""`fleetctl profile`: hardware profiles, the built-in ones and the fleet's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption
from fleetctl.cli.planning import roi, size

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="List, show and validate hardware profiles; size a site and count its costs.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a profile (fleetctl profile list).")]


@app.command("list")
def list_profiles(fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """List the profiles: the built-in ones, and the fleet's own, which win."""
    from fleetctl.errors import ConfigError
    from fleetctl.models.fleetdir import load_profile
    from fleetctl.models.profile import builtin_profile_paths
    from fleetctl.report.emit import emit

    paths = profile_paths(fleet)
    builtin = builtin_profile_paths()
    rows, broken = [], []
    for name, path in sorted(paths.items()):
        try:
            profile = load_profile(name, paths)
        except ConfigError as error:
            broken.append(error)
            continue
        spec = profile.spec
        rows.append(
            {
                "name": name,
                "origin": "built-in" if builtin.get(name) == path else "fleet",
                "class": profile.metadata.labels.get("class", ""),
                "cores": spec.cpu.min_cores,
                "memory_gib": spec.memory.min_installed_gib or round(spec.memory.min_mib / 1024),
                "gpus": ", ".join(f"{gpu.count} × {gpu.reference}" for gpu in spec.gpus),
                "storage": {"level": spec.storage.level, "disks": spec.storage.min_disks},
                "price_usd": [spec.price.min_usd, spec.price.max_usd] if spec.price else None,
                "unconfirmed": spec.unconfirmed,
                "description": spec.description,
            }
        )
    emit(rows, output, _table)
    if broken:
        raise ConfigError("\n".join(error.message for error in broken), hint=broken[0].hint)


@app.command("show")
def show(name: NameArgument, fleet: FleetOption = None, output: OutputOption = OutputFormat.yaml) -> None:
    """Show one profile, with every default filled in."""
    from fleetctl.models.fleetdir import load_profile
    from fleetctl.report.emit import emit

    emit(load_profile(name, profile_paths(fleet)), output)


@app.command("validate")
def validate(
    files: Annotated[list[Path], typer.Argument(help="Profile files to check.")],
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Check profile files; every problem with its line and the nearest right key. Exit 2 if one is wrong."""
    from fleetctl.errors import ConfigError
    from fleetctl.models.inherit import load_inherited
    from fleetctl.models.profile import NOT_INHERITED, HardwareProfile
    from fleetctl.report.emit import emit

    results = []
    known = profile_paths(fleet)
    for file in files:
        problems: list[str] = []
        try:
            beside = {path.stem: path for path in file.parent.glob("*.yaml")}
            name = load_inherited(file, HardwareProfile, known | beside, NOT_INHERITED).name
            if name != file.stem:
                problems = [f"{file}: metadata.name is {name}: name the file {name}.yaml"]
        except ConfigError as error:
            problems = [*error.message.splitlines(), f"  hint: {error.hint}"]
        results.append({"file": str(file), "valid": not problems, "problems": problems})
    emit(results, output, _verdicts)
    wrong = sum(not result["valid"] for result in results)
    if wrong:
        raise ConfigError(f"{wrong} of {len(files)} profiles wrong", hint="fleetctl profile show lab-vm is a right one")


app.command("size")(size)
app.command("roi")(roi)


def profile_paths(fleet: Path | None) -> dict[str, Path]:
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

    table = Table("NAME", "FROM", "GPUS", "CORES", "GIB", "STORAGE", "PRICE", box=None, pad_edge=False)
    for row in rows:
        price = row["price_usd"]
        table.add_row(
            row["name"] + ("*" if row["unconfirmed"] else ""),
            row["origin"],
            row["gpus"].replace("NVIDIA ", "").replace(" Generation", "") or "none",
            str(row["cores"]),
            str(row["memory_gib"]),
            f"{row['storage']['level']}×{row['storage']['disks']}",
            f"${price[0] / 1000:,.0f}–{price[1] / 1000:,.0f}k" if price else "–",
        )
    if doubts := [f"* {row['name']}: {row['unconfirmed']}" for row in rows if row["unconfirmed"]]:
        table.caption, table.caption_justify = "\n".join(doubts), "left"
    return table


def _verdicts(results: list[dict[str, Any]]) -> str:
    lines = [f"{r['file']}: ok" if r["valid"] else "\n".join(r["problems"]) for r in results]
    return "\n".join(lines)
