"""Checks of isolation: ruleset_sealed, listeners_expected."""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, degraded, first_unreadable, ok, unknown
from fleetctl.egress.isolation import CHANGED_FILE, spec_sha256
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
    """The live rules are the sealed ones and those that this machine made of the site file, and drop what none names.

    The seal lies on the box, where whoever changed the rules could change it too; the operator's record does not.
    Without a record the verdict is degraded: another machine provisioned the site, and only the seal was compared.
    """
    name = "ruleset_sealed"
    wanted = "live digest equals the seal's and this machine's record; policy drop in and out on IPv4 and IPv6"
    rules, seal, record = context.facts.ruleset, context.facts.seal, context.isolation
    if isinstance(rules, Unreadable) or isinstance(seal, Unreadable) or isinstance(record, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(rules, seal, record) or "")
    sealed = seal.seal.ruleset_digest if seal.seal else "no seal"
    problems = []
    if rules.digest != sealed:
        problems.append("the live digest differs from the seal's" if seal.seal else "the box was never sealed")
    if record is not None and rules.digest != record.ruleset_digest:
        problems.append(f"the live digest differs from the one recorded here on {record.recorded_at:%Y-%m-%d}")
    problems += [
        f"no {hook} chain with policy drop for {words}"
        for hook in _HOOKS
        for family, words in _FAMILIES.items()
        # One chain that drops is enough: a packet must pass every base chain of its hook.
        if "drop" not in rules.policies(hook, family)
    ]
    seen = f"live {rules.digest[:12]}…, sealed {sealed[:12]}{'…' if seal.seal else ''}"
    seen += f", recorded {record.ruleset_digest[:12]}…" if record else ", no record here"
    if problems:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason="; ".join(problems),
            next_action=f"find out who changed the rules, then: fleetctl site provision {context.site.name}",
        )
    if record is None:
        reason = "compared only with the box's own seal: another machine provisioned it, so there is no record here"
    elif record.spec_sha256 != spec_sha256(context.site):
        reason = f"{CHANGED_FILE}: the box still has those of {record.recorded_at:%Y-%m-%d}"
    else:
        reason = "compared the live digest with seal and record, the site file, and the policies of all base chains"
        return ok(name, seen=seen, wanted=wanted, reason=reason)
    return degraded(
        name, seen=seen, wanted=wanted, reason=reason, next_action=f"fleetctl site provision {context.site.name}"
    )


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
