"""The connection to the store's database: SQLite in WAL mode, or PostgreSQL by URL; and its migrations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from fleetctl.errors import ConfigError, StoreError
from fleetctl.store import alert_tables, rollout_tables, tables

# Another fleetctl that writes holds the lock for a moment; who waits longer says so instead of hanging.
BUSY_S = 5.0
# Any constant of ours: the advisory lock under which one of several operators migrates.
_MIGRATING = 0x666C7374


def _first(connection: Connection) -> None:
    # The alerts' tables are named so that their module is loaded, and they are in the metadata.
    assert alert_tables.watch.metadata is tables.metadata  # noqa: S101 (an import for its effect says so)
    tables.metadata.create_all(connection)


def _rollouts(connection: Connection) -> None:
    # On a new database the first migration has made them already: they are in the same metadata.
    tables.metadata.create_all(connection, tables=list(rollout_tables.TABLES), checkfirst=True)


# Each takes the database from the version of its place to the next. Never change one that was released; add one.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _rollouts)


class Database:
    """Opens at the first use. Whatever goes wrong is a `StoreError`: no caller needs SQLAlchemy."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
            backend = self.url.get_backend_name()
        except ArgumentError:
            raise ConfigError("the store's URL is none", hint="sqlite:///PATH or postgresql+psycopg://…") from None
        if backend not in ("sqlite", "postgresql"):
            raise ConfigError(f"the store's URL: {backend} is not supported", hint="sqlite or postgresql+psycopg")
        if self.url.password is not None or "password" in self.url.query:
            raise ConfigError("the store's URL holds a password", hint="put it into a passfile (PGPASSFILE)")
        self.is_sqlite = backend == "sqlite"
        self._engine: Engine | None = None

    def _opened(self) -> Engine:
        if self._engine is None:
            extra: dict[str, Any] = {"connect_args": {"connect_timeout": int(BUSY_S)}}
            if self.is_sqlite:
                extra = {"connect_args": {"timeout": BUSY_S, "check_same_thread": False}}
                if self.url.database:
                    _private(Path(self.url.database))
            engine = create_engine(self.url, hide_parameters=True, **extra)
            if self.is_sqlite:
                event.listen(engine, "connect", _sqlite_connected)
            try:
                with engine.connect() as connection:
                    self._migrate(connection)
            except BaseException:
                engine.dispose()
                raise
            self._engine = engine
        return self._engine

    @contextmanager
    def transaction(self, *, writes: bool) -> Iterator[Connection]:
        """One transaction: all of it is committed and durable at the end, or nothing of it is."""
        try:
            with self._opened().connect() as connection:
                if self.is_sqlite:
                    # A reader that becomes a writer is refused when busy, so writers begin as such.
                    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
                try:
                    yield connection
                    connection.commit()
                except BaseException:
                    connection.rollback()
                    raise
        except (SQLAlchemyError, OSError) as problem:
            raise self.failed(problem) from problem

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def failed(self, problem: Exception) -> StoreError:
        """The problem in one line, without parameters: they hold what was to be kept."""
        said = str(getattr(problem, "orig", None) or problem).strip().splitlines()
        place = self.url.render_as_string(hide_password=True)
        return StoreError(
            f"{place}: {said[0] if said else type(problem).__name__}",
            hint="is there room and the right to write? FLEETCTL_STORE or spec.store.url names another place",
        )

    def _migrate(self, connection: Connection) -> None:
        if self.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        found = 0
        if inspect(connection).has_table("meta"):
            value = connection.execute(select(tables.meta.c.value).where(tables.meta.c.name == "schema")).scalar()
            found = int(value) if value is not None and value.isdigit() else 0
        if found > len(MIGRATIONS):
            raise StoreError(
                f"{self.url.render_as_string(hide_password=True)} has schema {found}, this fleetctl knows "
                f"{len(MIGRATIONS)}",
                hint="install the newer fleetctl that made it; nothing was changed",
            )
        for number, migrate in enumerate(MIGRATIONS[found:], found + 1):
            migrate(connection)
            connection.execute(tables.meta.delete().where(tables.meta.c.name == "schema"))
            connection.execute(tables.meta.insert().values(name="schema", value=str(number)))
        connection.commit()


def upserting(table: Table, is_sqlite: bool) -> Any:
    """An INSERT of this database's dialect that can go on where the row is there. One dialect is imported, not both."""
    if is_sqlite:
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _private(path: Path) -> None:
    """The file of a new database, which only its owner reads: a snapshot tells how a site can be attacked."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _sqlite_connected(connection: Any, _record: Any) -> None:
    # The driver's own transactions are off: ours begin with the words above.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
