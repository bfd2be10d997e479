"""Connection against a real sshd: pinned key only, agent at a socket, many facts in one command."""

from __future__ import annotations

import hashlib
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.facts.base import Fact, Unreadable, command, for_each, stdout_of
from fleetctl.facts.memory import MEMORY, MemoryFacts
from fleetctl.facts.seal import SEAL
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.connection import Connection
from fleetctl.remote.hostkey import first_contact
from fleetctl.remote.pins import fingerprint
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent


@pytest.fixture(scope="module")
def agent(keystore: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    with ssh_agent(keystore, passphrase) as socket:
        yield socket


@pytest.fixture
def connection(site: Site, pinned: FleetDir, agent: Path) -> Iterator[Connection]:
    with Connection(site, pinned, agent) as opened:
        yield opened


def test_runs_a_command_and_tells_exit_code_and_streams_apart(connection: Connection) -> None:
    done = connection.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=120)
    assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_arguments_are_not_read_by_a_shell(connection: Connection) -> None:
    assert connection.run(["echo", "$HOME; id", "a b"], timeout_s=120).stdout == "$HOME; id a b\n"


def test_stdin_reaches_the_command_whole_and_ends(connection: Connection) -> None:
    text = "0123456789abcdef" * 20_000
    assert connection.run(["sha256sum"], timeout_s=120, stdin=text).stdout.split()[0] == _sha256(text)


def test_a_command_that_does_not_end_is_given_up(connection: Connection) -> None:
    with pytest.raises(UnreachableError, match="did not finish a command within 1 s"):
        connection.run(["sleep", "30"], timeout_s=1)


def test_another_host_key_is_refused_before_anything_is_sent(
    site: Site, fleet_dir: FleetDir, ssh_server: Any, agent: Path
) -> None:
    fleet_dir.known_hosts.write_text(f"north-clinic {ssh_server.other_key}\n")
    with Connection(site, fleet_dir, agent) as connection, pytest.raises(VerificationError) as caught:
        connection.run(["true"], timeout_s=120)
    assert caught.value.message.startswith("host key mismatch")
    assert fingerprint(ssh_server.host_key) in caught.value.message
    assert fingerprint(ssh_server.other_key) in caught.value.message
    assert caught.value.exit_code == 9
    assert fleet_dir.known_hosts.read_text() == f"north-clinic {ssh_server.other_key}\n"


def test_without_a_pin_nothing_is_trusted(site: Site, fleet_dir: FleetDir, agent: Path) -> None:
    with Connection(site, fleet_dir, agent) as connection, pytest.raises(VerificationError, match="no host key"):
        connection.open()
    assert not fleet_dir.known_hosts.exists()


def test_the_pin_of_another_site_does_not_count(site: Site, fleet_dir: FleetDir, ssh_server: Any, agent: Path) -> None:
    fleet_dir.known_hosts.write_text(f"127.0.0.1 {ssh_server.host_key}\nsouth {ssh_server.host_key}\n")
    with Connection(site, fleet_dir, agent) as connection, pytest.raises(VerificationError):
        connection.open()


def test_a_key_that_the_host_does_not_know_is_unreachable_in_words(
    site: Site, pinned: FleetDir, tmp_path: Path, agent: Path
) -> None:
    """The agent holds a stranger's key."""
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert process.poll() is None
        subprocess.run(["ssh-add", "-q", stranger], check=True, env={"SSH_AUTH_SOCK": str(socket)})
        with Connection(site, pinned, socket) as connection, pytest.raises(UnreachableError, match="none of the agent"):
            connection.open()
    finally:
        process.terminate()
        process.wait()


def test_nobody_at_the_port_is_unreachable(site: Site, pinned: FleetDir, agent: Path) -> None:
    nowhere = site.spec.model_copy(update={"management": site.spec.management.model_copy(update={"ssh_port": 1})})
    with (
        Connection(site.model_copy(update={"spec": nowhere}), pinned, agent) as connection,
        pytest.raises(UnreachableError, match=r"no SSH connection to 127\.0\.0\.1:1: Connection refused$"),
    ):
        connection.open()


def test_many_facts_come_in_one_command(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    execute = connection._execute
    monkeypatch.setattr(
        connection, "_execute", lambda text, conversation: (sent.append(text), execute(text, conversation))[1]
    )
    missing = Fact("missing", (command("cat", "/proc/no-such-file"),), lambda outputs: stdout_of(outputs[0], "cat"))
    each = Fact(
        "each",
        (for_each(("ls", "/proc/sys/kernel/random/"), "cat", "/proc/sys/kernel/random/{}"),),
        lambda outputs: sorted(outputs[0].items),
    )
    answers = connection.gather([MEMORY, missing, each, SEAL])
    assert len(sent) == 1
    assert isinstance(answers["memory"], MemoryFacts)
    assert answers["memory"].total_mib > 100
    assert isinstance(answers["missing"], Unreadable)
    assert "No such file" in answers["missing"].reason
    assert "boot_id" in answers["each"]
    assert answers["seal"].seal is None


def test_first_contact_shows_the_key_that_the_server_has(ssh_server: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kind, key = first_contact("127.0.0.1", ssh_server.port)
    assert f"{kind} {key}" == " ".join(ssh_server.host_key.split()[:2])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
