"""One fault as the journal has it: how records make it what it is, and how it is shown."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.contract.faults import Fault, fault_id
from appliance.contract.finding import Finding
from appliance.contract.gpu import CountReading
from appliance.contract.health import Verdict
from appliance.contract.xid import judge_xid

XID = "gpu_xid"
_BUCKET_S = 300
_DAY_BUCKETS = 24 * 3600 // _BUCKET_S
# Tellings that wait for the same event from the other source; more of one kind at a time are no separate events.
_MAX_PENDING = 4096
_PENDING_S = 120.0
_MAX_TEXT = 500

Record = dict[str, Any]


def text_of(moment: datetime) -> str:
    """A moment as records have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


@dataclass
class FaultRecord:
    """One kind of fault on one GPU. Moments are ISO 8601 in UTC, as they stand in the journal."""

    check: str
    code: int | None
    subject: str
    first_seen: str = ""
    last_seen: str = ""
    first_boot: str = ""
    last_boot: str = ""
    count: int = 0
    state: str = "open"
    verdict: str = "unknown"
    said: str = ""
    action: str = ""
    ack: list[str] | None = None  # by, at, note
    cleared: list[str] | None = None  # at, because
    after: int | None = None
    card: str = ""  # UUID of the card that has it
    recovery_seen: bool = False  # since then, the driver asked for a recovery action or had a remap pending
    buckets: dict[str, int] = field(default_factory=dict)
    pending: dict[str, list[float]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its id."""
        return fault_id(self.check, self.code, self.subject)

    def happened(self, record: Record) -> None:
        """It came (again)."""
        if not self.count or self.state == "cleared":
            self.first_seen, self.first_boot, self.count, self.after = record["at"], record["boot"], 0, record["after"]
            self.recovery_seen, self.pending, self.cleared = False, {}, None
        if record["boot"] != self.last_boot:
            self.pending = {}
        self.after = record["after"] if self.after is not None else None
        self.state, self.ack = "open", None
        self.last_seen, self.last_boot = record["at"], record["boot"]
        self.verdict, self.said, self.action = record["verdict"], record["said"], record["action"]
        self.card = record["card"] or self.card
        self.count += 1
        bucket = int(datetime.fromisoformat(record["at"]).timestamp()) // _BUCKET_S
        self.buckets[str(bucket)] = self.buckets.get(str(bucket), 0) + 1
        self.buckets = {key: n for key, n in self.buckets.items() if int(key) > bucket - _DAY_BUCKETS}
        if record["mono"] is not None:
            self.waits(record["source"], record["mono"])

    def waits(self, source: str, mono: float) -> None:
        """Somebody told it, and the other source may tell it too."""
        kept = [each for each in self.pending.get(source, []) if each > mono - _PENDING_S]
        self.pending[source] = [*kept, mono][-_MAX_PENDING:]

    def pairs(self, source: str, mono: float, within_s: float) -> float | None:
        """The telling of the other source that this one repeats, if there is one."""
        for other, tellings in self.pending.items():
            near = [each for each in tellings if abs(each - mono) <= within_s]
            if other != source and near:
                return near[0]
        return None

    def paired(self, mono: float) -> None:
        """The telling at that moment was told twice."""
        for tellings in self.pending.values():
            if mono in tellings:
                tellings.remove(mono)
                return

    def count_24h(self, now: datetime) -> int:
        """How often it came in the last 24 hours."""
        oldest = int(now.timestamp()) // _BUCKET_S - _DAY_BUCKETS
        return sum(number for key, number in self.buckets.items() if int(key) > oldest)

    def finding(self, now: datetime, recovery: CountReading | None) -> Finding:
        """What it means now. An Xid is judged by how often it came, and 154 by field 230 as it was read since."""
        if self.check == XID and self.code is not None:
            return judge_xid(self.code, self.count_24h(now) or self.count, after=self.after, recovery=recovery)
        return Finding(Verdict(self.verdict), self.said, self.action)

    def shown(self, now: datetime, recovery: CountReading | None) -> Fault:
        """As the contract has it."""
        found = self.finding(now, recovery)
        by, at, note = self.ack or (None, None, "")
        cleared_at, because = self.cleared or (None, "")
        return Fault.model_validate(
            {
                "id": self.id,
                "check": self.check,
                "code": self.code,
                "subject": self.subject,
                "first_seen": self.first_seen,
                "last_seen": self.last_seen,
                "first_boot_id": self.first_boot,
                "last_boot_id": self.last_boot,
                "count": self.count,
                "count_24h": self.count_24h(now),
                "state": self.state,
                "verdict": found.verdict,
                "reason": found.said[:_MAX_TEXT],
                "next_action": found.next_action[:_MAX_TEXT],
                "acknowledged_by": by,
                "acknowledged_at": at,
                "acknowledged_note": note,
                "cleared_at": cleared_at,
                "cleared_because": because,
            }
        )

    def is_old(self, now: datetime, keep: timedelta) -> bool:
        """Whether it was cleared so long ago that nobody asks for it."""
        return self.cleared is not None and datetime.fromisoformat(self.cleared[0]) < now - keep

    def as_record(self) -> Record:
        """The whole of it as one record, for a journal that is written anew."""
        return {"t": "state", "fault": asdict(self)}
