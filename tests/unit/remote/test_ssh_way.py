"""SSH through `management.via`: a real bastion (an sshd) and a real CONNECT proxy before a real sshd, for commands, for
rsync and for what Ansible is told."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.connect_proxy import main, tunnel
from fleetctl.remote.connection import Connection
from fleetctl.remote.playbook import AnsiblePlaybooks
from fleetctl.remote.rsync import Parcel, Road, send
from fleetctl.remote.ssh_way import way_options, way_words
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent
from tests.unit.remote.conftest import SshServer


@pytest.fixture(scope="module")
def agent(keystore: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    with ssh_agent(keystore, passphrase) as found:
        yield found


@contextmanager
def connect_proxy(answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Iterator[tuple[int, list[str]]]:
    """A proxy that notes what it was asked for, answers, and joins both ends when the answer is good."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def copy(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve(client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1)
            asked.append(head.decode().splitlines()[0])
            client.sendall(answer)
            if b" 200 " not in answer:
                return
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as target:
                back = threading.Thread(target=copy, args=(target, client))
                back.start()
                copy(client, target)
                back.join(30)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(client,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield int(listener.getsockname()[1]), asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(30)


def joined(site: Site) -> bytes:
    """The programs that lead to the site through a bastion."""
    words = ["pgrep", "-f", "--", f"-W 127.0.0.1:{site.spec.management.ssh_port}"]
    return subprocess.run(words, capture_output=True, check=False).stdout


def behind(site: Site, via: str) -> Site:
    management = site.spec.management.model_copy(update={"via": via})
    return site.model_copy(update={"spec": site.spec.model_copy(update={"management": management})})


@pytest.fixture
def bastion(site: Site, pinned: FleetDir, ssh_server: SshServer) -> Site:
    """The site behind an sshd whose key is pinned under the bastion's own name. It is the same sshd: what is tested is
    that the connection goes through it, which it says in its own words when it does not."""
    with pinned.known_hosts.open("a") as file:
        file.write(f"[localhost]:{ssh_server.port} {ssh_server.host_key}\n")
    return behind(site, f"ssh://root@localhost:{ssh_server.port}")


def test_a_command_goes_through_a_bastion(bastion: Site, pinned: FleetDir, agent: Path) -> None:
    with Connection(bastion, pinned, agent) as connection:
        connection.open()
        peer = connection.run(["sh", "-c", "echo $SSH_CLIENT; ps -o args= -p $PPID"], timeout_s=30)
        assert peer.exit_code == 0
        assert joined(bastion)
    # Nothing is left of it.
    assert not joined(bastion)


def test_a_command_and_files_go_through_a_proxy(site: Site, pinned: FleetDir, agent: Path, tmp_path: Path) -> None:
    with connect_proxy() as (port, asked):
        through = behind(site, f"connect://127.0.0.1:{port}")
        with Connection(through, pinned, agent) as connection:
            assert connection.run(["echo", "there"], timeout_s=30).stdout == "there\n"
        (tmp_path / "from").mkdir()
        (tmp_path / "to").mkdir()
        (tmp_path / "from" / "image").write_bytes(b"x" * 300_000)
        parcel = Parcel(tmp_path / "from", ("image",), str(tmp_path / "to"))
        send(Road(through, pinned.known_hosts, agent), parcel, deadline_s=60)
    assert (tmp_path / "to" / "image").read_bytes() == b"x" * 300_000
    assert asked == [f"CONNECT 127.0.0.1:{site.spec.management.ssh_port} HTTP/1.1"] * 2


def test_files_go_through_a_bastion(bastion: Site, pinned: FleetDir, agent: Path, tmp_path: Path) -> None:
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
    (tmp_path / "from" / "image").write_bytes(b"y" * 100_000)
    parcel = Parcel(tmp_path / "from", ("image",), str(tmp_path / "to"))
    send(Road(bastion, pinned.known_hosts, agent), parcel, deadline_s=60)
    assert (tmp_path / "to" / "image").read_bytes() == b"y" * 100_000


def test_a_bastion_of_another_key_gets_no_login(
    bastion: Site, pinned: FleetDir, agent: Path, ssh_server: SshServer
) -> None:
    lines = pinned.known_hosts.read_text().replace(
        f"[localhost]:{ssh_server.port} {ssh_server.host_key}", f"[localhost]:{ssh_server.port} {ssh_server.other_key}"
    )
    pinned.known_hosts.write_text(lines)
    with Connection(bastion, pinned, agent) as connection, pytest.raises(UnreachableError) as caught:
        connection.open()
    assert f"via ssh://root@localhost:{ssh_server.port}" in caught.value.message
    assert "spec.management.via" in caught.value.hint


def test_the_site_behind_it_is_judged_by_its_own_pin(
    bastion: Site, pinned: FleetDir, agent: Path, ssh_server: SshServer
) -> None:
    text = pinned.known_hosts.read_text()
    pinned.known_hosts.write_text(
        text.replace(f"north-clinic {ssh_server.host_key}", f"north-clinic {ssh_server.other_key}")
    )
    with Connection(bastion, pinned, agent) as connection, pytest.raises(VerificationError, match="host key mismatch"):
        connection.open()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200" + b"x" * 20_000]
)
def test_a_proxy_that_refuses_is_told(
    answer: bytes, site: Site, pinned: FleetDir, agent: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with connect_proxy(answer) as (port, _):
        with pytest.raises(OSError, match="the proxy"):
            tunnel(("127.0.0.1", port), "127.0.0.1:22")
        assert main(["127.0.0.1", str(port), "127.0.0.1:22"]) == 1
        assert "the proxy" in capfd.readouterr().err
        through = behind(site, f"connect://127.0.0.1:{port}")
        with Connection(through, pinned, agent) as connection, pytest.raises(UnreachableError, match="via connect://"):
            connection.open()


def test_ansible_is_told_the_same_way(bastion: Site, site: Site, pinned: FleetDir, agent: Path, tmp_path: Path) -> None:
    words = way_words(bastion, pinned.known_hosts, agent)
    assert words[0] == "ssh"
    assert words[-3:] == [f"127.0.0.1:{site.spec.management.ssh_port}", "--", "localhost"]
    with AnsiblePlaybooks.opened(bastion, pinned, agent) as writer:
        assert "ProxyCommand=ssh" in writer._environment()["ANSIBLE_SSH_ARGS"]
    with AnsiblePlaybooks.opened(site, pinned, agent) as writer:
        assert "ProxyCommand" not in writer._environment()["ANSIBLE_SSH_ARGS"]
    odd = tmp_path / "100% of a fleet" / "known_hosts"
    assert "100%%%% of a fleet" in way_options(bastion, odd, agent)["ProxyCommand"]
    six = behind(site, "ssh://ops@[2001:db8::1]:22")
    management = six.spec.management.model_copy(update={"address": "2001:db8::7", "ssh_port": 22})
    six = six.model_copy(update={"spec": six.spec.model_copy(update={"management": management})})
    assert way_words(six, pinned.known_hosts, agent)[-3:] == ["[2001:db8::7]:22", "--", "2001:db8::1"]
