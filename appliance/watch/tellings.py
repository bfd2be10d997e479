"""An Xid is told twice, by NVML and by the kernel log: what is new about a telling, as records for the journal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from appliance.contract.faults import fault_id
from appliance.contract.health import Verdict
from appliance.contract.xid import PREEMPTIVE_CLEANUP
from appliance.watch.fault_book import FaultBook
from appliance.watch.fault_record import XID, FaultRecord, Record, text_of

SAME_EVENT_S = 10.0
"""Two tellings of one Xid of one GPU within this time are one event (ours: both come within a second)."""
# The kernel stamps its log with a clock that nobody disciplines: this share of the uptime is its possible drift. It
# matters only for what was written before the watch started.
_DRIFT = 1e-4
# Ours: the driver cleans up right after the error that it cleans up after.
_FOLLOWS = timedelta(seconds=60)

Source = Literal["nvml", "kernel log"]


@dataclass(frozen=True)
class Telling:
    """One Xid as one source told it. `seq` is the number of the kernel log's record."""

    source: Source
    xid: int | None
    subject: str
    mono_s: float
    card: str = ""
    seq: int | None = None
    from_before: bool = False
    words: str = ""


def records_of(tellings: Iterable[Telling], book: FaultBook, boot_id: str, moment: datetime) -> list[Record]:
    """What has to be written. A telling that repeats one of the other source is paired with it, and is no event.

    The records of several tellings are decided on one after the other, as if each had been written before the next.
    """
    records: list[Record] = []
    seen: dict[str, FaultRecord] = {}
    for telling in tellings:
        if telling.seq is not None and book.cursor[0] == boot_id and telling.seq <= book.cursor[1]:
            continue  # taken before a restart
        key = fault_id(XID, telling.xid, telling.subject)
        known = seen.get(key) or _copy(book.faults.get(key), telling)
        seen[key] = known
        within_s = SAME_EVENT_S + (_DRIFT * telling.mono_s if telling.from_before else 0.0)
        same_boot = known.last_boot == boot_id
        pair = known.pairs(telling.source, telling.mono_s, within_s) if same_boot else None
        if pair is not None:
            record: Record = {"t": "pair", "id": key, "mono": pair, "boot": boot_id, "seq": telling.seq}
            known.paired(pair)
        else:
            record = _event(telling, book, seen, boot_id, moment)
            known.happened(record)
        records.append(record)
    return records


def _copy(fault: FaultRecord | None, telling: Telling) -> FaultRecord:
    copy = FaultRecord(XID, telling.xid, telling.subject)
    if fault is not None:
        copy.__dict__.update(fault.__dict__)
        copy.pending = {source: list(each) for source, each in fault.pending.items()}
        copy.buckets = dict(fault.buckets)
    return copy


def _event(telling: Telling, book: FaultBook, seen: dict[str, FaultRecord], boot_id: str, moment: datetime) -> Record:
    understood = telling.xid is not None
    return {
        "t": "event",
        "check": XID,
        "code": telling.xid,
        "subject": telling.subject,
        "at": text_of(moment),
        "boot": boot_id,
        "source": telling.source,
        "mono": telling.mono_s,
        "seq": telling.seq,
        "after": _parent(telling, {**book.faults, **seen}, boot_id, moment),
        "card": telling.card,
        "verdict": Verdict.UNKNOWN.value,
        "said": "" if understood else f"an Xid in the kernel log that is not understood: {telling.words}",
        "action": "" if understood else "read the line in the kernel log (dmesg)",
    }


def _parent(telling: Telling, faults: dict[str, FaultRecord], boot_id: str, moment: datetime) -> int | None:
    """The Xid that a cleanup follows."""
    if telling.xid != PREEMPTIVE_CLEANUP:
        return None
    before = [
        fault
        for fault in faults.values()
        if fault.check == XID and fault.subject == telling.subject and fault.code not in (None, PREEMPTIVE_CLEANUP)
        if fault.last_boot == boot_id and moment - datetime.fromisoformat(fault.last_seen) <= _FOLLOWS
    ]
    return max(before, key=lambda fault: fault.last_seen).code if before else None
