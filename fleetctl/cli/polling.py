"""What the commands that ask sites share: options, one round, and rounds until somebody stops them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from fleetctl.cli.groups import OptionGroup
from fleetctl.errors import UsageError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.poll_limits import Limits

if TYPE_CHECKING:
    from fleetctl.checks.site_health import SiteHealth
    from fleetctl.errors import StoreError
    from fleetctl.trust.passphrase import Passphrase

WatchOption = Annotated[
    float | None,
    typer.Option("--watch", "-w", min=1, max=3600, metavar="SECONDS", help="Ask again this often, until Ctrl-C."),
]
AllOption = Annotated[bool, typer.Option("--all", "-a", help="Each site by itself, the good ones too.")]


_SHOWN_EVERY_S = 0.1


class Patience(OptionGroup):
    """How long sites are waited for."""

    def __init__(
        self,
        deadline: Annotated[
            float, typer.Option(min=0.1, max=600, metavar="SECONDS", help="For the answer of one site.")
        ] = Limits.deadline_s,
        total: Annotated[
            float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="For the whole fleet.")
        ] = Limits.total_s,
    ) -> None:
        self.limits: Limits = Limits(connect_s=min(deadline, Limits.connect_s), deadline_s=deadline, total_s=total)


class Screen(Protocol):
    """Shows the rounds of a command."""

    def show(self, healths: Sequence[SiteHealth], took_s: float, every_s: float | None) -> None: ...

    def __enter__(self) -> Screen: ...

    def __exit__(self, *_: object) -> None: ...


class Progress:
    """How many sites have answered, on a terminal's stderr, while one waits. Elsewhere nothing."""

    def __init__(self, sites: int) -> None:
        self._sites, self._heard, self._shown_s = sites, 0, 0.0
        self._terminal: bool = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def heard(self, _observation: object) -> None:
        """One more, shown ten times a second at most."""
        self._heard += 1
        now_s = time.monotonic()
        if self._terminal and now_s - self._shown_s > _SHOWN_EVERY_S:
            self._shown_s = now_s
            sys.stderr.write(f"\r{self._heard} of {self._sites} sites")
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown_s:
            sys.stderr.write(f"\r{' ' * (len(str(self._sites)) * 2 + 10)}\r")
            sys.stderr.flush()


def chosen(fleetdir: FleetDir, names: list[str] | None, selector: list[str] | None) -> list[Site]:
    """The sites named, those with the labels, or all. `UsageError` when that is none."""
    if names and selector:
        raise UsageError("both names and selectors were given", hint="give site names, or -l key=value")
    sites = [fleetdir.site(name) for name in dict.fromkeys(names)] if names else fleetdir.sites(selector)
    if not sites:
        raise UsageError("no site to show", hint="fleetctl site add NAME, or other labels")
    return sites


def asked(
    fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase, limits: Limits
) -> tuple[list[SiteHealth], float, StoreError | None]:
    """One round: what the sites are, how many seconds it took, and why it could not be kept, if so."""
    from fleetctl.actions.watching import watching
    from fleetctl.remote.bastions import bastions

    with bastions(fleetdir, sites, passphrase) as forwarded, watching(fleetdir, passphrase, limits) as fleet:
        started_s = time.monotonic()
        with Progress(len(sites)) as progress:
            healths = asyncio.run(fleet.round(sites, forwarded=forwarded, heard=progress.heard))
        took_s = time.monotonic() - started_s
        fleet.memory.keep(healths)
        return healths, took_s, fleet.memory.problem


def once(fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase, limits: Limits, screen: Screen) -> int:
    """One round on the screen; the exit code. What was seen is shown before it is kept."""
    from fleetctl.actions.status import exit_code
    from fleetctl.actions.watching import watching
    from fleetctl.remote.bastions import bastions

    with bastions(fleetdir, sites, passphrase) as forwarded, watching(fleetdir, passphrase, limits) as fleet:
        started_s = time.monotonic()
        with Progress(len(sites)) as progress:
            healths = asyncio.run(fleet.round(sites, forwarded=forwarded, heard=progress.heard))
        with screen:
            screen.show(healths, time.monotonic() - started_s, None)
        fleet.memory.keep(healths)
        problem = fleet.memory.problem
    not_kept(problem)
    certificate_due(fleetdir)
    return exit_code([health.verdict for health in healths], problem)


def repeated(
    fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase, limits: Limits, screen: Screen, every_s: float
) -> None:
    """Rounds until Ctrl-C. A site that gives no answer is asked less and less often."""
    from fleetctl.actions.watching import watching
    from fleetctl.remote.bastions import bastions

    async def rounds() -> None:
        told = ""
        while True:
            started_s = time.monotonic()
            healths = await fleet.round(sites, everyone=False, forwarded=forwarded)
            screen.show(healths, time.monotonic() - started_s, every_s)
            await asyncio.to_thread(fleet.memory.keep, healths)
            problem = fleet.memory.problem
            if problem is not None and problem.message != told:
                not_kept(problem)
            told = problem.message if problem else ""
            await asyncio.sleep(max(0.0, every_s - (time.monotonic() - started_s)))

    async def until_stopped() -> None:
        try:
            await rounds()
        finally:
            # While the loop still runs, which the connections belong to.
            fleet.poller.close()

    with (
        bastions(fleetdir, sites, passphrase) as forwarded,
        watching(fleetdir, passphrase, limits, keep=True) as fleet,
        screen,
    ):
        asyncio.run(until_stopped())


def certificate_due(fleetdir: FleetDir) -> None:
    """Say on stderr that every site will soon refuse us: then the whole fleet is unknown at once."""
    from fleetctl.report.console import err
    from fleetctl.trust.renewal import Validity, next_action, state

    found = state(fleetdir.keys, "operator.crt")
    if found.validity is not Validity.OK:
        err.print(
            f"operator.crt is good until {found.not_after:%Y-%m-%d %H:%M}Z ({found.validity.value}): "
            f"outside of its dates every site refuses it\n  hint: {next_action([found])}",
            soft_wrap=True,
        )


def not_kept(problem: StoreError | None) -> None:
    """Say on stderr that what was seen is not in the store."""
    if problem is not None:
        from fleetctl.errors import printable
        from fleetctl.report.console import err

        err.print(printable(f"not kept: {problem.message}\n  hint: {problem.hint}"), soft_wrap=True)
