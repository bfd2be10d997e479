"""MemoryEncryptionFacts: whether the processor encrypts main memory now, from its own registers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, completed_stdout, for_each, stdout_of
from fleetctl.facts.processor import ProcessorFacts
from fleetctl.facts.processor import parse as parse_processor

# IA32_TME_ACTIVATE: Intel SDM volume 4, table 2-2, and "Intel Architecture Memory Encryption Technologies", 5.
TME_ACTIVATE = 0x982
_TME_LOCKED = 1 << 0
_TME_ENABLED = 1 << 1
_TME_BYPASS = 1 << 31  # enabled, and still not applied to ordinary memory (key 0)
_TME_ALGORITHMS = {0: "AES-XTS-128", 1: "AES-XTS-128 with integrity", 2: "AES-XTS-256"}
# SYS_CFG: AMD64 Architecture Programmer's Manual volume 2, 7.10; bit 23 MemEncryptionModEn.
SYS_CFG = 0xC0010010
_SME_ENABLED = 1 << 23


@dataclass(frozen=True)
class MemoryEncryptionFacts:
    """`active`: every logical processor encrypts ordinary memory now. Being able to is not being active.

    `technology` is TME, MKTME or SME, and empty when the kernel lists none: the processor has none, or its firmware
    left it off (the image's kernel, 6.12, takes `tme` and `sme` from its list then). `algorithm` is empty when no
    register names it. `evidence` says in words what was read.
    """

    technology: str
    active: bool
    algorithm: str
    evidence: str


def parse(outputs: Sequence[Output]) -> MemoryEncryptionFacts:
    cpuinfo, command_line, tme, sys_cfg = outputs
    processor = parse_processor((cpuinfo,))
    if not processor.flags & {"tme", "sme"}:
        return MemoryEncryptionFacts("", active=False, algorithm="", evidence="/proc/cpuinfo lists neither tme nor sme")
    if "hypervisor" in processor.flags:
        raise UnreadableError("this is a virtual machine: its registers are what the hypervisor makes of them")
    if "tme" in processor.flags:
        return _intel(_registers(tme, processor, TME_ACTIVATE))
    return _amd(_registers(sys_cfg, processor, SYS_CFG), stdout_of(command_line, "cat /proc/cmdline"))


def _registers(output: Output, processor: ProcessorFacts, register: int) -> list[int]:
    """The register of each logical processor: a second socket has registers of its own."""
    if output.completed.exit_code:
        raise UnreadableError("the kernel shows no /dev/cpu: its module msr is not loaded")
    found = {name: answer for name, answer in output.items.items() if name.isdigit()}
    if len(found) != processor.threads:
        raise UnreadableError(f"registers of {len(found)} processors, but /proc/cpuinfo lists {processor.threads}")
    return [
        int(completed_stdout(answer, f"MSR {register:#x} of processor {name}"), 16) for name, answer in found.items()
    ]


def _intel(values: list[int]) -> MemoryEncryptionFacts:
    key_bits = {(value >> 32) & 0xF for value in values}
    algorithms = {_TME_ALGORITHMS.get((value >> 4) & 0xF, "unknown") for value in values}
    applied = [bool(value & _TME_LOCKED) and bool(value & _TME_ENABLED) and not value & _TME_BYPASS for value in values]
    bypassed = sum(bool(value & _TME_BYPASS) for value in values)
    words = f"IA32_TME_ACTIVATE of {len(values)} processors: {sum(applied)} locked, enabled and not bypassed"
    return MemoryEncryptionFacts(
        technology="TME" if key_bits == {0} else "MKTME",
        active=all(applied),
        algorithm=algorithms.pop() if len(algorithms) == 1 and all(applied) else "",
        evidence=words + (f"; {bypassed} bypassed" if bypassed else ""),
    )


def _amd(values: list[int], command_line: str) -> MemoryEncryptionFacts:
    # The register only lets the kernel encrypt; it does so when its command line says so (the kernel's own words for
    # the two: enabled and active, Documentation/arch/x86/amd-memory-encryption.rst). Of a parameter given twice the
    # last one counts.
    enabled = sum(bool(value & _SME_ENABLED) for value in values)
    asked = [word.removeprefix("mem_encrypt=") for word in command_line.split() if word.startswith("mem_encrypt=")]
    asked_for = asked[-1:] == ["on"]
    return MemoryEncryptionFacts(
        technology="SME",
        active=enabled == len(values) and asked_for,
        algorithm="",
        evidence=f"SYS_CFG of {len(values)} processors: {enabled} with bit 23; "
        f"mem_encrypt=on is {'' if asked_for else 'not '}on the kernel's command line",
    )


def _register_command(register: int) -> tuple[str, ...]:
    return ("od", "-An", "-v", "-tx8", "-j", f"{register:#x}", "-N", "8", "/dev/cpu/{}/msr")


_PROCESSORS = ("ls", "/dev/cpu/")

MEMORY_ENCRYPTION = Fact(
    "memory_encryption",
    (
        command("cat", "/proc/cpuinfo"),
        command("cat", "/proc/cmdline"),
        for_each(_PROCESSORS, *_register_command(TME_ACTIVATE)),
        for_each(_PROCESSORS, *_register_command(SYS_CFG)),
    ),
    parse,
)
