"""MemoryModuleFacts: the memory modules and their error correction, as the firmware lists them (SMBIOS 16 and 17)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.bounds import at_most, text

# SMBIOS allows 65,535 slots; no server of today has more than 128.
MAX_SLOTS = 1024
_EMPTY_SLOT = "No Module Installed"
# dmidecode's words for SMBIOS type 16, "Memory Error Correction", that correct at least one bit.
CORRECTING = frozenset({"Single-bit ECC", "Multi-bit ECC"})
_SIZE = re.compile(r"^(\d{1,9}) (kB|KiB|MB|MiB|GB|GiB|TB|TiB)$")
# dmidecode counts in powers of two whichever of the two names it prints.
_KIB = {"k": 1, "K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}
_RATE = re.compile(r"^(\d{1,6}) (?:MT/s|MHz)$")
_BITS = re.compile(r"^(\d{1,5}) bits$")


@dataclass(frozen=True)
class MemoryModule:
    """One module. None: the firmware does not say.

    `kind` is like DDR5, `detail` like "Synchronous Registered (Buffered)". Widths are in bits; a module with ECC is
    wider in total than in data. `speed_mts` is the module's own, `configured_mts` the one that it runs at (MT/s).
    `ecc` is dmidecode's word for its array: None, Single-bit ECC, Multi-bit ECC, Unknown, …
    """

    slot: str
    size_mib: int
    kind: str
    detail: str
    total_width_bits: int | None
    data_width_bits: int | None
    speed_mts: int | None
    configured_mts: int | None
    manufacturer: str
    part: str
    serial: str
    ecc: str


@dataclass(frozen=True)
class MemoryModuleFacts:
    """`slots` counts the empty ones too. Only memory that the system works with: no flash, no cache."""

    slots: int
    modules: tuple[MemoryModule, ...]

    @property
    def populated(self) -> int:
        """Slots with a module."""
        return len(self.modules)

    @property
    def installed_mib(self) -> int:
        """Sum of the modules."""
        return sum(module.size_mib for module in self.modules)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The different kinds of module, like ("DDR5",)."""
        return tuple(sorted({module.kind for module in self.modules}))

    @property
    def ecc(self) -> tuple[str, ...]:
        """The different words for error correction, like ("Multi-bit ECC",)."""
        return tuple(sorted({module.ecc for module in self.modules}))

    @property
    def error_correcting(self) -> bool:
        """The firmware says of every module that its errors are corrected."""
        return bool(self.modules) and all(module.ecc in CORRECTING for module in self.modules)


def parse(outputs: Sequence[Output]) -> MemoryModuleFacts:
    tables = _structures(stdout_of(outputs[0], "dmidecode"))
    arrays = {
        handle: text(fields["Error Correction Type"], "Error Correction Type")
        for handle, kind, fields in tables
        if kind == 16 and fields["Use"] == "System Memory"
    }
    if not arrays:
        raise UnreadableError("SMBIOS names no memory array")
    slots = [fields for _, kind, fields in tables if kind == 17 and fields["Array Handle"] in arrays]
    at_most(slots, MAX_SLOTS, "memory slots")
    modules = [_module(fields, arrays[fields["Array Handle"]]) for fields in slots if fields["Size"] != _EMPTY_SLOT]
    if not modules:
        raise UnreadableError("SMBIOS names no module, and yet the machine runs")
    return MemoryModuleFacts(len(slots), tuple(modules))


def _structures(listing: str) -> list[tuple[str, int, dict[str, str]]]:
    """dmidecode's blocks: "Handle 0x1100, DMI type 17, 92 bytes", a title, and indented "Key: value" lines."""
    found = []
    for block in listing.split("\n\n"):
        lines = block.strip("\n").splitlines()
        head = re.match(r"^Handle (0x[0-9A-F]{4}), DMI type (\d{1,3}), ", lines[0]) if lines else None
        if head:
            fields = dict(line.strip().split(": ", 1) for line in lines[2:] if ": " in line)
            found.append((head[1], int(head[2]), fields))
    return found


def _module(fields: dict[str, str], ecc: str) -> MemoryModule:
    return MemoryModule(
        slot=text(fields["Locator"], "Locator"),
        size_mib=_size_mib(fields["Size"]),
        kind=text(fields["Type"], "Type"),
        detail=text(fields.get("Type Detail", ""), "Type Detail"),
        total_width_bits=_matched(_BITS, fields.get("Total Width", "")),
        data_width_bits=_matched(_BITS, fields.get("Data Width", "")),
        speed_mts=_matched(_RATE, fields.get("Speed", "")),
        configured_mts=_matched(_RATE, fields.get("Configured Memory Speed", "")),
        manufacturer=text(fields.get("Manufacturer", ""), "Manufacturer"),
        part=text(fields.get("Part Number", ""), "Part Number"),
        serial=text(fields.get("Serial Number", ""), "Serial Number"),
        ecc=ecc,
    )


def _size_mib(words: str) -> int:
    match = _SIZE.match(words)
    if match is None:
        raise UnreadableError(f"a module has the size {words[:40]!r}")
    return int(match[1]) * _KIB[match[2][0]] // 1024


def _matched(pattern: re.Pattern[str], words: str) -> int | None:
    match = pattern.match(words)
    return int(match[1]) if match else None


MEMORY_MODULES = Fact("memory_modules", (command("dmidecode", "--type", "16", "--type", "17"),), parse)
