"""`fleetctl site`: add, list, show, hold, pin, preflight, burnin, provision and verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access, SiteChoice, grouped
from fleetctl.cli.options import (
    DryRunOption,
    FleetOption,
    OutputFormat,
    OutputOption,
    SelectorOption,
    YesOption,
)
from fleetctl.cli.shown import shown_events
from fleetctl.cli.site_burnin import burnin
from fleetctl.cli.site_hold import hold, pin, unhold, unpin
from fleetctl.cli.site_options import (
    AddressOption,
    AllowOption,
    ClinicalAddressOption,
    ClinicalMacOption,
    ClinicalPortOption,
    ClinicalSourceOption,
    DataDiskOption,
    DraftingOption,
    EraseDiskOption,
    FingerprintOption,
    HealthPortOption,
    LabelOption,
    LabOption,
    ManagementMacOption,
    ManagementSourceOption,
    ProfileOption,
    SshPortOption,
    TranscriptionOption,
    spec_from_options,
)
from fleetctl.cli.site_reseal import reseal
from fleetctl.models.fleetdir import FleetDir

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetctl.actions.judge import SiteJudgement
    from fleetctl.models.site import Site
    from fleetctl.trust.passphrase import Passphrase

app = typer.Typer()

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the site.")]


@app.command()
def add(
    name: NameArgument,
    lab: LabOption = False,
    address: AddressOption = None,
    ssh_port: SshPortOption = 22,
    health_port: HealthPortOption = 9443,
    clinical_address: ClinicalAddressOption = None,
    clinical_port: ClinicalPortOption = 443,
    profile: ProfileOption = None,
    fingerprint: FingerprintOption = None,
    management_mac: ManagementMacOption = None,
    management_source: ManagementSourceOption = None,
    clinical_mac: ClinicalMacOption = None,
    clinical_source: ClinicalSourceOption = None,
    data_disk: DataDiskOption = None,
    erase_disk: EraseDiskOption = None,
    allow: AllowOption = None,
    transcription: TranscriptionOption = None,
    drafting: DraftingOption = None,
    label: LabelOption = None,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Register a machine: confirm and pin its SSH host key, write sites/NAME.yaml. Twice is harmless."""
    from fleetctl.actions.site_add import lab_site, site_add
    from fleetctl.report.emit import emit
    from fleetctl.report.sites import added_text

    fleetdir = FleetDir.find(fleet)
    expected = fingerprint
    if lab:
        spec, on_console = lab_site(fleetdir, name)
        expected = fingerprint or on_console
    else:
        spec = spec_from_options(
            profile=profile,
            address=address,
            ssh_port=ssh_port,
            health_port=health_port,
            clinical_address=clinical_address,
            clinical_port=clinical_port,
            macs={"management": management_mac, "clinical": clinical_mac},
            sources={"management": management_source, "clinical": clinical_source},
            data_disks=data_disk,
            erase_disks=erase_disk,
            allow=allow,
            transcription=transcription,
            drafting=drafting,
        )
    labels = dict(text.partition("=")[::2] for text in label or [])
    emit(site_add(fleetdir, name, spec, expected, _confirm_fingerprint(), labels), output, added_text)


def _confirm_fingerprint() -> Callable[[str], bool] | None:
    if not sys.stdin.isatty():
        return None
    return lambda shown: typer.confirm(
        f"The machine shows host key {shown}\nIs this what its own console shows?", default=False, err=True
    )


@app.command("list")
def list_sites(
    selector: SelectorOption = None, fleet: FleetOption = None, output: OutputOption = OutputFormat.table
) -> None:
    """List the sites of the fleet, with their holds and pins. Reads files only; for their state: fleetctl status."""
    from datetime import UTC, datetime

    from fleetctl.models.rolloutfiles import read_holds, read_pins
    from fleetctl.report.emit import emit
    from fleetctl.report.sites import site_rows, sites_table

    found = FleetDir.find(fleet)
    rows = site_rows(found.sites(selector), read_holds(found.path), read_pins(found.path), datetime.now(UTC))
    emit(rows, output, sites_table)


