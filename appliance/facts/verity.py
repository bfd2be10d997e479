"""dm-verity devices and the root hashes that the kernel checks their blocks against."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.facts.reading import UnreadableError, read_text, run

SYSFS = Path("/sys")
_ROOT_HASH = re.compile(r"^[0-9a-f]{64}$")
_NAMED_BY_HASH = re.compile(r"^([0-9a-f]{64})-verity$")
# A table line after its name (kernel, Documentation/admin-guide/device-mapper/verity.rst):
# START LENGTH verity VERSION DATA HASH DATA_BS HASH_BS BLOCKS HASH_START ALGORITHM ROOT SALT [OPTIONS]
_ROOT_FIELD, _LEAST_FIELDS = 11, 13
Dmsetup = Callable[[list[str]], str]


@dataclass(frozen=True)
class VerityDevice:
    """An active mapping. `corrupted`: the kernel has read a wrong block since. `signed`: it checked a signature."""

    name: str
    root_hash: str
    corrupted: bool
    signed: bool


def _lines(text: str) -> dict[str, list[str]]:
    """Split "NAME: WORD WORD …" lines by name."""
    named = (line.partition(": ") for line in text.splitlines())
    return {name: rest.split() for name, separator, rest in named if separator}


def parse_verity(tables: str, states: str) -> dict[str, VerityDevice]:
    """Parse `dmsetup table` and `dmsetup status` of the verity targets."""
    status = _lines(states)
    devices = {}
    for name, words in _lines(tables).items():
        if len(words) < _LEAST_FIELDS or words[2] != "verity" or not _ROOT_HASH.match(words[_ROOT_FIELD].lower()):
            raise UnreadableError(f"dmsetup table: the line of {name} is not understood")
        if len(status.get(name, ())) < 4:
            raise UnreadableError(f"dmsetup status: nothing about {name}")
        signed = "root_hash_sig_key_desc" in words[_LEAST_FIELDS:]
        devices[name] = VerityDevice(name, words[_ROOT_FIELD].lower(), status[name][3] != "V", signed)
    return devices


def verity_devices(dmsetup: Dmsetup = lambda argv: run(["dmsetup", *argv])) -> dict[str, VerityDevice]:
    """Return all active dm-verity mappings by name, as the kernel holds them. Needs root."""
    target = ["--target", "verity"]
    return parse_verity(dmsetup(["table", *target]), dmsetup(["status", *target]))


def root_hash_under(path: Path, sysfs: Path = SYSFS) -> str:
    """Return the root hash of the verity mapping that holds `path`; no privilege is needed.

    The device number of the opened file leads to the mapping, so a file that merely claims a hash is not believed.
    systemd names the mapping of an image after the root hash that it gave to the kernel.
    """
    try:
        device = path.stat().st_dev
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from None
    node = sysfs / "dev/block" / f"{os.major(device)}:{os.minor(device)}" / "dm"
    if not node.is_dir():
        raise UnreadableError(f"{path} is not on a device-mapper device")
    uuid, name = read_text(node / "uuid"), read_text(node / "name")
    if not uuid.startswith("CRYPT-VERITY-"):
        raise UnreadableError(f"{path} is on the mapping {name}, which is not dm-verity")
    match = _NAMED_BY_HASH.match(name)
    if match is None:
        raise UnreadableError(f"the verity mapping {name} is not named after its root hash")
    return match[1]
