"""The ways to a site's health port: directly, through a CONNECT proxy, or through a bastion's forwarded sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping
from pathlib import Path

from fleetctl.models.site import Site
from fleetctl.models.via import Via
from fleetctl.remote.poll_outcome import Outcome, PollError
from fleetctl.remote.poll_wire import Wire

_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.ETIMEDOUT})


def where(site: Site) -> str:
    """Address and port, with the way there if there is one."""
    management = site.spec.management
    address = f"[{management.address}]" if ":" in management.address else management.address
    plain = f"{address}:{management.health_port}"
    return f"{plain} via {management.via}" if management.via else plain


async def connect(site: Site, timeout_s: float, forwarded: Mapping[str, Path]) -> Wire:
    """A connection that reaches the site. `forwarded` has the local socket of each site behind a bastion.

    Raises `PollError`: `refused` and `offline` are about the site, `via_failed` about what lies before it.
    """
    loop = asyncio.get_running_loop()
    management = site.spec.management
    via = Via.of(management.via) if management.via else None
    through = None
    if via is not None and via.kind == "connect":
        target = where(site).split(" ", 1)[0]
        through = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii")
    wire = Wire(loop, through)
    try:
        async with asyncio.timeout(timeout_s):
            if via is None:
                await loop.create_connection(lambda: wire, management.address, management.health_port)
            elif via.kind == "connect":
                await loop.create_connection(lambda: wire, via.host, via.port)
            elif site.name in forwarded:
                await loop.create_unix_connection(lambda: wire, str(forwarded[site.name]))
            else:
                raise PollError(Outcome.VIA_FAILED, f"no connection to the bastion {via.host}:{via.port}")
            await wire.opened
    except TimeoutError:
        wire.abort()
        if via is not None:
            raise PollError(Outcome.VIA_FAILED, f"{via.host}:{via.port} did not answer in {timeout_s:g} s") from None
        raise PollError(Outcome.OFFLINE, f"no answer in {timeout_s:g} s") from None
    except OSError as problem:
        raise _failed(problem, via) from None
    except BaseException:
        wire.abort()
        raise
    return wire


def _failed(problem: OSError, via: Via | None) -> PollError:
    said = problem.strerror or type(problem).__name__
    if problem.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL):
        return PollError(Outcome.NOT_ASKED, f"this machine has no connection left: {said}")
    if via is not None or isinstance(problem, socket.gaierror):
        return PollError(Outcome.VIA_FAILED, said)
    if problem.errno == errno.ECONNREFUSED:
        return PollError(Outcome.REFUSED, said)
    return PollError(Outcome.OFFLINE, said if problem.errno in _NO_WAY else f"cannot connect: {said}")
