"""The store on SQLite and on a real PostgreSQL: immutability, order of writers, a consistent view; and 32 at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from appliance.errors import UnknownStateError, UsageError
from appliance.gateway.store import documents, encounters
from appliance.gateway.store.database import Database
from appliance.gateway.store.documents import DocumentRow, RevisionRow
from appliance.gateway.store.encounters import EncounterRow
from tests.fakes.postgresql import emptied

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_sqlite = request.param == "sqlite"
    found = Database(f"sqlite:///{tmp_path / 'x.db'}" if is_sqlite else emptied(request.getfixturevalue("postgresql")))
    found.prepare()
    yield found
    found.close()


def fill(database: Database, state: str = "corrected") -> None:
    row = EncounterRow("e", "open", NOW, "x", "iss#doc", "CA", "CA", None, b"\x00sealed", frozenset({"iss#doc"}))
    with database.write() as connection:
        encounters.add(connection, row, b"wrapped")
        documents.add(connection, DocumentRow("d", "e", "visit_note", state, 1, NOW, "x", sealed=b"text"))
        documents.add_revision(connection, RevisionRow("d", 1, NOW, "model", "draft", b"text", 5))


def test_what_is_stored_is_what_is_read(database: Database) -> None:
    fill(database)
    with database.read() as connection:
        row = encounters.find(connection, "e")
        assert row is not None
        assert (row.created_at, row.sealed, row.team) == (NOW, b"\x00sealed", frozenset({"iss#doc"}))
        assert [one.audit_index for one in documents.revisions(connection, "d")] == [5]


def test_signed_and_appended_rows_cannot_change(database: Database) -> None:
    fill(database, "signed")
    for statement in ("UPDATE document SET version = 9", "UPDATE revision SET act = 'other'"):
        with pytest.raises(DBAPIError), database.write() as connection:
            connection.exec_driver_sql(statement)


def test_a_change_needs_the_version_that_was_seen(database: Database) -> None:
    fill(database)
    with database.write() as connection:
        assert documents.change(connection, "d", 1, state="corrected")
        assert not documents.change(connection, "d", 1, state="corrected")


def test_a_failed_write_leaves_nothing(database: Database) -> None:
    fill(database)
    with pytest.raises(RuntimeError), database.write() as connection:  # noqa: PT012 (the block is what fails)
        documents.change(connection, "d", 1, state="rejected")
        raise RuntimeError
    with database.read() as connection:
        row = documents.find(connection, "d")
        assert row is not None
        assert (row.state, row.version) == ("corrected", 1)


def test_a_reader_sees_one_moment(database: Database) -> None:
    fill(database)
    with database.read() as connection:
        before = documents.find(connection, "d")
        with database.write() as writer:
            documents.change(writer, "d", 1, state="rejected")
        assert documents.find(connection, "d") == before
    with database.read() as connection:
        assert documents.find(connection, "d") != before


def test_writers_come_one_after_the_other(database: Database) -> None:
    fill(database)
    inside, most = [0], [0]
    lock = threading.Lock()

    def raise_version(_: int) -> None:
        with database.write() as connection:
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            row = documents.find(connection, "d")
            assert row is not None
            assert documents.change(connection, "d", row.version, state="corrected")
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(raise_version, range(96)))
    assert most == [1]
    with database.read() as connection:
        row = documents.find(connection, "d")
        assert row is not None
        assert row.version == 97


def test_a_destroyed_encounter_leaves_only_that_it_was(database: Database) -> None:
    fill(database, "signed")
    with database.write() as connection:
        encounters.destroy(connection, "e")
    with database.read() as connection:
        row = encounters.find(connection, "e")
        assert row is not None
        assert (row.state, row.sealed, row.team) == ("deleted", b"", frozenset())
        assert encounters.wrapped_key(connection, "e") is None
        assert documents.find(connection, "d") is None


def test_a_store_of_another_version_is_not_opened(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '99'")
    with pytest.raises(UnknownStateError, match="schema 99"):
        database.prepare()


@pytest.mark.parametrize("url", ["no url", "mysql://x/y", "postgresql+psycopg://user:secret@/x"])
def test_a_url_that_is_not_supported_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.both_stores
@pytest.mark.anyio
async def test_32_who_create_correct_and_sign_at_once(gw: Any) -> None:
    """No lost update, no deadlock, every entry of the log its own index."""
    source = await gw.drafted()
    made = await asyncio.gather(*(gw.encounter(patient_ref=f"P{number}") for number in range(32)))
    assert len(set(made)) == 32
    (transcript,) = gw.row("SELECT id FROM transcript")
    written = [await gw.draft(source[0], transcript) for _ in range(8)]
    sections: dict[str, Any] = {name: [] for name in ("history", "exam", "assessment", "plan", "consent")}

    async def person(number: int) -> int:
        document, done = written[number % 8]["id"], 0
        await gw.act(document, "review")
        for turn in range(3):
            mine = {**sections, "plan": [{"text": f"Person {number}, turn {turn}."}]}
            done += (await gw.act(document, "content", json={"sections": mine})).status_code == 200
        await gw.act(document, "signature", json={"attest": True})
        return done

    async with asyncio.timeout(60):
        corrected = await asyncio.gather(*(person(number) for number in range(32)))
    names = gw.happened()
    assert names.count("review.corrected") == sum(corrected)
    assert names.count("document.signed") == len(gw.rows("SELECT document_id FROM signature")) == 8
    indexes = [row[0] for row in gw.rows("SELECT audit_index FROM revision")]
    assert len(indexes) == len(set(indexes)) == 8 * 2 + 1 + sum(corrected)
    entries = gw.entries()
    assert all(entries[index]["event"].split(".")[0] in ("draft", "review", "document") for index in indexes)
