/* HPX_VECTORISED before a function has it compiled once per width of vectors that x86-64 processors have, and
 * the widest one that works is chosen when the program starts. For loops that are elementwise or add in a
 * fixed order, and with -ffp-contract=off, all of these give the same bits: every operation in them is
 * rounded as IEEE 754 says. */
#ifndef HPX_NN_VECTOR_H
#define HPX_NN_VECTOR_H

#include "hpx/error.h"

/* Clang 14 gives the function that chooses another name than its callers expect. */
#if defined __x86_64__ && defined __linux__ && !defined __clang__
#define HPX_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HPX_VECTORISED
#endif

/* The instructions for loops whose bits depend on them, because they fuse multiplication and addition where
 * the processor can: AVX-512, AVX2 with FMA, or what every processor has, which rounds both. */
typedef enum hpx_vector { HPX_VECTOR_PLAIN, HPX_VECTOR_AVX2, HPX_VECTOR_AVX512 } hpx_vector;

/* The widest that this processor has, or the narrower one that HPX_VECTOR in the environment names ("plain",
 * "avx2", "avx512"). The last two give the same bits; plain ones are part of a result's identity:
 * hpx_numerics. */
hpx_vector hpx_vector_kind(void);
void hpx_vector_choose(void); /* reads the environment again; the first call of the above does */
const char *hpx_vector_name(hpx_vector vector);
/* HPX_USAGE when HPX_VECTOR names what this processor has not, or nothing that is known. */
hpx_status hpx_vector_check(hpx_error *error);

#endif
