"""What commands that reach sites share: the fleet, the chosen sites, the passphrase, and how a run is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleetctl.cli.options import OutputFormat
from fleetctl.errors import UsageError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site

if TYPE_CHECKING:
    from fleetctl.report.events import JsonEvents, TextEvents


def chosen_sites(fleetdir: FleetDir, names: Sequence[str] | None, selectors: list[str] | None) -> list[Site]:
    """The sites named, or those with the labels. `UsageError` when that is none: nothing done is not success."""
    if names and selectors:
        raise UsageError("both names and selectors were given", hint="give site names, or -l key=value")
    if names:
        return [fleetdir.site(name) for name in dict.fromkeys(names)]
    if not selectors:
        raise UsageError("no site was named", hint="give site names, or -l key=value; fleetctl site list")
    sites = fleetdir.sites(selectors)
    if not sites:
        raise UsageError(f"no site has the labels {', '.join(selectors)}", hint="fleetctl site list")
    return sites


def fleet_at(path: Path | None) -> FleetDir:
    return FleetDir.find(path)


@contextmanager
def shown_events(output: OutputFormat, hosts: int) -> Iterator[JsonEvents | TextEvents]:
    """Where events go: stdout as JSON lines with `-o json`, else stderr for a person."""
    from fleetctl.report.events import JsonEvents, TextEvents

    events = JsonEvents() if output is OutputFormat.json else TextEvents(hosts)
    try:
        yield events
    finally:
        events.close()
