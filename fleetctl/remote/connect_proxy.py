"""Joins stdin and stdout to a target behind an HTTP CONNECT proxy (RFC 9110, 9.3.6): a ProxyCommand for ssh.

python -m fleetctl.remote.connect_proxy PROXY PORT TARGET:PORT
"""

from __future__ import annotations

import os
import selectors
import socket
import sys

_PIECE = 1 << 16
_MAX_HEAD_BYTES = 16 << 10
_CONNECT_S = 15.0


def tunnel(proxy: tuple[str, int], target: str) -> socket.socket:
    """A connection to `target`. Raises OSError when the proxy is not there, does not answer, or refuses."""
    found = socket.create_connection(proxy, _CONNECT_S)
    try:
        found.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii"))
        head = b""
        while b"\r\n\r\n" not in head:
            # One byte at a time: what follows the head is the target's, and is not ours to keep.
            byte = found.recv(1)
            head += byte
            if not byte or len(head) > _MAX_HEAD_BYTES:
                raise ConnectionError("the proxy gave no answer to CONNECT")
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].startswith(b"2"):
            raise ConnectionError(f"the proxy refuses: {head.splitlines()[0][:100]!r}")
        found.settimeout(None)
        return found
    except BaseException:
        found.close()
        raise


def join(connection: socket.socket, given: int, taken: int) -> None:
    """Carry bytes both ways until the target ends. An end of `given` is passed on."""
    with selectors.DefaultSelector() as ready:
        ready.register(connection, selectors.EVENT_READ)
        ready.register(given, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is connection:
                    data = connection.recv(_PIECE)
                    if not data:
                        return
                    while data:
                        data = data[os.write(taken, data) :]
                else:
                    data = os.read(given, _PIECE)
                    if not data:
                        ready.unregister(given)
                        connection.shutdown(socket.SHUT_WR)
                    connection.sendall(data)


def main(arguments: list[str]) -> int:
    """The exit code: 0 when the target ended, 1 when there was no way to it, with why on stderr."""
    try:
        host, port, target = arguments
        with tunnel((host, int(port)), target) as connection:
            join(connection, 0, 1)
    except (OSError, ValueError) as problem:
        os.write(2, f"{problem}\n".encode(errors="replace"))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
