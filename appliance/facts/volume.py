"""An encrypted volume from its mount down to the disks: dm-crypt, then md, then members."""

import re
from dataclasses import dataclass
from pathlib import Path

from appliance.facts.mounts import Mount
from appliance.facts.reading import UnreadableError, read_text

SYSFS = Path("/sys")
_LUKS = re.compile(r"^CRYPT-LUKS2-([0-9a-f]{32})-")


@dataclass(frozen=True)
class Volume:
    """Where a mount really stands. `encrypted` is true only for LUKS2; array fields are None without an md array."""

    mount: str
    mapper: str | None
    encrypted: bool
    luks_uuid: str | None
    read_only: bool
    array_level: str | None
    members_wanted: int | None
    members_active: int | None


def luks_uuid(dm_uuid: str) -> str | None:
    """Return the LUKS2 UUID that cryptsetup put into a mapping's name, or None if the mapping is not LUKS2."""
    match = _LUKS.match(dm_uuid)
    if match is None:
        return None
    digits = match[1]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def volume(mount: Mount, sysfs: Path = SYSFS) -> Volume:
    """Follow a mount down to its disks."""
    node = sysfs / "dev/block" / mount.device
    if not node.exists():
        raise UnreadableError(f"{mount.mount}: block device {mount.device} is not in {sysfs}")
    mapper = read_text(node / "dm/name") if (node / "dm").is_dir() else None
    uuid = luks_uuid(read_text(node / "dm/uuid")) if mapper is not None else None
    arrays = [below / "md" for below in sorted((node / "slaves").glob("md*")) if (below / "md").is_dir()]
    if len(arrays) > 1:
        raise UnreadableError(f"{mount.mount}: stands on {len(arrays)} arrays")
    level = wanted = active = None
    if arrays:
        level = read_text(arrays[0] / "level")
        wanted = int(read_text(arrays[0] / "raid_disks"))
        active = wanted - int(read_text(arrays[0] / "degraded"))
    return Volume(mount.mount, mapper, uuid is not None, uuid, mount.read_only, level, wanted, active)


def unencrypted_swaps(swaps: str, sysfs: Path = SYSFS) -> list[str]:
    """Return the active swaps of /proc/swaps that are not on dm-crypt. zram stays in memory and is no leak."""
    bare = []
    for line in swaps.splitlines()[1:]:
        name = line.split()[0]
        node = sysfs / "class/block" / Path(name).resolve().name
        is_memory = node.name.startswith("zram")
        dm_uuid = node / "dm/uuid"
        if not is_memory and not (dm_uuid.exists() and read_text(dm_uuid).startswith("CRYPT-")):
            bare.append(name)
    return bare
