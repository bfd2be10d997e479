"""The faults of a box, as its journal makes them. Whatever is known was read from the file, after it was written."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from appliance.contract.faults import MAX_FAULTS, Fault, fault_id
from appliance.contract.gpu import CountReading
from appliance.contract.health import Verdict
from appliance.watch.fault_record import FaultRecord, Record, text_of
from appliance.watch.journal import Journal

KEPT = timedelta(days=7)
"""For so long a cleared fault is still told."""
_GRAVEST = (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.DEGRADED, Verdict.OK)
_ORDER = {"open": 0, "acknowledged": 1, "cleared": 2}


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class FaultBook:
    """Reads and writes the journal. Every method but the plain look-ups may raise OSError."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.faults: dict[str, FaultRecord] = {}
        self.cursor: tuple[str, int] = ("", -1)  # boot id, and number of the last record of the kernel log that counted
        self.damaged = 0

    def refresh(self) -> bool:
        """Take in what was written since, by whomever; returns whether there was anything."""
        anew, read = self._journal.news()
        if anew:
            self.faults, self.cursor, self.damaged = {}, ("", -1), 0
        self.damaged += read.damaged
        for record in read.records:
            self._apply(record)
        return anew or bool(read.records)

    def write(self, records: Sequence[Record]) -> None:
        """Write records and take them in."""
        if records:
            self._journal.append(records)
            self.refresh()

    def compact(self) -> None:
        """Write the file anew if it has grown large."""
        if not self._journal.is_large():
            return
        moment = now()
        kept = [fault for fault in self.faults.values() if not fault.is_old(moment, KEPT)]
        kept.sort(key=lambda fault: (_ORDER[fault.state], fault.last_seen))
        cursor = {"t": "cursor", "boot": self.cursor[0], "seq": self.cursor[1]}
        if self._journal.replace([cursor, *(fault.as_record() for fault in kept[:MAX_FAULTS])]):
            self.refresh()

    def _apply(self, record: Record) -> None:
        kind = record["t"]
        if kind == "event":
            given = (record["check"], record["code"], record["subject"])
            self.faults.setdefault(fault_id(*given), FaultRecord(*given)).happened(record)
        elif kind == "state":
            fault = FaultRecord(**record["fault"])
            self.faults[fault.id] = fault
        elif kind != "cursor" and (known := self.faults.get(record["id"])):
            self._changed(known, record)
        if record.get("seq") is not None and record["boot"]:
            last = self.cursor[1] if self.cursor[0] == record["boot"] else -1
            self.cursor = (record["boot"], max(last, record["seq"]))

    @staticmethod
    def _changed(fault: FaultRecord, record: Record) -> None:
        kind = record["t"]
        if kind == "ack" and fault.state == "open":
            fault.state, fault.ack = "acknowledged", [record["by"], record["at"], record["note"]]
        elif kind == "clear" and fault.state != "cleared":
            fault.state, fault.cleared = "cleared", [record["at"], record["because"]]
        elif kind == "pair":
            fault.paired(record["mono"])
        elif kind == "recovery_seen":
            fault.recovery_seen = True
        elif kind == "seen":
            fault.last_seen, fault.last_boot = record["at"], record["boot"]
            fault.verdict, fault.said, fault.action = record["verdict"], record["said"], record["action"]
            if record["worse"]:
                fault.state, fault.ack = "open", None

    def shown(self, recoveries: Mapping[str, CountReading], read_at: datetime | None) -> tuple[Fault, ...]:
        """Every fault, those that wait for a person first, worst and newest first.

        `recoveries` is field 230 by subject, as it was read from `read_at` on; it says nothing about a later Xid.
        """
        moment = now()
        since = "" if read_at is None else text_of(read_at)
        found = [
            fault.shown(moment, recoveries.get(fault.subject) if fault.last_seen < since else None)
            for fault in self.faults.values()
            if not fault.is_old(moment, KEPT)
        ]
        found.sort(key=lambda fault: fault.last_seen, reverse=True)
        found.sort(key=lambda fault: (_ORDER[fault.state], _GRAVEST.index(fault.verdict)))
        return tuple(found[:MAX_FAULTS])


def acknowledged(fault: str, by: str, note: str) -> Record:
    """The record of an acknowledgement."""
    return {"t": "ack", "id": fault, "at": text_of(now()), "by": by, "note": note}
