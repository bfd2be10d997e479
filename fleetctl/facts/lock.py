"""LockFacts: who is changing the box at the moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.records import RECORDS, RECORDS_DIRECTORY, names_in

LOCK_FILE = "lock.json"


@dataclass(frozen=True)
class Lock:
    """Who holds the lock, on which machine, what for, since when and until when. The token stays out of it."""

    owner: str
    host: str
    reason: str
    taken_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class LockFacts:
    """`lock` is None when nobody holds one; an expired lock is still shown."""

    lock: Lock | None


def parse(outputs: Sequence[Output]) -> LockFacts:
    listing, record = outputs
    if LOCK_FILE not in names_in(listing):
        return LockFacts(None)
    content = json.loads(stdout_of(record, f"cat {LOCK_FILE}"))
    taken_at, expires_at = (datetime.fromisoformat(content[key]) for key in ("taken_at", "expires_at"))
    if taken_at.tzinfo is None or expires_at.tzinfo is None:
        raise UnreadableError(f"{LOCK_FILE} gives times without a time zone")
    return LockFacts(Lock(str(content["owner"]), str(content["host"]), str(content["reason"]), taken_at, expires_at))


LOCK = Fact("lock", (RECORDS, command("cat", RECORDS_DIRECTORY + LOCK_FILE)), parse)
