/* A simulated libcuda.so.1: the calls that a burn-in makes, on the host's memory and with a clock of its own.
 *
 * The file named by FLEETCTL_SIMULATED_CUDA says what the GPUs are and what fails; scenarios/README.md explains it. Our
 * three kernels are known by name and done in C. Nothing here translates PTX, and no time that it tells was measured.
 *
 * Written from the signatures in NVIDIA's CUDA Driver API reference; nothing is copied from NVIDIA.
 */
#include "../nvml/scenario.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL __attribute__((visibility("default"))) int
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_PTX = 218,
       NOT_FOUND = 500, MULTIPROCESSORS = 16, MAX_BLOCKS = 64 };
static const char *const KERNELS[] = {"fill", "check", "tensor", NULL};

static int initialized, current = GLOBAL;
static const char *module;
static double now_ms; /* the GPU's own clock: what ran on it, by the scenario's speeds */
static struct { uint8_t *start; size_t size; } blocks[MAX_BLOCKS];
static int block_count;

#define ENTER() do { int stop = initialized ? enter(current, __func__) : NOT_INITIALIZED; if (stop) return stop; } while (0)

static void inside(const void *start, size_t size)
{
    for (int i = 0; i < block_count; i++)
        if ((const uint8_t *)start >= blocks[i].start && (const uint8_t *)start + size <= blocks[i].start + blocks[i].size)
            return;
    mistake("%zu bytes at %p were never allocated", size, start);
}

static void spend(double amount, const char *speed) { now_ms += amount / (double)number(current, speed) * 1e3; }

CALL cuInit(unsigned flags)
{
    const char *path = getenv("FLEETCTL_SIMULATED_CUDA");
    if (!path)
        mistake("FLEETCTL_SIMULATED_CUDA names no scenario");
    load(path);
    int stop = flags ? INVALID_VALUE : enter(GLOBAL, __func__);
    initialized = !stop;
    return stop;
}

CALL cuGetErrorName(int code, const char **name)
{
    static char full[64];
    const char *known = error_name(code);
    if (!known)
        return INVALID_VALUE;
    snprintf(full, sizeof full, "CUDA_ERROR_%s", known);
    *name = full;
    return SUCCESS;
}

CALL cuGetErrorString(int code, const char **words)
{
    *words = "as the scenario says";
    return error_name(code) ? SUCCESS : INVALID_VALUE;
}

CALL cuDeviceGetByPCIBusId(int *device, const char *pci_id)
{
    ENTER();
    for (int i = 0; i < (int)number(GLOBAL, "gpus"); i++)
        if (!strcmp(value(i, "pci_id"), pci_id)) {
            *device = i;
            return SUCCESS;
        }
    return INVALID_DEVICE;
}

CALL cuDevicePrimaryCtxRetain(intptr_t *context, int device)
{
    ENTER();
    *context = device + 1;
    return SUCCESS;
}

CALL cuCtxSetCurrent(intptr_t context)
{
    current = (int)context - 1;
    ENTER();
    return SUCCESS;
}

CALL cuDeviceGetAttribute(int *found, int attribute, int device)
{
    ENTER();
    if (attribute != MULTIPROCESSORS)
        return INVALID_VALUE;
    *found = (int)number(device, "multiprocessors");
    return SUCCESS;
}

CALL cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    ENTER();
    *free_bytes = *total = (size_t)number(current, "free_mib") << 20;
    return SUCCESS;
}

static void *allocated(size_t size)
{
    if (block_count == MAX_BLOCKS || !(blocks[block_count].start = calloc(1, size)))
        mistake("%zu bytes are not to be had", size);
    blocks[block_count].size = size;
    return blocks[block_count++].start;
}

CALL cuMemAlloc_v2(uint64_t *address, size_t size)
{
    ENTER();
    if (!size)
        return INVALID_VALUE;
    if (size > (size_t)number(current, "piece_mib") << 20)
        return OUT_OF_MEMORY;
    *address = (uintptr_t)allocated(size);
    return SUCCESS;
}

CALL cuMemAllocHost_v2(void **address, size_t size) { ENTER(); *address = allocated(size); return SUCCESS; }

static int copy(void *to, const void *from, size_t size, const char *speed)
{
    memcpy(to, from, size);
    spend((double)size / 1e9, speed);
    return SUCCESS;
}

CALL cuMemcpyDtoH_v2(void *to, uint64_t from, size_t size)
{
    ENTER();
    inside((void *)(uintptr_t)from, size);
    return copy(to, (void *)(uintptr_t)from, size, "pcie_from_gpu_gb_per_s");
}

