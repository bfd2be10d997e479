"""How the machine was started: slot, Secure Boot, the kernel's lockdown, and whether a newer version waits."""

import re
from dataclasses import dataclass
from pathlib import Path

from appliance.facts.reading import UnreadableError, read_text

SYSFS = Path("/sys")
REBOOT_REQUIRED = Path("/run/reboot-required")
# EFI_GLOBAL_VARIABLE, UEFI specification 2.10, section 3.3. A file is four bytes of attributes and the value.
_EFI = "firmware/efi/efivars/{}-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_EMPTY = "_empty"
_VERSIONED = re.compile(r"^[A-Za-z0-9]+_(?P<version>[0-9][0-9A-Za-z.~^-]{0,40})$")
_LOCKDOWN = re.compile(r"\[(\w+)\]")
_NUMBER = re.compile(r"\d+|[A-Za-z]+")


@dataclass(frozen=True)
class Boot:
    """`slot` is the label of the partition that holds /usr. `waiting` is a newer version in the other slot."""

    slot: str | None
    uefi: bool
    secure_boot: bool | None
    setup_mode: bool | None
    lockdown: str | None
    reboot_required: bool
    waiting: str | None


def boot(sysfs: Path = SYSFS, required: Path = REBOOT_REQUIRED) -> Boot:
    """Read it all. Raises UnreadableError when a part that exists cannot be read."""
    uefi = (sysfs / "firmware/efi").is_dir()
    slot, labels = _slot(sysfs)
    lockdown = sysfs / "kernel/security/lockdown"
    return Boot(
        slot=slot,
        uefi=uefi,
        secure_boot=_flag(sysfs / _EFI.format("SecureBoot")) if uefi else None,
        setup_mode=_flag(sysfs / _EFI.format("SetupMode")) if uefi else None,
        lockdown=parse_lockdown(read_text(lockdown)) if lockdown.exists() else None,
        reboot_required=required.exists(),
        waiting=newer(slot, labels),
    )


def parse_lockdown(text: str) -> str:
    """Return the mode in brackets of `none [integrity] confidentiality`."""
    match = _LOCKDOWN.search(text)
    if match is None:
        raise UnreadableError(f"lockdown: not understood: {text[:60]!r}")
    return match[1]


def newer(slot: str | None, labels: list[str]) -> str | None:
    """Return the highest version among labels like `edge_1.4` of the running one's kind, if it is a later one."""
    running = _VERSIONED.match(slot or "")
    if running is None:
        return None
    found = [match["version"] for label in labels if (match := _VERSIONED.match(label))]
    best = max(found, key=_sortable, default=running["version"])
    return best if _sortable(best) > _sortable(running["version"]) else None


def _sortable(version: str) -> list[tuple[int, int, str]]:
    """Numbers by value, letters before numbers, as in the version comparison of sysupdate's file names."""
    words = _NUMBER.findall(version)
    return [(1, int(word), "") if word.isdigit() else (0, 0, word) for word in words]


def _slot(sysfs: Path) -> tuple[str | None, list[str]]:
    """The label of the partition under the mapping `usr`, and the labels of all partitions of the same disk."""
    for node in sorted((sysfs / "class/block").glob("dm-*")):
        if read_text(node / "dm/name") != "usr":
            continue
        # One partition holds the data, the other the hash tree, whose label says "verity" in every layout of ours.
        slaves = [(sysfs / "class/block" / each.name).resolve() for each in sorted((node / "slaves").iterdir())]
        label = next((found for each in slaves if (found := _label(each)) and "verity" not in found), None)
        siblings = sorted(slaves[0].parent.glob("*/partition")) if slaves else []
        labels = [found for each in siblings if (found := _label(each.parent)) and found != _EMPTY]
        return label, [each for each in labels if "verity" not in each]
    return None, []


def _label(node: Path) -> str | None:
    fields = dict(line.split("=", 1) for line in read_text(node / "uevent").splitlines() if "=" in line)
    return fields.get("PARTNAME")


def _flag(path: Path) -> bool:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{path.name}: {error.strerror}") from None
    if len(data) != 5 or data[4] > 1:
        raise UnreadableError(f"{path.name}: {len(data)} bytes, wanted five with 0 or 1 at the end")
    return bool(data[4])
