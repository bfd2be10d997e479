"""The engine's image of a GPU site: is what is mounted the one that the seal approved, and is nothing laid over it?"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import SealBrokenError, UnknownStateError
from appliance.facts.reading import UnreadableError, read_text
from appliance.facts.verity import SYSFS, root_hash_under

# Where the units of a GPU site mount it. The tree inside is a virtual environment, which knows its own place.
DIRECTORY = Path("/run/engine")
_MOUNTINFO = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class EngineImage:
    """The approved image as it is mounted. `root_hash` is None only where the settings allow an engine without one."""

    directory: Path
    name: str
    root_hash: str | None
    root_hash_source: str


def mounted_below(directory: Path, mountinfo: str) -> list[str]:
    """Return the mount points inside the directory (proc(5): the fifth field, with octal escapes)."""
    points = [line.split(" ")[4] for line in mountinfo.splitlines() if line]
    plain = [re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point) for point in points]
    return [point for point in plain if point.startswith(f"{directory}/")]


def root_hash(
    directory: Path, program: Path, *, sysfs: Path = SYSFS, mountinfo: Path = _MOUNTINFO
) -> tuple[str | None, str]:
    """Return the root hash that the kernel verifies the engine's files against now, and how it was read or why not.

    The tree has tens of thousands of files, so the mount table says that all of it is one device.
    """
    try:
        if not program.is_relative_to(directory):
            return None, f"{program} is not inside {directory}"[:400]
        if covered := mounted_below(directory, read_text(mountinfo)):
            return None, f"{covered[0]} is mounted over a part of it"[:400]
        hashes = {root_hash_under(path, sysfs) for path in (directory, program)}
    except (UnreadableError, IndexError) as error:
        return None, str(error)[:400]
    if len(hashes) != 1:
        return None, f"{program} lies on another device than {directory}"[:400]
    return hashes.pop(), "device-mapper device of the mounted engine image"


def _sealed(seal: Path | None) -> tuple[str, str]:
    """Return name and root hash of the engine image that the seal approves."""
    again = "provision the site again; only a sealed box serves"
    if seal is None:
        raise UnknownStateError("no seal was given to this service", hint="start it through its systemd unit")
    try:
        engine = json.loads(read_text(seal)).get("engine")
        if engine is None:
            raise UnknownStateError("the seal approves no engine image", hint=again)
        return str(engine["name"]), str(engine["root_hash"])
    except (UnreadableError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownStateError(f"the seal cannot be read: {type(error).__name__}", hint=again) from None


def check(
    directory: Path,
    program: Path,
    seal: Path | None,
    *,
    require_verity: bool = True,
    sysfs: Path = SYSFS,
    mountinfo: Path = _MOUNTINFO,
) -> EngineImage:
    """Return the engine's image if it is the one that was sealed.

    Raises UnknownStateError when the proof is missing, SealBrokenError when another image is mounted. Without
    `require_verity` (a test, a developer's machine) nothing is sealed.
    """
    found, source = root_hash(directory, program, sysfs=sysfs, mountinfo=mountinfo)
    if not require_verity:
        return EngineImage(directory, directory.name, found, source)
    if found is None:
        raise UnknownStateError(
            f"the engine is not verified by the kernel: {source}", hint=f"mount the signed engine image at {directory}"
        )
    name, sealed = _sealed(seal)
    if found != sealed:
        raise SealBrokenError(
            f"an engine image with root hash {found} is mounted; sealed was {sealed} ({name})",
            hint="put the approved engine image back, or provision the site again",
        )
    return EngineImage(directory, name, found, source)
