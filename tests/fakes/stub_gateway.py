"""A stub of the gateway on a unix socket: it says what reached it. Not a gateway: it knows no consent and no log."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class StubGateway(ThreadingMixIn, UnixStreamServer):
    """Answers every request with its method, path, headers and the size of its body.

    A path that ends in /stream gets one event, and the next only when `release` is set; one that ends in /live and asks
    for a WebSocket is switched over and its bytes come back.
    """

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.release = threading.Event()
        super().__init__(str(path), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to tell."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: StubGateway
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if self.path.endswith("/live") and self.headers.get("Upgrade") == "websocket":
            self.wfile.write(SWITCHED)
            self.wfile.write(self.rfile.read1(100))  # type: ignore[attr-defined]
            self.close_connection = True
            return
        if self.path.endswith("/stream"):
            self._events()
            return
        size = 0
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0 and (piece := self.rfile.read(min(left, 65536))):
            size, left = size + len(piece), left - len(piece)
        body = json.dumps(
            {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "size": size}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.wfile.flush()
        self.server.release.wait(60)
        self.wfile.write(b"data: second\n\n")
        self.close_connection = True

    def address_string(self) -> str:
        """A unix socket's client has no address."""
        return "local"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        """Say nothing."""
