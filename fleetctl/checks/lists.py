"""Which checks belong to which question."""

from __future__ import annotations

from collections.abc import Callable

from fleetctl.checks.array import data_disks_usable, raid_healthy
from fleetctl.checks.boot import secure_boot_on, usr_verified
from fleetctl.checks.context import CheckContext
from fleetctl.checks.encryption import (
    no_plain_swap,
    recovery_key_tested,
    root_encrypted,
    tpm_bound,
    volumes_encrypted,
)
from fleetctl.checks.hardware import (
    cpu_sufficient,
    gpus_present,
    identity_ready,
    interfaces_present,
    memory_sufficient,
    tpm_present,
)
from fleetctl.checks.network import listeners_expected, ruleset_sealed
from fleetctl.checks.result import CheckResult
from fleetctl.checks.runtime import (
    clock_right,
    health_answers,
    model_loaded,
    services_running,
    services_sandboxed,
)

Check = Callable[[CheckContext], CheckResult]

# Before anything is changed: is it the machine that the profile and the site file describe?
PREFLIGHT_CHECKS: tuple[Check, ...] = (
    cpu_sufficient,
    memory_sufficient,
    gpus_present,
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
