#include "vector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"plain", "avx2", "avx512"};

static bool has(int vector)
{
#if defined __x86_64__
    __builtin_cpu_init();
    if (vector == HPX_VECTOR_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
    if (vector == HPX_VECTOR_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return vector == HPX_VECTOR_PLAIN;
}

static _Atomic int chosen = -1;

/* NULL: the widest there is. */
static const char *wanted_name(void)
{
    const char *name = getenv("HPX_VECTOR");
    return name && *name ? name : NULL;
}

void hpx_vector_choose(void)
{
    const char *wanted = wanted_name();
    int vector = HPX_VECTOR_AVX512;
    while (!has(vector) || (wanted && vector != HPX_VECTOR_PLAIN && strcmp(wanted, names[vector]) != 0))
        vector--;
    chosen = vector;
}

hpx_vector hpx_vector_kind(void)
{
    if (chosen < 0)
        hpx_vector_choose();
    return (hpx_vector)chosen;
}

const char *hpx_vector_name(hpx_vector vector)
{
    return names[vector];
}

hpx_status hpx_vector_check(hpx_error *error)
{
    const char *wanted = wanted_name();
    if (!wanted || strcmp(wanted, names[hpx_vector_kind()]) == 0)
        return HPX_OK;
    return hpx_error_set(error, HPX_USAGE,
                         "HPX_VECTOR is '%s': expected one that this processor has: plain%s%s", wanted,
                         has(HPX_VECTOR_AVX2) ? ", avx2" : "", has(HPX_VECTOR_AVX512) ? ", avx512" : "");
}
