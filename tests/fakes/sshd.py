"""A real OpenSSH server on loopback with keys and settings of its own, for what cannot be faked about SSH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_START_S = 60.0
_SETTINGS = (
    "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
    "StrictModes no", "UsePAM no", "UseDNS no", "PidFile none", "PrintMotd no", "PrintLastLog no",
    "MaxStartups 100", "MaxSessions 50",
)  # fmt: skip


def sshd_or_skip() -> None:
    """Skip the test where no sshd can be run whose sessions are root's."""
    if _program() is None:
        pytest.skip("no sshd on this machine (package openssh-server)")
    if os.geteuid() != 0:
        pytest.skip("logging in as root needs an sshd that runs as root")


def new_host_key(path: Path) -> str:
    """Write a private key to `path` and return the public one."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    path.write_bytes(text)
    path.chmod(0o600)
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


class LoopbackSshd:
    """`address` is one of 127/8, `authorized` the file with the keys that may log in, `given` what sessions find in
    their environment. Its files go into `folder`, which exists."""

    def __init__(
        self, folder: Path, address: str, port: int, authorized: Path, given: Mapping[str, str] | None = None
    ) -> None:
        self.address, self.port, self._folder = address, port, folder
        self.host_key = new_host_key(folder / "host")
        own = [f"ListenAddress {address}:{port}", f"HostKey {folder}/host", f"AuthorizedKeysFile {authorized}"]
        if given:
            own.append("SetEnv " + " ".join(f'"{name}={value}"' for name, value in given.items()))
        (folder / "config").write_text("\n".join((*own, *_SETTINGS, "")))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it; `wait` says when it listens, so that many can start at once."""
        program = _program()
        if program is None:
            raise RuntimeError("no sshd; hint: setup/host.sh test")
        Path("/run/sshd").mkdir(exist_ok=True)  # its empty folder for privilege separation, made by its service else
        arguments = ["-D", "-E", str(self._folder / "log"), "-f", str(self._folder / "config")]
        # It does not outlive a test that is killed.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", program, *arguments])

    def wait(self) -> None:
        """Return when it listens."""
        assert self.process is not None
        deadline_s = time.monotonic() + _START_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((self.address, self.port)) == 0:
                    return
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"sshd did not start: {(self._folder / 'log').read_text(errors='replace')[-1000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the listener as its service would."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


def _program() -> str | None:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
