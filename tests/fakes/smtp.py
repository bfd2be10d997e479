"""A mail server on loopback that keeps what it gets: enough of RFC 5321 and RFC 3207 for smtplib's client."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default


@dataclass
class Mailbox:
    """What arrived, and how the server behaves. `refuse` answers MAIL FROM with that code."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    refuse: int | None = None
    letters: list[Message] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()  # the one over TLS, too

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self) -> None:
        box, secured = self.server.box, False
        self._say("220 here")
        while line := self.rfile.readline(2000).decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                extras = ["STARTTLS"] if box.tls and not secured else []
                words = ["here", *extras, "AUTH PLAIN"]
                for number, word in enumerate(words):
                    self._say(f"250{' ' if number == len(words) - 1 else '-'}{word}")
            elif verb == "STARTTLS" and box.tls:
                self._say("220 go on")
                self.connection = box.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                secured = True
            elif verb == "AUTH":
                box.logins.append(line)
                self._say("235 welcome")
            elif verb == "MAIL" and box.refuse:
                self._say(f"{box.refuse} no")
            elif verb == "DATA":
                self._say("354 go on")
                data = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    data += part
                box.letters.append(message_from_bytes(data, policy=default))
                box.secured.append(secured)
                self._say("250 kept")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, box: Mailbox) -> None:
        self.box = box
        super().__init__(("127.0.0.1", 0), _Session)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up on purpose is part of a test."""


@contextmanager
def mailbox(tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """A running server."""
    box = Mailbox(tls=tls)
    server = _Server(box)
    box.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
