"""A store on SQLite and on a PostgreSQL of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetctl.store.store import Store


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a server of its own, on a unix socket only, as an unprivileged user."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL's server is missing: apt-get install postgresql")
        pytest.skip("needs PostgreSQL's server: apt-get install postgresql")
    binaries = found[-1].parent
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]

        def run(*argv: str) -> None:
            subprocess.run([*as_user, *argv], check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        data = str(folder / "data")
        run(str(binaries / "initdb"), "-D", data, "-U", "fleet", "--auth=trust", "--no-sync", "-E", "UTF8")
        control = (str(binaries / "pg_ctl"), "-D", data, "-w")
        run(*control, "-o", f"-k {folder} -c listen_addresses= -c fsync=off", "start")
        try:
            yield f"postgresql+psycopg://fleet@/postgres?host={folder}"
        finally:
            run(*control, "-m", "immediate", "stop")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'observations.db'}"
    url: str = request.getfixturevalue("postgresql")
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for table in ("observation", "summary", "site_state", "fault", "meta"):
            connection.execute(f"DROP TABLE IF EXISTS {table}".encode())
    return url


@pytest.fixture
def opened() -> Iterator[Callable[[str], Store]]:
    """Opens stores, and closes them at the end."""
    stores: list[Store] = []

    def open_one(url: str) -> Store:
        stores.append(Store(url))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(url: str, opened: Callable[[str], Store]) -> Store:
    return opened(url)
