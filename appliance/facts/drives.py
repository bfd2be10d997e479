"""What the drives below the data say of their own wear: NVMe's SMART log. Virtual disks have none."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from appliance.facts.reading import UnreadableError, read_text, run

SYSFS = Path("/sys")
# virtio, Xen and loop devices, and memory, have no log of their own.
_VIRTUAL = ("vd", "xvd", "loop", "ram", "zram")
# nvme-cli's names (libnvme's JSON printer) for fields of the SMART log: NVM Express base specification 2.0, figure 207.
_FIELDS = {
    "used_percent": ("percent_used", "percentage_used"),
    "spare_percent": ("avail_spare",),
    "spare_threshold_percent": ("spare_thresh",),
    "critical_warning": ("critical_warning",),
    "media_errors": ("media_errors",),
}


def disks(devices: Sequence[str], sysfs: Path = SYSFS) -> list[str]:
    """Return the kernel names of the whole disks that devices ("major:minor") stand on, through mappings and arrays.

    What else is plugged in (a medium that a management controller shows, for instance) holds nothing of ours.
    """
    return sorted({disk for device in devices for disk in _below((sysfs / "dev/block" / device).resolve())})


def _below(node: Path) -> list[str]:
    if not node.is_dir():
        raise UnreadableError(f"{node}: no such block device")
    slaves = sorted((node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
    if slaves:
        return [disk for slave in slaves for disk in _below(slave.resolve())]
    return [node.parent.name if (node / "partition").exists() else node.name]


def parse_smart(text: str) -> dict[str, int]:
    """Parse `nvme smart-log -o json`."""
    try:
        document = json.loads(text)
        values = {}
        for name, spellings in _FIELDS.items():
            value = next(document[spelling] for spelling in spellings if spelling in document)
            # Newer versions give the warning's bits by name beside their value.
            values[name] = int(value["value"] if isinstance(value, dict) else value)
    except (ValueError, TypeError, KeyError, StopIteration) as error:
        raise UnreadableError(f"nvme smart-log: answer not understood ({type(error).__name__})") from None
    return values


def drives(
    names: Sequence[str],
    nvme: Callable[[str], str] = lambda device: run(["nvme", "smart-log", f"/dev/{device}", "-o", "json"]),
    sysfs: Path = SYSFS,
) -> list[dict[str, Any]]:
    """Return each drive's wear. One that cannot be read is in the list, with the reason."""
    return [_drive(name, nvme, sysfs) for name in names]


def _drive(name: str, nvme: Callable[[str], str], sysfs: Path) -> dict[str, Any]:
    if name.startswith(_VIRTUAL):
        return {"device": name, "kind": "virtual"}
    try:
        model = read_text(sysfs / "class/block" / name / "device/model").strip()[:64]
    except UnreadableError:
        model = ""
    found = {"device": name, "model": model}
    if not name.startswith("nvme"):
        # An ATA command needs CAP_SYS_RAWIO, with which one can do anything: not for a number.
        return found | {"kind": "unread", "reason": "its wear is not read: it is no NVMe drive"}
    try:
        return found | {"kind": "nvme", **parse_smart(nvme(name))}
    except UnreadableError as error:
        return found | {"kind": "unread", "reason": str(error)[:300]}
