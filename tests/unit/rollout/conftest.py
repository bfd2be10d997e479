"""Journals on SQLite in memory, and on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetctl.rollout.journal import Journal
from fleetctl.store.database import Database
from tests.fakes import postgresql as postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of one server for all tests."""
    with postgresql_server.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'observations.db'}"
    return postgresql_server.emptied(request.getfixturevalue("postgresql"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    found = Database(url)
    yield found
    found.close()


@pytest.fixture
def journal() -> Iterator[Journal]:
    """In memory: for what is not about the store."""
    found = Database("sqlite://")
    yield Journal(found)
    found.close()
