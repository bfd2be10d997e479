/* A simulated libnvidia-ml.so.1: answers NVML calls from a scenario file. It drives no hardware.
 *
 * The file is named by FLEETCTL_SIMULATED_NVML; scenarios/README.md says what stands in it. A mistake in a scenario ends
 * the process with a message, so that no test passes on a fault that was never there.
 *
 * Written from the signatures and constants that nvidia-ml-py (pynvml.py) calls with; nothing is copied from NVIDIA.
 */
#include "scenario.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL __attribute__((visibility("default"))) int
enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, TIMEOUT = 10 };

static int initialized;
static struct gpu { int index, registered, told; } gpus[MAX_GPUS];

#define ENTER(gpu) do { int stop = initialized ? enter(gpu, __func__) : UNINITIALIZED; if (stop) return stop; } while (0)

static int text(int gpu, const char *key, char *into, unsigned size)
{
    if ((unsigned)snprintf(into, size, "%s", value(gpu, key)) >= size)
        mistake("%s does not fit into %u bytes", key, size);
    return SUCCESS;
}

CALL nvmlInitWithFlags(unsigned flags)
{
    const char *path = getenv("FLEETCTL_SIMULATED_NVML");
    (void)flags;
    if (!path)
        mistake("FLEETCTL_SIMULATED_NVML names no scenario");
    load(path);
    for (int i = 0; i < MAX_GPUS; i++)
        gpus[i] = (struct gpu){.index = i};
    int stop = enter(GLOBAL, __func__);
    initialized = !stop;
    return stop;
}

CALL nvmlShutdown(void)
{
    int was = initialized;
    initialized = 0;
    return was ? SUCCESS : UNINITIALIZED;
}

__attribute__((visibility("default"))) const char *nvmlErrorString(int code) { return error_name(code); }

CALL nvmlSystemGetDriverVersion(char *into, unsigned size) { ENTER(GLOBAL); return text(GLOBAL, "driver_version", into, size); }
CALL nvmlSystemGetNVMLVersion(char *into, unsigned size) { ENTER(GLOBAL); return text(GLOBAL, "nvml_version", into, size); }
CALL nvmlDeviceGetCount_v2(unsigned *count) { ENTER(GLOBAL); *count = (unsigned)number(GLOBAL, "gpus"); return SUCCESS; }

CALL nvmlDeviceGetHandleByIndex_v2(unsigned index, struct gpu **handle)
{
    if (initialized && index >= (unsigned)number(GLOBAL, "gpus"))
        return INVALID_ARGUMENT;
    ENTER((int)index);
    *handle = &gpus[index];
    return SUCCESS;
}

#define TEXT(call, key) \
    CALL call(struct gpu *gpu, char *into, unsigned size) { ENTER(gpu->index); return text(gpu->index, key, into, size); }
TEXT(nvmlDeviceGetName, "name")
TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetSerial, "serial")
TEXT(nvmlDeviceGetVbiosVersion, "vbios")

#define NUMBER(call, type, key) \
    CALL call(struct gpu *gpu, type *into) { ENTER(gpu->index); *into = (type)number(gpu->index, key); return SUCCESS; }
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, uint64_t, "clocks_event_reasons")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, unsigned, "pcie_width")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, unsigned, "pcie_width_max")
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, unsigned, "pcie_generation")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, unsigned, "pcie_generation_max")
NUMBER(nvmlDeviceGetPcieReplayCounter, unsigned, "pcie_replays")
NUMBER(nvmlDeviceGetPersistenceMode, unsigned, "persistence")

NUMBER(nvmlDeviceGetPowerUsage, unsigned, "power_mw")

/* Only the clock of the multiprocessors, NVML_CLOCK_SM, is asked for. */
CALL nvmlDeviceGetClockInfo(struct gpu *gpu, unsigned kind, unsigned *mhz)
{
    ENTER(gpu->index);
    if (kind != 1)
        return INVALID_ARGUMENT;
    *mhz = (unsigned)number(gpu->index, "sm_clock_mhz");
    return SUCCESS;
}

struct pci { char legacy[16]; unsigned domain, bus, device, ids, subsystem; char bus_id[32]; };

CALL nvmlDeviceGetPciInfo_v3(struct gpu *gpu, struct pci *pci)
{
    ENTER(gpu->index);
    unsigned function;
    const char *id = value(gpu->index, "pci_id");
    memset(pci, 0, sizeof *pci);
    if (sscanf(id, "%x:%x:%x.%x", &pci->domain, &pci->bus, &pci->device, &function) != 4)
        mistake("pci_id = %s is no PCI address", id);
    snprintf(pci->bus_id, sizeof pci->bus_id, "%08X:%02X:%02X.%X", pci->domain, pci->bus, pci->device, function);
    return SUCCESS;
}

struct memory { uint64_t total, free, used; };

CALL nvmlDeviceGetMemoryInfo(struct gpu *gpu, struct memory *memory)
{
    ENTER(gpu->index);
    memory->total = memory->free = (uint64_t)number(gpu->index, "memory_mib") << 20;
    memory->used = 0;
    return SUCCESS;
}

CALL nvmlDeviceGetCudaComputeCapability(struct gpu *gpu, int *major, int *minor)
{
    ENTER(gpu->index);
    if (sscanf(value(gpu->index, "compute_capability"), "%d.%d", major, minor) != 2)
        mistake("compute_capability is no MAJOR.MINOR");
    return SUCCESS;
}

CALL nvmlDeviceGetEccMode(struct gpu *gpu, unsigned *current, unsigned *pending)
{
    ENTER(gpu->index);
    *current = (unsigned)number(gpu->index, "ecc_current");
    *pending = (unsigned)number(gpu->index, "ecc_pending");
    return SUCCESS;
}

