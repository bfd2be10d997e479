"""An encrypted volume from its mount down to the disks: dm-crypt, then md, then members."""

import re
from dataclasses import dataclass
from pathlib import Path

from appliance.facts.mounts import Mount
from appliance.facts.reading import UnreadableError, read_text

SYSFS = Path("/sys")
_LUKS = re.compile(r"^CRYPT-LUKS2-([0-9a-f]{32})-")


@dataclass(frozen=True)
class Member:
    """One device of an array, in the kernel's words (Documentation/admin-guide/md.rst)."""

    device: str
    state: str
    errors: int


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
    members: tuple[Member, ...] = ()
    luks_device: str | None = None  # the block device that holds the LUKS header, by its kernel name


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
    arrays = [each / "md" for each in sorted((node / "slaves").glob("md*")) if (each / "md").is_dir()]
    if len(arrays) > 1:
        raise UnreadableError(f"{mount.mount}: stands on {len(arrays)} arrays")
    below = [each.name for each in sorted((node / "slaves").iterdir())] if uuid is not None else []
    level = wanted = active = None
    members: tuple[Member, ...] = ()
    if arrays:
        level = read_text(arrays[0] / "level")
        wanted = int(read_text(arrays[0] / "raid_disks"))
        active = wanted - int(read_text(arrays[0] / "degraded"))
        members = tuple(_member(each) for each in sorted(arrays[0].glob("dev-*")))
    return Volume(
        mount.mount, mapper, uuid is not None, uuid, mount.read_only, level, wanted, active, members,
        below[0] if len(below) == 1 else None,
    )  # fmt: skip


def _member(node: Path) -> Member:
    return Member(node.name.removeprefix("dev-"), read_text(node / "state"), int(read_text(node / "errors")))


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
