"""Whose disk is it: what stands on a disk, who uses it, and whether the state volume may take it. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ansible.module_utils.fleet_box import Box, Refusal
from ansible.module_utils.fleet_disks import Node, Signature, hexadecimal, is_array, read_nodes, read_signatures

RAID_MEMBER = "linux_raid_member"


@dataclass(frozen=True)
class Claims:
    """The rules: a disk may be taken when it is empty, ours, or named in `erase_disks`."""

    box: Box
    erase_disks: frozenset[str]
    md_uuid: str = ""  # of our array, from the journal; empty before the claim
    claimed: frozenset[str] = frozenset()

    def check(self, serial: str, node: Node) -> None:
        """Refuse a disk that is in use or holds something that nobody gave up."""
        used = self.uses(node)
        if used:
            raise Refusal(
                f"Disk {serial} ({node.path}) is in use: {'; '.join(used)}.",
                "Stop what uses it, or name another disk in data_disks. Nothing was changed.",
            )
        foreign = self.foreign(node)
        if foreign and serial not in self.erase_disks:
            raise not_empty(serial, foreign)

    def foreign(self, node: Node) -> list[Signature]:
        """What stands on a disk and its partitions and is not ours."""
        found = self._signatures(node)
        foreign = [signature for signature in found if not self._is_ours(signature)]
        # A claimed disk was empty or given up when it was claimed; its edges may hold what we were writing just then.
        if not found and node.serial not in self.claimed and not self.box.edges_are_zero(node.path, node.size_bytes):
            foreign.append(Signature(node.path, "data without a known signature"))
        return foreign

    def uses(self, node: Node) -> list[str]:
        """What keeps the disk from being taken: mounts, mappings, arrays with other members."""
        words = [
            f"{below.path} is mounted at {', '.join(below.mounts)}" for below in (node, *node.below()) if below.mounts
        ]
        stoppable = self.stoppable_arrays(node)
        for below in node.below():
            if is_array(below) and below.path not in stoppable:
                words.append(f"array {below.path}, which has members that erase_disks does not name")
            elif not is_array(below) and below.type != "part":
                words.append(f"{below.type} {below.path}")
        return sorted(set(words))

    def stoppable_arrays(self, node: Node) -> list[str]:
        """Paths of arrays on a disk that may be stopped: ours, or with members on given-up disks only."""
        disks = [disk for disk in read_nodes(self.box) if disk.type == "disk"]
        found = []
        for path in sorted({below.path for below in node.below() if is_array(below)}):
            owners = [disk for disk in disks if any(child.path == path for child in disk.below())]
            if owners and all(owner.serial in self.erase_disks or self._holds_our_member(owner) for owner in owners):
                found.append(path)
        return found

    def _holds_our_member(self, disk: Node) -> bool:
        members = [signature for signature in self._signatures(disk) if signature.kind == RAID_MEMBER]
        return bool(members) and all(self._is_ours(member) for member in members)

    def _is_ours(self, signature: Signature) -> bool:
        return (
            bool(self.md_uuid)
            and signature.kind == RAID_MEMBER
            and hexadecimal(signature.uuid) == hexadecimal(self.md_uuid)
        )

    def _signatures(self, node: Node) -> list[Signature]:
        parts = [below.path for below in node.below() if below.type == "part"]
        return [signature for path in (node.path, *parts) for signature in read_signatures(self.box, path)]


def not_empty(where: str, foreign: list[Signature]) -> Refusal:
    """The refusal that protects somebody's data."""
    return Refusal(
        f"Disk {where} is not empty: {listing(foreign)}. Nothing was changed on it.",
        f"When its content may be destroyed, add {where} to storage.erase_disks in the site file; "
        "otherwise name another disk in data_disks.",
    )


def listing(signatures: list[Signature]) -> str:
    """Signatures in words."""
    return ", ".join(sorted({str(signature) for signature in signatures})) or "something stacked on it"
