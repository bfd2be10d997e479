"""Sends a recording to a site's clinical port as the practice's software would: TLS 1.3, certificates both ways."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetctl.errors import ChangeError, ConfigError, UnreachableError, VerificationError

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_RECORDING_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class ClinicalEndpoint:
    """Where the clinical port is reached, and the files that prove both sides to each other."""

    address: str
    port: int
    site: str
    ca_cert: Path
    client_cert: Path
    client_key: Path
    client_key_password: Callable[[], str] | None = None


def transcribe(endpoint: ClinicalEndpoint, model: str, recording: Path, *, timeout_s: float = 600.0) -> dict[str, Any]:
    """Post `recording` to /v1/audio/transcriptions for `model` and return the `verbose_json` answer.

    Raises ConfigError for an unreadable or too large file, UnreachableError when no connection comes about,
    VerificationError when the site's certificate is not the fleet's, ChangeError for any answer but 200.
    """
    try:
        size_bytes = recording.stat().st_size
        audio = recording.read_bytes() if size_bytes <= MAX_RECORDING_BYTES else b""
    except OSError as error:
        raise ConfigError(f"{recording}: {error.strerror}", hint="name a readable audio file") from error
    if size_bytes > MAX_RECORDING_BYTES:
        raise ConfigError(
            f"{recording}: {size_bytes} bytes, at most {MAX_RECORDING_BYTES} are sent", hint="send a shorter recording"
        )
    body, content_type = multipart({"response_format": "verbose_json", "model": model}, recording.name, audio)
    connection = _connect(endpoint, timeout_s)
    try:
        connection.request("POST", "/v1/audio/transcriptions", body=body, headers={"Content-Type": content_type})
        answer = connection.getresponse()
        payload = answer.read(MAX_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(
            f"no answer from the clinical port: {type(error).__name__}: {error}",
            host=endpoint.site,
            hint=f"fleetctl site verify {endpoint.site}",
        ) from error
    finally:
        connection.close()
    return _judge(endpoint, answer.status, payload)


def multipart(fields: dict[str, str], file_name: str, data: bytes) -> tuple[bytes, str]:
    """An RFC 7578 body with text `fields` and one file, and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    safe_name = "".join(character if character.isalnum() or character in ".-_" else "_" for character in file_name)
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{safe_name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
    )
    parts.append(data + f"\r\n--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _connect(endpoint: ClinicalEndpoint, timeout_s: float) -> http.client.HTTPSConnection:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=str(endpoint.ca_cert))
    context.load_cert_chain(endpoint.client_cert, endpoint.client_key, password=endpoint.client_key_password)
    connection = _NamedHttpsConnection(endpoint, context, timeout_s)
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise VerificationError(
            f"the clinical port's certificate is not this fleet's: {error.verify_message}",
            host=endpoint.site,
            hint="check that the address is the site's; provision again to renew its certificate",
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"{endpoint.address}:{endpoint.port}: {error}",
            host=endpoint.site,
            hint=f"fleetctl site verify {endpoint.site}",
        ) from error
    return connection


class _NamedHttpsConnection(http.client.HTTPSConnection):
    """Connects to an address while the certificate must name the site."""

    def __init__(self, endpoint: ClinicalEndpoint, context: ssl.SSLContext, timeout_s: float) -> None:
        super().__init__(endpoint.site, endpoint.port, timeout=timeout_s)
        self._endpoint = endpoint
        self._site_context = context

    def connect(self) -> None:
        raw = socket.create_connection((self._endpoint.address, self._endpoint.port), self.timeout)
        try:
            self.sock = self._site_context.wrap_socket(raw, server_hostname=self._endpoint.site)
        except OSError:
            raw.close()
            raise


def _judge(endpoint: ClinicalEndpoint, status: int, payload: bytes) -> dict[str, Any]:
    hint = f"fleetctl site verify {endpoint.site}"
    if len(payload) > MAX_ANSWER_BYTES:
        raise ChangeError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes", host=endpoint.site, hint=hint)
    try:
        answer = json.loads(payload)
    except ValueError:
        answer = None
    if status != 200 or not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        reason = str(answer.get("title", "")) if isinstance(answer, dict) else ""
        raise ChangeError(f"no transcript: HTTP {status} {reason[:200]}".rstrip(), host=endpoint.site, hint=hint)
    return answer
