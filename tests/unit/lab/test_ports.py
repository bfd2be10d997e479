"""Ports: chosen free, kept, and checked again."""

from __future__ import annotations

import random
import socket

import pytest

from fleetctl.errors import PreflightError
from fleetctl.lab import ports
from fleetctl.lab.ports import choose_ports, is_taken, require_free


def test_chosen_ports_differ_and_avoid_other_sites() -> None:
    same_order = [random.Random(7), random.Random(7)]  # noqa: S311 - no secret
    first = choose_ports(set(), same_order[0])
    again = choose_ports(set(first.model_dump().values()), same_order[1])
    both = [*first.model_dump().values(), *again.model_dump().values()]
    assert len(set(both)) == 16
    assert all(20_000 <= port < 32_000 for port in both)


@pytest.mark.parametrize(
    ("family", "kind", "address"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
        (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
        (socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
    ],
)
def test_a_port_is_taken_in_any_protocol_and_family(
    family: socket.AddressFamily, kind: socket.SocketKind, address: str
) -> None:
    with socket.socket(family, kind) as occupant:
        occupant.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            occupant.listen()
        port = occupant.getsockname()[1]
        assert is_taken(port)
        with pytest.raises(PreflightError, match=f"port {port} on loopback is taken") as caught:
            require_free([port])
        assert "ss -ltnup" in caught.value.hint
    assert not is_taken(port)


def test_no_port_left_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_RANGE", range(20_000, 20_003))
    with pytest.raises(PreflightError, match="fewer than 8 ports are free"):
        choose_ports(set())
