"""The agent's HTTP side: three routes on a unix socket, each request in a thread, so that a slow one holds up none."""

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

from appliance.errors import UnknownStateError
from appliance.health.answers import Answers

SOCKET = Path("/run/appliance-health/http.sock")
_CLIENT_TIMEOUT_S = 5.0
# The listener lets fewer in than this; what else is in the group may not use up the memory.
_MOST_AT_ONCE = 64


class Agent(ThreadingMixIn, UnixStreamServer):
    """Serves what `answers` gives."""

    request_queue_size = 64
    daemon_threads = True

    def __init__(self, path: Path, answers: Answers) -> None:
        self.answers = answers
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)
        path.unlink(missing_ok=True)
        super().__init__(str(path), Handler)
        path.chmod(0o660)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give it a thread, if one is left."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve it, and give the thread's place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a client that went away; a failing snapshot is answered with 500 by the handler."""


class Handler(BaseHTTPRequestHandler):
    """GET /v1/health, /v1/health/signed, /metrics."""

    server: Agent
    timeout = _CLIENT_TIMEOUT_S
    protocol_version = "HTTP/1.1"  # the listener keeps a connection for the next question
    server_version, sys_version = "health", ""

    def do_GET(self) -> None:
        """Answer."""
        answers = self.server.answers
        routes = {
            "/v1/health": (answers.plain, "application/json"),
            "/v1/health/signed": (answers.signed, "application/vnd.dsse.envelope.v1+json"),
            "/metrics": (answers.metrics, "text/plain; version=0.0.4; charset=utf-8"),
        }
        if self.path not in routes:
            self.send_error(404)
            return
        make, kind = routes[self.path]
        try:
            body = make()
        except UnknownStateError:
            self.send_error(503)  # not signed yet: appliancectl health key says why
            return
        except Exception:
            self.send_error(500)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """A unix socket's client has no address."""
        return "local"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        """Log nothing: the agent is asked every few seconds."""
