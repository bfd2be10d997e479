"""ClockFacts: the host's idea of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, command, stdout_of


@dataclass(frozen=True)
class ClockFacts:
    """Seconds since 1970 at the moment when the host answered."""

    unix_s: float


def parse(outputs: Sequence[Output]) -> ClockFacts:
    return ClockFacts(float(stdout_of(outputs[0], "date").strip()))


CLOCK = Fact("clock", (command("date", "+%s.%N"),), parse)
