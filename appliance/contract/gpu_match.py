"""Which GPU stands for which requirement of the profile."""

from collections.abc import Sequence
from typing import TypeVar

from appliance.contract.gpu import Gpu, NotSupported, Unread, Value
from appliance.contract.gpu_wanted import WantedGpu

W = TypeVar("W", bound=WantedGpu)


def parts(version: str) -> tuple[int, ...]:
    """A version's numbers without trailing zeros, so that 550.54 equals 550.54.0; ValueError if it has others."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def shortfalls(gpu: Gpu, requirement: WantedGpu) -> list[str] | Unread:
    """Figures that the GPU misses, in words; `Unread` if one of them is not known. Not supported is a miss."""
    missed = []
    memory, least_mib = gpu.memory_mib, requirement.min_memory_mib
    if isinstance(memory, Unread):
        return memory
    if isinstance(memory, NotSupported):
        missed.append("it does not tell its memory size (not supported)")
    elif memory.value < least_mib:
        missed.append(f"{memory.value} MiB are less than {least_mib} MiB")
    capability, least = gpu.compute_capability, requirement.min_compute_capability
    if not least:
        return missed
    if isinstance(capability, Unread):
        return capability
    if isinstance(capability, NotSupported):
        missed.append("it does not tell its compute capability (not supported)")
    elif parts(capability.value) < parts(least):
        missed.append(f"compute capability {capability.value} is lower than {least}")
    return missed


def assigned(gpus: Sequence[Gpu], requirements: Sequence[W]) -> dict[int, W]:
    """GPU index → the requirement that it meets. Reference parts first, then any other that meets the figures; a
    requirement takes no more than its count, and a GPU that none takes is left out."""
    matches: dict[int, W] = {}
    for by_name in (True, False):
        for requirement in requirements:
            taken = sum(match is requirement for match in matches.values())
            free = [gpu for gpu in gpus if gpu.index not in matches and shortfalls(gpu, requirement) == []]
            if by_name:
                free = [gpu for gpu in free if isinstance(gpu.name, Value) and gpu.name.value == requirement.reference]
            matches.update({gpu.index: requirement for gpu in free[: requirement.count - taken]})
    return matches
