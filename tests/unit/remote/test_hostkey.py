"""First contact, with a real SSH server of paramiko on loopback."""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.remote.hostkey import first_contact
from fleetctl.remote.pins import fingerprint

Serve = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server for one connection and returns its port."""
    servers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(talk: Callable[[socket.socket], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            connection, _ = server.accept()
            talk(connection)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return int(server.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(20)
    for server in servers:
        server.close()


def ssh_server(key: paramiko.PKey) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        transport.add_server_key(key)
        try:
            transport.start_server(server=paramiko.ServerInterface())
            transport.join(20)
        except (paramiko.SSHException, EOFError, OSError):
            pass  # the client hangs up once it has seen the key: an end, or a reset when it has not read everything
        finally:
            transport.close()

    return talk


def ed25519() -> paramiko.PKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return paramiko.Ed25519Key.from_private_key(io.StringIO(pem.decode()))


def test_key_is_fetched_without_logging_in(serve: Serve) -> None:
    key = ed25519()
    kind, blob = first_contact("127.0.0.1", serve(ssh_server(key)), timeout_s=20)
    assert (kind, blob) == ("ssh-ed25519", key.get_base64())
    assert fingerprint(f"{kind} {blob}").startswith("SHA256:")


def test_server_with_another_kind_of_key_is_refused(serve: Serve) -> None:
    port = serve(ssh_server(paramiko.ECDSAKey.generate()))
    with pytest.raises(VerificationError, match="no ssh-ed25519 host key"):
        first_contact("127.0.0.1", port, timeout_s=20)


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\nrubbish\r\n" * 20])
def test_what_does_not_speak_ssh_is_unreachable_and_quiet(
    serve: Serve, words: bytes, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program; pytest's own would take the record

    def talk(connection: socket.socket) -> None:
        with connection:
            connection.sendall(words)

    with pytest.raises(UnreachableError):
        first_contact("127.0.0.1", serve(talk), timeout_s=5)
    assert "Traceback" not in capfd.readouterr().err


def test_nobody_at_the_port_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UnreachableError, match=f"nothing answers at 127.0.0.1:{port}: Connection refused$"):
        first_contact("127.0.0.1", port, timeout_s=5)
