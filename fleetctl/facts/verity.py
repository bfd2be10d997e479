"""VerityFacts: the dm-verity devices that the kernel runs, with the root hash it checks each of them against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of


@dataclass(frozen=True)
class VerityDevice:
    """`corrupted` is the kernel's own word ("C" in the status): a block that did not match was read since set-up.
    `signed` says that the root hash came with a signature which the kernel itself checked against its keyring."""

    name: str
    root_hash: str
    corrupted: bool
    signed: bool


@dataclass(frozen=True)
class VerityFacts:
    devices: tuple[VerityDevice, ...]

    def named(self, name: str) -> VerityDevice | None:
        return next((device for device in self.devices if device.name == name), None)


def parse(outputs: Sequence[Output]) -> VerityFacts:
    tables = _lines(stdout_of(outputs[0], "dmsetup table"))
    states = dict(_lines(stdout_of(outputs[1], "dmsetup status")))
    devices = []
    for name, words in tables:
        # "START LENGTH verity VERSION DATA HASH DBS HBS BLOCKS HASHSTART ALGORITHM ROOT SALT [COUNT OPTION…]"
        # (kernel Documentation/admin-guide/device-mapper/verity.rst)
        if len(words) < 13 or words[2] != "verity" or name not in states:
            raise UnreadableError(f"unexpected dm-verity table for {name}")
        devices.append(
            VerityDevice(
                name=name,
                root_hash=words[11].lower(),
                corrupted=states[name][3] != "V",
                signed="root_hash_sig_key_desc" in words[13:],
            )
        )
    return VerityFacts(tuple(devices))


def _lines(text: str) -> list[tuple[str, list[str]]]:
    if text.strip() == "No devices found":
        return []
    named = (line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return [(name, rest.split()) for name, rest in named]


VERITY = Fact(
    "verity",
    (command("dmsetup", "table", "--target", "verity"), command("dmsetup", "status", "--target", "verity")),
    parse,
)
