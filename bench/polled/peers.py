"""The peers: Ansible and clush, which fetch the same file from the same addresses over SSH, one connection a site."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PORT = 2277
FORKS, FANOUT = 50, 64
_LISTEN = 16  # what one sshd listens on (MAX_LISTEN_SOCKS)


@dataclass(frozen=True)
class Peers:
    """A running sshd on the sites' addresses, and what is needed to log in there."""

    folder: Path
    addresses: Sequence[str]
    file: Path

    def ansible(self, program: str) -> list[str]:
        """The command that fetches the file of every site with Ansible's raw module."""
        inventory = self.folder / "inventory"
        inventory.write_text("".join(f"{address} ansible_port={PORT}\n" for address in self.addresses))
        options = " ".join(self._options())
        return [program, "all", "-i", str(inventory), "-f", str(FORKS), "-m", "raw", "-a", f"cat {self.file}",
                "--private-key", str(self.folder / "key"), f"--ssh-common-args={options}"]  # fmt: skip

    def clush(self, program: str) -> list[str]:
        """The same with clush."""
        options = " ".join((*self._options(), f"-p {PORT}", f"-i {self.folder / 'key'}"))
        return [program, "-S", "-b", "-f", str(FANOUT), "-o", options, "-w", ",".join(self.addresses),
                f"cat {self.file}"]  # fmt: skip

    def _options(self) -> list[str]:
        return [f"-o UserKnownHostsFile={self.folder / 'known_hosts'}", "-o StrictHostKeyChecking=yes",
                "-o BatchMode=yes"]  # fmt: skip


@contextmanager
def sshd(folder: Path, addresses: Sequence[str], content: bytes) -> Iterator[Peers]:
    """Run one sshd on all addresses, for this user's own key; the file that everybody fetches holds `content`."""
    program = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        raise SystemExit("bench/status needs sshd for its peers: setup/host.sh test")
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "key.pub", folder / "authorized")
    (folder / "authorized").chmod(0o600)
    public = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text("".join(f"[{address}]:{PORT} {public}\n" for address in addresses))
    (folder / "snapshot.json").write_bytes(content)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # Debian's sshd wants its empty folder
    with (folder / "log").open("wb") as log, ExitStack() as running:
        for number, start in enumerate(range(0, len(addresses), _LISTEN)):
            config = folder / f"sshd_config{number}"
            config.write_text(_configuration(folder, addresses[start : start + _LISTEN]))
            process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stdout=log, stderr=log)
            running.callback(process.wait, 30)
            running.callback(process.terminate)
        deadline = time.monotonic() + 60
        while not all(_accepts(address) for address in addresses):
            if time.monotonic() > deadline:
                raise SystemExit(f"sshd did not start: {(folder / 'log').read_text(errors='replace')[-1000:]}")
            time.sleep(0.1)
        yield Peers(folder, addresses, folder / "snapshot.json")


def _configuration(folder: Path, addresses: Sequence[str]) -> str:
    return "\n".join(
        [
            f"Port {PORT}", *(f"ListenAddress {address}" for address in addresses), f"HostKey {folder / 'host'}",
            f"AuthorizedKeysFile {folder / 'authorized'}", "StrictModes no", "PasswordAuthentication no",
            "PermitRootLogin prohibit-password", "MaxStartups 500", "UsePAM no", "PidFile none", "",
        ]
    )  # fmt: skip


def _accepts(address: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, PORT)) == 0
