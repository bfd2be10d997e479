"""Keyboard and screen joined to a console."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from fleetctl.errors import UsageError
from fleetctl.lab.terminal import attach, relay


def test_both_ways_until_the_leaving_key() -> None:
    guest, console = socket.socketpair()
    keyboard, typist = os.pipe()
    viewer, screen = os.pipe()
    try:
        guest.sendall(b"login: ")
        os.write(typist, b"root\r\x1dnot sent")
        relay(console, keyboard, screen)
        assert guest.recv(100) == b"root\r"
        assert os.read(viewer, 100) == b"login: "
    finally:
        for end in (keyboard, typist, viewer, screen):
            os.close(end)
        guest.close()
        console.close()


def test_ends_when_the_guest_does() -> None:
    guest, console = socket.socketpair()
    keyboard, typist = os.pipe()
    try:
        guest.close()
        relay(console, keyboard, typist)
    finally:
        os.close(keyboard)
        os.close(typist)
        console.close()


def test_without_a_terminal_it_refuses_with_another_way(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a terminal") as caught:
        attach(tmp_path / "lab-1")
    assert "lab console lab-1 --log" in caught.value.hint
