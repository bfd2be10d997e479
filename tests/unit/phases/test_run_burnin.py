"""A burn-in over a scripted host: what is heard, what is refused, and what is left when it ends before its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.actions.burnin import BurnInJudgement, judgement, phases
from fleetctl.errors import LockHeldError, RefusedError, UnreachableError
from fleetctl.facts.base import Completed
from fleetctl.facts.gpus import GpuFacts
from fleetctl.models.profile import HardwareProfile
from fleetctl.phases.base import Event
from fleetctl.phases.run_burnin import BurnInOutcome
from fleetctl.phases.runner import HostReport, Interruption, run_phases
from fleetctl.remote.burnin import BurnInStream, burnin_command
from tests.fakes import burnin as fake
from tests.fakes import gpus as idle
from tests.fakes import site
from tests.fakes.host import FakeHost, FakeOperator, FakePlaybooks, Stream, failed, host_run, ok

PROGRESS = [fake.progress(60.0).model_dump_json(), fake.progress(720.0).model_dump_json()]
REPORT = fake.report().model_dump_json()
BROKEN = UnreachableError("the SSH connection to 127.0.0.1:22 broke", hint="is the machine on?", host="lab-1")


class Run:
    """One site's burn-in with a scripted host."""

    def __init__(self, *lines: str | Callable[[], None], wants: HardwareProfile | None = None, **end: Any) -> None:
        facts = site.bare_facts(gpus=GpuFacts(idle.report()))
        self.host = FakeHost(readings=[facts], streams=[Stream(lines, **end)])
        self.playbooks = FakePlaybooks({"lock": [ok("lock")], "unlock": [ok("unlock")]})
        self.events: list[Event] = []
        self.outcomes: dict[str, BurnInOutcome] = {}
        self.run = host_run(self.host, self.playbooks, FakeOperator(), self.events)
        self.run.profile = self.profile = wants or idle.profile()

    def done(self) -> tuple[HostReport, BurnInJudgement]:
        report = run_phases(phases(fake.MINUTES, self.outcomes), self.run, Interruption())
        outcome = self.outcomes.get("lab-1")
        told = None if report.interrupted else report
        return report, judgement("lab-1", self.profile, fake.MINUTES, outcome, told)


def test_progress_is_shown_and_the_report_is_judged_under_the_lock() -> None:
    one = Run(*PROGRESS, REPORT)
    report, judged = one.done()
    assert report.error is None
    assert one.playbooks.tags == ["lock", "unlock"]
    assert one.host.ran == [(("appliancectl", "burnin", "--minutes", "30", "--diagnostic", "own"), "")]
    shown = [event.detail for event in one.events if event.status == "progress"]
    assert shown[1] == "12.0 of 30.0 min, load; hottest GPU 1 71 °C"
    assert (judged.verdict, judged.exit_code) == (Verdict.OK, 0)
    assert judged.report == fake.report()
    assert judged.machine["processor"]


def test_errors_stand_in_the_progress_as_soon_as_there_are_any() -> None:
    one = Run(fake.progress(memory_errors=2).model_dump_json(), REPORT)
    one.done()
    (shown,) = [event.detail for event in one.events if event.status == "progress"]
    assert shown.endswith("GPU 0: 2 wrong words, 0 wrong results")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Segmentation fault"], "no burn-in, line 1: the line: Invalid JSON"),
        ([""], "no burn-in"),
        (["[" * 100_000], "no burn-in"),
        (['{"schema_version": "burnin/v9"}'], "does not know: 'burnin/v9'"),
        (['{"schema_version": "burnin/v1"}'], "started_at: Field required"),
        ([PROGRESS[0].replace('"load"', '"\\u001b[2J"')], "stage: String should match pattern"),
        ([REPORT, PROGRESS[0]], "went on after its report"),
    ],
)
def test_what_the_contract_does_not_know_ends_the_run_and_is_never_ok(lines: list[str], words: str) -> None:
    report, judged = Run(*lines).done()
    assert isinstance(report.error, UnreachableError)
    assert words in report.error.message
    assert (judged.verdict, judged.exit_code, judged.report) == (Verdict.UNKNOWN, 5, None)


