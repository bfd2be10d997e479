"""Ports on the host's loopback for a virtual site: chosen once, checked again before each start."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Collection, Iterable

from fleetctl.errors import PreflightError
from fleetctl.lab.record import Ports

# Below Linux's default ephemeral range (32768–60999): a port kept while the site is down is not handed out meanwhile.
_RANGE = range(20_000, 32_000)
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def choose_ports(taken: Collection[int], chooser: random.Random | None = None) -> Ports:
    """One free port for each purpose, none of them in `taken` (the ports of other sites, running or not)."""
    candidates = list(_RANGE)
    (chooser or random.Random()).shuffle(candidates)  # noqa: S311 - spreads the ports of two fleets; no secret
    free = (port for port in candidates if port not in taken and not is_taken(port))
    chosen = dict(zip(Ports.model_fields, free, strict=False))
    if len(chosen) < len(Ports.model_fields):
        raise PreflightError(
            f"fewer than {len(Ports.model_fields)} ports are free between {_RANGE.start} and {_RANGE.stop - 1}",
            hint="end what occupies them: ss -ltnup",
        )
    return Ports(**chosen)


def require_free(ports: Iterable[int]) -> None:
    """Raise PreflightError naming every port that some other program has taken since it was chosen."""
    taken = [port for port in ports if is_taken(port)]
    if taken:
        names = ", ".join(str(port) for port in taken)
        raise PreflightError(
            f"port {names} on loopback is taken by another program",
            hint=f"see which: ss -ltnup | grep -E '{'|'.join(map(str, taken))}'; end it, or "
            "`fleetctl lab down NAME --destroy` and `lab up NAME` to choose others",
        )


def is_taken(port: int) -> bool:
    """Whether TCP or UDP, IPv4 or IPv6, refuses to be bound on loopback.

    A family that this machine does not have refuses nothing.
    """
    for family, address in _LOOPBACKS:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                probe = socket.socket(family, kind)
            except OSError:
                continue
            with probe:
                if kind == socket.SOCK_STREAM:
                    # As the real listener does: a connection in TIME_WAIT from the last run does not occupy a port.
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    if error.errno in (errno.EADDRINUSE, errno.EACCES):
                        return True
    return False
