"""The watch: readings in turn, events as they come, faults into the journal, and the document for the health agent.

This process never calls the driver. It waits for its children, for the kernel log, and for the next reading, whichever
comes first, and nothing that it waits for can hold it.
"""

import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from appliance.contract import gpu_wanted, gpu_watch
from appliance.contract.finding import Judgement, subject_of
from appliance.contract.gpu import Gpu, GpuReport
from appliance.contract.gpu_evidence import Evidence, Found
from appliance.contract.gpu_rules import OF_A_WATCH
from appliance.contract.gpu_wanted import GpuWanted
from appliance.contract.gpu_watch import GpuActivity, GpuWatch, Sources
from appliance.contract.health import Verdict
from appliance.gpu.bus import gpus_on_bus
from appliance.gpu.report import CALL_LIMIT_S, READING_LIMITS_PER_CALL_LIMIT
from appliance.gpu.report import report as report_of
from appliance.gpu.watched import Answers
from appliance.watch import conditions, tellings
from appliance.watch.children import ListeningChild, ReadingChild
from appliance.watch.document import activity_of, replace, with_last_xids
from appliance.watch.fault_book import FaultBook, now
from appliance.watch.fault_record import XID, Record, text_of
from appliance.watch.journal import DIRECTORY, Journal
from appliance.watch.judging import judge_faults, judge_sources
from appliance.watch.kernel_log import KMSG, KernelLog, KernelXid
from appliance.watch.rates import Window
from appliance.watch.tellings import Telling

INTERVAL_S = 30.0
_TICK_S = 1.0
# After an Xid the GPUs are read at once, but in a storm of them no more often than this.
_SOON_S = 2.0


@dataclass(frozen=True)
class Settings:
    """Where everything is; on the box, what the unit gives."""

    boot_id: str
    document: Path = gpu_watch.PATH
    state: Path = DIRECTORY
    kernel_log: Path = KMSG
    wanted: Path = gpu_wanted.PATH
    interval_s: float = INTERVAL_S
    call_limit_s: float = CALL_LIMIT_S
    tick_s: float = _TICK_S


@dataclass(frozen=True)
class _Reading:
    """The newest reading with what was concluded from it."""

    began: datetime
    ended: datetime
    report: GpuReport
    activity: tuple[GpuActivity, ...]
    rates: tuple[gpu_watch.GpuRates, ...]
    checks: tuple[Judgement, ...]
    gpus: dict[str, Gpu]


