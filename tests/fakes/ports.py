"""Ports of loopback for programs that have to be told one before they listen."""

from __future__ import annotations

import random
import socket

# Below those that the kernel gives away (32768–60999) and those of virtual sites (from 20000): no connection and no
# listener of another test, which runs beside this one, gets the port before the program has taken it.
_RANGE = range(10_000, 20_000)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(_RANGE)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
