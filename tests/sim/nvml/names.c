/* What a scenario of the simulated NVML may name: its errors by their code, its values, its calls. */
#include "scenario.h"

#include <stddef.h>

const char SIMULATED[] = "NVML";

static const char *const ERRORS[] = {
    "SUCCESS", "UNINITIALIZED", "INVALID_ARGUMENT", "NOT_SUPPORTED", "NO_PERMISSION", "ALREADY_INITIALIZED",
    "NOT_FOUND", "INSUFFICIENT_SIZE", "INSUFFICIENT_POWER", "DRIVER_NOT_LOADED", "TIMEOUT", "IRQ_ISSUE",
    "LIBRARY_NOT_FOUND", "FUNCTION_NOT_FOUND", "CORRUPTED_INFOROM", "GPU_IS_LOST", "RESET_REQUIRED",
    "OPERATING_SYSTEM", "LIB_RM_VERSION_MISMATCH", "IN_USE", "MEMORY", "NO_DATA", NULL,
};

const char *const VALUES[] = {
    "gpus", "driver_version", "nvml_version", "bus_only", /* bus_only and on_bus are for the simulated sysfs */
    "name", "uuid", "serial", "vbios", "pci_id", "on_bus", "memory_mib", "compute_capability", "ecc_current",
    "ecc_pending", "ecc_uncorrected_volatile", "sram_threshold_exceeded", "sram_uncorrected_volatile",
    "rows_correctable", "rows_uncorrectable", "rows_pending", "rows_failed", "banks_max", "banks_high",
    "banks_partial", "banks_low", "banks_none", "recovery_action", "clocks_event_reasons", "temperature_c", "margin_c",
    "slowdown_c",
    "pcie_width", "pcie_width_max", "pcie_generation", "pcie_generation_max", "pcie_replays", "persistence", "xid",
    "sm_clock_mhz", "power_mw", "ecc_corrected_volatile", "ecc_corrected_aggregate", "ecc_uncorrected_aggregate",
    "memory_clock_mhz", "memory_temperature_c", "memory_used_mib", "memory_reserved_mib", "energy_mj",
    "utilization_percent", "memory_utilization_percent", "encoder_percent", "decoder_percent", "event_types", NULL,
};

const char *const CALLS[] = {
    "*", "nvmlInitWithFlags", "nvmlSystemGetDriverVersion", "nvmlSystemGetNVMLVersion", "nvmlDeviceGetCount_v2",
    "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetName", "nvmlDeviceGetUUID", "nvmlDeviceGetSerial",
    "nvmlDeviceGetVbiosVersion", "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetCudaComputeCapability", "nvmlDeviceGetEccMode", "nvmlDeviceGetTotalEccErrors",
    "nvmlDeviceGetSramEccErrorStatus", "nvmlDeviceGetRemappedRows", "nvmlDeviceGetRowRemapperHistogram",
    "nvmlDeviceGetFieldValues", "nvmlDeviceValidateInforom", "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature", "nvmlDeviceGetMarginTemperature",
    "nvmlDeviceGetTemperatureThreshold",
    "nvmlDeviceGetCurrPcieLinkWidth", "nvmlDeviceGetMaxPcieLinkWidth", "nvmlDeviceGetCurrPcieLinkGeneration",
    "nvmlDeviceGetMaxPcieLinkGeneration", "nvmlDeviceGetPcieReplayCounter", "nvmlDeviceGetPersistenceMode",
    "nvmlEventSetCreate", "nvmlDeviceGetSupportedEventTypes", "nvmlDeviceRegisterEvents", "nvmlEventSetWait_v2",
    "nvmlDeviceGetClockInfo", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetTotalEnergyConsumption",
    "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetEncoderUtilization", "nvmlDeviceGetDecoderUtilization",
    "nvmlDeviceGetMemoryInfo_v2", NULL,
};

int error_code(const char *name) { return listed(ERRORS, name); }

const char *error_name(int code)
{
    return code >= 0 && (size_t)code < sizeof ERRORS / sizeof *ERRORS - 1 ? ERRORS[code] : "unknown error";
}
