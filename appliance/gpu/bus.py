"""NVIDIA's display and 3D controllers on the PCI bus, from sysfs: the view that does not ask the driver."""

from pathlib import Path
from typing import Any

from appliance.facts.reading import UnreadableError, read_text

DEVICES = Path("/sys/bus/pci/devices")
NVIDIA = "0x10de"
# PCI Code and ID Assignment Specification: base class 03 is display; 00 VGA-compatible, 02 3D controller.
GPU_CLASSES = ("0x0300", "0x0302")


def gpus_on_bus(devices: Path | None = None) -> dict[str, Any]:
    """Return the PCI ids, sorted, or why the bus could not be read, shaped like the contract's readings.

    A bus that cannot be read is never an empty one.
    """
    folder = DEVICES if devices is None else devices
    try:
        found = [
            device.name
            for device in sorted(folder.iterdir())
            if read_text(device / "vendor") == NVIDIA and read_text(device / "class").startswith(GPU_CLASSES)
        ]
    except (OSError, UnreadableError) as error:
        reason = f"{folder}: {error.strerror}" if isinstance(error, OSError) else str(error)
        return {"state": "unreadable", "reason": reason[:200]}
    return {"state": "value", "value": found}
