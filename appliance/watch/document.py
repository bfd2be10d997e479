"""Puts the watch's document together, and replaces its file in one step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance.contract.finding import subject_of
from appliance.contract.gpu import GpuReport
from appliance.contract.gpu_watch import GpuActivity, GpuWatch, Sources
from appliance.gpu.report import withdraw
from appliance.gpu.watched import Answers
from appliance.watch.fault_book import FaultBook
from appliance.watch.fault_record import XID

_ROWS = tuple(name for name in GpuActivity.model_fields if name not in ("index", "last_xid"))


def activity_of(answers: Answers, report: GpuReport) -> tuple[GpuActivity, ...]:
    """What each GPU does. A value that is out of the contract's bounds becomes an unreadable one."""
    ended = answers.interruption
    why = "not asked" if ended is None else f"not reached: {ended['call']}, {ended['detail']}"[:300]
    missing = {"state": "unreadable", "reason": why}
    return tuple(
        _sound(
            {
                "index": gpu.index,
                "last_xid": missing,
                **{row: answers.rows.get((row, gpu.index), missing) for row in _ROWS},
            }
        )
        for gpu in report.gpus
    )


def _sound(document: dict[str, Any]) -> GpuActivity:
    try:
        return GpuActivity.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
            withdraw(document, problem["loc"])
        return GpuActivity.model_validate(document)


def with_last_xids(
    activity: tuple[GpuActivity, ...], report: GpuReport, book: FaultBook, sources: Sources, boot_id: str
) -> tuple[GpuActivity, ...]:
    """The last Xid of this boot for each GPU; 0, as DCGM has it, only if somebody would have heard one."""
    heard = sources.nvml_events.state == "listening" or sources.kernel_log.state == "reading"
    last: Mapping[str, int] = {
        fault.subject: fault.code
        for fault in sorted(book.faults.values(), key=lambda fault: fault.last_seen)
        if fault.check == XID and fault.code is not None and fault.last_boot == boot_id
    }
    shown = []
    for gpu, each in zip(report.gpus, activity, strict=True):
        code = last.get(subject_of(gpu), 0 if heard else None)
        reading: Any = {"state": "unreadable", "reason": "nobody listens for Xids"}
        if code is not None:
            reading = {"state": "value", "value": code}
        shown.append(GpuActivity.model_validate({**each.model_dump(), "last_xid": reading}))
    return tuple(shown)


def replace(path: Path, watch: GpuWatch) -> None:
    """Replace the file, readable for everybody: the health agent is another user, and no secret is in it."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(watch.model_dump_json(exclude_none=True))
    temporary.chmod(0o644)
    temporary.replace(path)
