"""Real client certificates against the real nginx, in front of a stub of the gateway that says what reached it."""

from __future__ import annotations

import json
import re
import socket
import ssl
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.contract.health_reading import read_snapshot
from appliance.contract.signed import open_snapshot
from tests.fakes.site import HEALTH_KEY

pytestmark = pytest.mark.slow

TOKEN = {"Authorization": "Bearer " + "a1.b2_c3-" * 5}
ENCOUNTER = "/v1/encounters/01234567-89ab-7cde-8f01-23456789abcd"


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
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    connection = HTTPSConnection("localhost", port, timeout=120, context=context(front, pair))
    try:
        connection.request(method, route, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def reached(front: Any, route: str, pair: tuple[Path, Path] | None = None, **given: Any) -> dict[str, Any]:
    """What the stub saw of a request that was let through."""
    status, body = ask(front, front.clinical, route, pair, **given)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def test_a_verified_certificate_arrives_with_its_name(front: Any) -> None:
    headers = reached(front, "/v1/encounters", front.authority.client("ehr 1", "clinical"))["headers"]
    assert (headers["X-Client-Verify"], headers["X-Client-Role"]) == ("SUCCESS", "clinical")
    assert headers["X-Client-Name"] == "ehr 1"
    assert re.fullmatch("[0-9A-F]{16,40}", headers["X-Client-Serial"])
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-Id"])


def test_a_token_is_handed_on_and_names_no_certificate(front: Any) -> None:
    headers = reached(front, "/v1/encounters", headers=TOKEN)["headers"]
    assert headers["Authorization"] == TOKEN["Authorization"]
    assert (headers["X-Client-Verify"], headers["X-Client-Role"]) == ("NONE", "none")
    assert not {"X-Client-Name", "X-Client-Serial"} & set(headers)


def test_a_client_cannot_say_who_it_is_by_headers(front: Any) -> None:
    lies = {
        "X-Client-Verify": "SUCCESS", "X-Client-Role": "clinical", "X-Client-Name": "ehr", "X-Client-Serial": "01",
        "X-Request-Id": "mine", "X_Client_Name": "ehr", "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1",
    }  # fmt: skip
    headers = reached(front, "/v1/encounters", headers=TOKEN | lies)["headers"]
    assert (headers["X-Client-Verify"], headers["X-Client-Role"]) == ("NONE", "none")
    assert not set(headers) & {"X-Client-Name", "X-Client-Serial", "X_Client_Name", "X-Forwarded-For", "Forwarded"}
    assert headers["X-Request-Id"] != "mine"
    live = reached(front, f"{ENCOUNTER}/live", headers=TOKEN | lies)["headers"]
    assert live["X-Client-Verify"] == "NONE"
    assert not set(live) & {"X-Client-Name", "X-Client-Serial", "X_Client_Name", "X-Forwarded-For", "Forwarded"}


def test_a_name_with_a_comma_is_nobodys(front: Any) -> None:
    headers = reached(front, "/v1/encounters", front.authority.client("x,CN=ehr", "clinical"))["headers"]
    assert "X-Client-Name" not in headers


@pytest.mark.parametrize(
    "token", ["", "Basic " + "a" * 40, "Bearer short", "Bearer " + "a" * 40 + " b", "Bearer " + "a" * 39 + "\u00e9"]
)
def test_neither_certificate_nor_token_is_unnamed(front: Any, token: str) -> None:
    connection = HTTPSConnection("localhost", front.clinical, timeout=60, context=context(front, None))
    connection.putrequest("GET", "/v1/encounters")
    connection.putheader("Authorization", token.encode("latin-1"))
    connection.endheaders()
    answer = connection.getresponse()
    body = json.loads(answer.read())
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (answer.headers["Content-Type"], body["status"]) == ("application/problem+json", 401)
    connection.close()


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("operator", "operator"), ("none", None), ("almost", "clinical2"), ("case", "Clinical"),
        # A comma inside of a value must not start a part of its own.
        ("x,OU=clinical", None), ("x,OU=clinical,", "operator"), ("y", "a,OU=clinical"),
    ],
)  # fmt: skip
def test_a_certificate_of_another_unit_is_refused_whatever_else_is_sent(
    front: Any, name: str, unit: str | None
) -> None:
    pair = front.authority.client(name, unit)
    assert ask(front, front.clinical, "/v1/encounters", pair)[0] == 403
    assert ask(front, front.clinical, "/v1/encounters", pair, headers=TOKEN)[0] == 403


def test_a_strangers_certificate_is_refused_with_a_token_too(front: Any) -> None:
    pair = front.stranger.client("ehr", "clinical")
    assert ask(front, front.clinical, "/v1/encounters", pair)[0] == 400
    assert ask(front, front.clinical, "/v1/encounters", pair, headers=TOKEN)[0] == 400


