"""Faults of GPUs: gpu_errors, gpu_rows, gpu_recovery, gpu_inforom, gpu_clocks, gpu_temperature.

The rules are the contract's, so that the box judges as the operator does. What only a rate or an event can tell
(slowdowns a minute, Xid) is judged where readings are compared over time.
"""

from __future__ import annotations

from appliance.contract.gpu_faults import (
    GPU_CLOCKS,
    GPU_ERRORS,
    GPU_INFOROM,
    GPU_RECOVERY,
    GPU_ROWS,
    GPU_TEMPERATURE,
)
from fleetctl.checks.context import CheckContext
from fleetctl.checks.gpu_finding import by_rule
from fleetctl.checks.result import CheckResult


def gpu_errors(context: CheckContext) -> CheckResult:
    """No uncorrectable memory error since the driver was loaded, and not too many in the SRAM ever."""
    return by_rule(GPU_ERRORS, context)


def gpu_rows(context: CheckContext) -> CheckResult:
    """No row remap waits or has failed, and every bank has spare rows."""
    return by_rule(GPU_ROWS, context)


def gpu_recovery(context: CheckContext) -> CheckResult:
    """The driver asks for no recovery action."""
    return by_rule(GPU_RECOVERY, context)


def gpu_inforom(context: CheckContext) -> CheckResult:
    """The card's own configuration store is valid."""
    return by_rule(GPU_INFOROM, context)


def gpu_clocks(context: CheckContext) -> CheckResult:
    """Nothing but load and settings lowers the clocks at the moment of the reading."""
    return by_rule(GPU_CLOCKS, context)


def gpu_temperature(context: CheckContext) -> CheckResult:
    """The GPU is far enough from the temperature at which it slows itself down."""
    return by_rule(GPU_TEMPERATURE, context)
