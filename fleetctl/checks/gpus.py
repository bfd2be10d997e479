"""GPUs against the profile: gpu_library, gpu_count, gpu_ecc, gpu_pcie, gpu_persistence.

The rules are the contract's, so that the box judges as the operator does.
"""

from __future__ import annotations

from appliance.contract.gpu_expected import GPU_COUNT, GPU_ECC, GPU_LIBRARY, GPU_PCIE, GPU_PERSISTENCE
from fleetctl.checks.context import CheckContext
from fleetctl.checks.gpu_finding import by_rule
from fleetctl.checks.result import CheckResult


def gpu_library(context: CheckContext) -> CheckResult:
    """NVML loads, every call answers in time, and the driver is new enough."""
    return by_rule(GPU_LIBRARY, context)


def gpu_count(context: CheckContext) -> CheckResult:
    """As many GPUs as the profile wants, each meeting its figures, and the same ones on the bus as in NVML."""
    return by_rule(GPU_COUNT, context)


def gpu_ecc(context: CheckContext) -> CheckResult:
    """The ECC mode is the profile's, now and after the next reset."""
    return by_rule(GPU_ECC, context)


def gpu_pcie(context: CheckContext) -> CheckResult:
    """Every lane of the link is in use. The generation is not judged: it drops at idle by design."""
    return by_rule(GPU_PCIE, context)


def gpu_persistence(context: CheckContext) -> CheckResult:
    """The driver stays loaded between two users of the GPU."""
    return by_rule(GPU_PERSISTENCE, context)
