"""Faults of GPUs: gpu_errors, gpu_rows, gpu_recovery, gpu_inforom, gpu_clocks, gpu_temperature.

Thresholds, verdicts and actions are those of docs/design/gpu-reading.md, which names their sources. What only a rate or
an event can tell (slowdowns a minute, Xid) is judged where readings are compared over time.
"""

from __future__ import annotations

from appliance.contract.gpu import Gpu, RemappedRows, SpareRows, SramEcc, Value
from appliance.contract.health import Verdict
from fleetctl.checks.context import CheckContext
from fleetctl.checks.gpu_finding import Finding, bad, fine, judged, per_gpu
from fleetctl.checks.result import CheckResult
from fleetctl.models.profile import GpuRequirement

_REPLACE = "replace the card"
_PLAN = "plan a replacement"
# NVIDIA's limit of row remaps for uncorrectable errors (GPU memory error management guide).
_MAX_UNCORRECTABLE_REMAPS = 512
_LEAST_MARGIN_C = 5

# Field 230, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION: nvmlDeviceGpuRecoveryAction_t.
_RECOVERY = {
    1: "reset the GPU",
    2: "reboot the machine",
    3: "drain the GPU's peers (P2P)",
    4: "drain the GPU and reset it",
    5: "recover the IMEX domain",
    6: "reset the bus",
    7: "reboot the machine",
}

# nvmlClocksEventReasons, by bit.
_HARDWARE = {0x8: "hardware slowdown", 0x40: "hardware thermal slowdown", 0x80: "hardware power brake"}
_SOFTWARE_THERMAL = {0x20: "software thermal slowdown"}
_HARMLESS = {
    0x1: "idle",
    0x2: "application clocks set",
    0x4: "software power cap",
    0x10: "sync boost",
    0x100: "display clocks set",
}


def gpu_errors(context: CheckContext) -> CheckResult:
    """No uncorrectable memory error since the driver was loaded, and not too many in the SRAM ever."""

    def judge(gpu: Gpu, requirement: GpuRequirement) -> list[Finding]:
        ecc_is_on = isinstance(gpu.ecc, Value) and gpu.ecc.value.current
        uncounted = bad(Verdict.CRITICAL, "uncorrectable errors: not supported by this GPU while ECC is on", _REPLACE)
        return [
            judged(
                "uncorrectable errors",
                gpu.uncorrected_ecc,
                _uncorrectable,
                # Without ECC nothing is counted, and gpu_ecc judges that; with ECC on, the profile's demand is not met.
                unsupported=uncounted if ecc_is_on and requirement.ecc == "on" else None,
            ),
            judged("SRAM errors", gpu.sram, _sram),
        ]

    return per_gpu(
        "gpu_errors",
        context,
        wanted="no uncorrectable ECC error, SRAM below its threshold",
        compared="compared the uncorrectable errors since the driver was loaded, and NVML's SRAM threshold flag",
        judge=judge,
    )


def _uncorrectable(count: int) -> Finding:
    said = f"{count} uncorrectable ECC errors"
    return bad(Verdict.CRITICAL, said, "drain the GPU and reset it") if count else fine(said)


def _sram(sram: SramEcc) -> Finding:
    said = f"{sram.uncorrected_volatile} uncorrectable SRAM errors"
    if sram.threshold_exceeded:
        return bad(Verdict.CRITICAL, f"{said}, NVML's threshold is exceeded", _REPLACE)
    return fine(said)


def gpu_rows(context: CheckContext) -> CheckResult:
    """No row remap waits or has failed, and every bank has spare rows."""

    def judge(gpu: Gpu, requirement: GpuRequirement) -> list[Finding]:
        found = [judged("row remapping", gpu.rows, _rows), judged("spare rows", gpu.spare_rows, _spare)]
        if isinstance(gpu.rows, Value) and gpu.rows.value.uncorrectable >= _MAX_UNCORRECTABLE_REMAPS:
            said = f"{gpu.rows.value.uncorrectable} uncorrectable remaps, the limit is {_MAX_UNCORRECTABLE_REMAPS}"
            found.append(bad(Verdict.DEGRADED, said, _PLAN))
        return found

    return per_gpu(
        "gpu_rows",
        context,
        wanted=f"no remap pending or failed, fewer than {_MAX_UNCORRECTABLE_REMAPS} uncorrectable, spares in each bank",
        compared="compared the remapped rows and the banks' spare rows",
        judge=judge,
    )


