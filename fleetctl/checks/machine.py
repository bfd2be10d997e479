"""Checks of what the machine is made of: chassis_named, memory_modules_right, memory_encrypted, hsm_ready."""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.facts.memory_modules import MemoryModuleFacts
from fleetctl.models.profile import MemoryRequirement

NOT_READ = "the hardware was not read"
OTHER_MACHINE = "use a machine that meets the profile, or a profile that fits the machine"
NOT_REQUIRED = "not required by the profile"


def not_required(check: str) -> CheckResult:
    return ok(check, seen="not looked at", wanted=NOT_REQUIRED, reason="the profile requires nothing of it")


def chassis_named(context: CheckContext) -> CheckResult:
    """The firmware names the machine. Another chassis than the reference is a difference, never a failure."""
    name, reference, facts = "chassis_named", context.profile.spec.chassis, context.facts.dmi
    if reference is None:
        return not_required(name)
    wanted = f"{reference.vendor} {reference.product}, or another that meets the other requirements"
    if facts is None or isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts or NOT_READ)
    seen = f"{facts.vendor or 'maker not named'} {facts.product or 'product not named'}, {facts.chassis}"
    same = (facts.vendor, facts.product) == (reference.vendor, reference.product)
    return ok(
        name,
        seen=seen,
        wanted=wanted,
        reason="compared the firmware's names (SMBIOS) with the reference",
        difference="" if same else f"{seen} in place of {reference.vendor} {reference.product}",
    )


def memory_modules_right(context: CheckContext) -> CheckResult:
    """Size, type and error correction of the modules, as the firmware lists them."""
    name, requirement, facts = "memory_modules_right", context.profile.spec.memory, context.facts.memory_modules
    words = _wanted_modules(requirement)
    if not words:
        return not_required(name)
    wanted = ", ".join(words)
    if facts is None or isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts or NOT_READ)
    seen = (
        f"{facts.installed_mib / 1024:g} GiB in {facts.populated} of {facts.slots} slots, "
        f"{', '.join(facts.kinds) or 'no type'}, error correction: {' and '.join(facts.ecc) or 'no word'}{_slow(facts)}"
    )
    problems = _module_problems(requirement, facts)
    if problems:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason="; ".join(problems),
            next_action="fit the memory that the profile requires, or " + OTHER_MACHINE,
        )
    if requirement.ecc.required and not facts.error_correcting:
        return unknown(name, wanted=wanted, because=f"the firmware does not say whether errors are corrected: {seen}")
    return ok(name, seen=seen, wanted=wanted, reason="compared the firmware's list of memory modules (SMBIOS)")


def _wanted_modules(requirement: MemoryRequirement) -> list[str]:
    return [
        *([f"at least {requirement.min_installed_gib} GiB"] if requirement.min_installed_gib else []),
        *([requirement.module_type] if requirement.module_type else []),
        *(["ECC"] if requirement.ecc.required else []),
    ]


def _module_problems(requirement: MemoryRequirement, facts: MemoryModuleFacts) -> list[str]:
    problems = []
    least = requirement.min_installed_gib
    if least and facts.installed_mib < least * 1024:
        problems.append(f"{facts.installed_mib / 1024:g} GiB are less than {least} GiB")
    other = [kind for kind in facts.kinds if requirement.module_type and kind != requirement.module_type]
    if other:
        problems.append(f"{', '.join(other)} is not {requirement.module_type}")
    without = sorted({module.ecc for module in facts.modules if module.ecc == "None"})
    if requirement.ecc.required and without:
        slots = ", ".join(module.slot for module in facts.modules if module.ecc == "None")
        problems.append(f"no error correction in {slots}")
    return problems


def _slow(facts: MemoryModuleFacts) -> str:
    slow = {
        (module.configured_mts, module.speed_mts)
        for module in facts.modules
        if module.configured_mts and module.speed_mts and module.configured_mts < module.speed_mts
    }
    return "".join(f", running at {now} of {own} MT/s" for now, own in sorted(slow))


def memory_encrypted(context: CheckContext) -> CheckResult:
    """Main memory is encrypted now; being able to is not enough."""
    name, facts = "memory_encrypted", context.facts.memory_encryption
    if not context.profile.spec.memory.encryption.required:
        return not_required(name)
    wanted = "memory encryption switched on"
    if facts is None or isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts or NOT_READ)
    state = "active" if facts.active else "not active"
    seen = " ".join(word for word in (facts.technology or "none", facts.algorithm, state) if word)
    if not facts.active:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason=facts.evidence,
            next_action="switch memory encryption (Intel TME, AMD SME) on in the firmware's set-up",
        )
    return ok(name, seen=seen, wanted=wanted, reason=facts.evidence)


def hsm_ready(context: CheckContext) -> CheckResult:
    """A token behind PKCS#11 that is set up, asks for a PIN and is not software."""
    name, facts = "hsm_ready", context.facts.hsm
    if not context.profile.spec.hsm.required:
        return not_required(name)
    models = " or ".join(context.profile.spec.hsm.models)
    wanted = f"an initialised hardware token behind PKCS#11{f', model {models}' if models else ''}"
    if facts is None or isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts or NOT_READ)
    tokens = [f"{each.label} ({each.manufacturer} {each.model}, serial {each.serial})" for each in facts.key_tokens]
    seen = "; ".join(tokens) or f"no token that can hold keys, {len(facts.modules)} modules"
    seen += f"; not loaded: {', '.join(facts.not_loaded)}" if facts.not_loaded else ""
    known = [token for token in facts.key_tokens if token.model in context.profile.spec.hsm.models]
    if known:
        return ok(name, seen=seen, wanted=wanted, reason="compared flags and models, as the tokens' modules give them")
    unvouched = sorted({token.model for token in facts.key_tokens if not token.software})
    if unvouched:
        # A token says of itself what it likes: a store in files can call itself anything.
        said = (
            f"nobody vouches that {', '.join(map(repr, unvouched))} is hardware: name it in hsm.models of the profile"
        )
        return unknown(name, wanted=wanted, because=said)
    return critical(
        name,
        seen=seen,
        wanted=wanted,
        reason="every token keeps its keys in files" if tokens else "no module shows an initialised token",
        next_action="connect the security module, configure its PKCS#11 module in p11-kit, initialise a token",
    )
