"""DiskFacts: the tree of block devices, as lsblk sees it, and what is mounted where."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fleetctl.facts.base import Fact, Output, command, stdout_of


@dataclass(frozen=True)
class BlockDevice:
    """One node of the tree. `serial`, `signature` (file system or container type) and `uuid` are empty when none is
    known; `kind` is lsblk's TYPE (disk, part, crypt, raid1, loop, dm, …)."""

    name: str
    path: str
    kind: str
    size_bytes: int
    serial: str
    signature: str
    uuid: str
    mountpoints: tuple[str, ...]
    children: tuple[BlockDevice, ...]

    def walk(self) -> Iterator[BlockDevice]:
        """This device and everything that lies on it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class DiskFacts:
    devices: tuple[BlockDevice, ...]

    def disk(self, serial: str) -> BlockDevice | None:
        return next((device for device in self.devices if device.kind == "disk" and device.serial == serial), None)

    def layers_below(self, mountpoint: str) -> tuple[BlockDevice, ...] | None:
        """From the disk up to the device mounted at `mountpoint`; None when nothing is mounted there."""
        for root in self.devices:
            path = _path_to(root, mountpoint)
            if path:
                return path
        return None

    def all(self) -> Iterator[BlockDevice]:
        for root in self.devices:
            yield from root.walk()


def _path_to(device: BlockDevice, mountpoint: str) -> tuple[BlockDevice, ...]:
    if mountpoint in device.mountpoints:
        return (device,)
    for child in device.children:
        rest = _path_to(child, mountpoint)
        if rest:
            return (device, *rest)
    return ()


def parse(outputs: Sequence[Output]) -> DiskFacts:
    listed = json.loads(stdout_of(outputs[0], "lsblk"))["blockdevices"]
    return DiskFacts(tuple(_device(row) for row in listed))


def _device(row: dict[str, Any]) -> BlockDevice:
    return BlockDevice(
        name=row["name"],
        path=row["path"],
        kind=row["type"],
        size_bytes=int(row["size"]),
        serial=(row["serial"] or "").strip(),
        signature=row["fstype"] or row["pttype"] or "",
        uuid=row["uuid"] or "",
        mountpoints=tuple(point for point in row["mountpoints"] if point),
        children=tuple(_device(child) for child in row.get("children", [])),
    )


COLUMNS = "NAME,PATH,TYPE,SIZE,SERIAL,FSTYPE,PTTYPE,UUID,MOUNTPOINTS"

DISKS = Fact("disks", (command("lsblk", "--json", "--bytes", "--output", COLUMNS),), parse)
