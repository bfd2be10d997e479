"""`fleetctl lab`: virtual sites on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli import rehearsal
from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption
from fleetctl.errors import ChangeError, ConfigError, FleetctlError, PartialError, UnreachableError, describe
from fleetctl.lab import make
from fleetctl.lab.boot import BOOT_TIMEOUT_S
from fleetctl.lab.forget import forget
from fleetctl.lab.login import ssh_argv, write_known_hosts
from fleetctl.lab.site import LabSite
from fleetctl.lab.status import SiteStatus, fleet_status, site_status
from fleetctl.lab.store import LabStore
from fleetctl.lab.terminal import attach
from fleetctl.models.fleetdir import FleetDir
from fleetctl.report.console import err
from fleetctl.report.emit import emit
from fleetctl.report.progress import Progress, Step
from fleetctl.trust.ssh_agent import ssh_agent
from fleetctl.trust.tmpfs import private_tmpfs_dir

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="Run virtual sites on this machine: UEFI, Secure Boot, software TPM, ports on loopback only.")
app.command()(rehearsal.demo)
app.command()(rehearsal.visit)
app.command("newer-model")(rehearsal.newer_model)


class AccelChoice(StrEnum):
    """What runs the guest's processor; `auto` takes KVM only where a guest truly runs under it."""

    auto = "auto"
    kvm = "kvm"
    tcg = "tcg"


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the virtual site.")]


def _new(default: object) -> str:
    return f"Default for a new site: {default}."


@app.command()
def up(
    name: NameArgument,
    memory_mib: Annotated[
        int | None, typer.Option(min=512, max=1_048_576, help=f"Memory. {_new(make.DEFAULT_MEMORY_MIB)}")
    ] = None,
    cpus: Annotated[int | None, typer.Option(min=1, max=64, help=f"Processors. {_new(make.DEFAULT_CPUS)}")] = None,
    data_disks: Annotated[
        int | None, typer.Option(min=0, max=8, help=f"Disks for the state volume. {_new(make.DEFAULT_DATA_DISKS)}")
    ] = None,
    data_disk_gib: Annotated[
        float | None, typer.Option(min=0.1, max=4096, help=f"Size of each. {_new(make.DEFAULT_DATA_DISK_GIB)}")
    ] = None,
    system_disk_gib: Annotated[
        float | None, typer.Option(min=0.1, max=4096, help=f"System disk. {_new(make.DEFAULT_SYSTEM_DISK_GIB)}")
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="Image to copy. Default: what `fleetctl image build` made.", show_default=False)
    ] = None,
    accel: Annotated[AccelChoice, typer.Option(help="What runs the processor.")] = AccelChoice.auto,
    fresh_tpm: Annotated[
        bool, typer.Option("--fresh-tpm", help="Put in a TPM that has never seen the disks, as a thief would.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until SSH answers with the right key.")] = True,
    timeout_s: Annotated[float, typer.Option(min=1, help="How long to wait for the boot.")] = BOOT_TIMEOUT_S,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Make a virtual site if there is none, power it on, and wait until it can be reached. Harmless when it is on."""
    fleetdir, progress = FleetDir.find(fleet), Progress()
    shape = make.Shape(memory_mib, cpus, data_disks, data_disk_gib, system_disk_gib, image)
    with progress.step(f"{name}: disks and firmware") as step:
        site = LabSite.ensure(fleetdir, name, shape)
        step.result(f"image {site.record.image.version}")
    if fresh_tpm:
        site.fresh_tpm()
    with progress.step(f"{name}: power on") as step:
        started = site.start(accel.value)
        step.result(f"{site.record.accel}: {site.record.accel_reason}" if started else "is on already")
    if wait:
        with progress.step(f"{name}: boot") as step:
            site.wait_ssh(timeout_s=timeout_s, report=step.update)
            step.result(f"host key {site.record.host_key_fingerprint}")
    emit([site_status(site)], output, _table)


@app.command()
def down(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Virtual sites to power off.")],
    destroy: Annotated[
        bool, typer.Option("--destroy/--keep", help="Remove disks, TPM and record too, instead of keeping them.")
    ] = False,
    power_cut: Annotated[bool, typer.Option("--power-cut", help="Pull the plug instead of asking.")] = False,
    fleet: FleetOption = None,
) -> None:
    """Power off and end every process of a site, also what a killed fleetctl or QEMU left. Harmless when it is off."""
    fleetdir, progress = FleetDir.find(fleet), Progress()
    failed: list[str] = []
    for name in names:
        site = LabSite(fleetdir, name)
        try:
            with progress.step(f"{name}: power off{' and remove' if destroy else ''}") as step:
                ended = _destroy(site, step) if destroy else site.stop(power_cut=power_cut, report=step.update)
                step.result(f"{ended} processes ended{step.note}" if ended else f"nothing was running{step.note}")
        except FleetctlError as error:
            if len(names) == 1:
                raise
            failed.append(name)
            err.print(describe(error))
    if failed:
        raise PartialError(f"not stopped: {', '.join(failed)}", hint="the reason of each is above")


def _destroy(site: LabSite, step: Step) -> int:
    """Remove the site and, of the fleet directory, what only its machine stood behind."""
    try:
        record = site.store.find(site.name)
    except ConfigError:
        record = None
    ended = site.destroy(step.update)
    if record and (gone := forget(site.fleetdir, record)):
        step.result(f"; forgotten: {', '.join(gone)}")
    return ended


@app.command()
def status(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: every virtual site of the fleet.")
    ] = None,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show virtual sites: whether they run, for how long, at which ports, and their last line on the console."""
    fleetdir = FleetDir.find(fleet)
    seen, unreadable = fleet_status(fleetdir, names or LabStore(fleetdir.state_dir).names())
    if names and len(names) == 1 and unreadable:
        raise unreadable[names[0]]
    emit(seen, output, _table)
    for error in unreadable.values():
        err.print(describe(error))
    if unreadable:
        raise PartialError(f"not readable: {', '.join(unreadable)}", hint="the reason of each is above")


