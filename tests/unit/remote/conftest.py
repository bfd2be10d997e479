"""A real OpenSSH server on loopback, with its own keys and configuration, for what cannot be faked about SSH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.trust.keystore import KeyStore

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


def _keygen(path: Path, kind: str = "ed25519") -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", path], check=True)
    return path.with_name(path.name + ".pub").read_text().strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory, keystore: KeyStore) -> Iterator[SshServer]:
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        pytest.skip("no sshd on this machine (package openssh-server)")
    if os.geteuid() != 0:
        pytest.skip("logging in as root needs an sshd that runs as root")
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd's empty folder for privilege separation, made by its service else
    folder = tmp_path_factory.mktemp("sshd")
    host_key = _keygen(folder / "host")
    other_key = _keygen(folder / "other")
    (folder / "authorized").write_text(keystore.text("ssh_ed25519.pub") + "\n")
    port = _free_port()
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
        "StrictModes no\nUsePAM no\nPidFile none\n"
    )
    server = subprocess.Popen([sshd, "-D", "-E", folder / "log", "-f", folder / "config"])
    try:
        deadline_s = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline_s, "sshd does not listen"
            time.sleep(0.02)
        yield SshServer(port, host_key, other_key)
    finally:
        server.terminate()
        server.wait()


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
