"""Real client certificates against the real nginx in front of the real service."""

from __future__ import annotations

import json
import re
import ssl
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def context(front: Any, pair: tuple[Path, Path] | None) -> ssl.SSLContext:
    found = ssl.create_default_context(cafile=str(front.authority.path))
    if pair is not None:
        found.load_cert_chain(*map(str, pair))
    return found


def ask(
    front: Any,
    port: int,
    route: str,
    pair: tuple[Path, Path] | None,
    method: str = "GET",
    body: bytes = b"",
    kind: str = "",
) -> tuple[int, bytes]:
    connection = HTTPSConnection("localhost", port, timeout=120, context=context(front, pair))
    try:
        connection.request(method, route, body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_clinical_client_gets_a_transcript(front: Any, audio: Path) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-tiny.en\r\n'
    head += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = head + (audio / "jfk.flac").read_bytes() + b"\r\n--x--\r\n"
    pair = front.authority.client("ehr", "clinical")
    status, answer = ask(
        front, front.clinical, "/v1/audio/transcriptions", pair, "POST", body, "multipart/form-data; boundary=x"
    )
    assert status == 200
    assert "your country" in json.loads(answer)["text"]


def test_a_clinical_client_sees_models_and_health(front: Any) -> None:
    pair = front.authority.client("ehr", "clinical")
    assert ask(front, front.clinical, "/v1/models", pair)[0] == 200
    assert json.loads(ask(front, front.clinical, "/health", pair)[1])["model"] == "whisper-tiny.en"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("operator", "operator"), ("none", None), ("almost", "clinical2"), ("case", "Clinical"),
        # A comma inside of a value must not start a part of its own.
        ("x,OU=clinical", None), ("x,OU=clinical,", "operator"), ("y", "a,OU=clinical"),
    ],
)  # fmt: skip
def test_another_unit_is_refused_on_the_clinical_road(front: Any, name: str, unit: str | None) -> None:
    assert ask(front, front.clinical, "/v1/models", front.authority.client(name, unit))[0] == 403


def test_a_clinical_client_is_refused_on_the_operators_road(front: Any) -> None:
    pair = front.authority.client("ehr", "clinical")
    assert ask(front, front.operator, "/v1/health", pair)[0] == 403


def test_the_operators_road_leads_to_health_only(front: Any) -> None:
    """No health agent runs here: a gateway error shows that nginx would ask it."""
    pair = front.authority.client("op", "operator")
    assert ask(front, front.operator, "/v1/health", pair)[0] == 502
    assert ask(front, front.operator, "/health", pair)[0] == 404
    assert ask(front, front.operator, "/v1/audio/transcriptions", pair, "POST")[0] == 404


def test_no_certificate_and_a_strangers_certificate_are_refused(front: Any) -> None:
    assert ask(front, front.clinical, "/v1/models", None)[0] == 400
    assert ask(front, front.clinical, "/v1/models", front.stranger.client("ehr", "clinical"))[0] == 400


def test_a_server_certificate_is_no_client(front: Any) -> None:
    from cryptography.x509.oid import ExtendedKeyUsageOID

    pair = front.authority.issue("lab-2", "clinical", ExtendedKeyUsageOID.SERVER_AUTH)
    assert ask(front, front.clinical, "/v1/models", pair)[0] == 400


@pytest.mark.parametrize(
    ("method", "route", "status"),
    [
        ("GET", "/", 404), ("GET", "/v1/models/", 404), ("GET", "/v1/health", 404),
        ("GET", "/v1/models/../../health", 200),
        ("GET", "/v1/audio/transcriptions", 405), ("POST", "/v1/models", 405), ("DELETE", "/health", 405),
        ("GET", "/v1/models?patient=jane", 400),
    ],
)  # fmt: skip
def test_only_listed_routes_and_methods(front: Any, method: str, route: str, status: int) -> None:
    pair = front.authority.client("ehr", "clinical")
    assert ask(front, front.clinical, route, pair, method)[0] == status


def test_older_tls_is_refused(front: Any) -> None:
    old = context(front, front.authority.client("ehr", "clinical"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    connection = HTTPSConnection("localhost", front.clinical, timeout=30, context=old)
    with pytest.raises(ssl.SSLError):
        connection.request("GET", "/v1/models")
    connection.close()


def test_nothing_of_a_request_is_logged(front: Any) -> None:
    """A missing service is a critical error, with its route: that is on our list, and it had no query."""
    log = front.log.read_text()
    assert set(re.findall(r'request: "([^"]*)"', log)) <= {"GET /v1/health HTTP/1.1"}
    assert not re.search(r"jane|patient", log)
