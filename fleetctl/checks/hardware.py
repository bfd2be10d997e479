"""Checks of the machine against its profile: cpu_sufficient, memory_sufficient, tpm_present, interfaces_present, …"""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, ok, unknown
from fleetctl.facts.base import Unreadable

_OTHER_MACHINE = "use a machine that meets the profile, or a profile that fits the machine"


def cpu_sufficient(context: CheckContext) -> CheckResult:
    """Enough cores, with the instruction sets that the engines need."""
    requirement = context.profile.spec.cpu
    sets = ", ".join(requirement.instruction_sets)
    wanted = f"{requirement.min_cores} cores" + (f" with {sets}" if sets else "")
    facts = context.facts.processor
    if isinstance(facts, Unreadable):
        return unknown("cpu_sufficient", wanted=wanted, because=facts)
    missing = sorted(set(requirement.instruction_sets) - facts.flags)
    seen = f"{facts.cores} cores ({facts.threads} threads), {facts.model or 'model not named'}"
    problems = []
    if facts.cores < requirement.min_cores:
        problems.append(f"{facts.cores} cores are fewer than {requirement.min_cores}")
    if missing:
        problems.append(f"no {', '.join(missing)}")
    if problems:
        return critical(
            "cpu_sufficient", seen=seen, wanted=wanted, reason="; ".join(problems), next_action=_OTHER_MACHINE
        )
    other = (requirement.reference or "").lower() not in facts.model.lower()
    return ok(
        "cpu_sufficient",
        seen=seen,
        wanted=wanted,
        reason=f"compared /proc/cpuinfo with the profile; cores counted by {facts.counted_by}",
        difference=f"{facts.model or 'model not named'} in place of {requirement.reference}" if other else "",
    )


def memory_sufficient(context: CheckContext) -> CheckResult:
    """Enough memory."""
    least = context.profile.spec.memory.min_mib
    wanted = f"at least {least} MiB"
    facts = context.facts.memory
    if isinstance(facts, Unreadable):
        return unknown("memory_sufficient", wanted=wanted, because=facts)
    seen = f"{facts.total_mib} MiB"
    if facts.total_mib < least:
        return critical(
            "memory_sufficient",
            seen=seen,
            wanted=wanted,
            reason=f"MemTotal {facts.total_mib} MiB is less than {least} MiB",
            next_action="add memory, or " + _OTHER_MACHINE,
        )
    return ok("memory_sufficient", seen=seen, wanted=wanted, reason="compared MemTotal of /proc/meminfo")


def tpm_present(context: CheckContext) -> CheckResult:
    """A TPM 2.0 that the kernel can use."""
    required = context.profile.spec.tpm2.required
    wanted = "TPM 2.0 with SHA-256 registers" if required else "not required by the profile"
    facts = context.facts.tpm
    if isinstance(facts, Unreadable):
        return unknown("tpm_present", wanted=wanted, because=facts)
    seen = f"TPM version {facts.version_major}" if facts.version_major else "no TPM"
    if required and facts.version_major != 2:
        return critical(
            "tpm_present",
            seen=seen,
            wanted=wanted,
            reason=f"the kernel's driver reports {seen}",
            next_action="switch the TPM on in the firmware's set-up",
        )
    if required and "sha256" not in facts.banks:
        return critical(
            "tpm_present",
            seen=f"{seen}, registers {', '.join(facts.banks) or 'none'}",
            wanted=wanted,
            reason="the volumes are bound to SHA-256 registers, which the TPM does not keep",
            next_action="switch the SHA-256 bank on in the firmware's set-up",
        )
    return ok("tpm_present", seen=seen, wanted=wanted, reason="compared the version that the kernel's driver reports")


def interfaces_present(context: CheckContext) -> CheckResult:
    """The two network interfaces of the site file, by MAC address, with a link."""
    networks = context.site.spec.networks
    macs = {"management": networks.management.interface_mac, "clinical": networks.clinical.interface_mac}
    wanted = ", ".join(f"{role} {mac} with a link" for role, mac in macs.items())
    facts = context.facts.interfaces
    if isinstance(facts, Unreadable):
        return unknown("interfaces_present", wanted=wanted, because=facts)
    problems = []
    for role, mac in macs.items():
        interface = facts.with_mac(mac)
        if interface is None:
            problems.append(f"no interface has {mac} ({role})")
        elif not interface.up:
            problems.append(f"{interface.name} ({role}) has no link")
    seen = ", ".join(f"{interface.name} {interface.mac}" for interface in facts.interfaces) or "none"
    if problems:
        return critical(
            "interfaces_present",
            seen=seen,
            wanted=wanted,
            reason="; ".join(problems),
            next_action="connect the cable, or correct spec.networks in the site file",
        )
    return ok("interfaces_present", seen=seen, wanted=wanted, reason="compared MAC addresses and link state")


def identity_ready(context: CheckContext) -> CheckResult:
    """The box has made its own key, and asks for a certificate."""
    wanted = "a certificate request made on the box"
    facts = context.facts.identity
    if isinstance(facts, Unreadable):
        return unknown("identity_ready", wanted=wanted, because=facts)
    if "BEGIN CERTIFICATE REQUEST" not in facts.request:
        return critical(
            "identity_ready",
            seen="no certificate request",
            wanted=wanted,
            reason="box.csr is not a PEM certificate request",
            next_action="systemctl status appliance-identity.service on the machine's console",
        )
    return ok("identity_ready", seen="box.csr", wanted=wanted, reason="box.csr is a PEM certificate request")