/* Kind 0 is corrected, 1 uncorrected; only span 0 is asked for, since the driver was loaded. */
CALL nvmlDeviceGetTotalEccErrors(struct gpu *gpu, unsigned kind, unsigned span, uint64_t *count)
{
    ENTER(gpu->index);
    if (kind > 1 || span != 0)
        return INVALID_ARGUMENT;
    *count = (uint64_t)number(gpu->index, kind ? "ecc_uncorrected_volatile" : "ecc_corrected_volatile");
    return SUCCESS;
}

struct sram { unsigned version; uint64_t aggregate[3], volatile_parity, volatile_secded, rest[6]; unsigned exceeded; };

CALL nvmlDeviceGetSramEccErrorStatus(struct gpu *gpu, struct sram *sram)
{
    ENTER(gpu->index);
    if (sram->version != (1u << 24 | sizeof *sram))
        return INVALID_ARGUMENT;
    sram->volatile_secded = (uint64_t)number(gpu->index, "sram_uncorrected_volatile");
    sram->exceeded = (unsigned)number(gpu->index, "sram_threshold_exceeded");
    return SUCCESS;
}

CALL nvmlDeviceGetRemappedRows(struct gpu *gpu, unsigned *cor, unsigned *unc, unsigned *pending, unsigned *failed)
{
    ENTER(gpu->index);
    *cor = (unsigned)number(gpu->index, "rows_correctable");
    *unc = (unsigned)number(gpu->index, "rows_uncorrectable");
    *pending = (unsigned)number(gpu->index, "rows_pending");
    *failed = (unsigned)number(gpu->index, "rows_failed");
    return SUCCESS;
}

CALL nvmlDeviceGetRowRemapperHistogram(struct gpu *gpu, unsigned banks[5])
{
    static const char *const KEYS[] = {"banks_max", "banks_high", "banks_partial", "banks_low", "banks_none"};
    ENTER(gpu->index);
    for (int i = 0; i < 5; i++)
        banks[i] = (unsigned)number(gpu->index, KEYS[i]);
    return SUCCESS;
}

struct field { uint32_t id, scope; int64_t timestamp, latency; unsigned type, result; union { unsigned ui; uint64_t ull; } value; };

/* Field 230 is the recovery action; recovery_action = NOT_SUPPORTED makes the field, not the call, say so. */
CALL nvmlDeviceGetFieldValues(struct gpu *gpu, int count, struct field *fields)
{
    ENTER(gpu->index);
    for (int i = 0; i < count; i++) {
        int refused = error_code(value(gpu->index, "recovery_action"));
        fields[i].type = 1;
        fields[i].value.ull = 0;
        fields[i].result = fields[i].id != 230 ? INVALID_ARGUMENT : refused > 0 ? (unsigned)refused : SUCCESS;
        if (fields[i].result == SUCCESS)
            fields[i].value.ui = (unsigned)number(gpu->index, "recovery_action");
    }
    return SUCCESS;
}

CALL nvmlDeviceValidateInforom(struct gpu *gpu) { ENTER(gpu->index); return SUCCESS; }

struct temperature { unsigned version, sensor; int degrees; };

CALL nvmlDeviceGetTemperatureV(struct gpu *gpu, struct temperature *temperature)
{
    ENTER(gpu->index);
    temperature->degrees = (int)number(gpu->index, "temperature_c");
    return SUCCESS;
}

CALL nvmlDeviceGetTemperature(struct gpu *gpu, unsigned sensor, unsigned *degrees)
{
    ENTER(gpu->index);
    (void)sensor;
    *degrees = (unsigned)number(gpu->index, "temperature_c");
    return SUCCESS;
}

struct margin { unsigned version; int degrees; };

CALL nvmlDeviceGetMarginTemperature(struct gpu *gpu, struct margin *margin)
{
    ENTER(gpu->index);
    margin->degrees = (int)number(gpu->index, "margin_c");
    return SUCCESS;
}

CALL nvmlDeviceGetTemperatureThreshold(struct gpu *gpu, unsigned threshold, unsigned *degrees)
{
    ENTER(gpu->index);
    if (threshold != 1) /* NVML_TEMPERATURE_THRESHOLD_SLOWDOWN */
        return INVALID_ARGUMENT;
    *degrees = (unsigned)number(gpu->index, "slowdown_c");
    return SUCCESS;
}

/* Events: each GPU with `xid` tells it once to a set that it was registered with; then waiting times out. */
struct event { struct gpu *gpu; uint64_t type, data; unsigned gpu_instance, compute_instance; };
static int the_set;

CALL nvmlEventSetCreate(int **set) { *set = &the_set; return initialized ? SUCCESS : UNINITIALIZED; }
CALL nvmlEventSetFree(int *set) { (void)set; return SUCCESS; }

CALL nvmlDeviceRegisterEvents(struct gpu *gpu, uint64_t types, int *set)
{
    ENTER(gpu->index);
    (void)set;
    gpu->registered = (types & 8) != 0; /* nvmlEventTypeXidCriticalError */
    return SUCCESS;
}

CALL nvmlEventSetWait_v2(int *set, struct event *event, unsigned timeout_ms)
{
    ENTER(GLOBAL);
    (void)set;
    for (int i = 0; i < MAX_GPUS; i++)
        if (gpus[i].registered && !gpus[i].told && setting(i, "xid")) {
            gpus[i].told = 1;
            *event = (struct event){&gpus[i], 8, (uint64_t)number(i, "xid"), ~0u, ~0u};
            return SUCCESS;
        }
    struct timespec wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    nanosleep(&wait, NULL);
    return TIMEOUT;
}
