"""One series of attempts, made by a process of its own: reads JSON on stdin, writes JSON on stdout.

It runs inside the sandbox that is to be proven, where little can be imported: standard library only, no other module of
ours. Input: {"variant": …, "timeout_s": …, "targets": [{id, role, protocol, family, address, port, nonce}, …]}.
Output: {"network_namespace": …, "attempts": [{target_id, role, outcome, layer, errno, detail, seconds}, …]}.

An outcome is `blocked` only where a known refusal was seen, or nothing came back in time. Anything else that went wrong
is `error`: it shows nothing. The errno alone does not tell a refusal of this machine from an ICMP error of a router
outside, to which our packet must have gone first: the socket's error queue tells them apart.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
# What a sandbox answers when it allows no such socket: seccomp gives the first, missing capabilities the others.
_SOCKET_REFUSALS = {errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES}
_BLOCKED = {
    errno.ENETUNREACH: "route",  # the namespace has no way out
    errno.ENETDOWN: "route",
    errno.EADDRNOTAVAIL: "route",  # no address of this family from which to send
    errno.EPERM: "filter",  # dropped by this host's own rules
    errno.EACCES: "filter",  # rejected administratively
    errno.EHOSTUNREACH: "neighbour",  # nobody on the link answers for the next hop
    errno.ETIMEDOUT: "timeout",
}
# linux/errqueue.h: struct sock_extended_err, after it the sockaddr of who sent the error.
_RECVERR = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_SENDER = {4: (4, 4), 6: (8, 16)}  # where the address is in sockaddr_in and sockaddr_in6: offset, length
_ORIGINS_ICMP = {2, 3}
# Something out there (or a rule that pretends to be it) answered: in doubt that is not isolation.
_ANSWERED = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "refused"}


class Verdict(Exception):
    """How an attempt ended: outcome and layer."""

    def __init__(self, outcome: str, layer: str, number: int | None = None, detail: str = "") -> None:
        super().__init__(outcome)
        self.outcome, self.layer, self.number, self.detail = outcome, layer, number, detail


def judge_error(error: OSError, *, at_socket: bool, variant: str) -> Verdict:
    """Decide what a refused system call means, where nobody outside sent an ICMP error."""
    number = error.errno
    if at_socket:
        # Only a service's own sandbox may refuse a socket; elsewhere it means that the probe could not be made.
        if variant == "service" and number in _SOCKET_REFUSALS:
            return Verdict("blocked", "socket", number)
        return Verdict("error", "probe", number, "the socket for this probe cannot be made")
    if isinstance(error, TimeoutError):
        return Verdict("blocked", "timeout", number)
    if number in _BLOCKED:
        return Verdict("blocked", _BLOCKED[number], number)
    if number in _ANSWERED:
        return Verdict("reached", _ANSWERED[number], number)
    return Verdict("error", "probe", number, "an unexpected refusal")


def judge_late_error(error: OSError, senders: Sequence[str], own: str, variant: str) -> Verdict:
    """Decide what an error means that came after the kernel had taken our packet; `senders` are those of ICMP errors.

    This machine too says by ICMP, to itself, that a next hop does not answer. Anybody else who says something has got
    our packet.
    """
    outside = [sender for sender in senders if sender != own]
    if outside and error.errno not in _ANSWERED:
        return Verdict("reached", "unreachable", error.errno, f"an ICMP error from {outside[0]}")
    if not senders and _BLOCKED.get(error.errno or 0) in ("route", "filter", "neighbour"):
        return Verdict("error", "probe", error.errno, "nobody knows who refused it: the socket's error queue is empty")
    return judge_error(error, at_socket=False, variant=variant)


def icmp_senders(endpoint: socket.socket, family: int) -> list[str]:
    """Empty the socket's error queue: who sent ICMP errors about our packet."""
    found: list[str] = []
    endpoint.setblocking(False)
    while True:
        try:
            _, ancillary, _, _ = endpoint.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return found
        for level, kind, data in ancillary:
            if (level, kind) != _RECVERR[family] or len(data) < _EXTENDED_ERROR.size:
                continue
            if _EXTENDED_ERROR.unpack_from(data)[1] in _ORIGINS_ICMP:
                offset, length = _SENDER[family]
                address = data[_EXTENDED_ERROR.size + offset :][:length]
                # An error from nobody is not from here.
                found.append(socket.inet_ntop(_FAMILIES[family], address) if len(address) == length else "unknown")


def dns_query(nonce: str, identifier: int) -> bytes:
    """Return a question for the address of <nonce>.egress.invalid (RFC 1035)."""
    name = b"".join(bytes([len(label)]) + label for label in (nonce.encode(), b"egress", b"invalid")) + b"\0"
    return struct.pack("!6H", identifier, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1)


def internet_checksum(data: bytes) -> int:
    """Return the checksum of RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(family: int, nonce: str, identifier: int) -> bytes:
    """Return an ICMP echo request that carries the nonce. The kernel fills in ICMPv6's checksum."""
    kind = 8 if family == 4 else 128
    body = struct.pack("!2H", identifier, 1) + nonce.encode()
    checksum = internet_checksum(struct.pack("!2BH", kind, 0, 0) + body) if family == 4 else 0
    return struct.pack("!2BH", kind, 0, checksum) + body


def is_echo_reply(family: int, packet: bytes, nonce: str) -> bool:
    """Return whether a packet is the answer to our echo. Raw IPv4 sockets give the IP header too."""
    if family == 4 and packet[:1] and packet[0] >> 4 == 4:
        packet = packet[(packet[0] & 0x0F) * 4 :]
    return packet[:1] == (b"\0" if family == 4 else b"\x81") and nonce.encode() in packet


