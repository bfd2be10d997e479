"""How commands that change sites show what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fleetctl.cli.options import OutputFormat

if TYPE_CHECKING:
    from fleetctl.report.events import JsonEvents, TextEvents


@contextmanager
def shown_events(output: OutputFormat, hosts: int) -> Iterator[JsonEvents | TextEvents]:
    """Where events go: stdout as JSON lines with `-o json`, else stderr for a person."""
    from fleetctl.report.events import JsonEvents, TextEvents

    events = JsonEvents() if output is OutputFormat.json else TextEvents(hosts)
    try:
        yield events
    finally:
        events.close()
