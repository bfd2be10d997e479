"""Runs a list of phases on many hosts: a failed host stops alone, and what must run after a failure always runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from appliance.contract.stdout import OutputLost
from fleetctl.checks.result import CheckResult
from fleetctl.errors import FleetctlError, PartialError
from fleetctl.phases.base import Event, HostRun, Phase

# How often the waiting thread wakes up: Python delivers Ctrl-C only between bytecodes of the main thread.
_WAKE_S = 0.5


class Interruption:
    """Ctrl-C, as the phases see it: asked for once, and not heard by what must still run (releasing the lock).

    `loss`: nobody takes the events any more, which is a Ctrl-C too.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._shielded = threading.local()
        self.loss: OutputLost | None = None

    def request(self) -> None:
        self._requested.set()

    def telling(self, emit: Callable[[Event], None]) -> Callable[[Event], None]:
        """`emit`, out of which comes no `OutputLost`: it is kept as `loss`, and heard as Ctrl-C is.

        In the middle of a playbook it would leave the playbook running, and the lock where it is.
        """

        def told(event: Event) -> None:
            try:
                emit(event)
            except OutputLost as loss:
                self.loss = self.loss or loss
                self.request()

        return told

    @property
    def requested(self) -> bool:
        return self._requested.is_set()

    def heard(self) -> bool:
        """Whether the present thread should stop what it does."""
        return self.requested and not getattr(self._shielded, "on", False)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        self._shielded.on = True
        try:
            yield
        finally:
            self._shielded.on = False


@dataclass(frozen=True)
class PhaseRecord:
    """How one phase went."""

    title: str
    status: str
    seconds: float
    changed: int
    detail: str


@dataclass
class HostReport:
    """How one host went. `error` is what stopped it."""

    host: str
    phases: list[PhaseRecord] = field(default_factory=list)
    checks: tuple[CheckResult, ...] = ()
    error: FleetctlError | None = None
    interrupted: bool = False

    @property
    def changed(self) -> int:
        return sum(phase.changed for phase in self.phases)

    @property
    def seconds(self) -> float:
        return sum(phase.seconds for phase in self.phases)


OpenRun = Callable[[], AbstractContextManager[HostRun]]


def run_phases(
    phases: Sequence[Phase], run: HostRun, interruption: Interruption, clock: Callable[[], float] = time.monotonic
) -> HostReport:
    """Take one host through `phases`. After a failure or an interruption only phases with `after_failure` run."""
    report = HostReport(run.site.name)
    run.emit = interruption.telling(run.emit)
    for phase in phases:
        if (report.error or report.interrupted) and not phase.after_failure:
            continue
        _run_phase(phase, run, report, interruption, clock)
    report.checks = run.checks
    run.phase = ""
    failed = report.error is not None or report.interrupted
    stopped = report.error.message if report.error else "interrupted" if failed else ""
    run.say(
        "failed" if failed else "finished",
        seconds=round(report.seconds, 1),
        detail=stopped or f"changed {report.changed}",
    )
    return report


def _run_phase(
    phase: Phase, run: HostRun, report: HostReport, interruption: Interruption, clock: Callable[[], float]
) -> None:
    if interruption.requested and not phase.after_failure:
        report.interrupted = True
        return
    run.phase = phase.title
    started_s = clock()
    run.say("started")
    status, changed, detail = "failed", 0, ""
    try:
        if phase.after_failure:
            with interruption.shielded():
                result = phase.run(run)
        else:
            result = phase.run(run)
        status = "skipped" if result.skipped else "changed" if result.changed else "ok"
        changed, detail = result.changed, result.detail
    except FleetctlError as error:
        detail = error.message
        # The first error is the cause; one of ReleaseLock after it only follows from it.
        report.error = report.error or error
    except KeyboardInterrupt:
        detail = "interrupted"
        report.interrupted = True
    except Exception as error:
        # A defect of ours must still release the lock and must not stop the other hosts.
        detail = f"unexpected {type(error).__name__}: {error}"
        report.error = report.error or FleetctlError(
            detail, hint="this is a defect of fleetctl; FLEETCTL_TRACEBACK=1 shows where", host=run.site.name
        )
        report.error.__cause__ = error
    seconds = clock() - started_s
    report.phases.append(PhaseRecord(phase.title, status, seconds, changed, detail))
    run.say(
        "failed" if status == "failed" else "skipped" if status == "skipped" else "changed" if changed else "ok",
        seconds=round(seconds, 1),
        detail=detail,
    )


def run_hosts(
    phases: Sequence[Phase], hosts: Mapping[str, OpenRun], interruption: Interruption, parallel: int
) -> list[HostReport]:
    """Take all hosts through `phases`, `parallel` at a time.

    Ctrl-C (or SIGTERM, or the loss of the output) stops the running playbooks, releases the locks and only then goes on
    up.
    """

    def one(name: str) -> HostReport:
        if interruption.requested:
            return HostReport(name, interrupted=True)
        try:
            with hosts[name]() as run:
                return run_phases(phases, run, interruption)
        except FleetctlError as error:
            return HostReport(name, error=error)

    with ThreadPoolExecutor(max_workers=parallel) as pool:
        futures: dict[str, Future[HostReport]] = {}
        try:
            # Within: what is heard before all have begun has to reach those that have.
            for name in hosts:
                futures[name] = pool.submit(one, name)
            _wait(futures)
        except (KeyboardInterrupt, SystemExit):
            interruption.request()
            for future in futures.values():
                future.cancel()
            _wait(futures)
            raise
    if interruption.loss is not None:
        raise interruption.loss
    return [future.result() for future in futures.values()]


def _wait(futures: dict[str, Future[HostReport]]) -> None:
    pending = set(futures.values())
    while pending:
        pending = wait(pending, timeout=_WAKE_S).not_done


def raise_for(reports: Sequence[HostReport]) -> None:
    """Raise what the whole stands for: of one host its own error; of several, `PartialError` if some succeeded."""
    failed = [report for report in reports if report.error is not None]
    if not failed:
        return
    first = failed[0].error
    if first is None:
        return
    if len(reports) == 1:
        raise first
    names = ", ".join(f"{report.host} ({report.error.message})" for report in failed if report.error)
    if len(failed) < len(reports):
        raise PartialError(f"{len(failed)} of {len(reports)} sites failed: {names}", hint=first.hint)
    if len({type(report.error) for report in failed}) == 1:
        raise type(first)(f"all {len(reports)} sites failed: {names}", hint=first.hint)
    raise FleetctlError(f"all {len(reports)} sites failed: {names}", hint=first.hint)
