"""Who may change the box now: one release command, no step of a provisioning, and nobody against the site's lock.

Formats: playbooks/library/fleet_lock.py and playbooks/module_utils/fleet_turn.py. The kernel drops both of the locks
that are held here with the process, so a killed command leaves nothing to clean up.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from appliance.errors import RefusedError
from appliance.facts.reading import UnreadableError, read_text
from appliance.release.facts import boot_id
from appliance.release.places import Places
from appliance.release.record import plain

# A stage of provisioning checks an image for a minute or two; an operator at the console waits no longer than this.
_TURN_WAIT_S = 20.0
_POLL_S = 0.2


class BusyError(RefusedError):
    """Somebody else is changing the box at this moment."""


def holder_of_site(places: Places, now: datetime, boot_s: float) -> str | None:
    """Say who holds the site's lock, None when nobody does. A damaged lock is one that nobody can name."""
    if not places.site_lock.exists():
        return None
    try:
        lock = {key: str(value) for key, value in json.loads(read_text(places.site_lock)).items()}
        words = plain(f"{lock['owner']} on {lock['host']} ({lock['reason']}) until {lock['expires_at']}")
        if lock.get("boot_id") and lock["boot_id"] == boot_id(places):
            return words if float(lock["expires_boot_s"]) > boot_s else None
        expires = datetime.fromisoformat(lock["expires_at"])
        return words if expires.tzinfo is None or expires > now else None
    except (UnreadableError, ValueError, KeyError, TypeError, AttributeError):
        return "someone unknown (the lock file is damaged)"


def is_free(places: Places) -> bool:
    """Whether no release command is at work now."""
    try:
        with _held(places.own_lock, 0.0, time.monotonic, time.sleep):
            return True
    except BusyError:
        return False


@contextmanager
def turn(
    places: Places,
    now: datetime,
    *,
    heed_site: bool = True,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Be the only one who changes the box. Raises BusyError or RefusedError, naming who does.

    Without `heed_site` the site's lock is left alone; a step of a provisioning that is at work is waited for anyway.
    """
    holder = holder_of_site(places, now, time.clock_gettime(time.CLOCK_BOOTTIME)) if heed_site else None
    if holder is not None:
        raise RefusedError(
            f"the site is locked by {holder}", hint="wait, or see `fleetctl site unlock` when that run is gone"
        )
    with _held(places.own_lock, 0.0, monotonic, sleep), _held(places.turn, _TURN_WAIT_S, monotonic, sleep):
        yield


@contextmanager
def _held(path: Path, wait_s: float, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not inherited: a service manager's helper must not hold it for ever.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline_s = monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() >= deadline_s:
                    held_by = plain(os.pread(descriptor, 200, 0).decode("utf-8", "replace")) or "a process without name"
                    raise BusyError(
                        f"this box is being changed by {held_by}", hint="ask `appliancectl release status`; try later"
                    ) from None
            sleep(_POLL_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"appliancectl release, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)
