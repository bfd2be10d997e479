"""A private ssh-agent that holds the fleet's SSH key while a command runs."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
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
# Longer than any single use of the socket: a login, or the keys' being asked for by ssh.
RENEW_AFTER_S = KEY_LIFETIME_S / 2
# ssh-agent runs this command beside itself and tells it its process id.
WATCH = 'cat >/dev/null; kill "$SSH_AGENT_PID"'


class AgentKeeper:
    """An agent for work that lasts days: the key is added again in time, at the same socket.

    The key's lifetime stays short, so that an agent that outlives us forgets it as soon as any other. Nothing runs
    beside the work: who needs the socket asks for it, and that renews. May be asked by many threads.
    """

    def __init__(
        self, keys: KeyStore, passphrase: Passphrase, socket: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._passphrase = passphrase
        self._socket = socket
        self._clock = clock
        self._lock = threading.Lock()
        self._added_s = clock()

    @classmethod
    @contextmanager
    def opened(
        cls, keys: KeyStore, passphrase: Passphrase, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[AgentKeeper]:
        """A keeper with its own agent, which ends with the block."""
        with ssh_agent(keys, passphrase) as socket:
            yield cls(keys, passphrase, socket, clock)

    def socket(self) -> Path:
        """The socket of an agent that has the key for RENEW_AFTER_S at least."""
        with self._lock:
            if self._clock() - self._added_s >= RENEW_AFTER_S:
                # ssh-agent takes a key that it has as an order to keep it longer.
                _add(self._socket, _opened(self._keys, self._passphrase))
                self._added_s = self._clock()
        return self._socket


def _opened(keys: KeyStore, passphrase: Passphrase) -> bytes:
    key = keys.load_private("ssh_ed25519", passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def _add(socket: Path, content: bytes) -> None:
    """Add the key, for KEY_LIFETIME_S from now."""
    added = subprocess.run(
        ["ssh-add", "-q", "-t", str(KEY_LIFETIME_S), "-"],
        input=content,
        capture_output=True,
        env={"PATH": os.environ.get("PATH", ""), "SSH_AUTH_SOCK": str(socket)},
        timeout=START_TIMEOUT_S,
        check=False,
    )
    if added.returncode != 0:
        raise ChangeError("ssh-add did not take the fleet's SSH key", hint="ssh -V; fleetctl doctor")


@contextmanager
def ssh_agent(keys: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    """Yields the socket (for SSH_AUTH_SOCK) of an agent with the fleet's key.

    The agent ends with the block, and also if we are killed: a shell beside it waits for the end of a pipe that we
    hold, and then kills it. (PR_SET_PDEATHSIG would not do: ssh-agent is set-group-ID, and exec clears it then.)
    """
    content = _opened(keys, passphrase)
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
            _add(socket, content)
            yield socket
        finally:
            agent.communicate(timeout=START_TIMEOUT_S)  # closes the pipe, and waits


def _wait_for(socket: Path, agent: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not socket.is_socket():
        if agent.poll() is not None or time.monotonic() > deadline_s:
            raise ChangeError("ssh-agent did not start", hint="is openssh-client installed? fleetctl doctor")
        time.sleep(0.01)
