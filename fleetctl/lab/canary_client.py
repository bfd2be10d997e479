"""Starting a site's canary and asking it what it heard."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from fleetctl.errors import ChangeError, UnreachableError
from fleetctl.lab.canary import LISTENERS
from fleetctl.lab.process import SiteProcesses
from fleetctl.lab.record import LabRecord
from fleetctl.lab.unixsocket import connect

NAME = "canary"
SOCKET = "canary.sock"
_START_TIMEOUT_S = 60.0  # it imports Python's asyncio only, but a machine that emulates two guests is slow


class Heard(BaseModel):
    """One connection or datagram that arrived."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nonce: str | None
    listener: Literal["tcp", "udp", "dns", "ehr", "time"]
    family: Literal[4, 6]
    source: str
    at: datetime


class CanaryStatus(BaseModel):
    """That it is alive, and how much it heard by listener and family (`tcp4`, …), nonce or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    counts: dict[str, int]
    forgotten: int  # events dropped because memory is bounded; more than 0 means that `heard` may miss some
    ipv6: bool


class CanaryClient:
    """Questions to the canary of the site in `runtime_dir`. Every call raises UnreachableError if it is dead."""

    def __init__(self, runtime_dir: Path) -> None:
        self._runtime_dir = runtime_dir

    def heard(self, nonces: Iterable[str]) -> list[Heard]:
        """What arrived with one of these nonces."""
        answer = self._ask({"op": "heard", "nonces": list(nonces)})
        return [Heard.model_validate(event) for event in answer["heard"]]

    def status(self) -> CanaryStatus:
        """Whether it lives, and its counts."""
        return CanaryStatus.model_validate(self._ask({"op": "status"}))

    def _ask(self, question: dict[str, Any], timeout_s: float = 30.0) -> dict[str, Any]:
        try:
            with connect(self._runtime_dir, SOCKET, timeout_s) as canary, canary.makefile("rb") as reader:
                canary.sendall(json.dumps(question).encode() + b"\n")
                answer = json.loads(reader.readline())
        except (OSError, ValueError, ValidationError) as error:
            raise self._dead(str(error)) from error
        if not isinstance(answer, dict) or "error" in answer:
            raise self._dead(f"it answers {answer}")
        return answer

    def _dead(self, reason: str) -> UnreachableError:
        name = self._runtime_dir.name
        return UnreachableError(
            f"the canary of {name} does not answer: {reason}", hint=f"fleetctl lab up {name} starts it again", host=name
        )


def canary_argv(record: LabRecord, runtime_dir: Path) -> list[str]:
    """The command line of the canary, with the ports of the record."""
    ports = {
        "tcp": record.ports.canary_tcp,
        "udp": record.ports.canary_udp,
        "dns": record.ports.canary_dns,
        "ehr": record.ports.ehr,
        "time": record.ports.time,
    }
    argv = [sys.executable, "-P", "-m", "fleetctl.lab.canary", "--socket", str(runtime_dir / SOCKET)]
    for listener in LISTENERS:
        argv += [f"--{listener}", str(ports[listener])]
    return argv


def start_canary(
    record: LabRecord, runtime_dir: Path, processes: SiteProcesses, environment: dict[str, str] | None = None
) -> None:
    """Start it and wait until it answers. Raises ChangeError with its last words."""
    (runtime_dir / SOCKET).unlink(missing_ok=True)
    processes.start(NAME, canary_argv(record, runtime_dir), environment=environment)
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            CanaryClient(runtime_dir).status()
        except UnreachableError as error:
            if processes.pid(NAME) is None or time.monotonic() > deadline:
                raise ChangeError(
                    f"the canary did not start: {processes.log_tail(NAME, 1) or error.message}",
                    hint=f"read {processes.log_path(NAME)}",
                    host=record.name,
                ) from error
            time.sleep(0.05)
        else:
            return
