"""QEMU's control protocol, against a scripted QEMU."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetctl.errors import UnreachableError
from fleetctl.lab.qmp import Qmp

Serve = Callable[[list[str]], None]


@pytest.fixture
def qemu(tmp_path: Path) -> Iterator[tuple[Path, Serve, list[str]]]:
    """A server that sends the given lines: the first as greeting, each further one after a command."""
    asked: list[str] = []
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(tmp_path / "qmp.sock"))
    server.listen()
    threads: list[threading.Thread] = []

    def serve(lines: list[str]) -> None:
        def run() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rwb") as stream:
                for number, line in enumerate(lines):
                    if number:
                        asked.append(json.loads(stream.readline())["execute"])
                    stream.write(line.encode() + b"\n")
                    stream.flush()

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield tmp_path, serve, asked
    for thread in threads:
        thread.join(60)
    server.close()


GREETING = '{"QMP": {"version": {}}}'
DONE = '{"return": {}}'


def test_state_is_asked_past_events(qemu: tuple[Path, Serve, list[str]]) -> None:
    folder, serve, asked = qemu
    serve([GREETING, DONE, '{"event": "RTC_CHANGE"}\n{"return": {"status": "io-error", "running": false}}'])
    with Qmp(folder) as qmp:
        assert qmp.run_state() == "io-error"
    assert asked == ["qmp_capabilities", "query-status"]


def test_refused_command_is_an_error(qemu: tuple[Path, Serve, list[str]]) -> None:
    folder, serve, _ = qemu
    serve([GREETING, DONE, '{"error": {"class": "GenericError", "desc": "not now"}}'])
    with Qmp(folder) as qmp, pytest.raises(UnreachableError, match="QEMU refuses system_powerdown: not now"):
        qmp.command("system_powerdown")


@pytest.mark.parametrize("lines", [[], ["rubbish"], [GREETING]])
def test_broken_conversation_is_an_error(qemu: tuple[Path, Serve, list[str]], lines: list[str]) -> None:
    folder, serve, _ = qemu
    serve(lines)
    with pytest.raises(UnreachableError, match="does not answer"):
        Qmp(folder)


def test_no_socket_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="does not answer"):
        Qmp(tmp_path)