class Watch:
    """Holds everything that is known. `step` waits for something to happen and deals with it."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the journal; raises OSError if its folder cannot be used at all. `clock` is what rates are told by."""
        self._clock = clock
        self._settings = settings
        self._book = FaultBook(Journal(settings.state))
        self._book.refresh()
        self._reading_limit_s = settings.call_limit_s * READING_LIMITS_PER_CALL_LIMIT
        self._reader = ReadingChild(call_limit_s=settings.call_limit_s, reading_limit_s=self._reading_limit_s)
        self._listener = ListeningChild()
        self._kernel_log = KernelLog(settings.kernel_log)
        self._windows: dict[str, Window] = {}
        self._next_s = self._last_s = 0.0
        self._began = now()
        self._reading: _Reading | None = None
        self._waiting: list[Telling] = []  # told, and not yet in the journal
        self._problem = ""
        self._stale = False

    @property
    def has_read(self) -> bool:
        """Whether there was a first reading, and with it a document."""
        return self._reading is not None

    def step(self) -> None:
        """Wait until something happens, at most a moment, and deal with it."""
        self._wait()
        self._hear()
        if not self._reader.is_reading and time.monotonic() >= self._next_s:
            self._last_s = time.monotonic()
            self._next_s = self._last_s + self._settings.interval_s
            self._began = now()
            if answers := self._reader.begin():
                self._read(answers)
        if answers := self._reader.poll():
            self._read(answers)
        if self._stale and self._reading:
            self._publish(self._reading)
            self._stale = False

    def close(self) -> None:
        """End the children."""
        self._reader.kill()
        self._listener.kill()

    def _wait(self) -> None:
        poll = select.poll()
        kernel = self._kernel_log.descriptor()
        for descriptor in (*self._reader.readable(), *self._listener.readable(), *([] if kernel is None else [kernel])):
            poll.register(descriptor, select.POLLIN)
        poll.poll(self._settings.tick_s * 1000)

    def _hear(self) -> None:
        """Take in Xids from both sources, and what others wrote into the journal."""
        before = (self._sources(), self._problem)
        self._waiting += self._listener.poll()
        self._waiting += [self._told(line) for line in self._kernel_log.poll()]
        try:
            self._stale |= self._book.refresh()
            if self._waiting or self._kernel_log.lost:
                self._keep_events()
            self._problem = ""
        except OSError as error:
            self._problem = f"{self._settings.state}: {error.strerror or error}"
        self._stale |= before != (self._sources(), self._problem)

    def _keep_events(self) -> None:
        moment, boot_id = now(), self._settings.boot_id
        records = tellings.records_of(self._waiting, self._book, boot_id, moment)
        if self._kernel_log.lost and self._listener.state["state"] != "listening":
            records.append(_lost_words(boot_id, moment))
        self._book.write(records)
        self._waiting, self._kernel_log.lost = [], False
        if any(record["t"] == "event" for record in records):
            self._stale = True
            self._next_s = min(self._next_s, self._last_s + _SOON_S)  # what the GPU says after it is wanted now

    def _told(self, line: KernelXid) -> Telling:
        gpu = self._reading.gpus.get(line.pci_id or "") if self._reading else None
        card = getattr(gpu.uuid, "value", "") if gpu else ""
        subject = line.pci_id or "kernel log"
        return Telling(
            "kernel log", line.xid, subject, line.mono_s, card, line.seq, line.before_start, line.words[:200]
        )

    def _read(self, answers: Answers) -> None:
        """Judge a reading, and note what it means for the faults."""
        report = report_of(answers, gpus_on_bus(), self._settings.call_limit_s, self._reading_limit_s)
        activity = activity_of(answers, report)
        rates = self._over_time(report, activity)
        wanted = self._wanted()
        evidence = Evidence(
            report=report,
            wants=None if wanted is None else wanted.gpus,
            recorded=None if wanted is None else wanted.recorded,
            rates={each.index: each for each in rates},
            xids=self._open_xids(report),
        )
        found: list[tuple[str, Found]] = []
        checks = []
        for rule in OF_A_WATCH:
            findings = rule.find(evidence)
            found += [(rule.check, each) for each in findings]
            checks.append(rule.conclude(evidence, findings))
        gpus = conditions.gpus_by_subject(report.gpus)
        self._reading = _Reading(self._began, now(), report, activity, rates, tuple(checks), gpus)
        self._stale = True
        try:
            self._book.write(conditions.records_of(found, gpus, self._book, self._settings.boot_id, self._began))
            self._book.compact()
        except OSError as error:
            self._problem = f"{self._settings.state}: {error.strerror or error}"

    def _over_time(self, report: GpuReport, activity: tuple[GpuActivity, ...]) -> tuple[gpu_watch.GpuRates, ...]:
        rates = []
        for gpu, doing in zip(report.gpus, activity, strict=True):
            window = self._windows.setdefault(subject_of(gpu), Window(self._clock))
            window.add(gpu, doing)
            rates.append(window.rates(gpu.index))
        return tuple(rates)

    def _wanted(self) -> GpuWanted | None:
        try:
            return GpuWanted.model_validate_json(self._settings.wanted.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            print(f"{self._settings.wanted} cannot be used: {error}", file=sys.stderr)
            return None

    def _open_xids(self, report: GpuReport) -> dict[int, frozenset[int]]:
        return {
            gpu.index: frozenset(
                fault.code
                for fault in self._book.faults.values()
                if fault.check == XID and fault.code is not None and fault.state != "cleared"
                if fault.subject == subject_of(gpu)
            )
            for gpu in report.gpus
        }

    def _sources(self) -> Sources:
        log = self._kernel_log
        kernel = {"state": "unreadable" if log.problem else "reading", "reason": log.problem}
        return Sources.model_validate({"nvml_events": self._listener.state, "kernel_log": kernel})

    def _publish(self, reading: _Reading) -> None:
        sources = self._sources()
        faults = self._book.shown(conditions.recoveries(reading.gpus), reading.began)
        checks = (*reading.checks, judge_sources(sources), judge_faults(faults, self._problem, self._book.damaged))
        document = GpuWatch(
            taken_at=now(),
            boottime_s=time.clock_gettime(time.CLOCK_BOOTTIME),
            boot_id=self._settings.boot_id,
            read_at=reading.ended,
            report=reading.report,
            activity=with_last_xids(reading.activity, reading.report, self._book, sources, self._settings.boot_id),
            rates=reading.rates,
            checks=checks,
            sources=sources,
            faults=faults,
        )
        replace(self._settings.document, document)


def _lost_words(boot_id: str, moment: datetime) -> Record:
    """The kernel overwrote records before they were read, and nobody else listened: an Xid may have been among them."""
    return {
        "t": "event",
        "check": "kernel_log_lost",
        "code": None,
        "subject": "kernel log",
        "at": text_of(moment),
        "boot": boot_id,
        "source": "reading",
        "mono": None,
        "seq": None,
        "after": None,
        "card": "",
        "verdict": Verdict.UNKNOWN.value,
        "said": "records of the kernel log were overwritten before they were read, and NVML's events were not heard",
        "action": "look at dmesg and at the GPUs for Xids; then acknowledge this",
    }
