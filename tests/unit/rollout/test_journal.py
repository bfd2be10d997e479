"""The journal and its lock, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from fleetctl.errors import ConfigError, LockHeldError, RefusedError, StoreError, UsageError
from fleetctl.rollout.engine_orders import Orders, order_retry
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_lock import controlling, holder
from fleetctl.rollout.journal_records import Committed, Event, RolloutState, SiteState, StepKind, StepOutcome
from fleetctl.store import database as databases
from fleetctl.store.database import Database
from fleetctl.store.rollout_tables import TABLES
from fleetctl.store.store import Store
from tests.fakes.rollouts import START, TARGET, plan

ROOT = Path(__file__).resolve().parents[3]
PLAN = plan()


@pytest.fixture
def kept(database: Database) -> Journal:
    journal = Journal(database)
    journal.begin(PLAN, "alex", START)
    return journal


@pytest.mark.both_stores
def test_a_step_is_open_until_its_outcome_is_written(kept: Journal) -> None:
    record = kept.sites(PLAN.id)[0]
    step = kept.intend(PLAN.id, record, StepKind.STAGE, "1" * 32, START, {"why": "a test"})
    assert kept.open_steps(PLAN.id) == {"s1": step}
    staged = record.model_copy(update={"state": SiteState.STAGED, "reason": "it verified"})
    committed = Committed("s1", TARGET.name, TARGET.digest, 2, PLAN.id, START)
    kept.end(PLAN.id, step, staged, StepOutcome.DONE, "", START, {"a": 1}, [Event("told", "x", "s1")], "alex",
             committed)  # fmt: skip
    assert kept.open_steps(PLAN.id) == {}
    assert kept.sites(PLAN.id)[0] == staged
    assert kept.committed() == {"s1": committed}
    assert [(entry.what, dict(entry.facts)) for entry in kept.steps(PLAN.id, "s1")] == [
        ("stage ordered", {"why": "a test"}),
        ("stage done", {"a": 1}),
    ]
    assert [(entry.what, entry.actor) for _, entry in kept.events(PLAN.id)] == [("started", "alex"), ("told", "alex")]


@pytest.mark.both_stores
def test_a_plan_is_kept_as_it_was_signed_and_started_once(kept: Journal) -> None:
    assert kept.find("abab").plan == PLAN
    assert kept.find().plan.digest == PLAN.digest
    with pytest.raises(RefusedError, match="was started before"):
        kept.begin(PLAN, "alex", START)
    with pytest.raises(UsageError, match="no rollout begins with ffff"):
        kept.find("ffff")
    with pytest.raises(UsageError, match="is no id"):
        kept.find("%")
    for seen, hint in (
        ("ababba", "did you mean abababababab?"),
        ("ffff", "fleetctl rollout status --all lists them"),
        ("2026.11-1", "2026.11-1 is a release; the newest rollout of it is abababababab"),
        ("plan.json", "fleetctl rollout status --all lists them"),
    ):
        with pytest.raises(UsageError) as caught:
            kept.find(seen)
        assert caught.value.hint == hint


@pytest.mark.both_stores
def test_two_rollouts_do_not_change_one_site(kept: Journal) -> None:
    other = plan(identity="cd" * 16)
    with pytest.raises(RefusedError, match="has 4 of the plan's sites in work: s1, s2, s3, s4") as caught:
        kept.begin(other, "kim", START)
    assert "fleetctl rollout abort --id abababababab" in caught.value.hint
    kept.change(PLAN.id, START, "alex", values={"state": RolloutState.ABORTED})
    assert kept.begin(other, "kim", START) == []


@pytest.mark.both_stores
def test_a_newer_rollout_takes_over_who_is_absent(kept: Journal) -> None:
    records = kept.sites(PLAN.id)
    done = [each.model_copy(update={"state": SiteState.DONE}) for each in records[:3]]
    away = records[3].model_copy(update={"offline_since": START})
    kept.change(PLAN.id, START, "engine", records=[*done, away], values={"state": RolloutState.CATCHING_UP})
    other = plan(identity="cd" * 16)
    assert kept.begin(other, "kim", START + timedelta(days=1)) == ["s4"]
    assert kept.sites(PLAN.id)[3].state is SiteState.SKIPPED
    assert "rollout cdcdcdcdcdcd brings it to" in kept.sites(PLAN.id)[3].reason


@pytest.mark.both_stores
def test_an_order_is_taken_once_whoever_reads_it(kept: Journal) -> None:
    failed = kept.sites(PLAN.id)[0].model_copy(update={"state": SiteState.FAILED})
    kept.change(PLAN.id, START, "engine", records=[failed])
    order_retry(kept, kept.find(), [], "kim", START, clear=False)
    first, records = Orders(kept, PLAN), {record.site: record for record in kept.sites(PLAN.id)}
    assert first.take(START, records, {"s1"}) == []
    (taken,) = first.take(START, records, ())
    assert (taken.state, taken.reason) == (SiteState.WAITING, "tried again, ordered by kim")
    again = {record.site: record.model_copy(update={"state": SiteState.FAILED}) for record in kept.sites(PLAN.id)}
    assert first.take(START, again, ()) == []
    assert Orders(kept, PLAN).take(START, again, ()) == []


@pytest.mark.both_stores
def test_a_store_of_before_rollouts_is_taken_forward(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as old:
        old.setattr(databases, "MIGRATIONS", databases.MIGRATIONS[:1])
        store = Store(url)
        store.last()
        store.close()
        older = Database(url)
        with older.transaction(writes=True) as connection:
            for table in TABLES:
                connection.execute(text(f"DROP TABLE {table.name}"))
        older.close()
    for _ in range(2):
        newer = Database(url)
        assert Journal(newer).all() == []
        newer.close()


def test_what_cannot_be_written_down_is_an_error(database: Database, kept: Journal) -> None:
    record = kept.sites(PLAN.id)[0]
    with database.transaction(writes=True) as connection:
        connection.execute(text("DROP TABLE rollout_step"))
    with pytest.raises(StoreError):
        kept.intend(PLAN.id, record, StepKind.STAGE, "1" * 32, START, {})


# --- the lock

_HOLDER = """
import sys
from datetime import UTC, datetime
from fleetctl.rollout.journal_lock import controlling
from fleetctl.store.database import Database
with controlling(Database(sys.argv[1]), sys.argv[2], "kim", datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_operator(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the rollout."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, url, PLAN.id], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.both_stores
def test_two_operators_cannot_control_one_rollout(database: Database, other_operator: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(LockHeldError, match=rf"controlled by kim on .*, process {other_operator.pid}, since 20"),
        controlling(database, PLAN.id, "alex", START),
    ):
        raise AssertionError("both hold it")
    with controlling(database, "cd" * 16, "alex", START):
        pass


@pytest.mark.both_stores
def test_it_is_free_when_its_holder_was_killed(database: Database, other_operator: subprocess.Popen[str]) -> None:
    other_operator.kill()
    other_operator.wait()
    deadline_s = time.monotonic() + 60
    while True:
        try:
            with controlling(database, PLAN.id, "alex", START) as held:
                held.check()
                found = holder(database, PLAN.id)
                assert found is not None
                assert (found.actor, found.pid) == ("alex", os.getpid())
            break
        except LockHeldError:
            # PostgreSQL notices that the other one is gone with its next look at the connection.
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    assert holder(database, PLAN.id) is None


def test_a_lost_connection_is_a_lost_lock(request: pytest.FixtureRequest) -> None:
    from tests.fakes import postgresql as server

    url = server.emptied(request.getfixturevalue("postgresql"))
    database = Database(url)
    try:
        with controlling(database, PLAN.id, "alex", START) as held:
            held.check()
            with database.transaction(writes=True) as connection:
                connection.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                         "AND backend_type = 'client backend'")
                )  # fmt: skip
            with pytest.raises(StoreError, match="the lock of the rollout is lost"):
                held.check()
    finally:
        database.close()


def test_a_store_in_memory_holds_no_rollout() -> None:
    database = Database("sqlite://")
    with pytest.raises(ConfigError, match="in memory only"), controlling(database, PLAN.id, "alex", START):
        pass
    database.close()
