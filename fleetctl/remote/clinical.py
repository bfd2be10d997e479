"""Speaks to a site's clinical API as the practice's software would: TLS 1.3, the fleet's CA, a bearer token."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleetctl.errors import ChangeError, RefusedError, UnreachableError, VerificationError
from fleetctl.remote.problems import in_words

MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_LINE_BYTES = 4 * 1024 * 1024
JSON = "application/json"
_PROBLEM = "urn:fleetctl:problem:"


@dataclass(frozen=True)
class ClinicalEndpoint:
    """Where the clinical port is reached, whose certificate is expected, and in whose name we ask.

    `token` gives a token that is good now; it is asked before each request.
    """

    address: str
    port: int
    site: str
    ca_cert: Path
    token: Callable[[], str] = field(repr=False)
    timeout_s: float = 600.0


@dataclass(frozen=True)
class Problem:
    """A refusal of the API (RFC 9457): its status, its code, and its words, which hold no patient data."""

    status: int
    code: str
    detail: str


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    data: dict[str, Any]


class ClinicalClient:
    """The clinical API of one site. Each request has a connection of its own.

    Every method raises UnreachableError without an answer and VerificationError for a certificate that is not the
    site's; those that want success raise RefusedError for 401, 403 and 409, and ChangeError for every other refusal.
    """

    def __init__(self, endpoint: ClinicalEndpoint) -> None:
        self._endpoint = endpoint

    def call(self, method: str, path: str, given: Any = None, *, version: int | None = None) -> Any:
        """Send JSON (or nothing) and return the JSON of a successful answer.

        `version` is the document's as it was last seen: the box refuses the act if somebody was faster.
        """
        body = None if given is None else json.dumps(given).encode()
        return self._json(self.send(method, path, body, JSON, version=version))

    def upload(self, path: str, data: bytes, media_type: str) -> Any:
        """Post bytes and return the JSON of a successful answer."""
        return self._json(self.send("POST", path, data, media_type))

    def text(self, path: str) -> str:
        """The text of a successful GET."""
        return self._success(self.send("GET", path)).decode("utf-8", "replace")

    def send(
        self, method: str, path: str, body: bytes | None = None, media_type: str = JSON, *, version: int | None = None
    ) -> bytes | Problem:
        """Send and return the body of a success, or the refusal."""
        headers = {"Content-Type": media_type} if body is not None else {}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        with self._answer(method, path, body, headers) as answer:
            payload = answer.read(MAX_ANSWER_BYTES + 1)
        if len(payload) > MAX_ANSWER_BYTES:
            raise self._broken(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        return payload if 200 <= answer.status < 300 else _problem(answer.status, payload)

    def events(self, path: str, given: Any) -> Iterator[Event]:
        """Post JSON and yield the server-sent events of the answer as they come."""
        headers = {"Content-Type": JSON, "Accept": "text/event-stream"}
        with self._answer("POST", path, json.dumps(given).encode(), headers) as answer:
            if not 200 <= answer.status < 300:
                raise self._refused(_problem(answer.status, answer.read(MAX_LINE_BYTES)))
            name, read = "", 0
            while line := answer.readline(MAX_LINE_BYTES + 1):
                read += len(line)
                if len(line) > MAX_LINE_BYTES or read > MAX_ANSWER_BYTES:
                    raise self._broken("the stream is larger than a document can be")
                key, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    yield Event(name, self._object(value))

    @contextmanager
    def _answer(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        headers = headers | {"Authorization": f"Bearer {self._endpoint.token()}"}
        with closing(_connect(self._endpoint)) as connection:
            try:
                connection.request(method, path, body=body, headers=headers)
                yield connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise UnreachableError(
                    f"no answer from the clinical port: {in_words(error)}",
                    host=self._endpoint.site,
                    hint=f"fleetctl site verify {self._endpoint.site}",
                ) from error

    def _success(self, answer: bytes | Problem) -> bytes:
        if isinstance(answer, Problem):
            raise self._refused(answer)
        return answer

    def _json(self, answer: bytes | Problem) -> Any:
        return self._object(self._success(answer).decode("utf-8", "replace"))

    def _object(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._broken("the answer is not a JSON object")
        return found

    def _refused(self, problem: Problem) -> RefusedError | ChangeError:
        kind = RefusedError if problem.status in (401, 403, 409) else ChangeError
        words = f"the clinical API answered {problem.status} {problem.code}: {problem.detail}"
        return kind(words, host=self._endpoint.site, hint=f"fleetctl site verify {self._endpoint.site}")

    def _broken(self, words: str) -> ChangeError:
        return ChangeError(words, host=self._endpoint.site, hint="is the box's version newer than this fleetctl?")


def _problem(status: int, payload: bytes) -> Problem:
    try:
        found = json.loads(payload)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return Problem(status, "unknown", "without a problem document")
    code = str(found.get("type", "")).removeprefix(_PROBLEM)[:100]
    return Problem(status, code or "unknown", str(found.get("detail") or found.get("title") or "")[:300])


def _connect(endpoint: ClinicalEndpoint) -> http.client.HTTPConnection:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=str(endpoint.ca_cert))
    where = f"{endpoint.address}:{endpoint.port}"
    connection = http.client.HTTPConnection(endpoint.site)
    try:
        raw = socket.create_connection((endpoint.address, endpoint.port), endpoint.timeout_s)
        try:
            # The certificate names the site, so the name is checked and the address is only a way there.
            connection.sock = context.wrap_socket(raw, server_hostname=endpoint.site)
        except OSError:
            raw.close()
            raise
    except ssl.SSLCertVerificationError as error:
        raise VerificationError(
            f"the clinical port's certificate is not this fleet's: {error.verify_message}",
            host=endpoint.site,
            hint="check that the address is the site's; provision again to renew its certificate",
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"{where}: {in_words(error)}", host=endpoint.site, hint=f"fleetctl site verify {endpoint.site}"
        ) from error
    return connection
