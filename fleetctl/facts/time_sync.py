"""TimeSyncFacts: whether a time service sets the clock, by which server, and how far off the clock was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.bounds import number, text

_STRATUM = re.compile(r"\bStratum=(\d{1,3})\b")
_OFFSET = re.compile(r"^ *Offset: ([+-]?)(.+)$", re.MULTILINE)
# systemd's time spans: "620.762ms", "1min 2.5s", "0".
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(us|ms|s|min|h|d|y|month|w)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


@dataclass(frozen=True)
class TimeServer:
    """The server that systemd-timesyncd asks. `stratum` is its distance from a clock (RFC 5905), `offset_s` by how many
    seconds the box's clock was behind it (negative: ahead) at its last answer; both None before the first answer."""

    name: str
    address: str
    stratum: int | None
    offset_s: float | None


@dataclass(frozen=True)
class TimeSyncFacts:
    """`enabled`: a time service is switched on. `synchronized`: the kernel takes its clock as set; it goes on saying so
    for hours after the last answer, so that it proves nothing without `enabled` and a `server` that answered.

    `server` is None while the service is off or has chosen none.
    """

    enabled: bool
    synchronized: bool
    server: TimeServer | None


def parse(outputs: Sequence[Output]) -> TimeSyncFacts:
    shown, service, status = outputs
    state = _pairs(stdout_of(shown, "timedatectl show"))
    enabled = _flag(state["NTP"])
    return TimeSyncFacts(
        enabled=enabled,
        synchronized=_flag(state["NTPSynchronized"]),
        # Without the service there is nobody to ask for its server.
        server=_server(service, status) if enabled else None,
    )


def _server(service: Output, status: Output) -> TimeServer | None:
    values = _pairs(stdout_of(service, "timedatectl show-timesync"))
    name, address = text(values["ServerName"], "ServerName"), text(values["ServerAddress"], "ServerAddress")
    if not name and not address:
        return None
    stratum = _STRATUM.search(values.get("NTPMessage", ""))
    offset = _OFFSET.search(stdout_of(status, "timedatectl timesync-status"))
    return TimeServer(
        name=name,
        address=address,
        stratum=number(stratum[1], "stratum", most=255) if stratum else None,
        offset_s=_seconds(offset[2]) * (-1 if offset[1] == "-" else 1) if offset else None,
    )


def _pairs(printed: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


def _flag(word: str) -> bool:
    if word not in ("yes", "no"):
        raise UnreadableError(f"timedatectl says {word[:20]!r}, wanted yes or no")
    return word == "yes"


def _seconds(span: str) -> float:
    parts = span.split()
    if parts == ["0"]:
        return 0.0
    matches = [_SPAN.fullmatch(part) for part in parts]
    if not parts or any(match is None or match[2] not in _SECONDS for match in matches):
        raise UnreadableError(f"{span[:40]!r} is no time span")
    return round(sum(float(match[1]) * _SECONDS[match[2]] for match in matches if match), 6)


TIME_SYNC = Fact(
    "time_sync",
    (
        command("timedatectl", "show"),
        command("timedatectl", "show-timesync", "--all"),
        command("timedatectl", "timesync-status"),
    ),
    parse,
)
