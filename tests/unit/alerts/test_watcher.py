"""A round of the watcher on a real store: nobody is told twice, nothing that was written down is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.contract.health import Verdict
from fleetctl.actions.watch import own_certificate
from fleetctl.alerts.book import AlertBook
from fleetctl.alerts.message import Message
from fleetctl.alerts.state import OPERATOR, AlertFinding, AlertKey, Phase, Sighting
from fleetctl.alerts.telling import Policy
from fleetctl.alerts.watcher import Summary, Watcher
from fleetctl.models.alerts import AlertSpec
from fleetctl.models.fleetdir import FleetDir
from fleetctl.store.database import Database
from tests.fakes import postgresql as postgresql_server
from tests.fakes.web import Web, web

START = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
BAD = AlertFinding("storage", Verdict.CRITICAL, "array degraded", "replace the disk")


class Story:
    """A watcher, its store, a webhook, and a clock that the test turns."""

    def __init__(self, url: str, hook: Web) -> None:
        self.hook, self.at = hook, START
        self.open = ExitStack()
        self.book = self.another_book(url)
        self.url = url
        self.lines: list[str] = []
        self.watcher = Watcher(self.book, "sim", self.lines.append, lambda: self.at)
        self.spec = AlertSpec.model_validate(
            {
                "rules": [{"name": "bad", "severity": "page", "for": "2m", "clear_after": "5m"}],
                "receivers": {"webhook": [{"url": hook.url}]},
            }
        )

    def another_book(self, url: str) -> AlertBook:
        """As another process has it, on the same store."""
        database = Database(url)
        self.open.callback(database.close)
        return AlertBook(database)

    def round(self, minutes: float, *findings: AlertFinding, sites: tuple[str, ...] = ("north",)) -> Summary:
        self.at = START + timedelta(minutes=minutes)
        return self.watcher.round(Policy(self.spec), sites, [Sighting(site, {}, self.at, findings) for site in sites])

    @property
    def told(self) -> list[str]:
        return [json.loads(posted.body)["status"] for posted in self.hook.posted]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Story]:
    """On either store: several watchers share a PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.db'}"
    else:
        url = postgresql_server.emptied(request.getfixturevalue("postgresql"))
    with web() as hook:
        made = Story(url, hook)
        with made.open:
            yield made


def test_an_alert_is_told_once_and_so_is_its_end(story: Story) -> None:
    for minutes in (0, 1, 2, 3, 4):
        story.round(minutes, BAD)
    assert story.told == ["firing"]
    for minutes in (5, 8, 10, 11, 12):
        story.round(minutes)
    assert story.told == ["firing", "resolved"]
    assert story.book.alerts() == {}


def test_a_restart_tells_nobody_again_and_forgets_no_time(story: Story) -> None:
    story.round(0, BAD)
    story.watcher = Watcher(story.another_book(story.url), "sim",
                            now=lambda: story.at)  # fmt: skip
    story.round(2, BAD)
    assert story.told == ["firing"]
    story.watcher = Watcher(story.another_book(story.url), "sim",
                            now=lambda: story.at)  # fmt: skip
    story.round(3, BAD)
    assert story.told == ["firing"]


def test_a_receiver_that_is_away_is_told_when_it_is_back(story: Story) -> None:
    story.round(0, BAD)
    story.hook.status = 503
    summary = story.round(2, BAD)
    assert (summary.told, summary.undelivered) == (1, 1)
    assert any("503" in line for line in summary.problems)
    story.hook.status, story.hook.posted = 200, []
    assert story.round(2.01, BAD).undelivered == 1  # not before its time
    assert story.round(3, BAD).undelivered == 0
    assert story.told == ["firing"]


def test_an_end_does_not_overtake_its_beginning(story: Story) -> None:
    story.round(0, BAD)
    story.hook.status = 503
    story.round(2, BAD)
    for minutes in (2.2, 2.5, 3, 4, 5, 6, 7.1):
        story.round(minutes)  # tried again and again, ever later; meanwhile it ends
    story.hook.status, story.hook.posted = 200, []
    for minutes in (8, 10, 15, 20):
        story.round(minutes)
    assert story.told == ["firing", "resolved"]


def test_a_silent_receiver_does_not_cost_its_timeout_for_each_message(story: Story) -> None:
    sites = tuple(f"s{number}" for number in range(20))
    story.round(0, BAD, sites=sites)
    story.hook.status = 500
    story.round(2, BAD, sites=sites)
    assert len(story.hook.posted) == 1


def test_what_is_for_a_receiver_of_the_past_is_given_up_and_said(story: Story) -> None:
    story.round(0, BAD)
    story.hook.status = 500
    story.round(2, BAD)
    story.spec = AlertSpec.model_validate(story.spec.model_dump(by_alias=True) | {"receivers": {}})
    summary = story.round(3, BAD)
    assert summary.undelivered == 0
    assert any("not in the policy" in line for line in summary.problems)


def test_a_site_that_left_the_fleet_ends_its_alerts(story: Story) -> None:
    story.round(0, BAD)
    story.round(2, BAD)
    story.round(3, BAD, sites=("south",))
    last = json.loads(story.hook.posted[-1].body)
    assert (last["site"], last["status"], last["end_reason"]) == (
        "north", "resolved", "the site is not in the fleet any more",
    )  # fmt: skip


