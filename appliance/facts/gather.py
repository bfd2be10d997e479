"""Reads every fact that needs root and writes them to one small file, for the health agent that has no privilege.

Run by appliance-facts.timer. A fact that cannot be read is written as an error with its reason, never left out.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from appliance.facts.clock import clock
from appliance.facts.firewall import firewall
from appliance.facts.mounts import mounts
from appliance.facts.reading import UnreadableError, read_text
from appliance.facts.services import appliance_units
from appliance.facts.verity import verity_devices
from appliance.facts.volume import unencrypted_swaps, volume

FACTS_PATH = Path("/run/appliance/facts.json")
STATE_MOUNT = "/var/lib/appliance"
SEAL_PATH = Path("/var/lib/fleetctl/seal.json")  # as in contract/seal.py, whose import would cost root a second
# Written by provisioning exactly when the site file names a time server (playbooks/library/fleet_time.py).
TIME_CONFIG = Path("/etc/systemd/timesyncd.conf.d/10-fleet.conf")
TIME_RUNTIME = Path("/run/systemd/timesync")  # RuntimeDirectory= of systemd-timesyncd: there while it runs
SCHEMA = "facts/v1"


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


SOURCES: dict[str, Callable[[], Any]] = {
    "firewall": lambda: asdict(firewall()),
    "verity": lambda: {name: asdict(device) for name, device in verity_devices().items()},
    "state_volume": lambda: mounted_volume(STATE_MOUNT),
    "root_volume": lambda: mounted_volume("/"),
    "unencrypted_swaps": lambda: unencrypted_swaps(read_text(Path("/proc/swaps"))),
    "units": lambda: [asdict(unit) for unit in appliance_units()],
    "seal": seal,
    "clock": lambda: {**asdict(clock()), **time_service()},
}


def gather(sources: dict[str, Callable[[], Any]] | None = None) -> dict[str, Any]:
    """Return all facts, each `{"value": …}` or `{"error": reason}`."""
    facts: dict[str, Any] = {}
    for name, source in (SOURCES if sources is None else sources).items():
        try:
            facts[name] = {"value": source()}
        except UnreadableError as error:
            facts[name] = {"error": str(error)[:300]}
        except Exception as error:  # a defect in one parser must not hide the other facts
            facts[name] = {"error": f"cannot be read ({type(error).__name__})"}
    boot_id = read_text(Path("/proc/sys/kernel/random/boot_id"))
    # Age is measured on the boot clock: it does not jump when the wall clock is set.
    return {
        "schema": SCHEMA,
        "boot_id": boot_id,
        "boottime_s": time.clock_gettime(time.CLOCK_BOOTTIME),
        "facts": facts,
    }


def write(path: Path, facts: dict[str, Any]) -> None:
    """Replace the facts file in one step, so that a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(facts, separators=(",", ":")))
    temporary.chmod(0o644)  # what it holds is no secret, and the agent is another user
    temporary.replace(path)


def main() -> None:
    """Gather once."""
    write(FACTS_PATH, gather())


if __name__ == "__main__":
    main()
