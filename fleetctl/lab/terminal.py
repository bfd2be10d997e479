"""A person's terminal connected to a guest's serial console."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import tty
from pathlib import Path

from fleetctl.errors import UnreachableError, UsageError
from fleetctl.lab.qemu import CONSOLE_SOCKET, SERIAL_LOG
from fleetctl.lab.unixsocket import connect

LEAVE = b"\x1d"  # Ctrl-], as in telnet and virsh
_CONNECT_TIMEOUT_S = 10.0


def attach(runtime_dir: Path) -> None:
    """Join keyboard and screen to the console until Ctrl-] or the guest is off.

    Raises UsageError without a terminal, UnreachableError when the site is off.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the console needs a terminal on stdin and stdout",
            hint=f"to read it: `fleetctl lab console {runtime_dir.name} --log`, or the file {runtime_dir / SERIAL_LOG}",
        )
    try:
        console = connect(runtime_dir, CONSOLE_SOCKET, _CONNECT_TIMEOUT_S)
    except OSError as error:
        raise UnreachableError(
            f"the console of {runtime_dir.name} does not answer: {error}",
            hint=f"fleetctl lab up {runtime_dir.name}",
            host=runtime_dir.name,
        ) from error
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard)
        with console:
            console.settimeout(None)
            relay(console, keyboard, sys.stdout.fileno())
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def relay(console: socket.socket, keyboard: int, screen: int) -> None:
    """Copy both ways until LEAVE is typed or either side ends."""
    while True:
        ready, _, _ = select.select([console.fileno(), keyboard], [], [])
        if console.fileno() in ready:
            said = console.recv(4096)
            if not said:
                return
            os.write(screen, said)
        if keyboard in ready:
            typed = os.read(keyboard, 4096)
            before, found, _ = typed.partition(LEAVE)
            console.sendall(before)
            if found or not typed:
                return
