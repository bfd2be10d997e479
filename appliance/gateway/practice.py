"""A practice's own settings, each change a version: vocabulary and document templates."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from appliance.gateway.store import tables as t

VOCABULARY = "vocabulary"


@dataclass(frozen=True)
class Setting:
    """One setting as it is now. Version 0: never set."""

    name: str
    version: int
    at: datetime | None
    value: Any


def current(connection: Connection, name: str) -> Setting:
    """Return a setting."""
    query = select(t.practice).where(t.practice.c.name == name, t.practice.c.current.is_(True))
    found = connection.execute(query).first()
    return Setting(name, 0, None, None) if found is None else _setting(found)


def names(connection: Connection, prefix: str) -> list[str]:
    """Return the names of settings that were set and begin so."""
    query = select(t.practice.c.name).where(t.practice.c.current.is_(True)).order_by(t.practice.c.name)
    return [name for name in connection.execute(query).scalars() if name.startswith(prefix)]


def change(connection: Connection, name: str, value: Any, subject: str, at: datetime) -> Setting:
    """Store a new version; earlier ones stay readable."""
    version = current(connection, name).version + 1
    connection.execute(update(t.practice).where(t.practice.c.name == name).values(current=False))
    data = json.dumps(value, sort_keys=True).encode()
    connection.execute(
        insert(t.practice).values(name=name, version=version, at=at, subject=subject, current=True, value=data)
    )
    return Setting(name, version, at, value)


def vocabulary_terms(connection: Connection) -> tuple[str, ...]:
    """Return the practice's vocabulary."""
    return tuple(current(connection, VOCABULARY).value or ())


def _setting(found: Any) -> Setting:
    return Setting(found.name, found.version, found.at, json.loads(found.value))
