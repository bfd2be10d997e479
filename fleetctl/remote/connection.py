"""SSH to a host: pinned host key, key from an agent, many facts in one command, long commands line by line.

The only Fabric import.
"""

from __future__ import annotations

import logging
import secrets
import shlex
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import fabric
import paramiko

from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.facts.base import Completed, Fact, Unreadable
from fleetctl.facts.script import build_script, read_facts
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.conversation import Conversation, OnLine
from fleetctl.remote.pins import KEY_TYPE, decode, fingerprint, read_pin
from fleetctl.remote.problems import in_words
from fleetctl.remote.ssh_way import Way, way_words

USER = "root"

# An emulated machine needs several seconds for a key exchange, and tens when it is busy booting.
CONNECT_TIMEOUT_S = 60
KEEPALIVE_S = 15
GATHER_TIMEOUT_S = 180
# paramiko's thread logs a traceback for a machine that hangs up, as one that restarts does. What matters of it is in
# the error that we raise.
_LOG_CHANNEL = "fleetctl.remote.connection"
logging.getLogger(_LOG_CHANNEL).addHandler(logging.NullHandler())


class Host(Protocol):
    """What phases and actions need of a host; `Connection` is the real one, tests script another."""

    def open(self) -> None: ...

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "") -> Completed: ...

    def stream(self, argv: Sequence[str], on_line: OnLine, *, timeout_s: float, silence_s: float) -> Completed: ...

    def gather(self, facts: Sequence[Fact[Any]]) -> dict[str, Any]: ...


class _NotPinnedError(paramiko.SSHException):
    """The server has no key of the pinned kind."""


class _PinnedKeyOnly(paramiko.MissingHostKeyPolicy):
    """Refuses what is not pinned. Fabric's own default would accept and remember any key."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise _NotPinnedError(hostname)


class _SocketAgent(paramiko.agent.AgentSSH):
    """The agent at one socket; paramiko's own looks at the environment, which all threads share."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(str(path))
            self._connect(self._socket)
        except (OSError, paramiko.SSHException) as problem:
            self._socket.close()
            raise UnreachableError(
                f"no ssh-agent at {path}: {in_words(problem)}", hint="run the command again"
            ) from problem

    def close(self) -> None:
        self._close()


