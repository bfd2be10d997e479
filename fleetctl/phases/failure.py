"""Which error a failed task stands for, from what our modules return; never from the words that a program printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetctl.errors import ChangeError, FleetctlError, LockHeldError, RefusedError, UnreachableError
from fleetctl.remote.tasks import TaskResult


def error_of(task: TaskResult, host: str) -> FleetctlError:
    """The error for a task that failed: unreachable, lock held, refused with what a person must decide, or a change."""
    if task.status == "unreachable":
        return UnreachableError(
            f"Ansible could not reach the host: {_first_line(task.message)}",
            hint="run it again; it goes on where it stopped",
            host=host,
        )
    holder = task.fleet.get("lock_held")
    if isinstance(holder, Mapping):
        return lock_held(holder, host)
    refused = task.fleet.get("refused")
    if isinstance(refused, Mapping):
        return RefusedError(str(refused.get("found", task.message)), hint=str(refused.get("decide", "")), host=host)
    return ChangeError(
        f"{task.name}: {task.message or 'failed without a message'}",
        hint="fix the cause and run it again; it goes on where it stopped",
        host=host,
    )


def lock_held(holder: Mapping[str, Any], host: str) -> LockHeldError:
    """Who holds the lock, since when, why, until when."""
    return LockHeldError(
        f"{holder.get('owner', 'someone')} on {holder.get('host', 'another machine')} holds the lock since "
        f"{holder.get('taken_at', 'an unknown time')}, for: {holder.get('reason', 'no reason given')}; "
        f"it expires {holder.get('expires_at', 'at an unknown time')}",
        hint=f"wait, ask them, or when they are surely gone: fleetctl lock release {host} --force",
        host=host,
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no message"
