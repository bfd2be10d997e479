"""The storage journal on the box, /var/lib/fleetctl/storage.json: written ahead of every step, without any secret.

It holds the UUIDs chosen before anything is created, so that after an interruption the next run recognises its own
half-made array and volume, and refuses everybody else's. `fleetctl disk status` reads it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible.module_utils.fleet_box import Box, Refusal

JOURNAL_PATH = "/var/lib/fleetctl/storage.json"
JOURNAL_VERSION = "storage/v1"

# Stages of the state volume. A stage is written when its step is complete; the step after it may be half done.
# Data can exist from "formatted" on, so nothing below is ever repeated after that.
CLAIMED, ASSEMBLED, ENCRYPTED, FORMATTED, READY = STAGES = ("claimed", "assembled", "encrypted", "formatted", "ready")
# Stages of the root volume's recovery slot.
ENROLLING, ENROLLED = ROOT_STAGES = ("enrolling", "enrolled")


@dataclass
class Recovery:
    """A recovery key as far as the box may know it: encrypted to people who are elsewhere."""

    ciphertext: str
    ciphertext_sha256: str
    recipients: list[str]
    made_at: str
    tested_at: str = ""  # the box opened the volume with the key, right after it made it
    confirmed_at: str = ""  # the operator said that the ciphertext is stored; it is then dropped here
    last_test_at: str = ""  # the last time that anybody opened the volume with the escrowed key


@dataclass
class StateEntry:
    """The state volume."""

    stage: str
    level: str
    disks: list[str]
    md_uuid: str
    luks_uuid: str
    fs_uuid: str
    begun_at: str
    recovery: Recovery | None = None


@dataclass
class RootEntry:
    """The recovery slot of the root volume."""

    stage: str
    luks_uuid: str
    slots_before: list[int]
    recovery: Recovery | None = None
    # The slot of that key, by number and by the digest of its salt; None in a journal older than this field.
    slot: int | None = None
    slot_sha256: str = ""


@dataclass
class Journal:
    """The whole file."""

    state: StateEntry | None = None
    root: RootEntry | None = None
    version: str = field(default=JOURNAL_VERSION)

    def volumes(self) -> list[tuple[str, StateEntry | RootEntry]]:
        """The volumes that have an entry, with their names."""
        return [(name, entry) for name, entry in (("state", self.state), ("root", self.root)) if entry is not None]


def read_journal(box: Box) -> Journal:
    """The journal, empty when this box was never begun; a damaged one is refused, because a guess could format data."""
    content = box.read(JOURNAL_PATH)
    if content is None:
        return Journal()
    try:
        return parse_journal(content)
    except (ValueError, TypeError, KeyError) as error:
        raise Refusal(
            f"The storage journal {JOURNAL_PATH} cannot be read ({error}).",
            "Restore it, or move it away when the data disks hold nothing of value and name them in erase_disks.",
        ) from error


def parse_journal(content: bytes) -> Journal:
    """Parse the file; ValueError, TypeError or KeyError when it is not what we write."""
    document: dict[str, Any] = json.loads(content)
    if document["version"] != JOURNAL_VERSION:
        raise ValueError(f"version {document['version']!r}, this fleetctl knows {JOURNAL_VERSION!r}")
    state, root = document["state"], document["root"]
    journal = Journal(
        state=None if state is None else StateEntry(**{**state, "recovery": _recovery(state)}),
        root=None if root is None else RootEntry(**{**root, "recovery": _recovery(root)}),
    )
    if journal.state is not None and journal.state.stage not in STAGES:
        raise ValueError(f"unknown stage {journal.state.stage!r} of the state volume")
    if journal.root is not None and journal.root.stage not in ROOT_STAGES:
        raise ValueError(f"unknown stage {journal.root.stage!r} of the root volume")
    return journal


def write_journal(box: Box, journal: Journal) -> None:
    """Make the journal durable. Readable by root only: it names disks and people, though no secret."""
    box.write(JOURNAL_PATH, (json.dumps(asdict(journal), indent=1, sort_keys=True) + "\n").encode(), mode=0o600)


def awaiting_escrow(journal: Journal) -> list[dict[str, Any]]:
    """The encrypted recovery keys that the operator has not confirmed yet, for volumes that are really encrypted."""
    return [
        {
            "volume": name,
            "luks_uuid": entry.luks_uuid,
            "ciphertext": entry.recovery.ciphertext,
            "ciphertext_sha256": entry.recovery.ciphertext_sha256,
            "made_at": entry.recovery.made_at,
            "recipients": entry.recovery.recipients,
        }
        for name, entry in journal.volumes()
        if entry.recovery
        and entry.recovery.tested_at
        and not entry.recovery.confirmed_at
        and entry.stage in (ENCRYPTED, FORMATTED, READY, ENROLLED)
    ]


def _recovery(entry: dict[str, Any]) -> Recovery | None:
    recovery = entry["recovery"]
    return None if recovery is None else Recovery(**recovery)
