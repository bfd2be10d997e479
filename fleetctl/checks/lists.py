"""Which checks belong to which question."""

from __future__ import annotations

from collections.abc import Callable

from fleetctl.checks.array import data_disks_usable, raid_healthy
from fleetctl.checks.boot import secure_boot_on, usr_verified
from fleetctl.checks.context import CheckContext
from fleetctl.checks.drives import drives_healthy, drives_suitable
from fleetctl.checks.encryption import (
    no_plain_swap,
    recovery_key_tested,
    root_encrypted,
    tpm_bound,
    volumes_encrypted,
)
from fleetctl.checks.engine import engine_verified
from fleetctl.checks.gpu_faults import gpu_clocks, gpu_errors, gpu_inforom, gpu_recovery, gpu_rows, gpu_temperature
from fleetctl.checks.gpus import gpu_count, gpu_ecc, gpu_library, gpu_pcie, gpu_persistence
from fleetctl.checks.hardware import (
    cpu_sufficient,
    identity_ready,
    interfaces_present,
    memory_sufficient,
    tpm_present,
)
from fleetctl.checks.machine import chassis_named, hsm_ready, memory_encrypted, memory_modules_right
from fleetctl.checks.network import listeners_expected, ruleset_sealed
from fleetctl.checks.ports import ports_sufficient
from fleetctl.checks.result import CheckResult
from fleetctl.checks.runtime import (
    clock_right,
    health_answers,
    model_loaded,
    services_running,
    services_sandboxed,
)
from fleetctl.models.profile import HardwareProfile

Check = Callable[[CheckContext], CheckResult]

# Before anything is changed: is it the machine that the profile and the site file describe?
PREFLIGHT_CHECKS: tuple[Check, ...] = (
    chassis_named,
    cpu_sufficient,
    memory_sufficient,
    memory_modules_right,
    memory_encrypted,
    gpu_count,
    hsm_ready,
    drives_suitable,
    drives_healthy,
    ports_sufficient,
    tpm_present,
    secure_boot_on,
    usr_verified,
    root_encrypted,
    no_plain_swap,
    data_disks_usable,
    interfaces_present,
    identity_ready,
    clock_right,
)

# After provisioning, and whenever somebody asks: is it still sealed?
VERIFY_CHECKS: tuple[Check, ...] = (
    secure_boot_on,
    usr_verified,
    volumes_encrypted,
    root_encrypted,
    tpm_bound,
    recovery_key_tested,
    no_plain_swap,
    raid_healthy,
    ruleset_sealed,
    listeners_expected,
    services_running,
    services_sandboxed,
    model_loaded,
    clock_right,
    health_answers,
)

# Of a machine whose profile wants GPUs; without any, preflight has only gpu_count's word that none is wanted.
GPU_CHECKS: tuple[Check, ...] = (
    gpu_library,
    gpu_count,
    gpu_ecc,
    gpu_errors,
    gpu_rows,
    gpu_recovery,
    gpu_inforom,
    gpu_clocks,
    gpu_temperature,
    gpu_pcie,
    gpu_persistence,
)


def preflight_checks(profile: HardwareProfile) -> tuple[Check, ...]:
    """The checks before anything is changed on a machine of this profile."""
    return tuple(dict.fromkeys(PREFLIGHT_CHECKS + _of_gpus(profile)))


def verify_checks(profile: HardwareProfile) -> tuple[Check, ...]:
    """The checks of a provisioned machine of this profile."""
    return VERIFY_CHECKS + ((engine_verified,) if profile.spec.gpus else ()) + _of_gpus(profile)


def _of_gpus(profile: HardwareProfile) -> tuple[Check, ...]:
    return GPU_CHECKS if profile.spec.gpus else ()
