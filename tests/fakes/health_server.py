"""Servers on loopback that answer for a box's health port: real sockets and real TLS, good and hostile ones."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fleetctl.models.site import Site
from fleetctl.trust.ca import Authority, sign_server_csr
from tests.fakes import site as fake

Behaviour = Callable[[ssl.SSLSocket, bytes], None]


def certificate(authority: Authority, name: str, folder: Path) -> Path:
    """A file with a fresh key and a certificate for `name` by this authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    signed = sign_server_csr(request.public_bytes(Encoding.PEM), name, ["127.0.0.1"], authority)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / f"{name}-{time.monotonic_ns()}.pem"
    path.write_bytes(private + signed.encode())
    return path


def answer(body: bytes, *, status: int = 200, headers: str = "", length: int | None = None) -> Behaviour:
    """Answer every question of a connection with this."""

    def behave(connection: ssl.SSLSocket, request: bytes) -> None:
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status} Words\r\nContent-Length: {size}\r\n{headers}\r\n"
        connection.sendall(head.encode() + body)

    return behave


def raw(data: bytes, *, then_wait_s: float = 0.0) -> Behaviour:
    """Send these bytes; then close, after a while."""

    def behave(connection: ssl.SSLSocket, request: bytes) -> None:
        connection.sendall(data)
        time.sleep(then_wait_s)
        raise ConnectionAbortedError

    return behave


def drip(connection: ssl.SSLSocket, request: bytes) -> None:
    """An answer of which a byte comes now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.02)


def endless_headers(connection: ssl.SSLSocket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        connection.sendall(b"X-%d: %s\r\n" % (number, b"y" * 500))


class HealthServer:
    """One listener. `asked` holds the request lines that it got, `resumed` whether each handshake was a short one,
    `ended` counts the connections that are closed."""

    def __init__(
        self, behave: Behaviour | None, pem: Path, ca: Path, *, address: str = "127.0.0.1",
        refuse_clients: bool = False, tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> None:  # fmt: skip
        self._behave = behave
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._context.maximum_version = tls
        # A server that trusts nobody's certificate refuses ours.
        self._context.load_verify_locations(pem if refuse_clients else ca)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server((address, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.asked: list[str] = []
        self.resumed: list[bool] = []
        self.connections = self.ended = 0
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def site(self, name: str = "lab-1", **management: Any) -> Site:
        """The site file that points here."""
        spec = fake.SITE.spec
        changed = {"health_port": self.port, **management}
        return fake.SITE.model_copy(
            update={
                "metadata": fake.SITE.metadata.model_copy(update={"name": name}),
                "spec": spec.model_copy(update={"management": spec.management.model_copy(update=changed)}),
            }
        )

    def close(self) -> None:
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(60)
        try:
            self._talk(plain)
        finally:
            self.ended += 1

    def _talk(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            if self._behave is None:  # takes connections and says nothing
                while plain.recv(4096):
                    pass
                return
            with self._context.wrap_socket(plain, server_side=True) as connection:
                self.resumed.append(bool(connection.session_reused))
                while request := self._request(connection):
                    self.asked.append(request.split(b"\r\n", 1)[0].decode())
                    self._behave(connection, request)

    @staticmethod
    def _request(connection: ssl.SSLSocket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(4096)
            if not part:
                return b""
            data += part
        return data


def snapshot_body(verdict: str = "ok", **changed: Any) -> bytes:
    """A snapshot of now."""
    given = {"taken_at": datetime.now(UTC).isoformat(), **changed}
    return fake.snapshot(verdict, **given).model_dump_json().encode()
