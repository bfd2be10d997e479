"""A real PostgreSQL of the tests' own: on a unix socket only, as an unprivileged user, gone when they end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest


def _server() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def server() -> Iterator[str]:
    """URL of a running server. Skips where there is none, fails where CI is set."""
    binaries = _server()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL's server is missing: apt-get install postgresql")
        pytest.skip("needs PostgreSQL's server: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        data = folder / "data"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "tests", "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*as_user, *initdb], check=True, **quiet)  # type: ignore[call-overload]
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=80"
        control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options]
        subprocess.run([*as_user, *control, "start"], check=True, **quiet)  # type: ignore[call-overload]
        try:
            yield f"postgresql+psycopg://tests@/postgres?host={folder}"
        finally:
            stop = [str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
            subprocess.run([*as_user, *stop], check=True, **quiet)  # type: ignore[call-overload]


def emptied(url: str) -> str:
    """Take everything out of it, as if it were new; returns the URL."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url
