"""Health over real mutual TLS on loopback: who is let in, what is believed, what is refused."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.remote.poll import HealthClient
from fleetctl.trust.ca import Authority, sign_server_csr
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import site as fake

Serve = Callable[..., Any]


@pytest.fixture
def serve(keystore: KeyStore, passphrase: Passphrase, tmp_path: Path) -> Iterator[Serve]:
    """Starts an HTTPS server as the box has one; gives the site that points to it."""
    servers = []

    def start(body: bytes, *, name: str = "lab-1", status: int = 200) -> Any:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        signed = sign_server_csr(
            request.public_bytes(Encoding.PEM), name, ["127.0.0.1"], Authority.open(keystore, passphrase)
        )
        pem = tmp_path / "server.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(private + signed.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.load_verify_locations(keystore.path("ca.crt"))
        context.verify_mode = ssl.CERT_REQUIRED

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/v1/health" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        management = fake.SITE.spec.management.model_copy(update={"health_port": server.server_address[1]})
        return fake.SITE.model_copy(update={"spec": fake.SITE.spec.model_copy(update={"management": management})})

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def client(fleet_dir: FleetDir, passphrase: Passphrase) -> HealthClient:
    return replace(HealthClient.of(fleet_dir, passphrase), now=lambda: fake.snapshot().taken_at)


def _body(**changed: Any) -> bytes:
    return fake.snapshot(**changed).model_dump_json().encode()


def test_a_snapshot_is_read_over_mutual_tls(serve: Serve, client: HealthClient) -> None:
    assert client.read(serve(_body())) == fake.snapshot()


def test_a_certificate_for_another_site_is_refused(serve: Serve, client: HealthClient) -> None:
    with pytest.raises(VerificationError, match="not this site's"):
        client.read(serve(_body(), name="south"))


def test_a_box_sealed_as_another_site_is_refused(serve: Serve, client: HealthClient) -> None:
    with pytest.raises(VerificationError, match="sealed as site south"):
        client.read(serve(_body(site="south")))


@pytest.mark.parametrize(
    ("age_s", "words"), [(301, "301 s old"), (86400, "86400 s old"), (-121, "121 s ahead of this machine's clock")]
)
def test_a_snapshot_of_another_time_says_nothing_about_now(
    serve: Serve, client: HealthClient, age_s: int, words: str
) -> None:
    later = replace(client, now=lambda: fake.snapshot().taken_at + timedelta(seconds=age_s))
    with pytest.raises(UnreachableError, match=words) as caught:
        later.read(serve(_body()))
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("age_s", [300, -120])
def test_clocks_may_differ_a_little(serve: Serve, client: HealthClient, age_s: int) -> None:
    later = replace(client, now=lambda: fake.snapshot().taken_at + timedelta(seconds=age_s))
    assert later.read(serve(_body())) == fake.snapshot()


def test_a_snapshot_without_a_time_zone_is_refused(serve: Serve, client: HealthClient) -> None:
    with pytest.raises(VerificationError, match="no time zone"):
        client.read(serve(_body(taken_at="2026-11-22T12:00:00")))


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"{}", "no health snapshot"), (b"not json", "no health snapshot"), (b"x" * 300_000, "more than 262144 bytes")],
)
def test_what_is_no_snapshot_is_refused(serve: Serve, client: HealthClient, body: bytes, words: str) -> None:
    with pytest.raises(VerificationError, match=words):
        client.read(serve(body))


def test_an_error_page_is_no_answer(serve: Serve, client: HealthClient) -> None:
    with pytest.raises(UnreachableError, match="answered 503"):
        client.read(serve(b"", status=503))


def test_nobody_there_is_unreachable(client: HealthClient) -> None:
    management = fake.SITE.spec.management.model_copy(update={"health_port": 1})
    site = fake.SITE.model_copy(update={"spec": fake.SITE.spec.model_copy(update={"management": management})})
    with pytest.raises(UnreachableError, match=r"no health from 127\.0\.0\.1:1"):
        client.read(site)
