"""Reads every fact that needs root and writes them to one small file, for the health agent that has no privilege.

A fact that cannot be read is written as an error with its reason, never left out. `keeper.py` reads each one when it is
due; `gather` reads all of them now.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from appliance.facts.apart import apart
from appliance.facts.boot import boot
from appliance.facts.clock import clock
from appliance.facts.drives import disks, drives
from appliance.facts.firewall import firewall
from appliance.facts.luks import read_header
from appliance.facts.mounts import mounts
from appliance.facts.reading import UnreadableError, read_text
from appliance.facts.services import compared_units
from appliance.facts.small import certificates, gpus, last_proof, room
from appliance.facts.verity import verity_devices
from appliance.facts.volume import unencrypted_swaps, volume

FACTS_PATH = Path("/run/appliance/facts.json")
STATE_MOUNT = "/var/lib/appliance"
SEAL_PATH = Path("/var/lib/fleetctl/seal.json")  # as in contract/seal.py, whose import would cost root a second
# Written by provisioning exactly when the site file names a time server (playbooks/library/fleet_time.py).
TIME_CONFIG = Path("/etc/systemd/timesyncd.conf.d/10-fleet.conf")
TIME_RUNTIME = Path("/run/systemd/timesync")  # RuntimeDirectory= of systemd-timesyncd: there while it runs
SCHEMA = "facts/v2"
FAST_S, SLOW_S, DRIVES_S = 30.0, 120.0, 600.0
# Of a disk that hangs nothing is known; one that is only slow answers in this time.
_DISK_DEADLINE_S, _DRIVES_DEADLINE_S = 5.0, 60.0


@dataclass(frozen=True)
class Source:
    """Where a fact comes from, and how often it is read. With `deadline_s` it may hang, and is read by a child."""

    read: Callable[[], Any]
    every_s: float = FAST_S
    deadline_s: float | None = None

    def now(self) -> Any:
        """Read it. Raises UnreadableError."""
        return self.read() if self.deadline_s is None else apart(self.read, deadline_s=self.deadline_s)


def mounted_volume(place: str) -> dict[str, Any]:
    """Return what a mount stands on; `{"mounted": False}` if nothing is mounted there."""
    mount = mounts().get(place)
    return {"mounted": False} if mount is None else {"mounted": True, **asdict(volume(mount))}


def time_service(config: Path = TIME_CONFIG, runtime: Path = TIME_RUNTIME) -> dict[str, bool]:
    """Return whether the site has a time server, and whether the client that should follow it runs."""
    return {"time_server": config.exists(), "time_client": runtime.is_dir()}


def seal() -> dict[str, Any] | None:
    """Return the seal as it was written, unjudged; None while the box is not sealed."""
    if not SEAL_PATH.exists():
        return None
    try:
        return dict(json.loads(read_text(SEAL_PATH)))
    except ValueError:
        raise UnreadableError(f"{SEAL_PATH} is not a JSON object") from None


def luks() -> dict[str, Any]:
    """Return the LUKS header of each mounted volume, by the name of its mapping."""
    found = {}
    for place in ("/", STATE_MOUNT):
        mount = mounts().get(place)
        below = volume(mount) if mount is not None else None
        if below is not None and below.mapper is not None and below.luks_device is not None:
            found[below.mapper] = asdict(read_header(Path("/dev") / below.luks_device))
    return found


def wear() -> list[dict[str, Any]]:
    """Return the wear of each disk below the root and the state volume."""
    found = [mount.device for place in ("/", STATE_MOUNT) if (mount := mounts().get(place)) is not None]
    return drives(disks(found))


SOURCES: dict[str, Source] = {
    "firewall": Source(lambda: asdict(firewall())),
    "verity": Source(lambda: {name: asdict(device) for name, device in verity_devices().items()}),
    "state_volume": Source(lambda: mounted_volume(STATE_MOUNT)),
    "root_volume": Source(lambda: mounted_volume("/")),
    "unencrypted_swaps": Source(lambda: unencrypted_swaps(read_text(Path("/proc/swaps")))),
    "units": Source(lambda: [asdict(unit) for unit in compared_units()]),
    "seal": Source(seal),
    "clock": Source(lambda: {**asdict(clock()), **time_service()}),
    "room": Source(room, deadline_s=_DISK_DEADLINE_S),
    "proof": Source(last_proof, deadline_s=_DISK_DEADLINE_S),
    "gpus": Source(gpus, SLOW_S, _DISK_DEADLINE_S),
    "certificates": Source(certificates, SLOW_S, _DISK_DEADLINE_S),
    "luks": Source(luks, SLOW_S, _DISK_DEADLINE_S),
    "drives": Source(wear, DRIVES_S, _DRIVES_DEADLINE_S),
    "boot": Source(lambda: asdict(boot()), SLOW_S),
}


def boottime_s() -> float:
    """Return the clock that age is measured on: it does not jump when the wall clock is set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_fact(source: Source) -> dict[str, Any]:
    """Return `{"value": …}` or `{"error": reason}`, with the time, and for how long it says something."""
    # Three readings may fail or come late before what was read last stands for nothing.
    fact: dict[str, Any] = {"at_s": boottime_s(), "good_for_s": 3 * source.every_s + 60.0}
    try:
        return fact | {"value": source.now()}
    except UnreadableError as error:
        return fact | {"error": str(error)[:300]}
    except Exception as error:  # a defect in one parser must not hide the other facts
        return fact | {"error": f"cannot be read ({type(error).__name__})"}


def document(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what is written."""
    boot_id = read_text(Path("/proc/sys/kernel/random/boot_id"))
    return {"schema": SCHEMA, "boot_id": boot_id, "boottime_s": boottime_s(), "facts": facts}


def gather(sources: dict[str, Source] | None = None) -> dict[str, Any]:
    """Read everything now."""
    return document({name: read_fact(source) for name, source in (SOURCES if sources is None else sources).items()})


def write(path: Path, facts: dict[str, Any]) -> None:
    """Replace the facts file in one step, so that a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(facts, separators=(",", ":")))
    temporary.chmod(0o644)  # what it holds is no secret, and the agent is another user
    temporary.replace(path)
