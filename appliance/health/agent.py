"""The agent's HTTP side: one route on a unix socket, one request at a time, a snapshot that is at most 2 s old."""

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any

from appliance.contract.health import HealthSnapshot

SOCKET = Path("/run/appliance-health/http.sock")
# Several watchers that ask at once get one snapshot: each costs a request to the services behind.
FRESH_S = 2.0
_CLIENT_TIMEOUT_S = 5.0


class Agent(UnixStreamServer):
    """Serves the snapshots that `take` makes."""

    request_queue_size = 16

    def __init__(
        self, path: Path, take: Callable[[], HealthSnapshot], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._take, self._clock = take, clock
        self._body = b""
        self._taken = float("-inf")
        path.unlink(missing_ok=True)
        super().__init__(str(path), Handler)
        path.chmod(0o660)

    def body(self) -> bytes:
        """Return the snapshot as JSON."""
        if self._clock() - self._taken > FRESH_S:
            self._body = self._take().model_dump_json().encode()
            self._taken = self._clock()
        return self._body

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a client that went away; a failing snapshot is answered with 500 by the handler."""


class Handler(BaseHTTPRequestHandler):
    """GET /v1/health."""

    server: Agent
    timeout = _CLIENT_TIMEOUT_S
    server_version, sys_version = "health", ""

    def do_GET(self) -> None:
        """Answer."""
        if self.path != "/v1/health":
            self.send_error(404)
            return
        try:
            body = self.server.body()
        except Exception:
            self.send_error(500)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """A unix socket's client has no address."""
        return "local"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        """Log nothing: the agent is asked every few seconds."""