class Connection:
    """An SSH connection to a site, opened at first use. Read-only by agreement: changes go through `Playbooks`."""

    def __init__(
        self, site: Site, fleetdir: FleetDir, agent_socket: Path, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self.site_name = site.metadata.name
        self.address = site.spec.management.address
        self.port = site.spec.management.ssh_port
        self.known_hosts = fleetdir.known_hosts
        self.agent_socket = agent_socket
        self.via = site.spec.management.via
        self._way = way_words(site, fleetdir.known_hosts, agent_socket)
        self.cancelled = cancelled
        self._fabric: Any = None
        self._agent: _SocketAgent | None = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._fabric is not None:
            self._fabric.close()
        if self._agent is not None:
            self._agent.close()
        self._fabric = self._agent = None

    def open(self) -> None:
        """Connect and authenticate; `VerificationError` when the host key is not the pinned one."""
        if self._fabric is not None:
            return
        pin = read_pin(self.known_hosts, self.site_name)
        if pin is None:
            raise VerificationError(
                f"no host key is pinned for {self.site_name}",
                hint="fleetctl site add, with the fingerprint that the machine's console shows",
                host=self.site_name,
            )
        self._agent = _SocketAgent(self.agent_socket)
        last_problem: Exception | None = None
        for key in self._agent.get_keys():
            connection = self._prepared(pin, key)
            try:
                connection.open()
            except paramiko.AuthenticationException as problem:
                last_problem = problem
                connection.close()
                continue
            except Exception as problem:
                connection.close()
                self.close()
                raise self._wrapped(problem, pin) from problem
            connection.transport.set_keepalive(KEEPALIVE_S)
            self._fabric = connection
            return
        self.close()
        raise UnreachableError(
            f"{self._where} takes none of the agent's keys",
            hint="the machine gets this fleet's SSH key at boot, by the credential ssh.authorized_keys.root",
            host=self.site_name,
        ) from last_problem

    @property
    def _where(self) -> str:
        return f"{self.address}:{self.port}" + (f" via {self.via}" if self.via else "")

    def _prepared(self, pin: str, key: paramiko.PKey) -> Any:
        # `lazy` keeps the person's and the machine's fabric and invoke settings out, the override their ssh_config.
        config = fabric.Config(overrides={"load_ssh_configs": False}, lazy=True)
        connection = fabric.Connection(
            self.address,
            user=USER,
            port=self.port,
            config=config,
            connect_timeout=CONNECT_TIMEOUT_S,
            connect_kwargs={
                "pkey": key,
                "allow_agent": False,
                "look_for_keys": False,
                "banner_timeout": CONNECT_TIMEOUT_S,
                "auth_timeout": CONNECT_TIMEOUT_S,
                **({"sock": Way(self._way)} if self._way else {}),
            },
        )
        connection.client.set_missing_host_key_policy(_PinnedKeyOnly())
        connection.client.set_log_channel(_LOG_CHANNEL)
        lookup = self.address if self.port == paramiko.config.SSH_PORT else f"[{self.address}]:{self.port}"
        connection.client.get_host_keys().add(lookup, KEY_TYPE, paramiko.Ed25519Key(data=decode(pin)))
        return connection

    def _wrapped(self, problem: Exception, pin: str) -> UnreachableError | VerificationError:
        if isinstance(problem, paramiko.BadHostKeyException):
            offered = fingerprint(f"{problem.key.get_name()} {problem.key.get_base64()}")
            return VerificationError(
                f"host key mismatch: {self._where} offers {offered}, pinned is {fingerprint(pin)}",
                hint="do not go on until you know why: another machine answers, or this one was reinstalled",
                host=self.site_name,
            )
        if isinstance(problem, _NotPinnedError):
            return VerificationError(
                f"host key mismatch: {self._where} offers another kind of key than the pinned one",
                hint="do not go on until you know why: another machine answers, or this one was reinstalled",
                host=self.site_name,
            )
        return UnreachableError(
            f"no SSH connection to {self._where}: {in_words(problem)}",
            hint="look at the bastion or proxy in spec.management.via, and is the machine on?"
            if self.via
            else "is the machine on, and does its management network reach you?",
            host=self.site_name,
        )

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "") -> Completed:
        """Run one command to its end. `stdin` is the way for anything that must not appear in a process list."""
        return self._execute(
            shlex.join(argv), Conversation(self._where, self.site_name, timeout_s, stdin=stdin.encode())
        )

    def stream(self, argv: Sequence[str], on_line: OnLine, *, timeout_s: float, silence_s: float) -> Completed:
        """Run one long command and hand over each line of its stdout at once; stderr is in the answer.

        It may take `timeout_s` seconds as a whole and say nothing for `silence_s`. What `on_line` raises ends the
        session. The command learns of the end by its stdin, which is open until then, or by lines that nobody takes.
        """
        talk = Conversation(self._where, self.site_name, timeout_s, on_line=on_line, silence_s=silence_s)
        return self._execute(shlex.join(argv), talk)

    def gather(self, facts: Sequence[Fact[Any]]) -> dict[str, Any]:
        """Read all `facts` in one command: name → model or `Unreadable`."""
        nonce = secrets.token_hex(16)
        done = self._execute(build_script(facts, nonce), Conversation(self._where, self.site_name, GATHER_TIMEOUT_S))
        if done.exit_code == 0:
            return read_facts(facts, nonce, done.stdout, done.stderr)
        return {
            fact.name: Unreadable(fact.name, f"the shell on the host ended with {done.exit_code}") for fact in facts
        }

    def _execute(self, shell_command: str, talk: Conversation) -> Completed:
        self.open()
        try:
            channel = self._fabric.transport.open_session(timeout=CONNECT_TIMEOUT_S)
            with channel:
                channel.exec_command(shell_command)
                return talk.hold(channel, self.cancelled)
        except (paramiko.SSHException, OSError, EOFError) as problem:
            self.close()
            raise UnreachableError(
                f"the SSH connection to {self._where} broke: {in_words(problem)}",
                hint="is the machine on, and does its management network reach you?",
                host=self.site_name,
            ) from problem
