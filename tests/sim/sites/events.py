"""What happened at a simulated site, written by the simulated programs themselves: an append-only file of JSON lines.

It outlives power cuts, and the invariant checker holds it against what box and controller say of themselves.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """`at_s` is CLOCK_BOOTTIME of the machine that all sites share, so events of several sites have one order."""

    at_s: float
    kind: str
    what: str
    detail: str = ""


def tell(path: Path, kind: str, what: str, detail: str = "") -> None:
    """Append one event; one write, so that lines of several programs do not mix."""
    line = json.dumps([time.clock_gettime(time.CLOCK_BOOTTIME), kind, what, detail])
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


def read_events(path: Path) -> list[Event]:
    """All of them, in order."""
    return [Event(*json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
