"""A real OpenSSH server on loopback, with its own keys and configuration, for what cannot be faked about SSH."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.trust.keystore import KeyStore
from tests.fakes.ports import free_port
from tests.fakes.sshd import LoopbackSshd, new_host_key, sshd_or_skip

SITE = {
    "apiVersion": "fleetctl/v1",
    "kind": "Site",
    "metadata": {"name": "north-clinic"},
    "spec": {
        "profile": "lab-vm",
        "management": {"address": "127.0.0.1", "ssh_port": 22, "health_port": 9443},
        "clinical": {"address": "127.0.0.1", "port": 8443},
        "networks": {
            "management": {"interface_mac": "52:54:00:00:00:01", "sources": ["10.0.2.0/24"]},
            "clinical": {"interface_mac": "52:54:00:00:00:02", "sources": ["10.0.3.0/24"]},
        },
        "storage": {"data_disks": ["NORTH-DATA0", "NORTH-DATA1"]},
        "release": {"transcription": "whisper-tiny.en"},
    },
}


@dataclass(frozen=True)
class SshServer:
    """Where it listens, and the public keys that it shows."""

    port: int
    host_key: str
    other_key: str


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory, keystore: KeyStore) -> Iterator[SshServer]:
    sshd_or_skip()
    folder = tmp_path_factory.mktemp("sshd")
    (folder / "authorized").write_text(keystore.text("ssh_ed25519.pub") + "\n")
    sshd = LoopbackSshd(folder, "127.0.0.1", free_port(), folder / "authorized")
    sshd.start()
    try:
        sshd.wait()
        yield SshServer(sshd.port, sshd.host_key, new_host_key(folder / "other"))
    finally:
        sshd.stop()


@pytest.fixture
def site(ssh_server: SshServer) -> Site:
    """A site at the server's port."""
    site = Site.model_validate(SITE)
    management = site.spec.management.model_copy(update={"ssh_port": ssh_server.port})
    return site.model_copy(update={"spec": site.spec.model_copy(update={"management": management})})


@pytest.fixture
def pinned(fleet_dir: FleetDir, ssh_server: SshServer) -> FleetDir:
    """A fleet that has the server's true key pinned."""
    fleet_dir.known_hosts.write_text(f"north-clinic {ssh_server.host_key}\n")
    return fleet_dir
