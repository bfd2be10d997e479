"""Rules about faults that one reading shows: gpu_errors, gpu_rows, gpu_recovery, gpu_inforom, gpu_clocks,
gpu_temperature.

Thresholds, verdicts and actions are those of docs/design/gpu-reading.md, which names their sources. What only readings
over time can tell is in gpu_over_time.py, what an Xid means in xid.py.
"""

from collections.abc import Sequence

from appliance.contract.finding import REPLACE, Finding, bad, fine, judged
from appliance.contract.gpu import Gpu, RemappedRows, SpareRows, SramEcc, Value
from appliance.contract.gpu_evidence import Evidence, each_gpu
from appliance.contract.health import Verdict
from appliance.contract.recovery import judge_recovery
from appliance.contract.xid import UNCONTAINED_MEMORY_ERROR

_PLAN = "plan a replacement"
_RESET = "drain the GPU and reset it"
# NVIDIA's limit of row remaps for uncorrectable errors (GPU memory error management guide).
_MAX_UNCORRECTABLE_REMAPS = 512
_LEAST_MARGIN_C = 5

# nvmlClocksEventReasons, by bit.
HARDWARE = {0x8: "hardware slowdown", 0x40: "hardware thermal slowdown", 0x80: "hardware power brake"}
SOFTWARE_THERMAL = {0x20: "software thermal slowdown"}
_HARMLESS = {
    0x1: "idle",
    0x2: "application clocks set",
    0x4: "software power cap",
    0x10: "sync boost",
    0x100: "display clocks set",
}


def _errors(gpu: Gpu, evidence: Evidence) -> Sequence[Finding]:
    ecc_is_on = isinstance(gpu.ecc, Value) and gpu.ecc.value.current
    wanted = evidence.wanted_of(gpu)
    uncounted = bad(Verdict.CRITICAL, "uncorrectable errors: not supported by this GPU while ECC is on", REPLACE)
    return [
        judged(
            "uncorrectable errors",
            gpu.uncorrected_ecc,
            _uncorrectable,
            # Without ECC nothing is counted, and gpu_ecc judges that; with ECC on, the profile's demand is not met.
            # A box that does not know the demand takes it that there is one.
            unsupported=uncounted if ecc_is_on and (wanted is None or wanted.ecc == "on") else None,
            faults=("gpu_ecc_uncorrectable",),
        ),
        judged("SRAM errors", gpu.sram, _sram, faults=("gpu_sram_threshold",)),
    ]


def _uncorrectable(count: int) -> Finding:
    said = f"{count} uncorrectable ECC errors"
    return bad(Verdict.CRITICAL, said, _RESET) if count else fine(said)


def _sram(sram: SramEcc) -> Finding:
    said = f"{sram.uncorrected_volatile} uncorrectable SRAM errors"
    if sram.threshold_exceeded:
        return bad(Verdict.CRITICAL, f"{said}, NVML's threshold is exceeded", REPLACE)
    return fine(said)


GPU_ERRORS = each_gpu(
    "gpu_errors",
    _errors,
    wanted="no uncorrectable ECC error, SRAM below its threshold",
    compared="compared the uncorrectable errors since the driver was loaded, and NVML's SRAM threshold flag",
)


def _rows(gpu: Gpu, evidence: Evidence) -> Sequence[Finding]:
    with_xid_48 = UNCONTAINED_MEMORY_ERROR in evidence.xids.get(gpu.index, ())
    found = [
        judged("row remapping", gpu.rows, lambda rows: _remaps(rows, with_xid_48)),
        judged("spare rows", gpu.spare_rows, _spare, faults=("gpu_bank_used_up",)),
    ]
    if isinstance(gpu.rows, Value) and gpu.rows.value.uncorrectable >= _MAX_UNCORRECTABLE_REMAPS:
        said = f"{gpu.rows.value.uncorrectable} uncorrectable remaps, the limit is {_MAX_UNCORRECTABLE_REMAPS}"
        found.append(bad(Verdict.DEGRADED, said, _PLAN, "gpu_remaps_used_up"))
    return found


