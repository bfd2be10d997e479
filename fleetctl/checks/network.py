"""Checks of isolation: ruleset_sealed, listeners_expected."""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, first_unreadable, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.facts.listeners import Listener

# Inside the box the ports are fixed (SSH, clinical HTTPS, health); a site file only says where they are reached.
EXPECTED_TCP = frozenset({22, 443, 9443})

# Sockets of clients, which ss shows as UDP listeners: the box's own DHCP (RFC 2131: 68, RFC 8415: 546) and its time
# client. Process names are cut to 15 characters by the kernel (TASK_COMM_LEN).
_DHCP_CLIENT, _DHCP_PORTS = "systemd-network", frozenset({68, 546})
_TIME_CLIENT = "systemd-timesyn"

_HOOKS = ("input", "output")
_FAMILIES = {"ip": "IPv4", "ip6": "IPv6"}


def ruleset_sealed(context: CheckContext) -> CheckResult:
    """The live rules are the sealed ones, and what no rule names is dropped both ways on IPv4 and IPv6."""
    name, wanted = "ruleset_sealed", "live digest equals the seal's; policy drop in and out on IPv4 and IPv6"
    rules, seal = context.facts.ruleset, context.facts.seal
    if isinstance(rules, Unreadable) or isinstance(seal, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(rules, seal) or "")
    sealed = seal.seal.ruleset_digest if seal.seal else "no seal"
    problems = []
    if rules.digest != sealed:
        problems.append("the live digest differs from the seal's" if seal.seal else "the box was never sealed")
    problems += [
        f"no {hook} chain with policy drop for {words}"
        for hook in _HOOKS
        for family, words in _FAMILIES.items()
        # One chain that drops is enough: a packet must pass every base chain of its hook.
        if "drop" not in rules.policies(hook, family)
    ]
    seen = f"live {rules.digest[:12]}…, sealed {sealed[:12]}{'…' if seal.seal else ''}"
    if problems:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason="; ".join(problems),
            next_action=f"find out who changed the rules, then: fleetctl site provision {context.site.name}",
        )
    return ok(name, seen=seen, wanted=wanted, reason="compared digests, and the policies of all base chains")


def listeners_expected(context: CheckContext) -> CheckResult:
    """Nothing waits for the network but SSH, health and the clinical port."""
    name, wanted = "listeners_expected", "TCP 22, 443 and 9443, and nothing else"
    facts = context.facts.listeners
    if isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts)
    unexpected = [listener for listener in facts.listeners if not _expected(listener)]
    missing = sorted(EXPECTED_TCP - {listener.port for listener in facts.listeners if listener.protocol == "tcp"})
    seen = ", ".join(str(listener) for listener in facts.listeners) or "none"
    if unexpected:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"unexpected: {', '.join(str(listener) for listener in unexpected)}",
            next_action="find out what started it; the image has no such service",
        )
    if missing:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"nothing listens on TCP {', '.join(str(port) for port in missing)}",
            next_action=f"fleetctl site provision {context.site.name}; then look at sshd and nginx on the console",
        )
    return ok(name, seen=seen, wanted=wanted, reason="compared every TCP and UDP socket that ss lists")


def _expected(listener: Listener) -> bool:
    if listener.protocol == "tcp":
        return listener.port in EXPECTED_TCP
    if listener.process == _DHCP_CLIENT:
        return listener.port in _DHCP_PORTS
    return listener.process == _TIME_CLIENT