def test_a_server_certificate_is_no_client(front: Any) -> None:
    pair = front.authority.issue("lab-2", "clinical", ExtendedKeyUsageOID.SERVER_AUTH)
    assert ask(front, front.clinical, "/v1/encounters", pair, headers=TOKEN)[0] == 400


def test_a_clinical_client_is_refused_on_the_operators_road(front: Any) -> None:
    pair = front.authority.client("ehr", "clinical")
    assert ask(front, front.operator, "/v1/health", pair)[0] == 403
    assert ask(front, front.operator, "/v1/audit/checkpoint", pair)[0] == 403


def test_a_prometheus_reads_metrics_and_nothing_else(front: Any) -> None:
    pair = front.authority.client("prometheus", "monitoring")
    assert ask(front, front.operator, "/metrics", pair)[0] == 200
    assert ask(front, front.operator, "/metrics", pair, "POST")[0] == 405
    assert ask(front, front.operator, "/metrics?a=1", pair)[0] == 400
    for route in ("/v1/health", "/v1/health/signed", "/v1/audit/checkpoint", "/", "/metrics/", "/%6detrics/.."):
        assert ask(front, front.operator, route, pair)[0] == 403, route
    assert ask(front, front.clinical, "/v1/encounters", pair)[0] == 403
    assert ask(front, front.clinical, "/health", pair)[0] == 403


def test_the_operators_road_leads_to_health_and_the_checkpoint_only(front: Any) -> None:
    pair = front.authority.client("op", "operator")
    for route in ("/v1/health", "/v1/health/signed", "/metrics"):
        assert ask(front, front.operator, route, pair)[0] == 200
        assert ask(front, front.operator, route, pair, "POST")[0] == 405
        assert ask(front, front.operator, f"{route}?a=1", pair)[0] == 400
        assert ask(front, front.operator, f"{route}/", pair)[0] == 404
        assert ask(front, front.operator, route, None, headers=TOKEN)[0] == 400
        assert ask(front, front.operator, route, front.authority.client("ehr", "clinical"))[0] == 403
    assert ask(front, front.clinical, "/metrics", front.authority.client("ehr", "clinical"))[0] == 404
    status, body = ask(front, front.operator, "/v1/audit/checkpoint", pair)
    assert (status, json.loads(body)["path"]) == (200, "/v1/audit/checkpoint")
    assert json.loads(body)["headers"]["X-Client-Role"] == "operator"
    assert ask(front, front.operator, "/v1/audit/checkpoint", pair, "POST")[0] == 405
    assert ask(front, front.operator, "/v1/audit/checkpoint?size=1", pair)[0] == 400
    assert ask(front, front.operator, "/health", pair)[0] == 404
    assert ask(front, front.operator, "/v1/encounters", pair, "POST")[0] == 404
    assert ask(front, front.operator, "/v1/health", None, headers=TOKEN)[0] == 400


def test_every_clinical_route_leads_to_the_gateway(front: Any) -> None:
    """Also the ones of the transcription engine, which the listener once passed on to it."""
    for method, route in (("POST", "/v1/audio/transcriptions"), ("GET", "/v1/models"), ("DELETE", ENCOUNTER)):
        found = reached(front, route, headers=TOKEN, method=method)
        assert (found["method"], found["path"]) == (method, route)


@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("/", 404), ("/v2/encounters", 404), ("/v1", 404), ("/v1/transcripts/abc?wait_s=30", 200),
        ("/v1/x?" + "a" * 601, 400), ("/v1/" + "a" * 500, 400),
        ("/v1/x?q=%3Cb%3E&after=2026-01-01T10:00:00%2B01:00", 200),
        ("/v1/../health", 400), ("/v1/x/%2e%2e/y", 400), ("/v1//encounters", 400), ("/v1/./x", 400), ("/v1/a;b", 400),
    ],
)  # fmt: skip
def test_one_spelling_of_a_path_and_a_short_query(front: Any, route: str, status: int) -> None:
    assert ask(front, front.clinical, route, None, headers=TOKEN)[0] == status


def test_health_wants_a_certificate(front: Any) -> None:
    pair = front.authority.client("ehr", "clinical")
    assert reached(front, "/health", pair)["path"] == "/health"
    assert ask(front, front.clinical, "/health", None, headers=TOKEN)[0] == 403
    assert ask(front, front.clinical, "/health", pair, "DELETE")[0] == 405
    assert ask(front, front.clinical, "/health?patient=jane", pair)[0] == 400


