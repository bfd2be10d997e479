"""What is on the disks: parsers for lsblk, wipefs, blkid, mdadm and luksDump, and the judgement of what is ours.

A disk is empty only when no tool knows a signature on it and its first and last MiB are zero: a volume with a detached
header has no signature, and is data all the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.fleet_box import Box, CommandError

# --all: an array that does not run has size 0, and lsblk hides it otherwise.
_LSBLK = ["lsblk", "--all", "--json", "--bytes", "--output", "NAME,PATH,TYPE,SIZE,RO,SERIAL,MOUNTPOINTS"]


@dataclass(frozen=True)
class Signature:
    """Something that a tool recognises on a device."""

    device: str
    kind: str
    uuid: str = ""
    label: str = ""

    def __str__(self) -> str:
        name = f" {self.label!r}" if self.label else ""
        return f"{self.kind}{name} on {self.device}"


@dataclass(frozen=True)
class Node:
    """A block device and what is stacked on it, as lsblk draws it."""

    name: str
    path: str
    type: str
    size_bytes: int
    serial: str
    mounts: tuple[str, ...]
    children: tuple[Node, ...]

    def below(self) -> list[Node]:
        """Everything stacked on this device, nearest first."""
        return [found for child in self.children for found in (child, *child.below())]


@dataclass(frozen=True)
class Array:
    """An md array, running or not."""

    path: str
    uuid: str
    level: str
    devices: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class LuksSlots:
    """Key slots of a LUKS2 volume by what opens them."""

    uuid: str
    recovery: tuple[int, ...]
    tpm2: tuple[int, ...]
    other: tuple[int, ...]
    pcrs: tuple[int, ...]
    signed_pcrs: tuple[int, ...]
    # Digest of each slot's salt, which is new with every key: the same number and digest are the same key.
    digests: dict[int, str] = field(default_factory=dict)

    @property
    def all(self) -> set[int]:
        """Every slot in use."""
        return {*self.recovery, *self.tpm2, *self.other}


def hexadecimal(uuid: str) -> str:
    """A UUID without punctuation: mdadm groups it by eight with colons, blkid like everybody else."""
    return "".join(character for character in uuid.lower() if character in "0123456789abcdef")


def read_nodes(box: Box) -> list[Node]:
    """All block devices of the machine, top level first."""
    return parse_lsblk(box.run(_LSBLK).stdout)


def parse_lsblk(text: str) -> list[Node]:
    """Parse `lsblk --json --bytes`."""
    return [_node(entry) for entry in json.loads(text)["blockdevices"]]


def _node(entry: dict[str, Any]) -> Node:
    mounts = tuple(mount for mount in entry.get("mountpoints") or () if mount)
    children = tuple(_node(child) for child in entry.get("children") or ())
    return Node(
        entry["name"],
        entry["path"],
        entry["type"],
        int(entry["size"]),
        (entry.get("serial") or "").strip(),
        mounts,
        children,
    )


def read_signatures(box: Box, node_path: str) -> list[Signature]:
    """Every signature on one device, by two tools: wipefs lists all, blkid also says when it cannot decide."""
    found = parse_wipefs(box.run(["wipefs", "--json", node_path]).stdout, node_path)
    # blkid: 0 found, 2 nothing, 8 several that contradict each other. Anything else leaves us without an answer.
    probe = box.run(["blkid", "--probe", "--output", "export", node_path], codes=(0, 2, 8))
    if probe.code == 8 and not found:
        found.append(Signature(node_path, "contradicting signatures"))
    if probe.code == 0:
        values = dict(line.split("=", 1) for line in probe.stdout.splitlines() if "=" in line)
        kind = values.get("TYPE") or values.get("PTTYPE")
        if kind and kind not in {signature.kind for signature in found}:
            found.append(Signature(node_path, kind, values.get("UUID", ""), values.get("LABEL", "")))
    return found


def parse_wipefs(text: str, device: str) -> list[Signature]:
    """Parse `wipefs --json`, which prints nothing at all when it finds nothing."""
    if not text.strip():
        return []
    return [
        Signature(device, entry["type"], entry.get("uuid") or "", entry.get("label") or "")
        for entry in json.loads(text)["signatures"]
    ]


def is_array(node: Node) -> bool:
    """Whether a device is an md array, running or not."""
    return node.type.startswith("raid") or node.type == "md" or node.name.startswith("md")


def read_array(box: Box, path: str) -> Array | None:
    """The array behind a device, or None when it is none."""
    try:
        return parse_mdadm(box.run(["mdadm", "--detail", "--export", path]).stdout, path)
    except CommandError:
        return None


def parse_mdadm(text: str, path: str) -> Array | None:
    """Parse `mdadm --detail --export`."""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if "MD_UUID" not in values:
        return None
    members = sorted(value for key, value in values.items() if key.startswith("MD_DEVICE_") and key.endswith("_DEV"))
    level, devices = values.get("MD_LEVEL", ""), int(values.get("MD_DEVICES", "0"))
    return Array(path, values["MD_UUID"], level, devices, tuple(members))


def read_slots(box: Box, device: str) -> LuksSlots:
    """Key slots of a LUKS2 volume with the tokens that say what each is for."""
    metadata = box.run(["cryptsetup", "luksDump", "--dump-json-metadata", device]).stdout
    uuids = [signature.uuid for signature in read_signatures(box, device) if signature.kind == "crypto_LUKS"]
    return parse_slots(metadata, uuids[0] if uuids else "")


def parse_slots(text: str, uuid: str) -> LuksSlots:
    """Parse `cryptsetup luksDump --dump-json-metadata`."""
    metadata = json.loads(text)
    by_type: dict[str, set[int]] = {}
    pcrs: set[int] = set()
    signed: set[int] = set()
    for token in metadata.get("tokens", {}).values():
        by_type.setdefault(token["type"], set()).update(int(slot) for slot in token.get("keyslots", ()))
        if token["type"] == "systemd-tpm2":
            pcrs.update(token.get("tpm2-pcrs") or ())
            signed.update(token.get("tpm2_pubkey_pcrs") or ())
    recovery, tpm2 = by_type.get("systemd-recovery", set()), by_type.get("systemd-tpm2", set())
    other = {int(slot) for slot in metadata.get("keyslots", {})} - recovery - tpm2
    digests = {
        int(slot): hashlib.sha256(str(content.get("kdf", {}).get("salt", "")).encode()).hexdigest()
        for slot, content in metadata.get("keyslots", {}).items()
    }
    return LuksSlots(uuid, *(tuple(sorted(slots)) for slots in (recovery, tpm2, other, pcrs, signed)), digests=digests)