CALL cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *stream)
{
    ENTER();
    (void)stream;
    inside((void *)(uintptr_t)to, size);
    inside(from, size);
    return copy((void *)(uintptr_t)to, from, size, "pcie_to_gpu_gb_per_s");
}

CALL cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *stream)
{
    ENTER();
    (void)stream;
    inside((void *)(uintptr_t)from, size);
    inside(to, size);
    return copy(to, (void *)(uintptr_t)from, size, "pcie_from_gpu_gb_per_s");
}

CALL cuMemsetD32_v2(uint64_t address, unsigned word, size_t count)
{
    ENTER();
    inside((void *)(uintptr_t)address, count * 4);
    for (size_t i = 0; i < count; i++)
        ((uint32_t *)(uintptr_t)address)[i] = word;
    return SUCCESS;
}

CALL cuModuleLoadData(const char **loaded, const char *ptx)
{
    ENTER();
    if (!strstr(ptx, "\n.target sm_80\n"))
        return INVALID_PTX;
    *loaded = module = ptx;
    return SUCCESS;
}

CALL cuModuleGetFunction(intptr_t *function, const char *loaded, const char *name)
{
    char entry[96];
    ENTER();
    snprintf(entry, sizeof entry, ".visible .entry %s(", name);
    if (loaded != module || !strstr(loaded, entry) || listed(KERNELS, name) < 0)
        return NOT_FOUND;
    *function = listed(KERNELS, name) + 1;
    return SUCCESS;
}

static uint32_t wanted(uint64_t index, uint32_t kind, uint32_t seed)
{
    uint32_t x = (uint32_t)index + (uint32_t)(index >> 32) * 0x9e3779b9u;
    if (kind == 0)
        return seed;
    x ^= seed;
    if (kind == 1)
        return x;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    return x ^ x >> 16;
}

struct found { uint64_t wrong, index; uint32_t wanted, seen, claim; };

static void fill(uint32_t *memory, uint64_t words, uint32_t kind, uint32_t seed)
{
    for (uint64_t i = 0; i < words; i++)
        memory[i] = wanted(i, kind, seed);
    uint64_t flip = (uint64_t)number(current, "flip_word");
    uint32_t mask = (uint32_t)number(current, "flip_mask");
    if (flip < words)
        memory[flip] ^= mask;
}

static void check(const uint32_t *memory, uint64_t words, uint32_t kind, uint32_t seed, struct found *found)
{
    if (number(current, "blind"))
        return;
    for (uint64_t i = 0; i < words; i++) {
        uint32_t wants = wanted(i, kind, seed);
        if (memory[i] == wants)
            continue;
        if (!found->wrong++)
            found->index = i, found->wanted = wants, found->seen = memory[i], found->claim = 1;
    }
}

CALL cuLaunchKernel(intptr_t function, unsigned x, unsigned y, unsigned z, unsigned tx, unsigned ty, unsigned tz,
                    unsigned shared, void *stream, void **arguments, void **extra)
{
    ENTER();
    if (!x || y != 1 || z != 1 || !tx || tx % 32 || tx > 1024 || ty != 1 || tz != 1 || shared || stream || extra)
        return INVALID_VALUE;
    if (function == 3) {
        struct found *found = *(struct found **)arguments[0];
        uint32_t rounds = *(uint32_t *)arguments[1];
        inside(found, sizeof *found);
        found->wrong += (uint64_t)number(current, "tensor_wrong");
        spend((double)x * (tx / 32) * rounds * (1024 * 4 * 16 * 8 * 16 * 2) / 1e12, "tensor_tflops");
    } else {
        uint32_t *memory = *(uint32_t **)arguments[0];
        uint64_t words = *(uint64_t *)arguments[1];
        uint32_t kind = *(uint32_t *)arguments[2], seed = *(uint32_t *)arguments[3];
        inside(memory, words * 4);
        if (words % 4)
            return INVALID_VALUE;
        if (function == 1)
            fill(memory, words, kind, seed);
        else
            check(memory, words, kind, seed, *(struct found **)arguments[4]);
        spend((double)words * 4 / 1e9, "memory_gb_per_s");
    }
    nanosleep(&(struct timespec){0, 5000000}, NULL); /* a test's machine has other things to do as well */
    return SUCCESS;
}

CALL cuEventCreate(double **event, unsigned flags) { ENTER(); (void)flags; *event = calloc(1, sizeof **event); return SUCCESS; }
CALL cuEventRecord(double *event, void *stream) { ENTER(); (void)stream; *event = now_ms; return SUCCESS; }
CALL cuEventSynchronize(double *event) { ENTER(); (void)event; return SUCCESS; }

CALL cuEventElapsedTime(float *milliseconds, const double *start, const double *end)
{
    ENTER();
    *milliseconds = (float)(*end - *start);
    return SUCCESS;
}
