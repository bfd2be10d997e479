/* What the scenario file prescribes. `gpu` is a GPU's index, or GLOBAL for what belongs to none. */
#ifndef SCENARIO_H
#define SCENARIO_H

#define MAX_GPUS 64

enum { GLOBAL = -1, EVERY_GPU = -2 };

/* Read a scenario, in place of an earlier one. */
void load(const char *path);

/* End the process with a message: the scenario or the library is wrong, and a test must not go on. */
__attribute__((noreturn, format(printf, 1, 2))) void mistake(const char *format, ...);

/* The GPU's own line, or that of [gpu *]; NULL without one. `value` and `number` insist on one. */
const char *setting(int gpu, const char *key);
const char *value(int gpu, const char *key);
long long number(int gpu, const char *key);

/* What a call goes through before it answers: its delay, its signal, its error. Returns the code of that error. */
int enter(int gpu, const char *call);

/* Where a word stands in a list that ends with NULL, -1 if it does not. */
int listed(const char *const *list, const char *word);

/* What each simulated library brings: its name, the values and calls that a scenario may name, and the library's code of
 * an error's name, -1 if there is none, with the way back. */
extern const char SIMULATED[];
extern const char *const VALUES[], *const CALLS[];
int error_code(const char *name);
const char *error_name(int code);

#endif
