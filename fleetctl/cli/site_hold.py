"""`fleetctl site hold|unhold|pin|unpin`: keep rollouts away from a site, or to one release."""

from __future__ import annotations

from typing import Annotated

import typer

from fleetctl.cli.options import FleetOption, SiteArgument

WhyOption = Annotated[str, typer.Option("--reason", help="Why; plans and explanations show it.")]
ByOption = Annotated[
    str | None,
    typer.Option(
        "--by", envvar="FLEETCTL_OPERATOR", help="Who decides. Default: the user of this machine.", show_default=False
    ),
]


def hold(
    site: SiteArgument,
    reason: WhyOption,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="It ends then: a time with a zone, or 12h or 7d from now."),
    ] = None,
    by: ByOption = None,
    fleet: FleetOption = None,
) -> None:
    """Let no rollout change this site, until then or until `site unhold`. Held again, it is replaced."""
    from fleetctl.actions.hold import new_hold
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.models.rolloutfiles import write_hold

    fleetdir = FleetDir.find(fleet)
    fleetdir.site(site)
    made = new_hold(site, reason=reason, until=until, by=by)
    typer.echo(f"{write_hold(fleetdir.path, made, replace=True)}: {made.spec.words()}")


def unhold(site: SiteArgument, fleet: FleetOption = None) -> None:
    """Remove the hold of a site. A plan that left it out for that no longer fits: make a new one."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.models.rolloutfiles import remove_hold

    typer.echo(f"removed {remove_hold(FleetDir.find(fleet).path, site)}")


def pin(
    site: SiteArgument,
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The one release that rollouts may bring here.")],
    reason: WhyOption,
    by: ByOption = None,
    fleet: FleetOption = None,
) -> None:
    """Let rollouts bring only this release to a site. Changes nothing there by itself."""
    from fleetctl.actions.hold import new_pin
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.models.rolloutfiles import write_pin

    fleetdir = FleetDir.find(fleet)
    fleetdir.site(site)
    made = new_pin(site, release, reason=reason, by=by)
    typer.echo(f"{write_pin(fleetdir.path, made)}: {made.spec.words()}")


def unpin(site: SiteArgument, fleet: FleetOption = None) -> None:
    """Remove the pin of a site."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.models.rolloutfiles import remove_pin

    typer.echo(f"removed {remove_pin(FleetDir.find(fleet).path, site)}")
