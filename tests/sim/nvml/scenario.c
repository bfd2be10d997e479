/* Reads a scenario file and says what it prescribes for a value or a call. */
#include "scenario.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_LINES 2048

static const char *const ERRORS[] = {
    "SUCCESS", "UNINITIALIZED", "INVALID_ARGUMENT", "NOT_SUPPORTED", "NO_PERMISSION", "ALREADY_INITIALIZED",
    "NOT_FOUND", "INSUFFICIENT_SIZE", "INSUFFICIENT_POWER", "DRIVER_NOT_LOADED", "TIMEOUT", "IRQ_ISSUE",
    "LIBRARY_NOT_FOUND", "FUNCTION_NOT_FOUND", "CORRUPTED_INFOROM", "GPU_IS_LOST", "RESET_REQUIRED",
    "OPERATING_SYSTEM", "LIB_RM_VERSION_MISMATCH", "IN_USE", "MEMORY", "NO_DATA",
};

static const char *const VALUES[] = {
    "gpus", "driver_version", "nvml_version", "bus_only", /* bus_only and on_bus are for the simulated sysfs */
    "name", "uuid", "serial", "vbios", "pci_id", "on_bus", "memory_mib", "compute_capability", "ecc_current",
    "ecc_pending", "ecc_uncorrected_volatile", "sram_threshold_exceeded", "sram_uncorrected_volatile",
    "rows_correctable", "rows_uncorrectable", "rows_pending", "rows_failed", "banks_max", "banks_high",
    "banks_partial", "banks_low", "banks_none", "recovery_action", "clocks_event_reasons", "temperature_c", "margin_c",
    "pcie_width", "pcie_width_max", "pcie_generation", "pcie_generation_max", "pcie_replays", "persistence", "xid",
};

static const char *const CALLS[] = {
    "*", "nvmlInitWithFlags", "nvmlSystemGetDriverVersion", "nvmlSystemGetNVMLVersion", "nvmlDeviceGetCount_v2",
    "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetName", "nvmlDeviceGetUUID", "nvmlDeviceGetSerial",
    "nvmlDeviceGetVbiosVersion", "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetCudaComputeCapability", "nvmlDeviceGetEccMode", "nvmlDeviceGetTotalEccErrors",
    "nvmlDeviceGetSramEccErrorStatus", "nvmlDeviceGetRemappedRows", "nvmlDeviceGetRowRemapperHistogram",
    "nvmlDeviceGetFieldValues", "nvmlDeviceValidateInforom", "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature", "nvmlDeviceGetMarginTemperature",
    "nvmlDeviceGetCurrPcieLinkWidth", "nvmlDeviceGetMaxPcieLinkWidth", "nvmlDeviceGetCurrPcieLinkGeneration",
    "nvmlDeviceGetMaxPcieLinkGeneration", "nvmlDeviceGetPcieReplayCounter", "nvmlDeviceGetPersistenceMode",
    "nvmlDeviceRegisterEvents", "nvmlEventSetWait_v2",
};

static struct { int section; char key[96], value[128]; } lines[MAX_LINES];
static int line_count;

void mistake(const char *format, ...)
{
    va_list words;
    va_start(words, format);
    fputs("simulated NVML: ", stderr);
    vfprintf(stderr, format, words);
    fputc('\n', stderr);
    abort();
}

static int listed(const char *const *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i], word))
            return (int)i;
    return -1;
}
#define LISTED(list, word) listed(list, sizeof list / sizeof *list, word)

int error_code(const char *name) { return LISTED(ERRORS, name); }

const char *error_name(int code)
{
    return code >= 0 && (size_t)code < sizeof ERRORS / sizeof *ERRORS ? ERRORS[code] : "unknown error";
}

static const char *find(int section, const char *key)
{
    for (int i = line_count - 1; i >= 0; i--) /* a later line replaces an earlier one, a base's too */
        if (lines[i].section == section && !strcmp(lines[i].key, key))
            return lines[i].value;
    return NULL;
}

const char *setting(int gpu, const char *key)
{
    const char *own = find(gpu, key);
    return own || gpu == GLOBAL ? own : find(EVERY_GPU, key);
}

const char *value(int gpu, const char *key)
{
    const char *found = setting(gpu, key);
    if (!found)
        mistake("the scenario gives no %s for GPU %d", key, gpu);
    return found;
}

long long number(int gpu, const char *key)
{
    char *end;
    const char *text = value(gpu, key);
    long long found = strtoll(text, &end, 0);
    if (*end || end == text)
        mistake("%s = %s is no number", key, text);
    return found;
}

static char *trimmed(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    for (size_t n = strlen(text); n && strchr(" \t\r\n", text[n - 1]);)
        text[--n] = 0;
    return text;
}

static void keep(int section, const char *key, const char *given)
{
    const char *call = strchr(key, '.');
    int known = call ? !strncmp(key, "error.", 6) || !strncmp(key, "delay_ms.", 9) || !strncmp(key, "signal.", 7)
                     : LISTED(VALUES, key) >= 0;
    if (!known || (call && LISTED(CALLS, call + 1) < 0))
        mistake("the scenario's key %s is not known", key);
    if (!strncmp(key, "error.", 6) && LISTED(ERRORS, given) < 0)
        mistake("%s: %s is no NVML error", key, given);
    if (line_count == MAX_LINES)
        mistake("the scenario is too long");
    lines[line_count].section = section;
    snprintf(lines[line_count].key, sizeof lines->key, "%s", key);
    snprintf(lines[line_count++].value, sizeof lines->value, "%s", given);
}

static void add(const char *path)
{
    char text[512], other[4096];
    int section = GLOBAL, index;
    FILE *file = fopen(path, "r");
    if (!file)
        mistake("cannot open the scenario %s", path);
    while (fgets(text, sizeof text, file)) {
        char *line = trimmed(text), *equals = strchr(line, '=');
        if (!*line || *line == '#')
            continue;
        if (!strcmp(line, "[gpu *]"))
            section = EVERY_GPU;
        else if (sscanf(line, "[gpu %d]", &index) == 1 && index >= 0 && index < MAX_GPUS)
            section = index;
        else if (*line == '[' || !equals)
            mistake("%s: line not understood: %s", path, line);
        else {
            *equals = 0;
            char *key = trimmed(line), *given = trimmed(equals + 1);
            if (strcmp(key, "base")) {
                keep(section, key, given);
                continue;
            }
            const char *slash = strrchr(path, '/');
            snprintf(other, sizeof other, "%.*s%s.conf", slash ? (int)(slash + 1 - path) : 0, path, given);
            add(other);
        }
    }
    fclose(file);
}

void load(const char *path)
{
    line_count = 0;
    add(path);
}

int enter(int gpu, const char *call)
{
    char key[128];
    const char *given;
    if (LISTED(CALLS, call) < 0)
        mistake("%s is not in the list of calls", call);
    snprintf(key, sizeof key, "delay_ms.%s", call);
    if (setting(gpu, key)) {
        long long wait_ms = number(gpu, key);
        struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
        nanosleep(&wait, NULL);
    }
    snprintf(key, sizeof key, "signal.%s", call);
    if (setting(gpu, key))
        raise((int)number(gpu, key));
    snprintf(key, sizeof key, "error.%s", call);
    given = setting(gpu, key);
    if (!given && gpu != GLOBAL)
        given = setting(gpu, "error.*");
    return given ? LISTED(ERRORS, given) : 0;
}
