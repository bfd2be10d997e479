"""StorageFacts: the box's own journal of its storage: which array and volumes are ours, and which keys were tested."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.records import RECORDS, RECORDS_DIRECTORY, names_in

JOURNAL = "storage.json"
VERSION = "storage/v1"


@dataclass(frozen=True)
class VolumeRecord:
    """One volume in the journal. Times are ISO 8601 and empty when it never happened.

    `tested_at`: the box opened the volume with the key that it had just made. `last_test_at`: the escrowed key opened
    it. `confirmed_at`: the operator said that the encrypted key is in escrow. `ciphertext_sha256`: of that key, as the
    box made it.
    """

    name: str
    luks_uuid: str
    stage: str
    tested_at: str
    confirmed_at: str
    last_test_at: str
    ciphertext_sha256: str

    @property
    def recovery_tested(self) -> bool:
        return bool(self.tested_at or self.last_test_at)


@dataclass(frozen=True)
class StorageFacts:
    """`array_uuid` is empty and `volumes` are none as long as the box was not begun."""

    array_uuid: str
    volumes: tuple[VolumeRecord, ...]

    def volume(self, luks_uuid: str) -> VolumeRecord | None:
        return next((volume for volume in self.volumes if volume.luks_uuid == luks_uuid), None)


def parse(outputs: Sequence[Output]) -> StorageFacts:
    listing, record = outputs
    if JOURNAL not in names_in(listing):
        return StorageFacts("", ())
    journal = json.loads(stdout_of(record, f"cat {JOURNAL}"))
    if journal["version"] != VERSION:
        raise UnreadableError(f"{JOURNAL} has version {journal['version']!r}, this fleetctl knows {VERSION}")
    entries = {name: journal[name] for name in ("state", "root") if journal[name] is not None}
    return StorageFacts(
        array_uuid=str(entries["state"]["md_uuid"]) if "state" in entries else "",
        volumes=tuple(_volume(name, entry) for name, entry in entries.items()),
    )


def _volume(name: str, entry: dict[str, Any]) -> VolumeRecord:
    recovery: dict[str, Any] = entry["recovery"] or {}
    return VolumeRecord(
        name=name,
        luks_uuid=str(entry["luks_uuid"]),
        stage=str(entry["stage"]),
        tested_at=str(recovery.get("tested_at", "")),
        confirmed_at=str(recovery.get("confirmed_at", "")),
        last_test_at=str(recovery.get("last_test_at", "")),
        ciphertext_sha256=str(recovery.get("ciphertext_sha256", "")),
    )


STORAGE = Fact("storage", (RECORDS, command("cat", RECORDS_DIRECTORY + JOURNAL)), parse)
