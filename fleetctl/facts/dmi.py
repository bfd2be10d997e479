"""DmiFacts: what the firmware says the machine is: maker, product, serial number, chassis and its own version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, command, stdout_of
from fleetctl.facts.bounds import number, text

DIRECTORY = "/sys/class/dmi/id/"
# Files of the kernel's dmi-id driver, in the order of the commands.
FILES = (
    "sys_vendor",
    "product_name",
    "product_sku",
    "product_serial",
    "chassis_type",
    "bios_vendor",
    "bios_version",
    "bios_date",
)
# SMBIOS 3.7 (DMTF DSP0134), table 17: the enclosures that a server or a virtual machine names.
_CHASSIS = {
    1: "other",
    2: "unknown",
    3: "desktop",
    6: "mini tower",
    7: "tower",
    17: "main server chassis",
    23: "rack mount chassis",
    25: "multi-system chassis",
    28: "blade",
    29: "blade enclosure",
}


@dataclass(frozen=True)
class DmiFacts:
    """SMBIOS types 0, 1 and 3 as the firmware wrote them. None: the firmware gives no such value, or an empty one.

    `chassis_type` is SMBIOS' number without the lock bit. `bios_date` is MM/DD/YYYY, as SMBIOS has it.
    """

    vendor: str | None
    product: str | None
    sku: str | None
    serial: str | None
    chassis_type: int | None
    bios_vendor: str | None
    bios_version: str | None
    bios_date: str | None

    @property
    def chassis(self) -> str:
        """The chassis in words."""
        if self.chassis_type is None:
            return "not named"
        return _CHASSIS.get(self.chassis_type, f"SMBIOS chassis type {self.chassis_type}")


def parse(outputs: Sequence[Output]) -> DmiFacts:
    listing, *files = outputs
    # A kernel without SMBIOS data has no such folder. A server has some, so that this is a reading that failed.
    names = frozenset(stdout_of(listing, f"ls {DIRECTORY}").split())
    values = {
        name: text(stdout_of(output, name), name) or None
        for name, output in zip(FILES, files, strict=True)
        if name in names
    }
    chassis_type = values.get("chassis_type")
    return DmiFacts(
        vendor=values.get("sys_vendor"),
        product=values.get("product_name"),
        sku=values.get("product_sku"),
        serial=values.get("product_serial"),
        # Bit 7 says that the chassis has a lock.
        chassis_type=number(chassis_type, "chassis_type", most=255) & 0x7F if chassis_type else None,
        bios_vendor=values.get("bios_vendor"),
        bios_version=values.get("bios_version"),
        bios_date=values.get("bios_date"),
    )


DMI = Fact("dmi", (command("ls", DIRECTORY), *(command("cat", DIRECTORY + name) for name in FILES)), parse)
