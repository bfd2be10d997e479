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

NUMBER(nvmlDeviceGetTotalEnergyConsumption, uint64_t, "energy_mj")

/* Asked for are the clocks of the multiprocessors and of the memory, NVML_CLOCK_SM and NVML_CLOCK_MEM. */
CALL nvmlDeviceGetClockInfo(struct gpu *gpu, unsigned kind, unsigned *mhz)
{
    ENTER(gpu->index);
    if (kind != 1 && kind != 2)
        return INVALID_ARGUMENT;
    *mhz = (unsigned)number(gpu->index, kind == 1 ? "sm_clock_mhz" : "memory_clock_mhz");
    return SUCCESS;
}

struct utilization { unsigned gpu, memory; };

CALL nvmlDeviceGetUtilizationRates(struct gpu *gpu, struct utilization *rates)
{
    ENTER(gpu->index);
    rates->gpu = (unsigned)number(gpu->index, "utilization_percent");
    rates->memory = (unsigned)number(gpu->index, "memory_utilization_percent");
    return SUCCESS;
}

#define CODEC(call, key) \
    CALL call(struct gpu *gpu, unsigned *percent, unsigned *period_us) \
    { ENTER(gpu->index); *percent = (unsigned)number(gpu->index, key); *period_us = 167000; return SUCCESS; }
CODEC(nvmlDeviceGetEncoderUtilization, "encoder_percent")
CODEC(nvmlDeviceGetDecoderUtilization, "decoder_percent")

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

struct memory2 { unsigned version; uint64_t total, reserved, free, used; };

CALL nvmlDeviceGetMemoryInfo_v2(struct gpu *gpu, struct memory2 *memory)
{
    ENTER(gpu->index);
    if (memory->version != (2u << 24 | sizeof *memory))
        return INVALID_ARGUMENT;
    memory->total = (uint64_t)number(gpu->index, "memory_mib") << 20;
    memory->reserved = (uint64_t)number(gpu->index, "memory_reserved_mib") << 20;
    memory->used = (uint64_t)number(gpu->index, "memory_used_mib") << 20;
    memory->free = memory->total - memory->reserved - memory->used;
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

/* Kind 0 is corrected, 1 uncorrected; span 0 is since the driver was loaded, 1 since ever. */
CALL nvmlDeviceGetTotalEccErrors(struct gpu *gpu, unsigned kind, unsigned span, uint64_t *count)
{
    static const char *const KEYS[2][2] = {{"ecc_corrected_volatile", "ecc_corrected_aggregate"},
                                           {"ecc_uncorrected_volatile", "ecc_uncorrected_aggregate"}};
    ENTER(gpu->index);
    if (kind > 1 || span > 1)
        return INVALID_ARGUMENT;
    *count = (uint64_t)number(gpu->index, KEYS[kind][span]);
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

/* Field 230 is the recovery action, 82 the memory's temperature; a value of NOT_SUPPORTED makes the field, not the call,
 * say so. */
CALL nvmlDeviceGetFieldValues(struct gpu *gpu, int count, struct field *fields)
{
    ENTER(gpu->index);
    for (int i = 0; i < count; i++) {
        const char *key = fields[i].id == 230 ? "recovery_action" : fields[i].id == 82 ? "memory_temperature_c" : NULL;
        int refused = key ? error_code(value(gpu->index, key)) : INVALID_ARGUMENT;
        fields[i].type = 1;
        fields[i].value.ull = 0;
        fields[i].result = refused > 0 ? (unsigned)refused : SUCCESS;
        if (fields[i].result == SUCCESS)
            fields[i].value.ui = (unsigned)number(gpu->index, key);
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

/* Events: a GPU tells the Xids of its line `xid`, one after the other, to a set that it was registered with. Beside them
 * FLEETCTL_SIMULATED_NVML_EVENTS may name a file to which a test appends lines `GPU XID`: as with a driver, who waits
 * gets what comes while it is registered, and nothing from before. Then waiting times out. */
struct event { struct gpu *gpu; uint64_t type, data; unsigned gpu_instance, compute_instance; };
static int the_set;
static FILE *stream;

CALL nvmlEventSetCreate(int **set)
{
    const char *path = getenv("FLEETCTL_SIMULATED_NVML_EVENTS");
    ENTER(GLOBAL);
    *set = &the_set;
    if (path && !stream) {
        stream = fopen(path, "r");
        if (!stream || fseek(stream, 0, SEEK_END))
            mistake("cannot open the events %s", path);
    }
    return SUCCESS;
}

CALL nvmlEventSetFree(int *set) { (void)set; return SUCCESS; }

NUMBER(nvmlDeviceGetSupportedEventTypes, uint64_t, "event_types")

CALL nvmlDeviceRegisterEvents(struct gpu *gpu, uint64_t types, int *set)
{
    ENTER(gpu->index);
    (void)set;
    gpu->registered = (types & 8) != 0; /* nvmlEventTypeXidCriticalError */
    return SUCCESS;
}

static int listed_xids(int gpu)
{
    const char *text = setting(gpu, "xid");
    int count = text != NULL;
    while (text && (text = strchr(text, ',')))
        count++, text++;
    return count;
}

static int streamed(struct event *event)
{
    char line[64];
    int gpu;
    unsigned xid;
    if (!stream)
        return 0;
    long place = ftell(stream);
    if (!fgets(line, sizeof line, stream) || !strchr(line, '\n')) { /* half of a line: the rest comes */
        clearerr(stream);
        fseek(stream, place, SEEK_SET);
        return 0;
    }
    if (sscanf(line, "%d %u", &gpu, &xid) != 2 || gpu < 0 || gpu >= MAX_GPUS)
        mistake("an event is no GPU XID: %s", line);
    *event = (struct event){&gpus[gpu], 8, xid, ~0u, ~0u};
    return gpus[gpu].registered;
}

CALL nvmlEventSetWait_v2(int *set, struct event *event, unsigned timeout_ms)
{
    ENTER(GLOBAL);
    (void)set;
    for (int i = 0; i < MAX_GPUS; i++)
        if (gpus[i].registered && gpus[i].told < listed_xids(i)) {
            gpus[i].told++;
            *event = (struct event){&gpus[i], 8, (uint64_t)number(i, "xid"), ~0u, ~0u};
            return SUCCESS;
        }
    unsigned step_ms = stream ? 5 : timeout_ms; /* only a stream can bring something meanwhile */
    for (unsigned waited_ms = 0; waited_ms < timeout_ms; waited_ms += step_ms) {
        if (streamed(event))
            return SUCCESS;
        struct timespec wait = {step_ms / 1000, step_ms % 1000 * 1000000L};
        nanosleep(&wait, NULL);
    }
    return TIMEOUT;
}