def test_too_many_lines_are_not_taken_in() -> None:
    stream = BurnInStream("lab-1", minutes=1)
    stream._taken = 60 + 5400
    with pytest.raises(UnreachableError, match="more than 5460 lines"):
        stream.take(PROGRESS[0])


def test_a_connection_that_breaks_in_the_middle_is_unknown_and_keeps_what_was_heard() -> None:
    one = Run(*PROGRESS, REPORT, error=BROKEN)
    report, judged = one.done()
    assert report.error is BROKEN
    assert one.playbooks.tags == ["lock", "unlock"]
    assert (judged.verdict, judged.exit_code) == (Verdict.UNKNOWN, 5)
    assert judged.next_action == "is the machine on?"
    assert {check.verdict for check in judged.checks if check.check != "gpu_diagnostic"} == {Verdict.UNKNOWN}
    assert "last heard after 12.0 min" in judged.checks[0].reason


def test_a_wrong_word_that_was_heard_of_outranks_the_broken_connection() -> None:
    _, judged = Run(fake.progress(memory_errors=2).model_dump_json(), error=BROKEN).done()
    assert (judged.verdict, judged.exit_code) == (Verdict.CRITICAL, 4)
    assert judged.error == BROKEN.message


def test_a_box_at_work_refuses() -> None:
    report, judged = Run(end=Completed(6, "", "error: the appliance's services run\n  hint: stop them")).done()
    assert isinstance(report.error, RefusedError)
    assert "refuses a burn-in: error: the appliance's services run hint: stop them" in report.error.message
    assert judged.exit_code == 6


@pytest.mark.parametrize("code", [0, 1, 127, -1])
def test_an_end_without_a_report_is_unknown_whatever_the_exit_code_says(code: int) -> None:
    report, judged = Run(*PROGRESS, end=Completed(code, "", "sh: not found")).done()
    assert report.error is not None
    assert f"ended with {code} and without a report: sh: not found" in report.error.message
    assert (judged.verdict, judged.exit_code) == (Verdict.UNKNOWN, 5)


def test_someone_elses_lock_is_left_alone_and_nothing_is_loaded() -> None:
    one = Run(*PROGRESS, REPORT)
    one.playbooks.script["lock"] = [failed("held", lock_held={"owner": "bob"})]
    report, judged = one.done()
    assert isinstance(report.error, LockHeldError)
    assert one.host.ran == []
    assert (judged.verdict, judged.exit_code) == (Verdict.UNKNOWN, 8)
    assert "bob" in judged.error


def test_a_long_run_renews_its_lock() -> None:
    now_s = [0.0]

    def later() -> None:
        now_s[0] += 1801.0

    one = Run(PROGRESS[0], later, PROGRESS[1], later, REPORT)
    one.run.clock = lambda: now_s[0]
    report, _ = one.done()
    assert report.error is None
    assert one.playbooks.tags == ["lock", "lock", "lock", "unlock"]


def test_ctrl_c_releases_the_lock_and_leaves_what_was_heard() -> None:
    one = Run(*PROGRESS, error=KeyboardInterrupt())
    report, judged = one.done()
    assert report.interrupted
    assert one.playbooks.tags == ["lock", "unlock"]
    assert judged.verdict is Verdict.UNKNOWN
    assert judged.error == "interrupted by the operator"
    assert "interrupted by the operator, last heard after 12.0 min" in judged.checks[0].reason


def test_a_site_that_ctrl_c_kept_from_starting_is_unknown() -> None:
    judged = judgement("lab-1", idle.profile(), 30, None, None)
    assert (judged.verdict, judged.exit_code, judged.error) == (Verdict.UNKNOWN, 5, "interrupted by the operator")


def test_dcgm_is_asked_for_only_where_it_knows_every_card() -> None:
    dcgm, own = idle.L40S | {"diagnostic": "dcgm"}, idle.L40S | {"diagnostic": "own"}
    assert burnin_command(30, idle.profile(dcgm))[-2:] == ["--diagnostic", "dcgm"]
    assert burnin_command(30, idle.profile(dcgm, dcgm))[-2:] == ["--diagnostic", "dcgm"]
    assert burnin_command(30, idle.profile(dcgm, own))[-2:] == ["--diagnostic", "own"]
    assert burnin_command(1440, site.PROFILE) == ["appliancectl", "burnin", "--minutes", "1440", "--no-gpu"]
