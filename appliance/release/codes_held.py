"""Code tables that nothing needs any more: what holds each pack of the box, and removal of the rest.

A decision names the digest of the table that it rests on, and must stay explainable for as long as it is stored. So a
pack stays while a list, a set of the release record or any entry of the audit log names it; every saved set of codes
has such an entry, which is written first. What cannot be told, holds: a log that does not verify, an unreadable pack, a
kind of which decisions quote findings without its digest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.audit.entries import stored_entries
from appliance.coding.tables.layout import PackKind
from appliance.coding.tables.store import PackStore, StoredPack
from appliance.errors import ApplianceError, RefusedError
from appliance.release import record as records
from appliance.release.disk import Disk
from appliance.release.locks import turn
from appliance.release.places import Places
from appliance.release.record import KeptSet, Record

# A request that began with a table while it was in use has its entry by then; it takes minutes.
SETTLED = timedelta(days=1)
LOG = Path("/var/lib/appliance/audit")


@dataclass(frozen=True, slots=True)
class HeldPack:
    """A pack of the folder and what holds it, in words; empty `by`: nothing does, and it may go."""

    pack: StoredPack
    by: tuple[str, ...]


@dataclass
class CodesHeld:
    """The packs of one box. `log`: the folder of its audit log."""

    places: Places
    store: PackStore
    log: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, places: Places, folder: Path | None = None) -> "CodesHeld":
        """Of a box; `folder`: its tables lie elsewhere."""
        return cls(places, PackStore(folder or places.codes), places.below(LOG))

    def listed(self) -> list[HeldPack]:
        """Every pack with what holds it. The log is read only where nothing else decides.

        Raises UnknownStateError and NotVerifiedError for lists that cannot be read; the record may be unread.
        """
        unread: tuple[str, ...] = ()
        record = Record()
        try:
            record = records.load(self.places.record)
        except ApplianceError as error:
            unread = (f"the release record cannot be read: {error}",)
        changed = self._changed()
        held = [HeldPack(pack, self._by(pack, record, changed) or unread) for pack in self.store.packs()]
        asked = [each.pack.digest for each in held if not each.by]
        if not asked:
            return held
        try:
            named = named_in_log(self.log, asked)
        except ApplianceError as error:
            named = dict.fromkeys(asked, f"the audit log cannot be read: {error}")
        return [HeldPack(each.pack, each.by or _words(named, each.pack.digest)) for each in held]

    def remove_unheld(self, disk: Disk) -> list[StoredPack]:
        """Remove what nothing holds, one file a step; cut off anywhere, the rest goes the next time.

        Raises RefusedError while a release is switched, an import runs or the site is locked, and whatever keeps the
        record, the lists or the log from being read: then nothing was removed.
        """
        if not self.store.folder.is_dir():
            return []
        # Before the lock, whose own file may be new in the folder.
        changed, active = self._changed(), self.store.active()
        with self._alone() as record:
            if self.store.active() != active:
                raise RefusedError("the tables in use were changed at this moment", hint="try again in a day")
            held = [HeldPack(pack, self._by(pack, record, changed)) for pack in self.store.packs()]
            asked = [each.pack.digest for each in held if not each.by]
            named = named_in_log(self.log, asked) if asked else {}
            gone = [each.pack for each in held if not each.by and each.pack.digest not in named]
            for pack in gone:
                disk.remove(self.store.path(pack.digest))
            return gone

    @contextmanager
    def _alone(self) -> Iterator[Record]:
        with turn(self.places, self.now), self.store.alone():
            record = records.load(self.places.record)
            if record.change is not None:
                raise RefusedError(
                    "a change of the release is open", hint="appliancectl release status; try again when it has ended"
                )
            yield record

    def _changed(self) -> datetime:
        """When a list or a pack came or went last."""
        folder = self.store.folder
        return datetime.fromtimestamp(folder.stat().st_mtime if folder.is_dir() else 0, UTC)

    def _by(self, pack: StoredPack, record: Record, changed: datetime) -> tuple[str, ...]:
        by = ["running release"] if pack.of_release else []
        if pack.active and not pack.of_release:
            by.append("import")
        by += _sets(record, pack.digest)
        if pack.head is None:
            by.append("damaged: nobody can say what it was")
        elif pack.head.kind is not PackKind.CODES:
            by.append(f"edits: decisions quote {pack.head.kind.value} without its digest")
        # A time to come holds as well: that is a clock that nobody can rely on.
        if not by and self.now - changed < SETTLED:
            by.append(f"the tables were changed at {changed:%Y-%m-%d %H:%M}Z: a day for requests that had begun")
        return tuple(by)


def named_in_log(log: Path, digests: list[str]) -> dict[str, str]:
    """Which of these digests any entry of the audit log names, and where. Verifies the log while it is read.

    Raises LogDamagedError, LogUnreadableError, UsageError when there is no log.
    """
    wanted = {digest.encode(): digest for digest in digests}
    found: dict[str, list[int]] = {}
    for index, entry in enumerate(stored_entries(log)):
        for name, digest in wanted.items():
            if name in entry:
                found.setdefault(digest, []).append(index)
    return {digest: _places(indices) for digest, indices in found.items()}


def _places(indices: list[int]) -> str:
    count = f"{len(indices)} decisions" if len(indices) > 1 else "1 decision"
    return f"{count}, last in entry {indices[-1]} of the audit log"


def _words(named: dict[str, str], digest: str) -> tuple[str, ...]:
    return (named[digest],) if digest in named else ()


def _sets(record: Record, digest: str) -> list[str]:
    change = record.change
    sides = [side.kept for side in (change.old, change.new) if side is not None] if change is not None else []
    kept: list[tuple[str, KeptSet | None]] = [
        ("active", record.active), ("previous", record.previous), ("staged", record.staged),
        *(("open change", each) for each in sides),
    ]  # fmt: skip
    return [
        f"{place} set {each.words}"
        for place, each in kept
        if each is not None and any(pack.sha256 == digest for pack in each.code_packs)
    ]
