"""What one judged reading means for the faults: those that it opens, those that go on, and those that are over."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from appliance.contract.faults import fault_id
from appliance.contract.finding import subject_of
from appliance.contract.gpu import CountReading, Gpu, Value
from appliance.contract.gpu_evidence import Found
from appliance.contract.health import Verdict
from appliance.watch.fault_book import FaultBook
from appliance.watch.fault_record import XID, FaultRecord, Record, text_of
from appliance.watch.remedies import Remedy, is_clean, remedy_of, why_cleared

# Where another number is another event, and not the same one seen again.
_COUNTED = ("gpu_ecc_uncorrectable",)
_GRAVITY = {"ok": 0, "degraded": 1, "unknown": 2, "critical": 3}


def gpus_by_subject(gpus: Sequence[Gpu]) -> dict[str, Gpu]:
    """The GPUs by what their faults are kept under."""
    return {subject_of(gpu): gpu for gpu in gpus}


def records_of(
    found: Sequence[tuple[str, Found]], gpus: Mapping[str, Gpu], book: FaultBook, boot_id: str, began: datetime
) -> list[Record]:
    """What has to be written after a reading. `found` are the findings of every rule, with the rule's name; `began` is
    when the reading began: it says nothing about what came since."""
    at = text_of(began)
    records: list[Record] = []
    shown: set[str] = set()
    clean: set[str] = set()
    for _, each in found:
        for kind in each.finding.faults:
            key = fault_id(kind, None, each.subject)
            if each.finding.verdict is Verdict.OK:
                clean.add(key)
            elif each.finding.verdict is not Verdict.UNKNOWN and key not in shown:
                shown.add(key)
                records += _there(kind, each, gpus.get(each.subject), book.faults.get(key), boot_id, at)
    for fault in book.faults.values():
        if fault.state == "cleared" or fault.id in shown or fault.last_seen >= at:
            continue
        gpu = gpus.get(fault.subject)
        because = why_cleared(
            fault,
            boot_id=boot_id,
            kind_is_clean=fault.id in clean,
            gpu_is_clean=is_clean(fault.subject, found),
            gpu=gpu,
        )
        if because:
            records.append({"t": "clear", "id": fault.id, "at": at, "because": because})
        elif gpu and _shows_recovery(fault, gpu):
            records.append({"t": "recovery_seen", "id": fault.id})
    return records


def _there(kind: str, found: Found, gpu: Gpu | None, known: FaultRecord | None, boot_id: str, at: str) -> list[Record]:
    finding = found.finding
    # A fault that every GPU shares says in its finding whom it is about; the others are about their subject.
    now = {"verdict": finding.verdict.value, "said": finding.said[:500], "action": finding.next_action[:500]}
    if known is None or known.state == "cleared" or (kind in _COUNTED and known.said != now["said"]):
        uuid = gpu.uuid.value if gpu and isinstance(gpu.uuid, Value) else ""
        return [
            {
                "t": "event",
                "check": kind,
                "code": None,
                "subject": found.subject,
                "at": at,
                "boot": boot_id,
                "source": "reading",
                "mono": None,
                "seq": None,
                "after": None,
                "card": uuid,
                **now,
            }
        ]
    # Rates differ from reading to reading: only what asks for something else is worth a record.
    if known.last_boot == boot_id and (known.verdict, known.action) == (now["verdict"], now["action"]):
        return []
    worse = _GRAVITY[now["verdict"]] > _GRAVITY[known.verdict]
    return [{"t": "seen", "id": known.id, "at": at, "boot": boot_id, "worse": worse, **now}]


def _shows_recovery(fault: FaultRecord, gpu: Gpu) -> bool:
    if fault.check != XID or fault.recovery_seen or remedy_of(fault) is not Remedy.RESET:
        return False
    wants_one = isinstance(gpu.recovery_action, Value) and gpu.recovery_action.value > 0
    return wants_one or (isinstance(gpu.rows, Value) and gpu.rows.value.pending)


def recoveries(gpus: Mapping[str, Gpu]) -> dict[str, CountReading]:
    """Field 230 of each GPU, by what its faults are kept under."""
    return {subject: gpu.recovery_action for subject, gpu in gpus.items()}
