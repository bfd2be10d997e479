"""LinkFacts: network ports and what lies on them: driver, firmware, speed, VLANs, permanent hardware addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetctl.facts.base import Completed, Fact, Output, UnreadableError, command, completed_stdout, for_each, stdout_of
from fleetctl.facts.bounds import at_most, number, text

MAX_LINKS = 512


@dataclass(frozen=True)
class Link:
    """One link. `kind` is empty for a port, else the kernel's word (vlan, bridge, bond, …).

    `up`: switched on, with a carrier. `speed_mbps` (Mbit/s) and `duplex` are None while the driver names none: no
    carrier, or a virtual machine's port. `vlan_id` and `parent` belong to a VLAN. The others belong to a port and are
    empty elsewhere: `permanent_mac` is the hardware's own address (`mac` is the one in use), `address` its place on
    its bus, `driver` and `firmware` what the driver says of itself; empty `firmware` where it says nothing.
    """

    name: str
    kind: str
    mac: str
    permanent_mac: str
    up: bool
    mtu: int
    speed_mbps: int | None
    duplex: str | None
    vlan_id: int | None
    parent: str
    driver: str
    firmware: str
    address: str


@dataclass(frozen=True)
class LinkFacts:
    """Every link but loopback."""

    links: tuple[Link, ...]

    @property
    def ports(self) -> tuple[Link, ...]:
        """What a cable goes into: links that a device on a bus stands behind."""
        return tuple(link for link in self.links if link.address)

    def with_mac(self, mac: str) -> Link | None:
        """The physical port with that permanent address. A VLAN carries its port's address too, and is not meant."""
        return next((link for link in self.ports if link.permanent_mac == mac.lower()), None)


def parse(outputs: Sequence[Output]) -> LinkFacts:
    listing, drivers, speeds, duplexes = outputs
    rows = at_most(json.loads(stdout_of(listing, "ip link show")), MAX_LINKS, "links")
    return LinkFacts(tuple(_link(row, drivers, speeds, duplexes) for row in rows if row["link_type"] != "loopback"))


def _link(row: dict[str, Any], drivers: Output, speeds: Output, duplexes: Output) -> Link:
    name = text(row["ifname"], "ifname")
    info: Mapping[str, Any] = row.get("linkinfo", {})
    kind = text(info.get("info_kind", ""), "info_kind")
    mac = text(row.get("address", ""), "address").lower()
    address = text(row.get("parentdev", ""), "parentdev")
    # Not every virtual link has a driver that answers; a port has.
    driver = _driver(_answer(drivers, name)) if address else {}
    speed, duplex = _word(_answer(speeds, name)), _word(_answer(duplexes, name))
    return Link(
        name=name,
        kind=kind,
        mac=mac,
        # iproute2 prints the permanent address only where another one is in use.
        permanent_mac=text(row.get("permaddr", mac), "permaddr").lower() if address else "",
        up={"UP", "LOWER_UP"} <= set(row["flags"]),
        mtu=number(row["mtu"], "mtu", most=2**31),
        # Drivers say -1 for "unknown".
        speed_mbps=number(speed, "speed", most=10**7) if speed not in (None, "-1") else None,
        duplex=duplex if duplex in ("full", "half") else None,
        vlan_id=number(info["info_data"]["id"], "VLAN id", most=4094) if kind == "vlan" else None,
        parent=text(row["link"], "link") if kind == "vlan" else "",
        driver=driver.get("driver", ""),
        firmware=driver.get("firmware-version", ""),
        address=address,
    )


def _answer(output: Output, name: str) -> Completed:
    if name not in output.items:
        raise UnreadableError(f"no answer for {name}")
    return output.items[name]


def _driver(answer: Completed) -> dict[str, str]:
    """`ethtool -i`. "N/A" and nothing mean the same: the driver names none."""
    pairs = (line.split(":", 1) for line in completed_stdout(answer, "ethtool -i").splitlines() if ":" in line)
    named = {key: text(value, key) for key, value in pairs}
    return {key: "" if value == "N/A" else value for key, value in named.items()}


def _word(answer: Completed) -> str | None:
    """The one word of a file below /sys/class/net; the kernel refuses to read it while the driver has no answer."""
    return answer.stdout.strip() if answer.exit_code == 0 else None


_LINKS = ("ls", "/sys/class/net/")

LINKS = Fact(
    "links",
    (
        command("ip", "-j", "-d", "link", "show"),
        for_each(_LINKS, "ethtool", "-i", "{}"),
        for_each(_LINKS, "cat", "/sys/class/net/{}/speed"),
        for_each(_LINKS, "cat", "/sys/class/net/{}/duplex"),
    ),
    parse,
)
