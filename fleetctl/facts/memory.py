"""MemoryFacts: installed memory and the swap areas in use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of


@dataclass(frozen=True)
class MemoryFacts:
    """`total_mib` is what the kernel manages: a few per cent less than what is installed."""

    total_mib: int
    swaps: tuple[str, ...]


def parse(outputs: Sequence[Output]) -> MemoryFacts:
    match = re.search(r"^MemTotal:\s+(\d+) kB$", stdout_of(outputs[0], "cat /proc/meminfo"), re.MULTILINE)
    swap_lines = stdout_of(outputs[1], "cat /proc/swaps").splitlines()
    if match is None or not swap_lines or not swap_lines[0].startswith("Filename"):
        raise UnreadableError("/proc/meminfo or /proc/swaps has another form than expected")
    return MemoryFacts(
        total_mib=int(match[1]) // 1024,
        swaps=tuple(line.split()[0] for line in swap_lines[1:] if line.strip()),
    )


MEMORY = Fact("memory", (command("cat", "/proc/meminfo"), command("cat", "/proc/swaps")), parse)
