"""What a person sees: the fleet's screen at 80 columns to the letter, in a pipe, without colour and without Unicode."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.contract.faults import Fault
from appliance.contract.health import Verdict
from fleetctl.actions.health import check_rows, drift_rows, gpu_answer, running
from fleetctl.actions.status import SiteStatus, exit_code, status_of
from fleetctl.checks.explained import explain
from fleetctl.checks.site_health import SiteHealth, judge, ranked
from fleetctl.errors import StoreError
from fleetctl.models.site import Site
from fleetctl.remote.poll_outcome import Observation, Outcome, Signature
from fleetctl.report import health as report
from fleetctl.report.history import history_lines, history_of
from fleetctl.report.lines import Line, painted, plain
from fleetctl.report.status import Head, change_lines, status_lines
from fleetctl.report.top import sorted_rows, top_lines, top_row
from fleetctl.store.records import Point
from tests.fakes import gpus as fake_gpus
from tests.fakes import site as fake
from tests.fakes.observed import FAULT

NOW = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
HEAD = Head(NOW, 1.94)


def named(name: str) -> Site:
    return fake.SITE.model_copy(update={"metadata": fake.SITE.metadata.model_copy(update={"name": name})})


def health(name: str, verdict: str = "ok", **changed: Any) -> SiteHealth:
    snapshot = fake.snapshot(verdict, site=name, **changed)
    return judge(named(name), Observation(name, NOW, Outcome.ANSWERED, "", 41.0, snapshot, b"{}", Signature.VERIFIED))


def silent(name: str, outcome: Outcome = Outcome.OFFLINE, detail: str = "", **how: Any) -> SiteHealth:
    return judge(
        named(name), Observation(name, NOW, outcome, detail or f"10.0.0.{len(name)}:9443: no answer", 0.0, **how)
    )


DISK = {"verdict": "degraded", "reason": "1 of 2 members active", "next_action": "replace the disk"}
OPEN = {
    "verdict": "critical", "reason": "the ruleset that is loaded differs from the sealed one",
    "next_action": "fleetctl site provision north-clinic loads it again",
}  # fmt: skip
FLEET = [
    health("alpha"), health("beta"),
    health("raid", "degraded", storage=DISK),
    silent("off", next_ask_at=NOW + timedelta(seconds=20)),
    health("north-clinic", "critical", isolation=OPEN),
]  # fmt: skip


def text(lines: list[Line], *, colour: bool = False) -> str:
    return painted(lines, colour=colour)


def statuses(healths: list[SiteHealth]) -> list[SiteStatus]:
    return [status_of(each) for each in ranked(healths)]


GOLDEN = """\
5 sites: ✗ 1 critical  ? 1 unknown  ! 1 degraded  ✓ 2 ok   (12:00:01Z, 1.9 s)
✗ critical  north-clinic  isolation: the ruleset that is loaded differs from the
            sealed one
            → fleetctl site provision north-clinic loads it again
? unknown   off  no answer to a connection: 10.0.0.3:9443: no answer (asked
            again at 12:00:21Z)
            → is the machine on, and its management network up? Look at its
              console
! degraded  raid  storage: 1 of 2 members active
            → replace the disk