def _remaps(rows: RemappedRows, with_xid_48: bool) -> Finding:
    said = f"{rows.uncorrectable} rows remapped for uncorrectable errors"
    if rows.failed:
        return bad(Verdict.CRITICAL, f"{said}, a remap failed", REPLACE, "gpu_remap_failed")
    if rows.pending and with_xid_48:
        words = f"{said}, a remap is pending after Xid {UNCONTAINED_MEMORY_ERROR}"
        return bad(Verdict.CRITICAL, words, f"{_RESET}; no rollout until then", "gpu_remap_pending")
    if rows.pending:
        later = f"{_RESET} in the maintenance window; no rollout until then"
        return bad(Verdict.DEGRADED, f"{said}, a remap is pending", later, "gpu_remap_pending")
    few = ("gpu_remaps_used_up",) if rows.uncorrectable < _MAX_UNCORRECTABLE_REMAPS else ()
    return fine(said, "gpu_remap_failed", "gpu_remap_pending", *few)


def _spare(banks: SpareRows) -> Finding:
    if banks.none:
        return bad(Verdict.DEGRADED, f"{banks.none} banks have no spare row left", _PLAN)
    return fine("spare rows in each bank")


GPU_ROWS = each_gpu(
    "gpu_rows",
    _rows,
    wanted=f"no remap pending or failed, fewer than {_MAX_UNCORRECTABLE_REMAPS} uncorrectable, spares in each bank",
    compared="compared the remapped rows and the banks' spare rows",
)


GPU_RECOVERY = each_gpu(
    "gpu_recovery",
    lambda gpu, _: [judged("recovery action", gpu.recovery_action, judge_recovery, faults=("gpu_recovery_action",))],
    wanted="no recovery action",
    compared="compared NVML's field 230",
)


def _inforom(valid: bool) -> Finding:
    return fine("InfoROM valid") if valid else bad(Verdict.DEGRADED, "InfoROM corrupt", "ask the vendor's support")


GPU_INFOROM = each_gpu(
    "gpu_inforom",
    lambda gpu, _: [judged("InfoROM", gpu.inforom_valid, _inforom, faults=("gpu_inforom",))],
    wanted="InfoROM valid",
    compared="compared NVML's validation of the InfoROM",
)


def _clocks(reasons: int, *, alone: bool) -> Finding:
    def named(bits: dict[int, str]) -> list[str]:
        return [word for bit, word in bits.items() if reasons & bit]

    said = ", ".join(named({**HARDWARE, **SOFTWARE_THERMAL, **_HARMLESS})) or "none"
    other = reasons & ~sum([*HARDWARE, *SOFTWARE_THERMAL, *_HARMLESS])
    if named(HARDWARE):
        return bad(Verdict.DEGRADED, said, "look at cooling and power supply")
    if other:
        return bad(
            Verdict.UNKNOWN, f"{said}; {other:#x} is no reason that we know", "see the release notes of the driver"
        )
    # Whether it lasts, readings over time say (gpu_slowdown); one alone cannot, and is taken at its word.
    if named(SOFTWARE_THERMAL) and alone:
        return bad(Verdict.DEGRADED, said, "look at the airflow")
    return fine(said)


GPU_CLOCKS = each_gpu(
    "gpu_clocks",
    lambda gpu, evidence: [
        judged(
            "clocks event reasons", gpu.clocks_event_reasons, lambda mask: _clocks(mask, alone=evidence.rates is None)
        )
    ],
    wanted="no slowdown",
    compared="compared NVML's clocks event reasons in one reading",
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


GPU_TEMPERATURE = each_gpu(
    "gpu_temperature",
    lambda gpu, _: [
        judged("temperature", gpu.temperature_c, lambda degrees: fine(f"{degrees} °C")),
        judged("margin temperature", gpu.margin_c, _margin, unsupported=_NO_MARGIN),
    ],
    wanted=f"more than {_LEAST_MARGIN_C} °C of margin",
    compared="compared the margin to the slowdown temperature",
)
