"""Check of the network ports: ports_sufficient."""

from __future__ import annotations

from ipaddress import ip_network

from fleetctl.checks.context import CheckContext
from fleetctl.checks.machine import NOT_READ
from fleetctl.checks.result import CheckResult, critical, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.models.site import Networks


def ports_sufficient(context: CheckContext) -> CheckResult:
    """Enough physical ports, links that are fast enough, and the clinical network on a port of its own."""
    name, requirement = "ports_sufficient", context.profile.spec.networks
    networks = context.site.spec.networks
    wanted = ", ".join(
        [
            f"{requirement.min_ports} ports",
            *([f"links of {requirement.min_speed_mbps} Mbit/s"] if requirement.min_speed_mbps else []),
            *(
                ["clinical network with a port and addresses of its own"]
                if requirement.isolated_segment.required
                else []
            ),
        ]
    )
    facts = context.facts.links
    if facts is None or isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts or NOT_READ)
    seen = ", ".join(
        f"{port.name} {f'{port.speed_mbps} Mbit/s' if port.speed_mbps else 'speed not named'}" for port in facts.ports
    )
    problems: list[str] = []
    open_questions: list[str] = []
    if len(facts.ports) < requirement.min_ports:
        problems.append(f"{len(facts.ports)} ports are fewer than {requirement.min_ports}")
    macs = {"management": networks.management.interface_mac, "clinical": networks.clinical.interface_mac}
    for role, mac in macs.items():
        port = facts.with_mac(mac)
        if port is None:
            said = f"{mac} ({role}) is no physical port"
            (problems if requirement.isolated_segment.required else open_questions).append(said)
        elif requirement.min_speed_mbps:
            if port.speed_mbps is None:
                open_questions.append(f"{port.name} ({role}) names no speed")
            elif port.speed_mbps < requirement.min_speed_mbps:
                problems.append(f"{port.name} ({role}) runs at {port.speed_mbps} Mbit/s")
    if requirement.isolated_segment.required:
        problems += _shared(networks)
    if problems:
        return critical(
            name,
            seen=seen or "none",
            wanted=wanted,
            reason="; ".join(problems),
            next_action="check cables and switch ports, or use a machine that meets the profile",
        )
    if open_questions:
        return unknown(name, wanted=wanted, because="; ".join(open_questions))
    return ok(name, seen=seen, wanted=wanted, reason="compared the ports and their links with the profile")


def _shared(networks: Networks) -> list[str]:
    """Address ranges that the site file gives to both networks."""
    pairs = [
        (management, clinical)
        for management in map(ip_network, networks.management.sources)
        for clinical in map(ip_network, networks.clinical.sources)
        if management.version == clinical.version and management.overlaps(clinical)
    ]
    return [f"{management} (management) and {clinical} (clinical) overlap" for management, clinical in pairs]