✓ ok        2 sites
"""


def test_the_fleet_at_80_columns() -> None:
    assert text(status_lines(statuses(FLEET), HEAD, 80)) == GOLDEN


def test_the_fleet_on_a_terminal_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    shown = text(status_lines(statuses(FLEET), HEAD, 80))
    assert shown.isascii()
    assert "X critical  north-clinic" in shown
    assert "> replace the disk" in shown


def test_the_c_locale_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert text(status_lines(statuses(FLEET), HEAD, 80)).isascii()


def test_colour_adds_nothing_but_colour() -> None:
    painted_text = text(status_lines(statuses(FLEET), HEAD, 80), colour=True)
    assert plain(painted_text) == GOLDEN
    # Nothing that vanishes on a light or a dark ground: no yellow, cyan, white or black.
    assert not any(f"\x1b[{code}m" in painted_text for code in (30, 33, 36, 37, "1;33", "1;36", "1;37"))


def test_in_a_pipe_a_line_is_as_long_as_what_it_says() -> None:
    lines = text(status_lines(statuses(FLEET), HEAD, None)).splitlines()
    assert lines[1].endswith("differs from the sealed one")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    many = [silent("x" * 63), health("y" * 63, "critical", isolation=OPEN), *FLEET]
    everything = status_lines(statuses(many), HEAD, width, everything=True)
    assert max(len(line.text) for line in everything) <= max(width, 77 if width < 80 else width)


def test_alike_is_shown_together_and_all_shows_each() -> None:
    dead = [silent(f"site-{number}") for number in range(12)]
    shown = text(status_lines(statuses([*dead, *FLEET]), HEAD, 80))
    assert "12 sites  no answer to a connection: off, site-0" not in shown
    assert "13 sites  no answer to a connection: off, site-0, site-1" in shown
    assert "and 7 more (--all)" in " ".join(shown.split())
    everything = text(status_lines(statuses([*dead, *FLEET]), HEAD, 80, everything=True))
    assert all(f"site-{number}  no answer" in everything for number in range(12))
    assert "✓ ok        alpha" in everything


def test_a_well_fleet_is_one_line() -> None:
    assert text(status_lines(statuses(FLEET[:2]), HEAD, 80)) == "2 sites: ✓ 2 ok   (12:00:01Z, 1.9 s)\n"


def test_what_a_box_says_cannot_steer_the_terminal() -> None:
    nasty = {**DISK, "reason": "\x1b[2Jgone\x07\r\n\u202eold"}
    shown = text(status_lines(statuses([health("evil", "degraded", storage=nasty)]), HEAD, 80), colour=True)
    assert "\x1b[2J" not in shown
    assert not {"\x07", "\r", "\u202e"} & set(shown)


def test_only_changes_go_into_a_pipe() -> None:
    before = {status.site: status for status in statuses(FLEET)}
    now = statuses([health("alpha", "degraded", storage=DISK), *FLEET[1:]])
    assert text(change_lines(before, now)) == (
        "2026-11-22T12:00:01Z alpha ok -> degraded: storage: 1 of 2 members active\n"
    )
    assert change_lines(before, statuses(FLEET)) == []


@pytest.mark.parametrize(
    ("verdicts", "fails", "code"),
    [([Verdict.OK], False, 0), ([Verdict.OK], True, 1), ([Verdict.DEGRADED], True, 3), ([], False, 5),
     ([Verdict.OK, Verdict.UNKNOWN, Verdict.DEGRADED], False, 5), ([Verdict.UNKNOWN, Verdict.CRITICAL], True, 4)],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_worst_site(verdicts: list[Verdict], fails: bool, code: int) -> None:
    assert exit_code(verdicts, StoreError("full", hint="make room") if fails else None) == code


@pytest.mark.parametrize(
    ("healths", "line", "code"),
    [
        (FLEET[:1], "FLEET OK - alpha: every part is ok | ok=1 degraded=0 critical=0 unknown=0 slowest=0.041s", 0),
        (FLEET[2:3], "FLEET WARNING - 1 site: 1 degraded; raid: storage: 1 of 2 members active | ok=0", 1),
        (FLEET, "FLEET CRITICAL - 5 sites: 1 critical, 1 unknown, 1 degraded, 2 ok; north-clinic: isolation", 2),
        (FLEET[3:4], "FLEET UNKNOWN - 1 site: 1 unknown; off: no answer to a connection", 3),
        ([], "FLEET UNKNOWN - 0 sites", 3),
    ],
)
def test_the_answer_of_a_monitoring_plugin(healths: list[SiteHealth], line: str, code: int) -> None:
    answer, found = report.nagios(healths)
    assert (answer.startswith(line), found) == (True, code), answer
    assert answer.count("|") == 1
    assert "\n" not in answer


def test_checks_of_a_site_show_reason_and_next_action() -> None:
    shown = text(report.check_lines(check_rows([FLEET[2]]), 80))
    assert shown.startswith("! degraded  storage: 1 of 2 members active\n            → replace the disk\n")
    assert "✓ ok        isolation: compared" in shown


def _gpus() -> dict[str, Any]:
    sample = fake_gpus.report().model_dump(mode="json")
    return {"verdict": "ok", "reason": "compared", "wanted": 2, "report": sample}


def test_gpus_of_a_site_with_every_value() -> None:
    answer = gpu_answer(health("alpha", gpus=_gpus(), faults=[FAULT]))
    assert {row.name for row in answer.values} >= {"uuid", "ecc", "rows", "temperature_c", "pcie_width"}
    shown = text(report.gpu_lines(answer, 80))
    assert "fault xid79-3b1c9a  open, 2 times" in shown
    assert "GPU 0" in shown
    nothing = gpu_answer(FLEET[3])
    assert (nothing.verdict, nothing.values) == (Verdict.UNKNOWN, ())


def test_top_sorts_by_what_is_most_and_shows_what_nobody_measured() -> None:
    engines = {"verdict": "ok", "reason": "compared", "engines": [
        {"task": "drafting", "answers": True, "queue_length": 3, "tokens_per_s": 41.25,
         "latency": {"window_s": 60, "count": 9, "p95_ms": 812.4}}]}  # fmt: skip
    rows = [top_row(FLEET[3]), top_row(health("busy", gpus=_gpus(), engines=engines))]
    assert [row.site for row in sorted_rows(rows, "queue")] == ["busy", "off"]
    shown = text(top_lines(sorted_rows(rows, "tokens"), 80)).splitlines()
    assert shown[1].split()[-3:] == ["3", "41.2", "812"]
    assert shown[2].split() == ["off", "?", "unknown", *["-"] * 7]
    assert max(map(len, text(top_lines([*rows, top_row(silent("z" * 63))], 80)).splitlines())) <= 80


def test_drift_says_who_runs_what_and_that_nobody_knows_of_a_silent_site() -> None:
    rows = drift_rows(FLEET)
    assert [row.site for row in rows if row.verdict is Verdict.UNKNOWN] == ["off"]
    runs = running(FLEET, "whisper-tiny.en")
    assert [row.site for row in runs if row.check == "transcription"] == ["alpha", "beta", "raid", "north-clinic"]
    assert {row.site for row in running(FLEET, fake.MODEL[:8].upper())} == {
        "alpha",
        "beta",
        "raid",
        "off",
        "north-clinic",
    }


def test_a_history_at_80_columns() -> None:
    since = NOW - timedelta(hours=24)

    def point(hours: float, verdict: Verdict, reason: str = "") -> Point:
        return Point(NOW - timedelta(hours=hours), "once", {verdict: 1}, Outcome.ANSWERED, reason)

    points = [
        Point(NOW - timedelta(hours=23), "hour", {Verdict.OK: 58, Verdict.CRITICAL: 2}),
        point(12, Verdict.OK), point(6, Verdict.DEGRADED, "clock: 7 s behind"),
        point(5, Verdict.DEGRADED, "clock: 9 s behind"), point(0.1, Verdict.UNKNOWN, "no answer"),
    ]  # fmt: skip
    history = history_of("raid", since, NOW, points, [Fault.model_validate(FAULT)])
    shown = text(history_lines(history, points, 80)).splitlines()
    assert shown[0] == "raid: 64 observations (59 ok, 2 degraded, 2 critical, 1 unknown)"
    assert (len(shown[1]), shown[1].count("█"), shown[1].count("▃"), shown[1][-2]) == (80, 4, 2, "▅")
    assert [change.verdict.value for change in history.changes] == ["critical", "ok", "degraded", "unknown"]
    assert "11-22 06:00:01Z ! degraded  clock: 7 s behind" in shown
    assert any("fault xid79-3b1c9a" in line for line in shown)


def test_an_explanation_names_nvidias_action_and_ours() -> None:
    shown = text(report.explanation_lines(explain("79"), 80))
    assert "  NVIDIA   restart machine\n" in shown
    assert max(map(len, shown.splitlines())) <= 80