def _open(family: int, kinds: Sequence[tuple[int, int]], variant: str) -> socket.socket:
    """Return the first socket that can be made. Raises Verdict."""
    refusal: OSError | None = None
    for kind, protocol in kinds:
        try:
            return socket.socket(_FAMILIES[family], kind | socket.SOCK_CLOEXEC, protocol)
        except OSError as error:
            refusal = error
    assert refusal is not None  # noqa: S101 (kinds is never empty)
    raise judge_error(refusal, at_socket=True, variant=variant)


def _exchange(endpoint: socket.socket, target: dict, deadline: float, variant: str) -> None:
    """Connect, send, and wait for an answer. Raises Verdict, or an OSError that came before any packet."""
    protocol, nonce, family = target["protocol"], target["nonce"], target["family"]
    identifier = int(nonce[:4], 16)
    try:
        endpoint.setsockopt(*_RECVERR[family], 1)
    except OSError as error:
        raise Verdict("error", "probe", error.errno, "ICMP errors cannot be told apart on this socket") from error
    endpoint.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        endpoint.connect((target["address"], target["port"] or 0))
    own = endpoint.getsockname()[0]
    try:
        if protocol == "tcp":
            _finish_connecting(endpoint, deadline)
            _tell_nonce(endpoint, nonce, deadline)
            raise Verdict("reached", "reply")
    except OSError as error:
        raise judge_late_error(error, icmp_senders(endpoint, family), own, variant) from error
    payload = {
        "udp": lambda: nonce.encode() + b"\n",
        "dns": lambda: dns_query(nonce, identifier),
        "icmp": lambda: echo_request(family, nonce, identifier),
    }[protocol]()
    endpoint.send(payload)
    try:
        while True:
            endpoint.settimeout(max(0.05, deadline - time.monotonic()))
            packet = endpoint.recv(4096)
            if protocol == "udp" or (protocol == "dns" and packet[:2] == struct.pack("!H", identifier)):
                raise Verdict("reached", "reply")
            if protocol == "icmp" and is_echo_reply(family, packet, nonce):
                raise Verdict("reached", "reply")
    except OSError as error:
        raise judge_late_error(error, icmp_senders(endpoint, family), own, variant) from error


def _finish_connecting(endpoint: socket.socket, deadline: float) -> None:
    """Wait for the connection that was begun. Raises OSError."""
    poll = select.poll()
    poll.register(endpoint, select.POLLOUT)
    if not poll.poll(max(50, (deadline - time.monotonic()) * 1000)):
        raise TimeoutError("nothing came back")
    if number := endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(number, os.strerror(number))


def _tell_nonce(endpoint: socket.socket, nonce: str, deadline: float) -> None:
    """Connected is out, whatever follows; the nonce tells the canary who it was."""
    endpoint.settimeout(max(0.05, deadline - time.monotonic()))
    try:
        endpoint.sendall(nonce.encode() + b"\n")
        endpoint.recv(256)
    except OSError:
        pass


def attempt(target: dict, timeout_s: float, variant: str) -> dict:
    """Try one target."""
    started = time.monotonic()
    protocol, family = target["protocol"], target["family"]
    icmp = socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
    kinds = {
        "tcp": [(socket.SOCK_STREAM, 0)],
        "udp": [(socket.SOCK_DGRAM, 0)],
        "dns": [(socket.SOCK_DGRAM, 0)],
        # A raw socket needs a capability; the kernel's ping socket is open to everybody on most systems.
        "icmp": [(socket.SOCK_RAW, icmp), (socket.SOCK_DGRAM, icmp)],
    }
    try:
        with _open(family, kinds[protocol], variant) as endpoint:
            _exchange(endpoint, target, started + timeout_s, variant)
        found = Verdict("error", "probe", None, "the exchange ended without a result")
    except Verdict as verdict:
        found = verdict
    except OSError as error:
        found = judge_error(error, at_socket=False, variant=variant)
    except Exception as error:
        found = Verdict("error", "probe", None, type(error).__name__)
    return {
        "target_id": target["id"],
        "role": target["role"],
        "outcome": found.outcome,
        "layer": found.layer,
        "errno": errno.errorcode.get(found.number) if found.number else None,
        "detail": found.detail,
        "seconds": round(time.monotonic() - started, 3),
    }


def run(spec: dict) -> dict:
    """Try all targets at once. A thread that cannot be started leaves an error behind, not a gap."""
    results: list[dict | None] = [None] * len(spec["targets"])

    def work(index: int, target: dict) -> None:
        results[index] = attempt(target, spec["timeout_s"], spec["variant"])

    threads = []
    for index, target in enumerate(spec["targets"]):
        thread = threading.Thread(target=work, args=(index, target), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            work(index, target)
        else:
            threads.append(thread)
    for thread in threads:
        thread.join(spec["timeout_s"] * 2 + 10)
    missing = {"outcome": "error", "layer": "probe", "errno": None, "detail": "the attempt did not end", "seconds": 0.0}
    attempts = [
        result or {"target_id": target["id"], "role": target["role"], **missing}
        for target, result in zip(spec["targets"], results, strict=True)
    ]
    return {"network_namespace": str(Path("/proc/self/ns/net").readlink()), "attempts": attempts}


def main() -> None:
    """Read the spec, try, write the result."""
    json.dump(run(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
