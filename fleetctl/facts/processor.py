"""ProcessorFacts: sockets, cores, threads and instruction sets as the kernel lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.bounds import at_most, text

# What Debian's kernel is built for (CONFIG_NR_CPUS).
MAX_THREADS = 8192

BY_TOPOLOGY = "physical id and core id in /proc/cpuinfo"
BY_THREADS = "logical processors, because /proc/cpuinfo names no cores"


@dataclass(frozen=True)
class ProcessorFacts:
    """`cores` are physical ones over all sockets, `threads` what the kernel schedules on. `counted_by` is one of the
    two phrases above: without topology every thread counts as a core, and `sockets` is None.

    `microcode` holds each revision that a processor reports, `flags` those that every one has.
    """

    model: str
    sockets: int | None
    cores: int
    threads: int
    counted_by: str
    microcode: tuple[str, ...]
    flags: frozenset[str]


def parse(outputs: Sequence[Output]) -> ProcessorFacts:
    listing = stdout_of(outputs[0], "cat /proc/cpuinfo")
    blocks = [_fields(block) for block in listing.split("\n\n")]
    processors = [block for block in blocks if "processor" in block]
    flags = [frozenset(block["flags"].split()) for block in processors if "flags" in block]
    if not processors or len(flags) != len(processors):
        raise UnreadableError("/proc/cpuinfo lists no processor with flags")
    at_most(processors, MAX_THREADS, "processors")
    places = {
        (block["physical id"], block["core id"]) for block in processors if {"physical id", "core id"} <= set(block)
    }
    placed = sum({"physical id", "core id"} <= set(block) for block in processors)
    if placed not in (0, len(processors)):
        raise UnreadableError(f"/proc/cpuinfo names the core of {placed} of {len(processors)} processors")
    return ProcessorFacts(
        model=text(processors[0].get("model name", ""), "model name"),
        sockets=len({socket for socket, _ in places}) if placed else None,
        cores=len(places) if placed else len(processors),
        threads=len(processors),
        counted_by=BY_TOPOLOGY if placed else BY_THREADS,
        microcode=tuple(
            sorted({text(block["microcode"], "microcode") for block in processors if "microcode" in block})
        ),
        flags=frozenset.intersection(*flags),
    )


def _fields(block: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


PROCESSOR = Fact("processor", (command("cat", "/proc/cpuinfo"),), parse)
