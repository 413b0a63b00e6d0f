/* The instructions that the trainer's loops take: AVX-512, AVX2 with FMA, or what every processor has. Those
 * of products (matrix.c, sparse.c) are written for each; all others are compiled once for each, by
 * HPX_VECTORISED. */
#ifndef HPX_NN_VECTOR_H
#define HPX_NN_VECTOR_H

#include "hpx/error.h"

/* Products fuse multiplication and addition where the processor can, and round both with plain vectors. */
typedef enum hpx_vector { HPX_VECTOR_PLAIN, HPX_VECTOR_AVX2, HPX_VECTOR_AVX512 } hpx_vector;

/* The widest that this processor has, or the narrower one that HPX_VECTOR in the environment names ("plain",
 * "avx2", "avx512"). The last two give the same bits; plain ones are part of a result's identity:
 * hpx_numerics. */
hpx_vector hpx_vector_kind(void);
void hpx_vector_choose(void); /* reads the environment again; the first call of the above does */
const char *hpx_vector_name(hpx_vector vector);
/* HPX_USAGE when HPX_VECTOR names what this processor has not, or nothing that is known. */
hpx_status hpx_vector_check(hpx_error *error);

/* Stands in place of `void NAME PARAMETERS` before the body of a function and has it compiled for each kind
 * of vectors; NAME, of that storage, calls the one of hpx_vector_kind. For loops that are elementwise or add
 * in a fixed order: with -ffp-contract=off all of these give the same bits, for every operation in them is
 * rounded as IEEE 754 says. In another such loop NAME_loops is inlined. */
#define HPX_VECTORISED(storage, name, parameters, arguments)                                                 \
    HPX_VECTOR_LOOPS(name, parameters);                                                                      \
    HPX_VECTOR_VARIANTS(name, parameters, arguments)                                                         \
    storage void name parameters                                                                             \
    {                                                                                                        \
        HPX_VECTOR_CALL(name, arguments)                                                                     \
        name##_loops arguments;                                                                              \
    }                                                                                                        \
    HPX_VECTOR_LOOPS(name, parameters)

#define HPX_VECTOR_LOOPS(name, parameters)                                                                   \
    static inline __attribute__((always_inline)) void name##_loops parameters

#if defined __x86_64__
#define HPX_VECTOR_VARIANTS(name, parameters, arguments)                                                     \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma"))) static void name##_avx512 parameters       \
    {                                                                                                        \
        name##_loops arguments;                                                                              \
    }                                                                                                        \
    __attribute__((target("avx2,fma"))) static void name##_avx2 parameters                                   \
    {                                                                                                        \
        name##_loops arguments;                                                                              \
    }
#define HPX_VECTOR_CALL(name, arguments)                                                                     \
    if (hpx_vector_kind() == HPX_VECTOR_AVX512) {                                                            \
        name##_avx512 arguments;                                                                             \
        return;                                                                                              \
    }                                                                                                        \
    if (hpx_vector_kind() == HPX_VECTOR_AVX2) {                                                              \
        name##_avx2 arguments;                                                                               \
        return;                                                                                              \
    }
#else
#define HPX_VECTOR_VARIANTS(name, parameters, arguments)
#define HPX_VECTOR_CALL(name, arguments)
#endif

#endif
