"""A terminal that a program of a test writes to, read until the program has closed it."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Callable

DEADLINE_S = 600
"""Of a program that hangs; on a machine under load a good one may take minutes."""


class Terminal:
    """One end of a pseudo-terminal; `child` is the other, for the program's streams.

    Args:
        rows: Height in lines.
        columns: Width in characters.
    """

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self._parent, self.child = pty.openpty()
        fcntl.ioctl(self.child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, enough: Callable[[bytes], bool] = lambda _: False) -> bytes:
        """What is shown from now on, until it is enough or no program has the terminal any more.

        To be called once the program runs; from then on only it has the other end. Raises TimeoutError.
        """
        if self.child >= 0:
            os.close(self.child)
            self.child = -1
        seen = b""
        deadline_s = time.monotonic() + DEADLINE_S
        while not enough(seen):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not select.select([self._parent], [], [], left_s)[0]:
                raise TimeoutError(f"the program goes on, and has shown {seen!r}")
            try:
                seen += os.read(self._parent, 65536)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                break  # Linux says so of a terminal that nobody has, once everything is read
        return seen

    def close(self) -> None:
        """Close both ends."""
        if self.child >= 0:
            os.close(self.child)
        os.close(self._parent)
