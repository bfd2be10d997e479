/* Reads a scenario file and says what it prescribes for a value or a call. */
#include "scenario.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_LINES 2048

static struct { int section; char key[96], value[128]; unsigned reads[MAX_GPUS + 1]; } lines[MAX_LINES];
static int line_count;

void mistake(const char *format, ...)
{
    va_list words;
    va_start(words, format);
    fprintf(stderr, "simulated %s: ", SIMULATED);
    vfprintf(stderr, format, words);
    fputc('\n', stderr);
    abort();
}

int listed(const char *const *list, const char *word)
{
    for (int i = 0; list[i]; i++)
        if (!strcmp(list[i], word))
            return i;
    return -1;
}

static int find(int section, const char *key)
{
    for (int i = line_count - 1; i >= 0; i--) /* a later line replaces an earlier one, a base's too */
        if (lines[i].section == section && !strcmp(lines[i].key, key))
            return i;
    return -1;
}

static int line_of(int gpu, const char *key)
{
    int own = find(gpu, key);
    return own >= 0 || gpu == GLOBAL ? own : find(EVERY_GPU, key);
}

const char *setting(int gpu, const char *key)
{
    int line = line_of(gpu, key);
    return line < 0 ? NULL : lines[line].value;
}

const char *value(int gpu, const char *key)
{
    const char *found = setting(gpu, key);
    if (!found)
        mistake("the scenario gives no %s for GPU %d", key, gpu);
    return found;
}

/* A list's next number, for this GPU; its last one stays. */
long long number(int gpu, const char *key)
{
    const char *text = value(gpu, key);
    unsigned *reads = &lines[line_of(gpu, key)].reads[gpu + 1], skip = (*reads)++;
    for (const char *comma; skip-- && (comma = strchr(text, ','));)
        text = comma + 1;
    char *end;
    long long found = strtoll(text, &end, 0);
    if ((*end && *end != ',') || end == text)
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
                     : listed(VALUES, key) >= 0;
    if (!known || (call && listed(CALLS, call + 1) < 0))
        mistake("the scenario's key %s is not known", key);
    if (!strncmp(key, "error.", 6) && error_code(given) < 0)
        mistake("%s: %s is no %s error", key, given, SIMULATED);
    if (line_count == MAX_LINES)
        mistake("the scenario is too long");
    memset(&lines[line_count], 0, sizeof *lines);
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
    if (listed(CALLS, call) < 0)
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
    return given ? error_code(given) : 0;
}