@app.command()
@grouped
def ssh(
    name: NameArgument,
    access: Access,
    command: Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="Default: a shell.")] = None,
) -> None:
    """Log in as root with the fleet's key, to the recorded host key only; ends with the exit code of the command."""
    fleetdir = access.fleet
    site = LabSite(fleetdir, name)
    record = site.record
    if not site.running:
        raise UnreachableError(f"{name} is off", hint=f"fleetctl lab up {name}", host=name)
    passphrase = access.passphrase()
    with private_tmpfs_dir("lab-ssh") as folder, ssh_agent(fleetdir.keys, passphrase) as agent:
        known_hosts = write_known_hosts(record, folder)
        environment = os.environ | {"SSH_AUTH_SOCK": str(agent)}
        try:
            ended = subprocess.run(ssh_argv(record, known_hosts, command or []), env=environment, check=False)
        except FileNotFoundError as error:
            raise ChangeError("this machine has no ssh program", hint="apt install openssh-client") from error
    raise typer.Exit(ended.returncode)


@app.command()
def console(
    name: NameArgument,
    log: Annotated[
        bool, typer.Option("--log", help="Print what the console has shown since power-on, and end.")
    ] = False,
    fleet: FleetOption = None,
) -> None:
    """Connect the terminal to a site's serial console. Ctrl-] leaves."""
    site = LabSite(FleetDir.find(fleet), name)
    record = site.record
    if log:
        sys.stdout.write(site.serial_text(record.serial_offset_bytes))
        return
    err.print(f"console of {name}; Ctrl-] leaves")
    attach(site.runtime_dir)


def _table(sites: list[SiteStatus]) -> Table:
    from rich.table import Table

    table = Table("NAME", "STATE", "UP", "SSH", "HEALTH", "CLINICAL", "CPU", "DISKS", "LAST CONSOLE LINE", box=None)
    for site in sites:
        state = f"{site.state}{'' if site.booted or site.state == 'off' else ', booting'}"
        table.add_row(
            site.name,
            state,
            "–" if site.up_s is None else f"{site.up_s / 60:.0f} min",
            *(f"127.0.0.1:{port}" for port in (site.ports.ssh, site.ports.health, site.ports.clinical)),
            site.accel or "–",
            f"{sum(site.disks.values()) / 1024**3:.1f} GiB",
            site.last_console_line[:60],
        )
    return table
