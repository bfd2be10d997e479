"""Simulated sites need root, for sshd and for volumes of their own, and the programs that make and carry images."""

from __future__ import annotations

import pytest

from tests.fakes.programs import needed


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    """Skip where this cannot run; fail where it must."""
    needed("sshd", "ssh", "rsync", "mkfs.erofs", "veritysetup", "nginx", root=True)
