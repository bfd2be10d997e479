"""GPUs against the profile: gpu_library, gpu_count, gpu_ecc, gpu_pcie, gpu_persistence.

The rules are the contract's, so that the box judges as the operator does.
"""

from __future__ import annotations

from appliance.contract.gpu_expected import GPU_COUNT, GPU_ECC, GPU_LIBRARY, GPU_PCIE, GPU_PERSISTENCE
from appliance.contract.gpu_match import parts
from fleetctl.checks.context import CheckContext
from fleetctl.checks.gpu_finding import by_rule
from fleetctl.checks.result import CheckResult
from fleetctl.checks.wanted import WantedEngine


def gpu_library(context: CheckContext) -> CheckResult:
    """NVML loads, every call answers in time, and the driver is new enough for the profile and for the built engine."""
    engine = context.wanted.engine
    # An engine that was not built yet demands nothing; provisioning refuses to go on without one.
    least = engine.min_driver if isinstance(engine, WantedEngine) else ""
    return by_rule(
        GPU_LIBRARY,
        context,
        [
            gpu.model_copy(update={"min_driver": max(gpu.min_driver or "0", least, key=parts)}) if least else gpu
            for gpu in context.profile.spec.gpus
        ],
    )


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
