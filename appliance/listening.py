"""The unix sockets that services listen on."""

import socket
from pathlib import Path


def listen(path: Path) -> socket.socket:
    """Return a listening socket that only our group may use."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    listener.bind(str(path))
    path.chmod(0o660)
    return listener
