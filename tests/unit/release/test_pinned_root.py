"""The root that a box is provisioned with."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.pinned_root import newest_root
from fleetctl.release.store import ReleaseStore
from tests.fakes.releases import SignedRepository


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(FleetDir(tmp_path))


def test_the_newest_root_is_given(store: ReleaseStore) -> None:
    assert newest_root(store) is None
    repository = SignedRepository(store.folder)
    assert newest_root(store) == repository.root
    repository.rotate_root(lambda root: None, repository.keys["root"])
    assert newest_root(store) == (store.metadata / "2.root.json").read_bytes()


def test_a_damaged_root_is_no_root(store: ReleaseStore) -> None:
    repository = SignedRepository(store.folder)
    path = store.metadata / "1.root.json"
    path.write_bytes(repository.root.replace(b'"sig":', b'"sig":"00","was":'))
    with pytest.raises(ConfigError, match=r"1\.root\.json"):
        newest_root(store)
    path.write_bytes(b"{}")
    with pytest.raises(ConfigError):
        newest_root(store)
    path.unlink()
    (store.metadata / "2.root.json").write_bytes(repository.root)
    with pytest.raises(ConfigError, match="holds version 1"):
        newest_root(store)
