"""The clinical API's client, against a real TLS server on loopback."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fleetctl.errors import ChangeError, RefusedError, UnreachableError, VerificationError
from fleetctl.remote import clinical
from fleetctl.remote.clinical import ClinicalClient, ClinicalEndpoint, Event, Problem


class Authority:
    """A small CA whose certificates land in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("CA", self.key.public_key(), ca=True)
        self.path = directory / "ca.crt"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name: str, key: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.Certificate:
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, private = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        signed = self._sign(name, key.public_key(), ca=False)
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"let me in"),
            )
        )
        return certificate, private


@contextmanager
def serving(
    authority: Authority, name: str, status: int, answer: bytes, seen: list[tuple[str, str, dict[str, str], bytes]]
) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, dict(self.headers.items()), body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _any

        def log_message(self, *_: object) -> None:
            pass

    certificate, key = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key, password="let me in")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki") / "fleet")


def client(authority: Authority, port: int, ca: Path | None = None) -> ClinicalClient:
    return ClinicalClient(
        ClinicalEndpoint("127.0.0.1", port, "lab-1", ca or authority.path, lambda: "the.token.itself")
    )


def test_json_goes_out_with_the_token_and_comes_back(authority: Authority) -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []
    with serving(authority, "lab-1", 201, b'{"id": "e1"}', seen) as port:
        assert client(authority, port).call("POST", "/v1/encounters", {"a": 1}) == {"id": "e1"}
    method, path, headers, body = seen[0]
    assert (method, path, json.loads(body)) == ("POST", "/v1/encounters", {"a": 1})
    assert headers["Authorization"] == "Bearer the.token.itself"


def test_a_recording_arrives_whole_and_as_what_it_is(authority: Authority) -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []
    audio = bytes(range(256)) * 3000
    with serving(authority, "lab-1", 201, b'{"id": "r1"}', seen) as port:
        client(authority, port).upload("/v1/encounters/e/recordings", audio, "audio/flac")
    assert (seen[0][2]["Content-Type"], seen[0][3]) == ("audio/flac", audio)


def test_a_site_with_another_name_is_not_the_site(authority: Authority) -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []
    with (
        serving(authority, "lab-2", 200, b"{}", seen) as port,
        pytest.raises(VerificationError, match="not this fleet"),
    ):
        client(authority, port).call("GET", "/v1/me")
    assert not seen, "the token was sent to somebody else"


def test_a_certificate_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with serving(authority, "lab-1", 200, b"{}", []) as port, pytest.raises(VerificationError):
        client(authority, port, ca=other.path).call("GET", "/v1/me")


def test_nobody_listening_is_unreachable(authority: Authority) -> None:
    with serving(authority, "lab-1", 200, b"{}", []) as port:
        pass
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        client(authority, port).call("GET", "/v1/me")


PROBLEM = b'{"type": "urn:fleetctl:problem:consent-missing", "title": "t", "detail": "record it first"}'


@pytest.mark.parametrize(
    ("status", "answer", "error", "words"),
    [
        (403, PROBLEM, RefusedError, "403 consent-missing: record it first"),
        (401, b"", RefusedError, "401 unknown"),
        (503, b'{"title": "busy"}', ChangeError, "503 unknown: busy"),
        (200, b"<html>", ChangeError, "not a JSON object"),
        (200, b"[]", ChangeError, "not a JSON object"),
    ],
)
def test_anything_but_a_success_is_an_error_with_its_code(
    authority: Authority, status: int, answer: bytes, error: type[Exception], words: str
) -> None:
    with serving(authority, "lab-1", status, answer, []) as port, pytest.raises(error, match=words):
        client(authority, port).call("POST", "/v1/x", {})


def test_a_refusal_can_be_looked_at(authority: Authority) -> None:
    with serving(authority, "lab-1", 403, PROBLEM, []) as port:
        assert client(authority, port).send("POST", "/v1/x") == Problem(403, "consent-missing", "record it first")


def test_events_come_one_by_one(authority: Authority) -> None:
    stream = b'event: begun\ndata: {"model": "m"}\n\nevent: text\ndata: {"delta": "a"}\n\n'
    with serving(authority, "lab-1", 200, stream, []) as port:
        events = list(client(authority, port).events("/v1/x", {}))
    assert events == [Event("begun", {"model": "m"}), Event("text", {"delta": "a"})]
    with serving(authority, "lab-1", 409, PROBLEM, []) as port, pytest.raises(RefusedError, match="409"):
        list(client(authority, port).events("/v1/x", {}))


def test_an_answer_without_end_is_cut_off(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clinical, "MAX_ANSWER_BYTES", 100)
    with serving(authority, "lab-1", 200, b'{"a": "' + b"x" * 200 + b'"}', []) as port:
        with pytest.raises(ChangeError, match="larger than 100 bytes"):
            client(authority, port).call("GET", "/v1/x")
        with pytest.raises(ChangeError, match="stream is larger"):
            list(client(authority, port).events("/v1/x", {}))
