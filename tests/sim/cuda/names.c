/* What a scenario of the simulated CUDA driver may name: CUDA's errors by their code (without CUDA_ERROR_), values, calls. */
#include "../nvml/scenario.h"

#include <stddef.h>
#include <string.h>

const char SIMULATED[] = "CUDA";

static const struct { int code; const char *name; } ERRORS[] = {
    {0, "SUCCESS"}, {1, "INVALID_VALUE"}, {2, "OUT_OF_MEMORY"}, {3, "NOT_INITIALIZED"}, {100, "NO_DEVICE"},
    {101, "INVALID_DEVICE"}, {214, "ECC_UNCORRECTABLE"}, {218, "INVALID_PTX"}, {500, "NOT_FOUND"},
    {700, "ILLEGAL_ADDRESS"}, {719, "LAUNCH_FAILED"}, {999, "UNKNOWN"},
};

const char *const VALUES[] = {
    "gpus", "pci_id", "multiprocessors", "free_mib", "piece_mib", "memory_gb_per_s", "tensor_tflops",
    "pcie_to_gpu_gb_per_s", "pcie_from_gpu_gb_per_s", "flip_word", "flip_mask", "tensor_wrong", "blind", NULL,
};

const char *const CALLS[] = {
    "*", "cuInit", "cuDeviceGetByPCIBusId", "cuDeviceGetAttribute", "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent",
    "cuMemGetInfo_v2", "cuMemAlloc_v2", "cuMemAllocHost_v2", "cuMemcpyDtoH_v2", "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2", "cuMemsetD32_v2", "cuModuleLoadData", "cuModuleGetFunction", "cuLaunchKernel",
    "cuEventCreate", "cuEventRecord", "cuEventSynchronize", "cuEventElapsedTime", NULL,
};

int error_code(const char *name)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (!strcmp(ERRORS[i].name, name))
            return ERRORS[i].code;
    return -1;
}

const char *error_name(int code)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (ERRORS[i].code == code)
            return ERRORS[i].name;
    return NULL;
}
