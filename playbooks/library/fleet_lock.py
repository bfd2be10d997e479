#!/usr/bin/python3
"""Ansible module: the lock that lets one operator at a time change a site; it says who holds it, and expires."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box
from ansible.module_utils.fleet_outcome import run_reporting

LOCK_PATH = "/var/lib/fleetctl/lock.json"
_GUARD_PATH = "/run/fleetctl-lock.guard"  # held for the moment between reading the lock and writing it

_BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id"
_BOOT_KEYS = ("boot_id", "expires_boot_s")
_UNTOLD = ("token_sha256", *_BOOT_KEYS)

ARGUMENTS = {
    "state": {"type": "str", "required": True, "choices": ["taken", "released"]},
    "token": {"type": "str", "required": True, "no_log": True},
    "owner": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "reason": {"type": "str", "required": True},
    "expires_s": {"type": "int", "required": True},
    "force": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class Moment:
    """Now: by the wall clock, which may be set, and by the time since this boot, which nobody sets."""

    wall: datetime.datetime
    boot_id: str
    boot_s: float


def read_moment(box: Box) -> Moment:
    """Now, on this box."""
    boot_id = (box.read(_BOOT_ID_PATH) or b"").decode().strip()
    return Moment(datetime.datetime.now(datetime.UTC), boot_id, time.clock_gettime(time.CLOCK_BOOTTIME))


def parse_lock(content: bytes | None) -> dict[str, str] | None:
    """The lock, None when there is none. A damaged file is a lock that nobody can name; only --force removes it."""
    if content is None:
        return None
    unknown = {
        "owner": "someone unknown (the lock file is damaged)",
        "host": "an unknown machine",
        "reason": "unknown",
        "taken_at": "an unknown time",
        "expires_at": "9999-12-31T00:00:00Z",
        "token_sha256": "",
    }
    try:
        found = json.loads(content)
        # A lock of an older fleetctl says nothing of the boot.
        return {key: str(found[key]) for key in unknown} | {key: str(found.get(key, "")) for key in _BOOT_KEYS}
    except (ValueError, KeyError, TypeError):
        return unknown


def is_held_by_another(lock: dict[str, str] | None, token: str, now: Moment) -> bool:
    """Whether somebody else's lock is still good. In the boot in which it was taken no step of the clock ends it."""
    if lock is None or lock["token_sha256"] == token_digest(token):
        return False
    if now.boot_id and lock.get("boot_id") == now.boot_id:
        try:
            return float(lock["expires_boot_s"]) > now.boot_s
        except ValueError:
            return True
    try:
        expires = datetime.datetime.fromisoformat(lock["expires_at"])
    except ValueError:
        return True
    return expires.tzinfo is None or expires > now.wall


def token_digest(token: str) -> str:
    """What the box keeps of the token: whoever reads the lock file cannot release it by it."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_lock(given: dict[str, Any], now: Moment) -> dict[str, str]:
    """The lock for this claim."""
    return {
        "owner": given["owner"],
        "host": given["host"],
        "reason": given["reason"],
        "taken_at": _iso(now.wall),
        "expires_at": _iso(now.wall + datetime.timedelta(seconds=given["expires_s"])),
        "boot_id": now.boot_id,
        "expires_boot_s": f"{now.boot_s + given['expires_s']:.0f}",
        "token_sha256": token_digest(given["token"]),
    }


def without_token(lock: dict[str, str] | None) -> dict[str, str] | None:
    """What may be told about a lock."""
    return None if lock is None else {key: value for key, value in lock.items() if key not in _UNTOLD}


def main() -> None:
    """Take or release. Never `changed`: the lock guards the configuration and is no part of it."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    # It says at once who holds the lock, whatever still works on the box; _guard is all that it needs.
    run_reporting(module, lambda: _run(module), changes_box=False)


def _run(module: AnsibleModule) -> None:
    box, given = Box(), module.params
    with nullcontext() if module.check_mode else _guard():
        now = read_moment(box)
        lock = parse_lock(box.read(LOCK_PATH))
        foreign = is_held_by_another(lock, given["token"], now)
        if given["state"] == "taken":
            if foreign:
                shown = without_token(lock) or {}
                module.fail_json(
                    msg=f"{shown['owner']} on {shown['host']} holds the lock until {shown['expires_at']}",
                    fleet={"lock_held": shown},
                )
            new = new_lock(given, now)
            if not module.check_mode:
                box.write(LOCK_PATH, (json.dumps(new, indent=1) + "\n").encode())
            module.exit_json(
                changed=False,
                fleet={"lock": {"taken": True, "replaced": without_token(lock), **(without_token(new) or {})}},
            )
        removable = lock is not None and (not foreign or given["force"])
        if removable and not module.check_mode:
            box.remove(LOCK_PATH)
        module.exit_json(
            changed=False,
            fleet={
                "lock": {
                    "released": without_token(lock) if removable else None,
                    "left": without_token(lock) if foreign and not removable else None,
                }
            },
        )


@contextmanager
def _guard() -> Iterator[None]:
    with Path(_GUARD_PATH).open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _iso(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


if __name__ == "__main__":
    main()
