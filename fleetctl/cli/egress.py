"""`fleetctl egress`: what may leave a site, and the proof that nothing else can."""

from __future__ import annotations

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import (
    FleetOption,
    OutputFormat,
    OutputOption,
    SiteArgument,
)
from fleetctl.models.fleetdir import FleetDir

app = typer.Typer()


@app.command()
@grouped
def prove(
    site: SiteArgument,
    access: Access,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Try to get out, from the host and from every service's sandbox, towards canaries that must hear nothing.

    Exit code 0: proven. 9: something got out. 5: not proven, the reasons say what is missing.
    """
    from fleetctl.actions.egress import prove_site
    from fleetctl.egress.proof import EXIT_CODES
    from fleetctl.report.console import err
    from fleetctl.report.egress import proof_table
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    fleetdir = access.fleet
    wanted = fleetdir.site(site)
    passphrase = access.passphrase()
    with Progress().step(f"{site}: trying to get out"):
        proof, path = prove_site(fleetdir, wanted, passphrase)
    emit(proof, output, proof_table)
    err.print(f"record: {path}")
    raise typer.Exit(EXIT_CODES[proof.verdict])


@app.command()
def show(site: SiteArgument, fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """Show what the site file lets out, and the last recorded proof."""
    from fleetctl.actions.egress import latest_proof
    from fleetctl.report.egress import allowed_table
    from fleetctl.report.emit import emit

    fleetdir = FleetDir.find(fleet)
    wanted = fleetdir.site(site)
    latest = latest_proof(fleetdir.state_dir, wanted.name)
    data = {
        "site": wanted.name,
        "allow": wanted.spec.egress.allow,
        "last_proof": {"verdict": latest.verdict, "finished_at": latest.finished_at} if latest else None,
    }
    emit(data, output, lambda _: allowed_table(wanted, latest))
