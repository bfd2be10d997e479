"""What is mounted where, from the kernel's own table."""

import re
from dataclasses import dataclass
from pathlib import Path

from appliance.facts.reading import UnreadableError, read_text

MOUNTINFO = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One mounted file system; `device` is "major:minor"."""

    mount: str
    device: str
    file_system: str
    source: str
    read_only: bool


def _unescape(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def parse_mountinfo(text: str) -> dict[str, Mount]:
    """Parse proc_pid_mountinfo(5). A later line covers an earlier one of the same place, as in the kernel."""
    mounts: dict[str, Mount] = {}
    for line in text.splitlines():
        left, separator, right = line.partition(" - ")
        fields, after = left.split(" "), right.split(" ")
        if not separator or len(fields) < 6 or len(after) < 3:
            raise UnreadableError(f"mountinfo: line not understood: {line[:80]!r}")
        place = _unescape(fields[4])
        # Only the super block tells of the file system itself (the kernel sets it after an error). The mount's own
        # option is read-only for every reader in a sandbox with ProtectSystem=strict, this one included.
        read_only = "ro" in after[2].split(",")
        mounts[place] = Mount(place, fields[2], after[0], _unescape(after[1]), read_only)
    return mounts


def mounts(source: Path = MOUNTINFO) -> dict[str, Mount]:
    """Return what is mounted, by place."""
    return parse_mountinfo(read_text(source))
