"""Sending a recording over mutual TLS, against a real TLS server on loopback."""

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

from fleetctl.errors import ChangeError, ConfigError, UnreachableError, VerificationError
from fleetctl.remote import clinical


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
def serving(authority: Authority, name: str, status: int, answer: bytes, seen: list[bytes]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path.encode() + b"\n" + self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    certificate, key = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key, password="let me in")
    context.load_verify_locations(authority.path)
    context.verify_mode = ssl.CERT_REQUIRED
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "visit one.wav"
    path.write_bytes(b"RIFF\r\n\r\nnot really")
    return path


def endpoint(authority: Authority, port: int, ca: Path | None = None) -> clinical.ClinicalEndpoint:
    certificate, key = authority.issue("clinical")
    return clinical.ClinicalEndpoint(
        "127.0.0.1", port, "lab-1", ca or authority.path, certificate, key, lambda: "let me in"
    )


def test_the_recording_arrives_whole_and_the_transcript_comes_back(authority: Authority, recording: Path) -> None:
    seen: list[bytes] = []
    with serving(authority, "lab-1", 200, json.dumps({"text": "hello"}).encode(), seen) as port:
        assert clinical.transcribe(endpoint(authority, port), "whisper-tiny.en", recording)["text"] == "hello"
    assert seen[0].startswith(b"/v1/audio/transcriptions\n")
    assert b"RIFF\r\n\r\nnot really\r\n--" in seen[0]
    assert b'filename="visit_one.wav"' in seen[0]
    assert b"verbose_json" in seen[0]
    assert b"whisper-tiny.en" in seen[0]


def test_a_site_with_another_name_is_not_the_site(authority: Authority, recording: Path) -> None:
    seen: list[bytes] = []
    with (
        serving(authority, "lab-2", 200, b"{}", seen) as port,
        pytest.raises(VerificationError, match="not this fleet"),
    ):
        clinical.transcribe(endpoint(authority, port), "whisper-tiny.en", recording)
    assert not seen


def test_a_certificate_of_another_authority_is_refused(authority: Authority, recording: Path, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with serving(authority, "lab-1", 200, b"{}", []) as port, pytest.raises(VerificationError):
        clinical.transcribe(endpoint(authority, port, ca=other.path), "whisper-tiny.en", recording)


def test_nobody_listening_is_unreachable(authority: Authority, recording: Path) -> None:
    with serving(authority, "lab-1", 200, b"{}", []) as port:
        pass
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        clinical.transcribe(endpoint(authority, port), "whisper-tiny.en", recording)


@pytest.mark.parametrize(
    ("status", "answer"), [(200, b"<html>"), (200, b'{"words": 1}'), (503, b'{"title": "busy"}'), (200, b"[]")]
)
def test_anything_but_a_transcript_is_an_error(
    authority: Authority, recording: Path, status: int, answer: bytes
) -> None:
    with serving(authority, "lab-1", status, answer, []) as port, pytest.raises(ChangeError, match=f"HTTP {status}"):
        clinical.transcribe(endpoint(authority, port), "whisper-tiny.en", recording)


def test_a_missing_recording_names_its_path(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.wav"):
        clinical.transcribe(endpoint(authority, 1), "whisper-tiny.en", tmp_path / "nothing.wav")
