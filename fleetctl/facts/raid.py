"""RaidFacts: Linux software RAID arrays, from /proc/mdstat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of

_ARRAY = re.compile(r"^(md\S+) : (\S+)(?: \(\S+\))?(?: (raid\d+|linear))? (.*)$")
_COUNTS = re.compile(r"\[(\d+)/(\d+)\] \[([U_]+)\]")
_WORK = re.compile(r"(resync|recovery|reshape|check)\s*=\s*([\d.]+%|\S+)")


@dataclass(frozen=True)
class Array:
    """`wanted_members` and `working_members` are the kernel's counts; `work` is what it rebuilds or checks now, with
    its progress, or empty."""

    name: str
    active: bool
    level: str
    members: tuple[str, ...]
    failed: tuple[str, ...]
    wanted_members: int
    working_members: int
    work: str


@dataclass(frozen=True)
class RaidFacts:
    arrays: tuple[Array, ...]

    def named(self, kernel_name: str) -> Array | None:
        return next((array for array in self.arrays if array.name == kernel_name), None)


def parse(outputs: Sequence[Output]) -> RaidFacts:
    modules, mdstat = outputs
    # Until the driver is loaded there is no /proc/mdstat: a fresh machine has no array, and that is an answer.
    if "md_mod" not in stdout_of(modules, "ls /sys/module").split() and mdstat.completed.exit_code != 0:
        return RaidFacts(())
    text = stdout_of(mdstat, "cat /proc/mdstat")
    if "Personalities" not in text:
        raise UnreadableError("/proc/mdstat has another form than expected")
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if _ARRAY.match(line):
            blocks.append([line])
        elif blocks and line.startswith(" "):
            blocks[-1].append(line)
    return RaidFacts(tuple(_array(block) for block in blocks))


def _array(lines: list[str]) -> Array:
    head = _ARRAY.match(lines[0])
    if head is None:
        raise UnreadableError(f"not an array: {lines[0][:80]}")
    words = head[4].split()
    counts = _COUNTS.search(" ".join(lines[1:]))
    if counts is None and head[2] == "active" and head[3] != "raid0":
        raise UnreadableError(f"/proc/mdstat gives no member counts for {head[1]}")
    work = _WORK.search(" ".join(lines[1:]))
    return Array(
        name=head[1],
        active=head[2] == "active",
        level=head[3] or "",
        members=tuple(sorted(word.split("[")[0] for word in words if "[" in word)),
        failed=tuple(sorted(word.split("[")[0] for word in words if "(F)" in word)),
        wanted_members=int(counts[1]) if counts else 0,
        working_members=int(counts[2]) if counts else 0,
        work=f"{work[1]} {work[2]}" if work else "",
    )


RAID = Fact("raid", (command("ls", "/sys/module/"), command("cat", "/proc/mdstat")), parse)
