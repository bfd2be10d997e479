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
# ssh-agent runs this command beside itself and tells it its process id.
WATCH = 'cat >/dev/null; kill "$SSH_AGENT_PID"'


@contextmanager
def ssh_agent(keys: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    """Yields the socket (for SSH_AUTH_SOCK) of an agent with the fleet's key.

    The agent ends with the block, and also if we are killed: a shell beside it waits for the end of a pipe that we
    hold, and then kills it. (PR_SET_PDEATHSIG would not do: ssh-agent is set-group-ID, and exec clears it then.)
    """
    key = keys.load_private("ssh_ed25519", passphrase)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    with private_tmpfs_dir("agent") as directory:
        socket = directory / "socket"
        agent = subprocess.Popen(
            ["ssh-agent", "-t", str(KEY_LIFETIME_S), "-a", str(socket), "sh", "-c", WATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C on the terminal must reach us alone: the agent is needed until the work has been wound up.
            start_new_session=True,
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
            agent.communicate(timeout=START_TIMEOUT_S)  # closes the pipe, and waits


def _wait_for(socket: Path, agent: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not socket.is_socket():
        if agent.poll() is not None or time.monotonic() > deadline_s:
            raise ChangeError("ssh-agent did not start", hint="is openssh-client installed? fleetctl doctor")
        time.sleep(0.01)
