"""One bounded POST: no redirect followed, no proxy of the environment asked, no answer read beyond its limit."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 64 * 1024


class DeliveryError(Exception):
    """A receiver did not take it. The words name the receiver, never a secret or the message."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, ca_file: str | None = None) -> None:
    """Send `body`. Raises `DeliveryError` for anything but a 2xx answer."""
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc}"
    connection: http.client.HTTPConnection
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=str(Path(ca_file).expanduser()) if ca_file else None)
            connection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=TIMEOUT_S, context=context
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            answer.read(_MAX_ANSWER_BYTES)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise DeliveryError(f"{where}: {words}") from None
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"{where} answered {answer.status}")
