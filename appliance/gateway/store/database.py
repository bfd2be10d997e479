"""The connection to the database, and its transactions."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from appliance.errors import UnknownStateError, UsageError
from appliance.gateway.store import code_tables, patient_tables, tables

# A writer waits that long for another one. A write holds the lock for two fsyncs (audit log, database).
BUSY_S = 30
# Any constant of ours: the advisory lock that makes writers of PostgreSQL come one after the other, as SQLite's do.
_WRITERS = 0x666C6565

log = logging.getLogger("appliance.gateway")


class Database:
    """SQLite in WAL mode with full durability, or PostgreSQL by URL."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
            backend = self.url.get_backend_name()
        except ArgumentError:
            raise UsageError("database_url is not a URL", hint="sqlite:///PATH or postgresql+psycopg://…") from None
        if backend not in ("sqlite", "postgresql"):
            raise UsageError(f"database_url: {backend} is not supported", hint="sqlite or postgresql+psycopg")
        if self.url.password is not None:
            raise UsageError("database_url holds a password", hint="put it into a passfile (PGPASSFILE)")
        self.is_sqlite = backend == "sqlite"
        self._writing = threading.Lock()
        self.engine: Engine = create_engine(
            self.url,
            pool_size=16,
            max_overflow=48,
            pool_timeout=30,
            hide_parameters=True,
            **({"connect_args": {"timeout": BUSY_S, "check_same_thread": False}} if self.is_sqlite else {}),
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _sqlite_connected)

    def reads_at_once(self) -> bool:
        """Whether a reader waits neither for the network nor for a connection that others hold."""
        pool = self.engine.pool
        return self.is_sqlite and isinstance(pool, QueuePool) and pool.checkedout() < pool.size()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view: nothing that is committed meanwhile is seen."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One writer at a time: two people who change the same document come one after the other.

        An entry of the audit log is written before its commit, so who would lose must know it before the entry.
        """
        # SQLite's own waiting is a poll without order; in one process a lock serves in turn. It never nests.
        with self._writing, self.engine.connect() as connection:
            if self.is_sqlite:
                # The driver would begin late, as a reader, and a reader that becomes a writer is refused when busy.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITERS})
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def prepare(self) -> None:
        """Make the tables where they are missing. Raises UnknownStateError when another version made them."""
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.engine.begin() as connection:
            if not inspect(connection).has_table("meta"):
                tables.metadata.create_all(connection)
                connection.execute(insert(tables.meta).values(name="schema", value=str(tables.SCHEMA_VERSION)))
            # Tables that came later are made beside what is there; a program without them opens the store as well.
            tables.metadata.create_all(connection, tables=(*code_tables.TABLES, *patient_tables.TABLES))
            found = connection.execute(select(tables.meta.c.value).where(tables.meta.c.name == "schema")).scalar()
        if found != str(tables.SCHEMA_VERSION):
            raise UnknownStateError(
                f"the database has schema {found}, this program knows {tables.SCHEMA_VERSION}",
                hint="run the appliance version that made it, or migrate",
            )

    def is_empty(self) -> bool:
        """Whether no encounter was ever stored."""
        with self.read() as connection:
            return connection.execute(select(tables.encounter.c.id).limit(1)).first() is None

    def ok(self) -> bool:
        """Whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True

    def forget(self) -> bool:
        """After a deletion: leave nothing of it in the files. Pages were overwritten (secure_delete); the log goes.

        False: a reader kept the log in use for longer than BUSY_S. The next call, or the next start, removes it.
        """
        if not self.is_sqlite:
            return True
        with self._writing, self.engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").first()
            connection.rollback()
        done = found is not None and found[0] == 0
        if not done:
            log.error("store: the write-ahead log is in use and still holds what was deleted")
        return done

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _sqlite_connected(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the transactions are ours
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "trusted_schema=OFF",
        "temp_store=MEMORY",
    ):  # fmt: skip
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
