"""The store on SQLite and on a real PostgreSQL: what is kept, what comes back, what is summed up, what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text

from appliance.contract.health import Verdict
from fleetctl.errors import ConfigError, StoreError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.remote.poll_answer import SeenBefore
from fleetctl.remote.poll_outcome import Observation, Outcome
from fleetctl.store import database, retention
from fleetctl.store.open import open_store
from fleetctl.store.records import Kept, Retention
from fleetctl.store.store import Store
from fleetctl.store.tables import observation
from tests.fakes.observed import FAULT, START, kept

MINUTE = timedelta(minutes=1)
Open = Callable[[str], Store]


def count(store: Store, table: Any = observation) -> int:
    with store._database.transaction(writes=False) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_what_was_observed_comes_back(store: Store) -> None:
    store.keep([kept(sequence=5), kept("south", outcome=Outcome.OFFLINE, verdict=Verdict.UNKNOWN, reason="no answer")])
    store.keep([kept(at=START + MINUTE, sequence=9, verdict=Verdict.DEGRADED, reason="storage: 1 of 2")])
    last = store.last()
    assert (last["lab-1"].verdict, last["lab-1"].at, last["lab-1"].since) == (
        Verdict.DEGRADED, START + MINUTE, START + MINUTE)  # fmt: skip
    assert (last["south"].outcome, last["south"].verdict) == (Outcome.OFFLINE, Verdict.UNKNOWN)
    assert store.seen() == {"lab-1": SeenBefore("boot", 9, START + MINUTE)}
    points = store.history("lab-1", START)
    assert [(point.start, point.verdict, point.reason) for point in points] == [
        (START, Verdict.OK, ""), (START + MINUTE, Verdict.DEGRADED, "storage: 1 of 2")]  # fmt: skip
    assert len(store.history("lab-1", START + MINUTE)) == 1


def test_a_verdict_lasts_since_it_changed(store: Store) -> None:
    for minute in range(3):
        store.keep([kept(at=START + minute * MINUTE, verdict=Verdict.DEGRADED, reason=f"clock: {minute} s behind")])
    assert store.last()["lab-1"].since == START


def test_boots_that_are_over_are_remembered(store: Store) -> None:
    for number, boot in enumerate("abc"):
        store.keep([kept(at=START + number * MINUTE, boot_id=boot)])
    assert store.seen()["lab-1"] == SeenBefore("c", 7, START + 2 * MINUTE, ("a", "b"))


def test_what_was_not_asked_is_not_kept(store: Store) -> None:
    waiting = Observation("lab-1", START, Outcome.OFFLINE, "", 0.0, asked=False)
    late = Observation("south", START, Outcome.NOT_ASKED, "", 0.0)
    store.keep([Kept(waiting, Verdict.UNKNOWN, ""), Kept(late, Verdict.UNKNOWN, "")])
    assert store.last() == {}


def test_an_older_observation_of_another_operator_changes_no_state(store: Store) -> None:
    store.keep([kept(at=START + MINUTE, sequence=9)])
    store.keep([kept(at=START, sequence=8, verdict=Verdict.CRITICAL)])
    assert store.last()["lab-1"].verdict is Verdict.OK
    assert store.seen()["lab-1"].sequence == 9
    assert count(store) == 2


def test_a_whole_snapshot_is_kept_when_something_changes_and_else_each_hour(store: Store) -> None:
    def wholes() -> int:
        with store._database.transaction(writes=False) as connection:
            kept_whole = select(func.count()).where(observation.c.snapshot.is_not(None))
            return int(connection.execute(kept_whole).scalar_one())

    for minute in (0, 1, 59, 60):
        store.keep([kept(at=START + minute * MINUTE, sequence=minute)])
    assert (count(store), wholes()) == (4, 2)
    store.keep([kept(at=START + 61 * MINUTE, sequence=61, verdict=Verdict.DEGRADED, reason="disk: full")])
    assert wholes() == 3
    found = store.snapshot("lab-1")
    assert found is not None
    assert (found[0], json.loads(found[1])["sequence"]) == (START + 61 * MINUTE, 61)


def test_faults_are_kept_in_their_last_state(store: Store) -> None:
    store.keep([kept(faults=[FAULT])])
    later = {**FAULT, "state": "acknowledged", "acknowledged_by": "ana", "acknowledged_note": "card ordered"}
    store.keep([kept(at=START + MINUTE, faults=[later])])
    (found,) = store.faults("lab-1")
    assert (found.fault.state, found.fault.acknowledged_by) == ("acknowledged", "ana")
    assert store.faults("south") == []
    assert len(store.faults(since=datetime(2026, 11, 22, 12, tzinfo=UTC))) == 1
    store.keep([kept(at=START + 2 * MINUTE, outcome=Outcome.OFFLINE, verdict=Verdict.UNKNOWN)])
    assert store.faults()[0].fault.state == "acknowledged"
    store.keep([kept(at=START + 3 * MINUTE)])
    assert store.faults()[0].fault.state == "cleared"
    assert store.faults(since=datetime(2026, 11, 22, 12, tzinfo=UTC)) == []


def test_old_observations_become_hours_then_days_then_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 7)
    verdicts = [Verdict.OK] * 9 + [Verdict.CRITICAL] + [Verdict.OK] * 10
    store.keep([kept(at=START + number * 10 * MINUTE, verdict=each) for number, each in enumerate(verdicts)])
    store.retention = Retention(raw_days=1, hourly_days=3, daily_days=10)

    def thinned(days: int) -> list[tuple[str, Verdict, int]]:
        while store.thin_out(START + timedelta(days=days)):
            """Another batch."""
        return [
            (point.span, point.verdict, sum(point.count.values()))
            for point in store.history("lab-1", START - timedelta(days=1))
        ]

    assert len(thinned(0)) == 20
    hours = thinned(2)
    assert [each[1] for each in hours] == [Verdict.OK, Verdict.CRITICAL, Verdict.OK, Verdict.OK]
    assert (count(store), sum(each[2] for each in hours), {each[0] for each in hours}) == (0, 20, {"hour"})
    assert thinned(5) == [("day", Verdict.CRITICAL, 20)]
    assert thinned(12) == []


def test_one_batch_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 3)
    store.keep([kept(at=START + number * MINUTE) for number in range(10)])
    assert store.thin_out(START + timedelta(days=30)) == 3
    assert count(store) == 7


def test_a_thousand_sites_are_one_transaction(store: Store) -> None:
    good = [kept(f"site-{number}") for number in range(50)]
    broken = Kept(Observation("x" * 70, START, Outcome.OFFLINE, "", 0.0), Verdict.UNKNOWN, None)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        store.keep([*good, broken])
    assert (count(store), store.last()) == (0, {})


def test_writers_come_one_after_the_other(url: str, opened: Open) -> None:
    problems: list[Exception] = []

    def write(worker: int) -> None:
        own = opened(url)
        try:
            for number in range(10):
                own.keep([kept(f"site-{worker}", START + number * MINUTE, sequence=number)])
        except StoreError as problem:
            problems.append(problem)
        finally:
            own.close()

    opened(url).keep([kept("first")])
    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert count(opened(url)) == 41


def test_a_newer_schema_is_refused_and_left_alone(url: str, opened: Open) -> None:
    store = opened(url)
    store.keep([kept()])
    with store._database.transaction(writes=True) as connection:
        connection.execute(text("UPDATE meta SET value = '99'"))
    store.close()
    with pytest.raises(StoreError, match="schema 99, this fleetctl knows 2") as refused:
        opened(url).last()
    assert "newer fleetctl" in refused.value.hint


def test_a_newer_fleetctl_takes_the_store_forward(url: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(url).keep([kept()])

    def second(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE site_state ADD COLUMN note TEXT"))

    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, second))
    for _ in range(2):  # and once only
        newer = opened(url)
        assert newer.last()["lab-1"].verdict is Verdict.OK
        newer.close()
    with opened(url)._database.transaction(writes=False) as connection:
        assert connection.execute(text("SELECT value FROM meta")).scalar() == str(len(database.MIGRATIONS))


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    url: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(url).keep([kept()])

    def broken(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE site_state ADD COLUMN note TEXT"))
        connection.execute(text("ALTER TABLE nowhere ADD COLUMN note TEXT"))

    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, broken))
        with pytest.raises(StoreError):
            opened(url).last()
    assert opened(url).last()["lab-1"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("no url", "is none"),
        ("mysql://x/y", "mysql is not supported"),
        ("postgresql+psycopg://user:secret@db/x", "holds a password"),
        ("postgresql+psycopg://user@db/x?password=secret", "holds a password"),
    ],
)
def test_a_url_that_cannot_be_is_refused_without_its_secret(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        Store(url)
    assert "secret" not in str(refused.value.message)


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="file") as refused:
        Store(f"sqlite:///{tmp_path / 'file' / 'x.db'}").last()
    assert "FLEETCTL_STORE" in refused.value.hint


def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "store" / "observations.db"
    Store(f"sqlite:///{path}").keep([kept()])
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_which_store_belongs_to_a_fleet(fleet_dir: FleetDir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert open_store(fleet_dir).place == f"sqlite:///{fleet_dir.state_dir}/store/observations.db"
    path = fleet_dir.path / "fleet.yaml"
    path.write_text(path.read_text() + "  store: {url: 'postgresql+psycopg://fleet@db.example/fleet', raw_days: 3}\n")
    named = open_store(FleetDir(fleet_dir.path))
    assert (named.place, named.retention.raw_days) == ("postgresql+psycopg://fleet@db.example/fleet", 3)
    monkeypatch.setenv("FLEETCTL_STORE", f"sqlite:///{tmp_path / 'other.db'}")
    assert open_store(FleetDir(fleet_dir.path)).place == f"sqlite:///{tmp_path / 'other.db'}"
