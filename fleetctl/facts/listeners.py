"""ListenerFacts: sockets that wait for the network in the host's own namespace, and the process behind each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of

_PROCESS = re.compile(r'users:\(\("([^"]+)"')


@dataclass(frozen=True)
class Listener:
    """`address` is as ss prints it, without the port: `0.0.0.0`, `[::]`, `127.0.0.1`, `10.0.2.15%enp0s2`."""

    protocol: str
    address: str
    port: int
    process: str

    @property
    def loopback_only(self) -> bool:
        return self.address.startswith("127.") or self.address.split("%")[0] in ("[::1]", "[::ffff:127.0.0.1]")

    def __str__(self) -> str:
        return f"{self.protocol} {self.address}:{self.port} ({self.process or 'process unknown'})"


@dataclass(frozen=True)
class ListenerFacts:
    listeners: tuple[Listener, ...]


def parse(outputs: Sequence[Output]) -> ListenerFacts:
    listeners = []
    for line in stdout_of(outputs[0], "ss").splitlines():
        words = line.split()
        if not words:
            continue
        if len(words) < 6 or words[0] not in ("tcp", "udp"):
            raise UnreadableError(f"ss printed an unexpected line: {line[:120]!r}")
        address, _, port = words[4].rpartition(":")
        process = _PROCESS.search(line)
        listeners.append(Listener(words[0], address, int(port), process[1] if process else ""))
    return ListenerFacts(tuple(listeners))


LISTENERS = Fact("listeners", (command("ss", "-H", "-l", "-n", "-t", "-u", "-p"),), parse)