@app.command()
def show(name: NameArgument, fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """Show what is wanted of a site: its file with defaults filled in, its hold and its pin."""
    from datetime import UTC, datetime

    from fleetctl.models.rolloutfiles import read_holds, read_pins
    from fleetctl.report.emit import emit
    from fleetctl.report.sites import site_document

    found = FleetDir.find(fleet)
    site = found.site(name)
    holds, pins = read_holds(found.path), read_pins(found.path)
    emit(site_document(site, holds.get(name), pins.get(name), datetime.now(UTC)), output)


@app.command()
@grouped
def preflight(
    choice: SiteChoice,
    access: Access,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Write an acceptance record of each machine there, JSON and HTML.",
        ),
    ] = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Check machines against their profile and site file, before anything is changed. Changes nothing."""
    from fleetctl.actions import judge
    from fleetctl.report.acceptance import acceptance_record, write_record
    from fleetctl.report.console import err

    judgements = _judged(judge.preflight, choice, access, output)
    if record is not None:
        for judgement in judgements:
            profile = access.fleet.profile(access.fleet.site(judgement.site).spec.profile)
            _, page = write_record(acceptance_record(judgement, profile), record)
            err.print(f"acceptance record: {page}")
    raise typer.Exit(judge.exit_code(judgements))


app.command()(burnin)
app.command()(reseal)
for _command in (hold, unhold, pin, unpin):
    app.command()(_command)


@app.command()
@grouped
def verify(choice: SiteChoice, access: Access, output: OutputOption = OutputFormat.table) -> None:
    """Read provisioned sites anew and judge them: encrypted, sealed, isolated, running what was approved."""
    from fleetctl.actions import judge

    raise typer.Exit(judge.exit_code(_judged(judge.verify, choice, access, output)))


def _judged(
    question: Callable[[FleetDir, list[Site], Passphrase], list[SiteJudgement]],
    choice: SiteChoice,
    access: Access,
    output: OutputFormat,
) -> list[SiteJudgement]:
    from fleetctl.report.checks import judgements_table
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    sites = choice.of(access.fleet)
    passphrase = access.passphrase()
    with Progress().step(f"reading {', '.join(site.name for site in sites)}"):
        judgements = question(access.fleet, sites, passphrase)
    emit(judgements, output, judgements_table)
    return judgements


@app.command()
@grouped
def provision(
    choice: SiteChoice,
    access: Access,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="How many sites at a time.")] = 4,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Turn booted machines into sealed appliances. A second run changes nothing; an interrupted one is continued.

    With -o json every event is a line on stdout while it happens.
    """
    from fleetctl.actions.provision import plan
    from fleetctl.actions.provision import provision as provision_sites
    from fleetctl.phases.runner import raise_for
    from fleetctl.report.emit import emit
    from fleetctl.report.runs import run_rows, runs_table

    fleetdir = access.fleet
    sites = choice.of(fleetdir)
    if not (yes or dry_run):
        _confirm_erasing(sites)
    passphrase = access.passphrase()
    with shown_events(output, len(sites)) as events:
        reports = (plan if dry_run else provision_sites)(fleetdir, sites, passphrase, events, parallel=parallel)
    if output is not OutputFormat.json:
        emit(run_rows(reports, dry_run=dry_run), output, runs_table)
    raise_for(reports)


def _confirm_erasing(sites: list[Site]) -> None:
    """Ask before existing content is destroyed. A machine with empty disks loses nothing, so nothing is asked."""
    from fleetctl.errors import RefusedError

    erasing = [
        f"{site.name}: {', '.join(site.spec.storage.erase_disks)}" for site in sites if site.spec.storage.erase_disks
    ]
    if not erasing:
        return
    what = f"erase_disks names disks whose content will be destroyed ({'; '.join(erasing)})"
    if not sys.stdin.isatty():
        raise RefusedError(what, hint="give --yes, or take the disks out of erase_disks")
    typer.confirm(f"{what}. Go on?", default=False, abort=True, err=True)
