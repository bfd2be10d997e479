"""Webhook and mail against real servers on loopback; what a receiver does wrong is told without its secret."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fleetctl.alerts import mail, webhook
from fleetctl.alerts.message import MAX_WORDS, Message, bounded, message_of
from fleetctl.alerts.post import DeliveryError
from fleetctl.alerts.secrets import read_secret
from fleetctl.alerts.state import Alert, Phase
from fleetctl.alerts.telling import Notice
from fleetctl.errors import ConfigError, RefusedError
from fleetctl.models.alerts import Email, Webhook
from tests.fakes.smtp import mailbox
from tests.fakes.web import web
from tests.unit.alerts.conftest import NOW


def secret(folder: Path, text: str = "s3cret-of-the-hook\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def resolved(alert: Alert) -> Message:
    over = replace(alert, phase=Phase.RESOLVED, ended_at=NOW, end_reason="the fault is gone")
    return message_of("sim", Notice(over))


def test_words_of_a_box_cannot_steer_a_terminal_or_a_header(message: Message) -> None:
    assert message.reason == "array degraded[2J"
    assert len(bounded("x" * 10_000)) == MAX_WORDS


def test_a_webhook_gets_the_message_and_can_check_who_sent_it(message: Message, tmp_path: Path) -> None:
    with web() as server:
        receiver = Webhook.model_validate({"url": f"{server.url}/hook", "secret_file": str(secret(tmp_path))})
        webhook.deliver(receiver, message)
        webhook.deliver(receiver, message)
    first, second = server.posted
    assert json.loads(first.body)["reason"] == "array degraded[2J"
    wanted = hmac.new(b"s3cret-of-the-hook", first.body, hashlib.sha256).hexdigest()
    assert first.headers["X-Fleetctl-Signature"] == f"sha256={wanted}"
    assert first.headers["X-Fleetctl-Delivery"] == second.headers["X-Fleetctl-Delivery"]
    assert b"s3cret" not in first.body


@pytest.mark.parametrize("status", [301, 302, 400, 404, 429, 500, 503])
def test_anything_but_success_is_a_failure_and_no_redirect_is_followed(message: Message, status: int) -> None:
    with web() as server, web() as elsewhere:
        server.status, server.location = status, f"{elsewhere.url}/stolen"
        with pytest.raises(DeliveryError, match=f"answered {status}"):
            webhook.deliver(Webhook.model_validate({"url": f"{server.url}/hook?token=abc"}), message)
    assert not elsewhere.posted


def test_the_environments_proxy_is_not_asked(message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as server, web() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        webhook.deliver(Webhook.model_validate({"url": server.url}), message)
    assert len(server.posted) == 1
    assert not proxy.posted


def test_nobody_there_is_said_without_path_or_query(message: Message) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/hook/path-secret"
        with pytest.raises(DeliveryError) as problem:
            webhook.deliver(Webhook.model_validate({"url": url}), message)
    assert "path-secret" not in str(problem.value)
    assert "refused" in str(problem.value).lower()


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="can be read by others"):
        read_secret(str(secret(tmp_path, mode=0o644)))


@pytest.mark.parametrize("text", ["", "\n", "one\ntwo\n", "x" * 5000, " \n"])
def test_a_secret_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="one line"):
        read_secret(str(secret(tmp_path, text)))


def mail_to(port: int, **more: object) -> Email:
    given = {"host": "127.0.0.1", "port": port, "from": "fleet@example.org", "to": ["oncall@example.org"]}
    return Email.model_validate({**given, **more})


def test_mail_says_what_why_and_what_next(alert: Alert, message: Message) -> None:
    with mailbox() as box:
        mail.deliver(mail_to(box.port), message)
        mail.deliver(mail_to(box.port), resolved(alert))
    first, second = box.letters
    assert first["Subject"] == "[page] north: storage is critical"
    text = first.get_content()  # type: ignore[attr-defined]
    assert "why: array degraded" in text
    assert "next: replace the disk" in text
    assert first["Auto-Submitted"] == "auto-generated"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["Subject"] == "[resolved] north: storage: the fault is gone"


def server_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "mail.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "mail.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.crt", folder / "mail.key")
    return context, folder / "mail.crt"


def test_mail_uses_tls_where_it_is_offered_and_logs_in_only_then(message: Message, tmp_path: Path) -> None:
    context, authority = server_context(tmp_path)
    password = secret(tmp_path, "hunter2-and-more\n")
    with mailbox(context) as box:
        given = {"user": "fleet", "password_file": str(password), "ca_file": str(authority)}
        mail.deliver(mail_to(box.port, **given), message)
        with pytest.raises(DeliveryError):  # a certificate of nobody that we trust
            mail.deliver(mail_to(box.port, user="fleet", password_file=str(password)), message)
    assert box.secured == [True]
    assert len(box.logins) == 1
    assert "hunter2" not in box.letters[0].as_string()


def test_mail_is_not_sent_in_clear_to_another_machine(
    message: Message, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    password = secret(tmp_path, "hunter2-and-more\n")
    with mailbox() as box:
        monkeypatch.setattr(socket, "getaddrinfo", _all_here(socket.getaddrinfo))
        with pytest.raises(DeliveryError, match="STARTTLS"):
            mail.deliver(mail_to(box.port, host="mail.example.org", user="a", password_file=str(password)), message)
    assert not box.letters
    assert not box.logins


def _all_here(real):  # type: ignore[no-untyped-def]
    return lambda host, *rest, **more: real("127.0.0.1", *rest, **more)


def test_a_mail_server_that_says_no_is_a_failure(message: Message) -> None:
    with mailbox() as box:
        box.refuse = 451
        with pytest.raises(DeliveryError, match="451"):
            mail.deliver(mail_to(box.port), message)
