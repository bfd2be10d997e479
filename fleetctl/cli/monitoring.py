"""`fleetctl monitoring`: what Prometheus and Grafana need to watch the fleet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import DryRunOption, FleetOption, OutputFormat, OutputOption, SelectorOption

if TYPE_CHECKING:
    from fleetctl.actions.monitoring import Exported

app = typer.Typer(no_args_is_help=True, help="Configure Prometheus and Grafana for the fleet.")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where it is written; Prometheus reads it there.")],
    selector: SelectorOption = None,
    alertmanager: Annotated[
        list[str] | None, typer.Option("--alertmanager", metavar="HOST:PORT", help="Whom Prometheus tells; repeat.")
    ] = None,
    region_label: Annotated[
        str | None,
        typer.Option("--region-label", metavar="KEY", help="Also write an agent for each value of this site label."),
    ] = None,
    remote_write: Annotated[
        str | None, typer.Option("--remote-write", metavar="URL", help="Where the regions' agents write to.")
    ] = None,
    fleet: FleetOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Write targets, rules, dashboards and configurations. Run it again after sites changed; it is idempotent."""
    from fleetctl.actions.monitoring import documents, export
    from fleetctl.errors import UsageError
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.emit import emit

    found = FleetDir.find(fleet)
    sites = found.sites(selector)
    if not sites:
        raise UsageError("no site to watch", hint="fleetctl site add NAME, or other labels")
    wanted = documents(
        found.fleet.name,
        sites,
        found.keys.text("ca.crt"),
        alertmanagers=alertmanager or (),
        region_label=region_label,
        remote_write=remote_write,
    )
    emit(export(folder.absolute(), wanted, len(sites), dry_run=dry_run), output, _exported)


@app.command()
@grouped
def certificate(
    request: Annotated[Path, typer.Argument(metavar="CSR", help="Signing request that Prometheus' machine made.")],
    access: Access,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the certificate goes.", show_default="stdout", dir_okay=False)
    ] = None,
) -> None:
    """Sign a certificate that may read metrics and nothing else. Its key never leaves the machine that made it."""
    from fleetctl import atomic
    from fleetctl.models.load import read
    from fleetctl.trust.ca import Authority, sign_reader_csr

    fleet = access.fleet
    text = sign_reader_csr(read(request), fleet.fleet.name, Authority.open(fleet.keys, access.passphrase()))
    if out is None:
        typer.echo(text, nl=False)
    else:
        atomic.write_text(out, text)


def _exported(done: Exported) -> str:
    lines = [f"{done.folder}: {done.sites} sites"]
    for words, names in (("written", done.written), ("removed", done.removed)):
        lines += [f"  {words}: {name}" for name in names]
    if done.unchanged:
        lines.append(f"  unchanged: {len(done.unchanged)} files")
    return "\n".join(lines)
