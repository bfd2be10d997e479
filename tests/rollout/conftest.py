"""Simulated sites need root, for sshd and for volumes of their own, and the programs that make and carry images."""

from __future__ import annotations

import os
import shutil

import pytest

NEEDED = ("sshd", "ssh", "rsync", "mkfs.erofs", "veritysetup", "nginx")


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    """Skip where this cannot run; fail where it must."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if os.geteuid() != 0:
        missing.append("root")
    if missing and os.environ.get("CI"):
        pytest.fail(f"not here: {', '.join(missing)}; setup/host.sh test")
    if missing:
        pytest.skip(f"not here: {', '.join(missing)}")
