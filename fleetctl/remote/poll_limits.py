"""How much a round may take: deadlines, connections at a time, and the waiting between questions to a dead site."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable
from dataclasses import dataclass, field

# What the rest of the process may need beside connections: store, terminal, bastions.
_OTHER_FILES = 64


@dataclass(frozen=True)
class Limits:
    """Seconds and counts. The time that a site waits for its turn with us is not held against it.

    connect_s: until the connection stands; a retransmitted SYN comes after 1 s and 3 s (RFC 6298).
    deadline_s: for handshake and answer; an emulated machine needs five seconds when it is busy.
    open_connections: sites that are being connected to or spoken to; a dead one holds nothing but its socket.
    kept_open: connections that a poller that asks again and again keeps between rounds.
    conversations: sites spoken to at a time; who takes longer than `turn_s` is waited for without a place.
    spread_s: the questions of a round begin at random moments within it.
    """

    connect_s: float = 5.0
    deadline_s: float = 10.0
    total_s: float = 120.0
    open_connections: int = 1024
    kept_open: int = 2048
    conversations: int = 96
    turn_s: float = 0.5
    spread_s: float = 0.0


def raise_file_limit(wanted: int) -> int:
    """Allow this process `wanted` connections where the system permits it; how many it may have now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - _OTHER_FILES))


@dataclass(frozen=True)
class Backoff:
    """Doubling from `first_s` to `most_s`, give or take a quarter, so that a dead region is not asked in step."""

    first_s: float = 5.0
    most_s: float = 300.0
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def wait_s(self, failures: int) -> float:
        """How long a site is left alone after its `failures`-th failure in a row."""
        if failures < 1:
            return 0.0
        return float(min(self.first_s * 2.0 ** min(failures - 1, 30), self.most_s) * (0.75 + 0.5 * self.chance()))
