"""Only one controller of a rollout: an advisory lock of PostgreSQL on a connection that stays open, or a locked file
beside an SQLite database. Either is free as soon as its holder is gone, so that another machine may take over.
"""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from fleetctl.errors import ConfigError, LockHeldError, StoreError
from fleetctl.rollout.journal_records import Holder
from fleetctl.store.database import BUSY_S, Database
from fleetctl.store.records import milliseconds, moment
from fleetctl.store.rollout_tables import rollout_holder

# A machine that vanished without a word: its connection, and with it the lock, ends after about a minute.
_KEEPALIVE = {"keepalives": 1, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 4}


class Held:
    """A lock that is held. `check` is called before anything is ordered."""

    def __init__(self, connection: Connection | None, database: Database) -> None:
        self._connection, self._database = connection, database

    def check(self) -> None:
        """Raises `StoreError` when the lock's connection is lost: someone else may control the rollout by now."""
        if self._connection is None:
            return
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError as problem:
            failed = self._database.failed(problem)
            raise StoreError(
                f"the lock of the rollout is lost: {failed.message}", hint="fleetctl rollout resume when it is back"
            ) from problem


@contextmanager
def controlling(database: Database, rollout: str, actor: str, at: datetime) -> Iterator[Held]:
    """Hold a rollout. Raises `LockHeldError` that tells who holds it, `StoreError` when the store is away."""
    # Opening the database makes its tables and, on SQLite, its folder.
    holder(database, rollout)
    opened = _locked_file if database.is_sqlite else _locked_session
    with opened(database, rollout) as connection:
        row = {
            "rollout": rollout, "host": _this_host(), "pid": os.getpid(), "actor": actor[:200],
            "since": milliseconds(at),
        }  # fmt: skip
        with database.transaction(writes=True) as writing:
            writing.execute(delete(rollout_holder).where(rollout_holder.c.rollout == rollout))
            writing.execute(insert(rollout_holder).values(row))
        try:
            yield Held(connection, database)
        finally:
            # Only words: whoever asks tries the lock itself.
            with suppress(StoreError), database.transaction(writes=True) as writing:
                writing.execute(delete(rollout_holder).where(rollout_holder.c.rollout == rollout))


def holder(database: Database, rollout: str) -> Holder | None:
    """Who said last that they control it; None: nobody, or a process of this machine that is gone.

    One of another machine may be gone as well: only the lock itself proves that it is not.
    """
    with database.transaction(writes=False) as connection:
        row = connection.execute(select(rollout_holder).where(rollout_holder.c.rollout == rollout)).first()
    if row is None or (row.host == _this_host() and not _runs(row.pid)):
        return None
    return Holder(row.host, row.pid, row.actor, moment(row.since))


def _this_host() -> str:
    return platform.node()[:255] or "unknown"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another person's
    return True


def _refused(database: Database, rollout: str) -> LockHeldError:
    found = holder(database, rollout)
    who = f"{found.words}, since {found.since:%Y-%m-%d %H:%M:%SZ}" if found else "another process"
    return LockHeldError(
        f"rollout {rollout[:12]} is controlled by {who}",
        hint="fleetctl rollout pause, promote and abort reach it from here; it is free when that process ends",
    )


@contextmanager
def _locked_file(database: Database, rollout: str) -> Iterator[None]:
    name = database.url.database
    if not name or name == ":memory:":
        raise ConfigError("a rollout's journal is to last: this store is in memory only", hint="sqlite:///PATH")
    path = Path(f"{name}.rollout-{rollout}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refused(database, rollout) from None
        yield None
    finally:
        os.close(descriptor)


@contextmanager
def _locked_session(database: Database, rollout: str) -> Iterator[Connection]:
    arguments = {"connect_timeout": int(BUSY_S), **_KEEPALIVE}
    engine = create_engine(database.url, hide_parameters=True, poolclass=NullPool, connect_args=arguments)
    key = int.from_bytes(bytes.fromhex(rollout)[:8], "big", signed=True)
    try:
        try:
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            got = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({key})").scalar_one()
        except SQLAlchemyError as problem:
            raise database.failed(problem) from problem
        if not got:
            connection.close()
            raise _refused(database, rollout)
        try:
            yield connection
        finally:
            with suppress(SQLAlchemyError):
                connection.close()
    finally:
        engine.dispose()
