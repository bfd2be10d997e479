"""A private ssh-agent that holds the fleet's SSH key while a command runs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fleetctl.errors import ChangeError
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.tmpfs import private_tmpfs_dir

START_TIMEOUT_S = 10.0
# The agent forgets the key by itself after this, should everything else fail. The longest command (provisioning an
# emulated site) takes well under an hour.
KEY_LIFETIME_S = 4 * 3600


@contextmanager
def ssh_agent(keys: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    """Yields the socket (for SSH_AUTH_SOCK) of an agent with the fleet's key.

    The agent is our child, ends with the block, and is killed by the kernel if we die first. Enter it on the thread
    that outlives the block: the kernel watches the thread that started the child.
    """
    key = keys.load_private("ssh_ed25519", passphrase)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    with private_tmpfs_dir("agent") as directory:
        socket = directory / "socket"
        agent = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "ssh-agent", "-D", "-t", str(KEY_LIFETIME_S), "-a", str(socket)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(socket, agent)
            added = subprocess.run(
                ["ssh-add", "-q", "-"],
                input=content,
                capture_output=True,
                env={"PATH": os.environ.get("PATH", ""), "SSH_AUTH_SOCK": str(socket)},
                timeout=START_TIMEOUT_S,
                check=False,
            )
            if added.returncode != 0:
                raise ChangeError("ssh-add did not take the fleet's SSH key", hint="ssh -V; fleetctl doctor")
            yield socket
        finally:
            agent.kill()
            agent.wait()


def _wait_for(socket: Path, agent: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not socket.is_socket():
        if agent.poll() is not None or time.monotonic() > deadline_s:
            raise ChangeError("ssh-agent did not start", hint="is openssh-client installed? fleetctl doctor")
        time.sleep(0.01)
