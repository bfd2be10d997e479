"""Every rule about GPUs, in the order in which they are shown; those that one reading answers, and those of a watch."""

from appliance.contract.gpu_evidence import GpuRule
from appliance.contract.gpu_expected import GPU_COUNT, GPU_ECC, GPU_LIBRARY, GPU_PCIE, GPU_PERSISTENCE
from appliance.contract.gpu_faults import (
    GPU_CLOCKS,
    GPU_ERRORS,
    GPU_INFOROM,
    GPU_RECOVERY,
    GPU_ROWS,
    GPU_TEMPERATURE,
)
from appliance.contract.gpu_over_time import GPU_IDENTITY, GPU_LINK, GPU_SLOWDOWN

OF_ONE_READING: tuple[GpuRule, ...] = (
    GPU_LIBRARY,
    GPU_COUNT,
    GPU_ECC,
    GPU_ERRORS,
    GPU_ROWS,
    GPU_RECOVERY,
    GPU_INFOROM,
    GPU_CLOCKS,
    GPU_TEMPERATURE,
    GPU_PCIE,
    GPU_PERSISTENCE,
)
OF_A_WATCH: tuple[GpuRule, ...] = (*OF_ONE_READING, GPU_SLOWDOWN, GPU_LINK, GPU_IDENTITY)
