"""QEMU's control protocol (QMP): one short conversation per call."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fleetctl.errors import UnreachableError
from fleetctl.lab.qemu import QMP_SOCKET
from fleetctl.lab.unixsocket import connect

_TIMEOUT_S = 30.0
_LINE_LIMIT_BYTES = 1024 * 1024


class Qmp:
    """A connection to the QEMU of one site; QEMU serves one at a time. Raises UnreachableError."""

    def __init__(self, runtime_dir: Path, timeout_s: float = _TIMEOUT_S) -> None:
        self._name = runtime_dir.name
        try:
            self._socket = connect(runtime_dir, QMP_SOCKET, timeout_s)
        except OSError as error:
            raise self._silent(error) from error
        self._reader = self._socket.makefile("rb")
        try:
            self._receive()  # QEMU greets first
            self.command("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation; the guest does not notice."""
        self._reader.close()
        self._socket.close()

    def command(self, name: str) -> dict[str, Any]:
        """Run a command without arguments and return what it answers, past any events in between."""
        try:
            self._socket.sendall(json.dumps({"execute": name}).encode() + b"\n")
        except OSError as error:
            raise self._silent(error) from error
        while True:
            answer = self._receive()
            if "error" in answer:
                raise UnreachableError(
                    f"QEMU refuses {name}: {answer['error'].get('desc', 'no reason given')}",
                    hint="fleetctl lab status",
                    host=self._name,
                )
            if "return" in answer:
                result = answer["return"]
                return result if isinstance(result, dict) else {}

    def run_state(self) -> str:
        """QEMU's word for what the machine does: running, paused, io-error, shutdown, …"""
        return str(self.command("query-status").get("status", "unknown"))

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._reader.readline(_LINE_LIMIT_BYTES)
            message = json.loads(line) if line else None
        except (OSError, ValueError) as error:
            raise self._silent(error) from error
        if not isinstance(message, dict):
            raise self._silent(ConnectionError("it closed the connection"))
        return message

    def _silent(self, error: BaseException) -> UnreachableError:
        reason = "no answer in time" if isinstance(error, socket.timeout) else str(error)
        return UnreachableError(
            f"QEMU does not answer on its control socket: {reason}",
            hint=f"fleetctl lab down {self._name}, then lab up",
            host=self._name,
        )