def test_a_finished_round_is_written_down(story: Story) -> None:
    assert story.book.last_round() is None
    assert story.book.lead("watch-1", START, timedelta(minutes=2)) == "watch-1"
    found = story.book.last_round()
    assert found is not None
    assert found.at is None
    story.round(1)
    found = story.book.last_round()
    assert found is not None
    assert (found.at, found.host, found.sites, found.undelivered) == (story.at, "watch-1", 1, 0)


def test_one_watcher_leads_and_another_takes_over_when_it_is_silent(story: Story) -> None:
    lease = timedelta(minutes=2)
    assert story.book.lead("watch-1", START, lease) == "watch-1"
    assert story.book.lead("watch-2", START + timedelta(seconds=119), lease) == "watch-1"
    assert story.book.lead("watch-1", START + timedelta(seconds=119), lease) == "watch-1"
    assert story.book.lead("watch-2", START + timedelta(seconds=130), lease) == "watch-1"
    assert story.book.lead("watch-2", START + timedelta(seconds=240), lease) == "watch-2"
    assert story.book.lead("watch-1", START + timedelta(seconds=241), lease) == "watch-2"


def test_the_operators_own_certificate_is_told_of_before_every_site_refuses_it(
    story: Story, fleet_dir: FleetDir
) -> None:
    ends = fleet_dir.keys.certificate("operator.crt").not_valid_after_utc
    given = {Verdict.OK: timedelta(days=91), Verdict.DEGRADED: timedelta(days=89), Verdict.CRITICAL: timedelta(days=13)}
    for verdict, left in given.items():
        seen = own_certificate(fleet_dir, ends - left)
        assert [finding.verdict for finding in seen.findings] == ([] if verdict is Verdict.OK else [verdict])
    assert own_certificate(fleet_dir, ends + timedelta(seconds=1)).findings[0].verdict is Verdict.CRITICAL

    for minutes in (0, 2, 4):
        story.at = START + timedelta(minutes=minutes)
        mine = replace(own_certificate(fleet_dir, ends), at=story.at)
        summary = story.watcher.round(Policy(story.spec), ("north",), [mine])
    assert (summary.sites, summary.firing) == (1, 1)
    (told,) = (json.loads(posted.body) for posted in story.hook.posted)
    assert (told["site"], told["next_action"]) == (OPERATOR, "fleetctl keys renew")
    message = Message.model_validate_json(story.hook.posted[0].body)
    assert message.text().endswith("fleetctl keys show\n")


def test_info_is_listed_and_told_to_nobody(story: Story) -> None:
    document = story.spec.model_dump(by_alias=True)
    document["rules"][0] |= {"severity": "info", "for": "0s"}
    story.spec = AlertSpec.model_validate(document)
    assert story.round(0, BAD).firing == 1
    assert story.hook.posted == []


_CHILD = """
import sys
from datetime import UTC, datetime, timedelta
from appliance.contract.health import Verdict
from fleetctl.actions.watch import own_certificate
from fleetctl.alerts.book import AlertBook
from fleetctl.alerts.state import AlertFinding, Sighting
from fleetctl.alerts.telling import Policy
from fleetctl.alerts.watcher import Watcher
from fleetctl.models.alerts import AlertSpec
from fleetctl.models.fleetdir import FleetDir
from fleetctl.store.database import Database

store, url, start = sys.argv[1:]
at = [datetime.fromisoformat(start)]
spec = AlertSpec.model_validate({
    "rules": [{"name": "bad", "severity": "page", "for": "0s", "clear_after": "0s", "repeat": "0s"}],
    "receivers": {"webhook": [{"url": url}]},
})
watcher = Watcher(AlertBook(Database(store)), "sim", now=lambda: at[0])
bad = AlertFinding("storage", Verdict.CRITICAL, "x", "y")
for number in range(10_000):
    at[0] += timedelta(seconds=1)
    watcher.round(Policy(spec), ["north"], [Sighting("north", {}, at[0], (bad,) if number % 2 == 0 else ())])
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_watcher_that_is_killed_loses_no_change(tmp_path: Path) -> None:
    """Each change of the alert is told at least once, in its order, wherever the process is killed."""
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with web() as hook:
        at = START
        for run in range(8):
            process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, store, hook.url, at.isoformat()],
                stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )  # fmt: skip
            assert process.stdout is not None
            for _ in range(2 + run % 4):
                process.stdout.readline()
            time.sleep(0.004 * run)  # where it dies is chance; that it has changed something is not
            process.send_signal(signal.SIGKILL)
            process.wait(60)
            process.stdout.close()
            at += timedelta(hours=3)
        # What was written down and not sent is sent by the next one.
        last = Watcher(AlertBook(Database(store)), "sim", now=lambda: at)
        spec = AlertSpec.model_validate(
            {"rules": [{"name": "bad", "severity": "page", "for": "0s"}], "receivers": {"webhook": [{"url": hook.url}]}}
        )
        last.round(Policy(spec), ["north"], [])
        known = last.book.alerts().get(AlertKey("bad", "north", "storage"))
        assert last.book.undelivered() == 0
        messages = [json.loads(posted.body) for posted in hook.posted]
    identities = list(dict.fromkeys(message["identity"] for message in messages))
    assert len(identities) >= 8
    # Deduplicated by identity, beginnings and ends take turns: none is missing, none is out of order.
    states = ["resolved" if "/resolved/" in identity else "firing" for identity in identities]
    assert states == [("firing", "resolved")[number % 2] for number in range(len(states))]
    assert (known is not None and known.phase is Phase.FIRING) is (states[-1] == "firing")
