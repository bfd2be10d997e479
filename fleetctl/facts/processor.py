"""ProcessorFacts: logical cores and instruction sets as the kernel lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of


@dataclass(frozen=True)
class ProcessorFacts:
    """`flags` are those that every core has."""

    model: str
    cores: int
    flags: frozenset[str]


def parse(outputs: Sequence[Output]) -> ProcessorFacts:
    text = stdout_of(outputs[0], "cat /proc/cpuinfo")
    rows = [line.split(":", 1) for line in text.splitlines() if ":" in line]
    values = [(key.strip(), value.strip()) for key, value in rows]
    cores = sum(key == "processor" for key, _ in values)
    flags = [frozenset(value.split()) for key, value in values if key == "flags"]
    if not cores or not flags:
        raise UnreadableError("/proc/cpuinfo lists no processor with flags")
    model = next((value for key, value in values if key == "model name"), "")
    return ProcessorFacts(model=model, cores=cores, flags=frozenset.intersection(*flags))


PROCESSOR = Fact("processor", (command("cat", "/proc/cpuinfo"),), parse)
