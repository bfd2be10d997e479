"""A line between operator and box that counts what crosses it, and can be cut after so many bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Line:
    """Forwards connections on loopback to `target`; both directions count, whatever the program."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._crossed = 0
        self._cut_at: int | None = None
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def begin(self, cut_at: int | None = None) -> None:
        """Count from nothing. `cut_at`: everything breaks when so many bytes have crossed."""
        with self._lock:
            self._crossed, self._cut_at = 0, cut_at

    @property
    def crossed(self) -> int:
        with self._lock:
            return self._crossed

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 18):
                with self._lock:
                    self._crossed += len(data)
                    cut = self._cut_at is not None and self._crossed >= self._cut_at
                if cut:
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
