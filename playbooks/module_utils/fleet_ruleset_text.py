"""The site's nftables rules as text. Pure; every value is parsed before it stands in a rule.

How to read the rules: the direction in which a connection was opened passes only by a rule that names it, for every
packet; the answers pass by connection tracking. So a destination that is taken out of the site file is cut at once,
also for connections that are open.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

MANAGEMENT_PORTS = (22, 9443)  # SSH, health (HTTPS with client certificates)
CLINICAL_PORTS = (443,)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_INTERFACE = re.compile(r"[A-Za-z0-9._-]{1,15}")

_TEXT = """\
#!/usr/sbin/nft -f
# Written by fleetctl for site {site}. Do not edit: the seal of this box holds the digest of these rules.
flush ruleset

table inet fleet {{
  counter ingress_denied {{ }}
  counter egress_denied {{ }}
  counter forward_denied {{ }}

{sets}
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    # Answers to what this box was allowed to ask, and error messages about its connections (path MTU).
    ct state established ct direction reply accept
    ct state related icmp type {{ destination-unreachable, time-exceeded }} accept
    ct state related icmpv6 type {{ destination-unreachable, packet-too-big, time-exceeded }} accept
{input}
    counter name "ingress_denied" drop
  }}

  chain forward {{
    type filter hook forward priority filter; policy drop;
    counter name "forward_denied" drop
  }}

  chain output {{
    type filter hook output priority filter; policy drop;
    oifname "lo" accept
    ct state established ct direction reply accept
{output}
    # What the system itself sends without being asked, dropped without being counted as an attempt to get out: DHCP
    # renewal by unicast (an address is got and kept by broadcast, on a packet socket below these rules) and IPv6
    # neighbour, router and group messages.
    udp sport 68 udp dport 67 drop
    ip6 daddr ff02::/16 icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} drop
    ip6 daddr ff02::/16 icmpv6 type {{ mld-listener-report, mld-listener-done, mld2-listener-report }} drop
    counter name "egress_denied" drop
  }}
}}
"""
_LIVE_SSH = """\
    # The SSH session that loads these rules is older than connection tracking, so its packets are answers to nothing.
    # Without the first packet of a handshake this lets nobody connect from here."""


def render(site: str, networks: dict[str, Any], allow: Sequence[dict[str, Any]], interfaces: dict[str, str]) -> str:
    """The rules for a site; `interfaces` maps `management` and `clinical` to interface names.

    Raises ValueError with the offending value.
    """
    _matches(_NAME, site, "site name")
    sources = {name: _by_version(networks[name]["sources"], name) for name in ("management", "clinical")}
    targets = [_target(entry) for entry in allow]
    uses_ipv6 = any(version == 6 for found in sources.values() for version in found) or any(
        address.version == 6 for _, _, address, _ in targets
    )
    sets, arriving, leaving = [], [], [_LIVE_SSH]
    for name, ports in (("management", MANAGEMENT_PORTS), ("clinical", CLINICAL_PORTS)):
        interface = _matches(_INTERFACE, interfaces[name], "interface name")
        for version, found in sorted(sources[name].items()):
            elements = ", ".join(str(network) for network in found)
            sets.append(
                f"  set {name}_ipv{version} {{ type ipv{version}_addr; flags interval; "
                f"elements = {{ {elements} }}; }}\n"
            )
            family = "ip" if version == 4 else "ip6"
            listed = ", ".join(str(port) for port in ports)
            arriving.append(
                f'    iifname "{interface}" {family} saddr @{name}_ipv{version} tcp dport {{ {listed} }} accept'
            )
            if name == "management":
                leaving.append(
                    f'    oifname "{interface}" {family} daddr @{name}_ipv{version} tcp sport 22 '
                    "tcp flags & (fin | syn | rst | ack) != syn accept"
                )
    if uses_ipv6:  # hop limit 255 proves that the sender is on this link; a site without IPv6 lets none of it pass
        arriving.append(
            "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept"
        )
        leaving.append(
            "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } "
            "ip6 hoplimit 255 accept\n    icmpv6 type mld2-listener-report ip6 daddr ff02::16 accept"
        )
    leaving.append("    # What the site file names, and nothing else.")
    leaving += [
        f"    {'ip' if address.version == 4 else 'ip6'} daddr {address.compressed} "
        f'{protocol} dport {port} accept comment "{name}"'
        for name, protocol, address, port in targets
    ]
    return _TEXT.format(site=site, sets="".join(sets), input="\n".join(arriving), output="\n".join(leaving))


def _by_version(sources: Sequence[str], name: str) -> dict[int, list[Any]]:
    if not sources:
        raise ValueError(f"networks.{name}.sources is empty: nobody could connect")
    parsed = [ipaddress.ip_network(_without_zone(source)) for source in sources]
    found = {
        version: list(ipaddress.collapse_addresses([net for net in parsed if net.version == version]))
        for version in (4, 6)
    }
    return {version: networks for version, networks in found.items() if networks}


def _target(entry: dict[str, Any]) -> tuple[str, str, Any, int]:
    if entry["protocol"] not in ("tcp", "udp"):
        raise ValueError(f"egress.allow: protocol {entry['protocol']!r} is neither tcp nor udp")
    port = int(entry["port"])
    if not 0 < port < 65536:
        raise ValueError(f"egress.allow: {port} is no port")
    address = ipaddress.ip_address(_without_zone(entry["address"]))
    return _matches(_NAME, entry["name"], "name in egress.allow"), entry["protocol"], address, port


def _without_zone(text: str) -> str:
    if "%" in text:  # Python takes any words after fe80::1% for its zone
        raise ValueError(f"{text!r} has a zone, which no rule can hold")
    return text


def _matches(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} {value!r} is not usable in a rule")
    return value
