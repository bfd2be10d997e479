"""Fixtures that many unit tests share: a clean environment, a passphrase, one set of keys, a fleet directory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.generate import generate_keys
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import postgresql as postgresql_server

FLEET = """\
apiVersion: fleetctl/v1
kind: Fleet
metadata: {{name: north}}
spec:
  keys_directory: {keys}
  escrow_recipients: [{recipient}]
"""


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Paths of empty home directories to make, a new one each time. In a folder of their own and counted here: pytest's
    mktemp reads its whole folder to find the next number, for each of thousands of tests."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, homes: Iterator[Path]) -> None:
    """No test sees the operator's fleet, keys or cache."""
    home = next(homes)
    home.mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith(("FLEETCTL_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(scope="session")
def passphrase() -> Passphrase:
    return Passphrase("correct horse battery staple")


@pytest.fixture(scope="session")
def keystore(tmp_path_factory: pytest.TempPathFactory, passphrase: Passphrase) -> KeyStore:
    """The keys of a fleet `north`; made once (3 s), read only."""
    return generate_keys(tmp_path_factory.mktemp("fleet-keys") / "keys", "north", passphrase)


@pytest.fixture
def fleet_dir(tmp_path: Path, keystore: KeyStore) -> FleetDir:
    """A fleet directory without sites."""
    path = tmp_path / "north"
    (path / "sites").mkdir(parents=True)
    text = FLEET.format(keys=keystore.directory, recipient=keystore.text("escrow.pub"))
    (path / "fleet.yaml").write_text(text)
    return FleetDir(path)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of one server for all tests."""
    with postgresql_server.server() as url:
        yield url
