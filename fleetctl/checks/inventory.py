"""What a machine is made of, in words, for a record of its delivery."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.contract.gpu import NotSupported, TextReading, Value
from fleetctl.facts.base import Unreadable
from fleetctl.facts.gpus import GpuFacts
from fleetctl.facts.host import HostFacts


def inventory(facts: HostFacts) -> dict[str, str]:
    """Part → what it is, with serial numbers and firmware. A part that could not be read says why."""
    return dict(_parts(facts))


def _parts(facts: HostFacts) -> Iterator[tuple[str, str]]:
    yield from _system(facts)
    yield from _memory(facts)
    yield from _gpus(facts.gpus)
    yield from _drives(facts)
    yield from _ports(facts)
    yield from _security(facts)
    if facts.kernel is not None:
        kernel = facts.kernel
        driver = "" if isinstance(kernel, Unreadable) or not kernel.nvidia else f", NVIDIA {kernel.nvidia.version}"
        yield "kernel", _unread(kernel) if isinstance(kernel, Unreadable) else kernel.release + driver


def _unread(fact: Unreadable) -> str:
    return f"could not be read: {fact.reason}"


def _system(facts: HostFacts) -> Iterator[tuple[str, str]]:
    dmi, processor = facts.dmi, facts.processor
    if isinstance(dmi, Unreadable):
        yield "machine", _unread(dmi)
    elif dmi is not None:
        yield "machine", f"{dmi.vendor or 'maker not named'} {dmi.product or 'product not named'}"
        yield "serial number", dmi.serial or "not named"
        yield "firmware", " ".join(filter(None, (dmi.bios_vendor, dmi.bios_version, dmi.bios_date))) or "not named"
    if isinstance(processor, Unreadable):
        yield "processor", _unread(processor)
    else:
        sockets = f"{processor.sockets} × " if processor.sockets else ""
        yield "processor", f"{sockets}{processor.model or 'model not named'}, {processor.cores} cores in all"


def _memory(facts: HostFacts) -> Iterator[tuple[str, str]]:
    modules = facts.memory_modules
    if isinstance(modules, Unreadable):
        yield "memory", _unread(modules)
    elif modules is not None:
        yield "memory", f"{modules.installed_mib / 1024:g} GiB in {modules.populated} of {modules.slots} slots"
        for module in modules.modules:
            words = (module.kind, module.manufacturer, module.part, module.serial)
            yield f"memory {module.slot}", " ".join([f"{module.size_mib / 1024:g} GiB", *filter(None, words)])


def _gpus(facts: GpuFacts | Unreadable | None) -> Iterator[tuple[str, str]]:
    if isinstance(facts, Unreadable):
        yield "GPUs", _unread(facts)
    elif facts is not None:
        for gpu in facts.report.gpus:
            named = {"": gpu.name, "serial ": gpu.serial, "vBIOS ": gpu.vbios, "UUID ": gpu.uuid}
            yield f"GPU {gpu.index}", ", ".join(f"{what}{_said(reading)}" for what, reading in named.items())


def _said(reading: TextReading) -> str:
    if isinstance(reading, Value):
        return reading.value
    return "not supported" if isinstance(reading, NotSupported) else f"could not be read ({reading.reason})"


def _drives(facts: HostFacts) -> Iterator[tuple[str, str]]:
    nvme, disks = facts.nvme, facts.disks
    if isinstance(disks, Unreadable):
        yield "disks", _unread(disks)
        return
    for disk in disks.devices:
        if disk.kind != "disk":
            continue
        drive = nvme.with_serial(disk.serial) if nvme is not None and not isinstance(nvme, Unreadable) else None
        model = f", {drive.model}, firmware {drive.firmware}" if drive else ""
        if isinstance(nvme, Unreadable) and disk.name.startswith("nvme"):
            model = f"; model and firmware {_unread(nvme)}"
        yield f"disk {disk.name}", f"{disk.size_bytes / 1024**3:.0f} GiB, serial {disk.serial or 'not named'}{model}"


def _ports(facts: HostFacts) -> Iterator[tuple[str, str]]:
    links = facts.links
    if isinstance(links, Unreadable):
        yield "network ports", _unread(links)
    elif links is not None:
        for port in links.ports:
            firmware = f", firmware {port.firmware}" if port.firmware else ""
            yield (
                f"port {port.name}",
                f"{port.permanent_mac or port.mac}, {port.driver or 'driver not named'}{firmware}",
            )


def _security(facts: HostFacts) -> Iterator[tuple[str, str]]:
    endorsement = facts.endorsement
    if isinstance(endorsement, Unreadable):
        yield "TPM", _unread(endorsement)
    elif endorsement is not None:
        chip = endorsement.chip
        keys = ", ".join(certificate.key for certificate in chip.certificates) if chip else ""
        held = f"endorsement certificates: {keys or 'none'}"
        yield "TPM", f"{chip.manufacturer} {chip.model}, firmware {chip.firmware}; {held}" if chip else "none"
    hsm = facts.hsm
    if isinstance(hsm, Unreadable):
        yield "security module", _unread(hsm)
    elif hsm is not None:
        for token in hsm.key_tokens:
            yield f"token {token.label}", f"{token.manufacturer} {token.model}, serial {token.serial}"
