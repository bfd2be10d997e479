"""ServiceFacts: the appliance's services as systemd sees them, and each main process as the kernel sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, for_each, stdout_of

_NAMESPACE = re.compile(r"^net:\[(\d+)\]$")


@dataclass(frozen=True)
class Process:
    """The sandbox of a running process, read from /proc: not what the unit file promises but what holds.

    `network_namespace` is the namespace's inode, `uid` the effective user, `capabilities` the effective set as a bit
    mask, `seccomp` 2 when a system-call filter is active."""

    pid: int
    network_namespace: int
    uid: int
    capabilities: int
    no_new_privileges: bool
    seccomp: int


@dataclass(frozen=True)
class Service:
    """`process` is None for a unit without a main process (one that ended, or a oneshot)."""

    unit: str
    load_state: str
    active_state: str
    sub_state: str
    result: str
    process: Process | None


@dataclass(frozen=True)
class ServiceFacts:
    services: tuple[Service, ...]
    host_network_namespace: int

    def named(self, unit: str) -> Service | None:
        return next((service for service in self.services if service.unit == unit), None)


def parse(outputs: Sequence[Output]) -> ServiceFacts:
    shown, host_namespace, namespaces, statuses = outputs
    if namespaces.completed.exit_code or statuses.completed.exit_code:
        raise UnreadableError("systemctl could not list the main processes")
    services = []
    for block in stdout_of(shown, "systemctl show").strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if not values:
            continue
        # A oneshot that a timer starts comes and goes between our reads; its process is nobody's running service.
        pid = 0 if values["Type"] == "oneshot" else int(values["MainPID"])
        services.append(
            Service(
                unit=values["Id"],
                load_state=values["LoadState"],
                active_state=values["ActiveState"],
                sub_state=values["SubState"],
                result=values["Result"],
                process=_process(pid, namespaces, statuses) if pid else None,
            )
        )
    return ServiceFacts(tuple(services), _inode(stdout_of(host_namespace, "readlink /proc/1/ns/net")))


def _process(pid: int, namespaces: Output, statuses: Output) -> Process:
    namespace, status = namespaces.items.get(str(pid)), statuses.items.get(str(pid))
    if namespace is None or status is None or namespace.exit_code or status.exit_code:
        raise UnreadableError(f"process {pid} ended while it was being read")
    fields = dict(line.split(":", 1) for line in status.stdout.splitlines() if ":" in line)
    return Process(
        pid=pid,
        network_namespace=_inode(namespace.stdout),
        uid=int(fields["Uid"].split()[1]),
        capabilities=int(fields["CapEff"], 16),
        no_new_privileges=fields["NoNewPrivs"].strip() == "1",
        seccomp=int(fields["Seccomp"]),
    )


def _inode(text: str) -> int:
    match = _NAMESPACE.match(text.strip())
    if match is None:
        raise UnreadableError(f"not a network namespace: {text.strip()!r}")
    return int(match[1])


_UNITS = ("appliance-*.service", "nftables.service")
_MAIN_PIDS = ("systemctl", "show", "--property=MainPID", "--value", *_UNITS)

SERVICES = Fact(
    "services",
    (
        command("systemctl", "show", "--property=Id,Type,LoadState,ActiveState,SubState,Result,MainPID", *_UNITS),
        command("readlink", "/proc/1/ns/net"),
        for_each(_MAIN_PIDS, "readlink", "/proc/{}/ns/net"),
        for_each(_MAIN_PIDS, "cat", "/proc/{}/status"),
    ),
    parse,
)