def test_a_recording_may_be_large_and_other_bodies_may_not(front: Any) -> None:
    """The limits of this test are 2 MiB and 64 KiB."""
    large = b"x" * 1_500_000
    assert reached(front, f"{ENCOUNTER}/recordings", headers=TOKEN, method="POST", body=large)["size"] == 1_500_000
    assert ask(front, front.clinical, f"{ENCOUNTER}/recordings", None, "POST", large * 2, TOKEN)[0] == 413
    assert ask(front, front.clinical, f"{ENCOUNTER}/notes", None, "POST", large[:100_000], TOKEN)[0] == 413


def test_a_stream_is_not_held_back(front: Any) -> None:
    front.gateway.release.clear()
    connection = HTTPSConnection("localhost", front.clinical, timeout=60, context=context(front, None))
    connection.request("GET", "/v1/documents/stream", headers=TOKEN)
    answer = connection.getresponse()
    assert answer.readline() == b"data: first\n"
    front.gateway.release.set()
    assert answer.read() == b"\ndata: second\n\n"
    connection.close()


def upgraded(front: Any, route: str) -> bytes:
    """The first bytes of the answer to a request to switch to a WebSocket, and of what comes after."""
    raw = socket.create_connection(("localhost", front.clinical), 60)
    with context(front, None).wrap_socket(raw, server_hostname="localhost") as secured:
        head = f"GET {route} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        secured.sendall(f"{head}Authorization: {TOKEN['Authorization']}\r\n\r\n".encode())
        answer = secured.recv(4096)
        if b" 101 " in answer.split(b"\r\n")[0]:
            secured.sendall(b"audio")
            while not answer.endswith(b"audio") and (piece := secured.recv(4096)):
                answer += piece
        return answer


def test_only_the_live_route_becomes_a_websocket(front: Any) -> None:
    answer = upgraded(front, f"{ENCOUNTER}/live")
    assert b" 101 " in answer.split(b"\r\n")[0]
    assert answer.endswith(b"audio")
    for route in (f"{ENCOUNTER}/recordings/live", "/v1/encounters/short/live"):
        assert b" 200 " in upgraded(front, route).split(b"\r\n")[0]


def test_older_tls_is_refused(front: Any) -> None:
    old = context(front, front.authority.client("ehr", "clinical"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    connection = HTTPSConnection("localhost", front.clinical, timeout=30, context=old)
    with pytest.raises(ssl.SSLError):
        connection.request("GET", "/v1/encounters")
    connection.close()


def test_nothing_of_a_request_is_logged(front: Any) -> None:
    """A missing service is a critical error, with its route: that is on our list, and it had no query."""
    ask(front, front.clinical, "/health?patient=jane", None, headers=TOKEN)
    log = front.log.read_text()
    assert set(re.findall(r'request: "([^"]*)"', log)) <= {"GET /v1/health HTTP/1.1"}
    assert not re.search(r"jane|patient|[Bb]earer", log)


def test_a_snapshot_arrives_plain_and_signed(front: Any) -> None:
    pair = front.authority.client("op", "operator")
    plain = ask(front, front.operator, "/v1/health", pair)[1]
    signed = ask(front, front.operator, "/v1/health/signed", pair)[1]
    assert open_snapshot(signed, HEALTH_KEY.public_key()) == read_snapshot(plain)
    assert b'fleetctl_part_verdict{part="clock",verdict="ok"} 1\n' in ask(front, front.operator, "/metrics", pair)[1]


@pytest.mark.parametrize(("port", "again"), [("operator", True), ("clinical", False)])
def test_only_the_operators_sessions_are_resumed(front: Any, port: str, again: bool) -> None:
    pair = front.authority.client("op" if again else "ehr", port)
    trust, session = context(front, pair), None
    for _ in range(3):
        with (
            socket.create_connection(("127.0.0.1", getattr(front, port)), timeout=60) as plain,
            trust.wrap_socket(plain, server_hostname="localhost", session=session) as secured,
        ):
            assert secured.version() == "TLSv1.3"
            assert secured.session_reused is (again and session is not None)
            # Two on one connection: it stays open for the next question.
            for _ in range(2):
                secured.sendall(b"GET /nowhere HTTP/1.1\r\nHost: lab-1\r\n\r\n")
                assert secured.recv(65536).startswith(b"HTTP/1.1 404")
            session = secured.session


def test_a_session_of_the_operators_road_opens_no_other(front: Any) -> None:
    trust = context(front, front.authority.client("op", "operator"))
    with (
        socket.create_connection(("127.0.0.1", front.operator), timeout=60) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(b"GET /nowhere HTTP/1.1\r\nHost: lab-1\r\n\r\n")
        assert secured.recv(65536)
        session = secured.session
    with (
        socket.create_connection(("127.0.0.1", front.clinical), timeout=60) as plain,
        trust.wrap_socket(plain, server_hostname="localhost", session=session) as secured,
    ):
        assert not secured.session_reused
