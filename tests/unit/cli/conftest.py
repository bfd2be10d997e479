"""Fixtures of commands."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.passphrase import Passphrase
from tests.fakes.rollouts import FakeSources
from tests.unit.cli.rollouts import Fleet

_MEMORY = Path("/dev/shm")


@pytest.fixture
def fleet(
    fleet_dir: FleetDir, tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    # Some hundred durable writes a rollout: their durability is not what is tested here.
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as memory:
        monkeypatch.setenv("FLEETCTL_STORE", f"sqlite:///{memory}/store.db")
        yield _fleet(fleet_dir, tmp_path, passphrase, monkeypatch)


def _fleet(fleet_dir: FleetDir, tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    secret = tmp_path / "passphrase"
    secret.write_text(passphrase.reveal())
    secret.chmod(0o600)
    found = Fleet(fleet_dir, tmp_path, secret)

    @contextmanager
    def reaching(fleetdir: FleetDir, passphrase: Passphrase) -> Iterator[FakeSources]:
        assert found.sources is not None
        yield found.sources

    monkeypatch.setattr("fleetctl.rollout.engine_sources.reaching", reaching)
    monkeypatch.setattr("fleetctl.actions.rollout_sites.ssh_boxes", lambda fleet, secret: nullcontext({}.get))
    monkeypatch.setattr("fleetctl.actions.rollout_plan.differences", lambda *given: found.differences)
    return found
