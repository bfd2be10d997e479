"""`fleetctl keys`: how long the fleet's own certificates are good, and new ones in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption

if TYPE_CHECKING:
    from rich.table import Table

    from fleetctl.trust.renewal import CertificateState

app = typer.Typer(no_args_is_help=True, help="Show and renew the fleet's own certificates.")


@app.command()
def show(fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """Show how long each certificate of the key directory is good. Exit code 3: renew soon; 4: expired."""
    from fleetctl.errors import CriticalError, DegradedError
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.emit import emit
    from fleetctl.trust.renewal import Validity, next_action, states

    found = states(FleetDir.find(fleet).keys)
    emit(found, output, _table)
    bad = [one for one in found if one.validity is not Validity.OK]
    if not bad:
        return
    words = ", ".join(f"{one.file} ({one.validity.value})" for one in bad)
    kind = DegradedError if all(one.validity is Validity.DUE for one in bad) else CriticalError
    raise kind(f"not good for long: {words}", hint=next_action(bad))


@app.command()
@grouped
def renew(
    access: Access,
    early: Annotated[bool, typer.Option("--early", help="Renew what is not due yet, too.")] = False,
) -> None:
    """Issue operator.crt and clinical.crt anew when less than 90 days are left. Keys stay: no box has to be told."""
    from fleetctl.report.console import out
    from fleetctl.trust.renewal import renew

    fleet = access.fleet
    changed = renew(fleet.keys, fleet.fleet.name, access.passphrase(), early=early)
    out.print(f"renewed: {', '.join(changed)}" if changed else "nothing is due", markup=False)


def _table(found: list[CertificateState]) -> Table:
    from rich.table import Table

    table = Table("file", "valid until", "days left", "state", "subject")
    for one in found:
        table.add_row(one.file, f"{one.not_after:%Y-%m-%d}", str(one.days_left), one.validity.value, one.subject)
    return table
