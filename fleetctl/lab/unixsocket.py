"""Connecting to a unix socket inside a directory whose path is longer than a socket address may be."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def connect(directory: Path, name: str, timeout_s: float) -> socket.socket:
    """A connected stream socket. Raises OSError, as `socket.connect` does."""
    folder = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            connection.connect(f"/proc/self/fd/{folder}/{name}")
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(folder)
