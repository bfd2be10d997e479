"""InterfaceFacts: the network interfaces with their hardware addresses and IP addresses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, command, stdout_of


@dataclass(frozen=True)
class Interface:
    """`addresses` in CIDR form, IPv4 and IPv6. `up` is the administrative flag together with a carrier."""

    name: str
    mac: str
    up: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class InterfaceFacts:
    interfaces: tuple[Interface, ...]

    def with_mac(self, mac: str) -> Interface | None:
        return next((interface for interface in self.interfaces if interface.mac == mac.lower()), None)


def parse(outputs: Sequence[Output]) -> InterfaceFacts:
    rows = json.loads(stdout_of(outputs[0], "ip address show"))
    return InterfaceFacts(
        tuple(
            Interface(
                name=row["ifname"],
                mac=row.get("address", "").lower(),
                up={"UP", "LOWER_UP"} <= set(row["flags"]),
                addresses=tuple(f"{entry['local']}/{entry['prefixlen']}" for entry in row.get("addr_info", [])),
            )
            for row in rows
            if row.get("link_type") != "loopback"
        )
    )


INTERFACES = Fact("interfaces", (command("ip", "-j", "address", "show"),), parse)