def _rows(rows: RemappedRows) -> Finding:
    said = f"{rows.uncorrectable} rows remapped for uncorrectable errors"
    if rows.failed:
        return bad(Verdict.CRITICAL, f"{said}, a remap failed", _REPLACE)
    if rows.pending:
        # With Xid 48 it is critical: the event stream decides that, one reading cannot.
        reset = "drain the GPU and reset it in the maintenance window; no rollout until then"
        return bad(Verdict.DEGRADED, f"{said}, a remap is pending", reset)
    return fine(said)


def _spare(banks: SpareRows) -> Finding:
    if banks.none:
        return bad(Verdict.DEGRADED, f"{banks.none} banks have no spare row left", _PLAN)
    return fine("spare rows in each bank")


def gpu_recovery(context: CheckContext) -> CheckResult:
    """The driver asks for no recovery action."""

    def action(code: int) -> Finding:
        if code == 0:
            return fine("no recovery action")
        what = _RECOVERY.get(code, "see the release notes of the driver for this code")
        return bad(Verdict.CRITICAL, f"recovery action {code} wanted", what)

    return per_gpu(
        "gpu_recovery",
        context,
        wanted="no recovery action",
        compared="compared NVML's field 230",
        judge=lambda gpu, requirement: [judged("recovery action", gpu.recovery_action, action)],
    )


def gpu_inforom(context: CheckContext) -> CheckResult:
    """The card's own configuration store is valid."""

    def valid(is_valid: bool) -> Finding:
        return (
            fine("InfoROM valid") if is_valid else bad(Verdict.DEGRADED, "InfoROM corrupt", "ask the vendor's support")
        )

    return per_gpu(
        "gpu_inforom",
        context,
        wanted="InfoROM valid",
        compared="compared NVML's validation of the InfoROM",
        judge=lambda gpu, requirement: [judged("InfoROM", gpu.inforom_valid, valid)],
    )


def gpu_clocks(context: CheckContext) -> CheckResult:
    """Nothing but load and settings lowers the clocks at the moment of the reading."""
    return per_gpu(
        "gpu_clocks",
        context,
        wanted="no slowdown",
        compared="compared NVML's clocks event reasons in one reading",
        judge=lambda gpu, requirement: [judged("clocks event reasons", gpu.clocks_event_reasons, _clocks)],
    )


def _clocks(reasons: int) -> Finding:
    def named(bits: dict[int, str]) -> list[str]:
        return [word for bit, word in bits.items() if reasons & bit]

    said = ", ".join(named({**_HARDWARE, **_SOFTWARE_THERMAL, **_HARMLESS})) or "none"
    other = reasons & ~sum([*_HARDWARE, *_SOFTWARE_THERMAL, *_HARMLESS])
    if named(_HARDWARE):
        return bad(Verdict.DEGRADED, said, "look at cooling and power supply")
    if other:
        return bad(
            Verdict.UNKNOWN, f"{said}; {other:#x} is no reason that we know", "see the release notes of the driver"
        )
    if named(_SOFTWARE_THERMAL):
        return bad(Verdict.DEGRADED, said, "look at the airflow")
    return fine(said)


def gpu_temperature(context: CheckContext) -> CheckResult:
    """The GPU is far enough from the temperature at which it slows itself down."""
    return per_gpu(
        "gpu_temperature",
        context,
        wanted=f"more than {_LEAST_MARGIN_C} °C of margin",
        compared="compared the margin to the slowdown temperature",
        judge=lambda gpu, requirement: [
            judged("temperature", gpu.temperature_c, lambda degrees: fine(f"{degrees} °C")),
            judged("margin temperature", gpu.margin_c, _margin, unsupported=_NO_MARGIN),
        ],
    )


# A temperature says nothing without the one at which this GPU slows down.
_NO_MARGIN = bad(
    Verdict.UNKNOWN,
    "margin temperature: not supported by this GPU, nor its slowdown temperature",
    "compare the temperature with the card's data sheet yourself",
)


def _margin(degrees: int) -> Finding:
    if degrees <= 0:
        return bad(
            Verdict.UNKNOWN,
            f"a margin of {degrees} °C is unreliable",
            "look at the temperature and the cooling yourself",
        )
    if degrees <= _LEAST_MARGIN_C:
        return bad(Verdict.DEGRADED, f"margin {degrees} °C", "look at the cooling")
    return fine(f"margin {degrees} °C")
