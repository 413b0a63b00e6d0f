/* HPX_VECTORISED before a function has it compiled once per width of vectors that x86-64 processors have, and
 * the widest one that works is chosen when the program starts. For loops that are elementwise or add in a
 * fixed order, and with -ffp-contract=off, all of these give the same bits: every operation in them is
 * rounded as IEEE 754 says. */
#ifndef HPX_NN_VECTOR_H
#define HPX_NN_VECTOR_H

/* Clang 14 gives the function that chooses another name than its callers expect. */
#if defined __x86_64__ && defined __linux__ && !defined __clang__
#define HPX_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HPX_VECTORISED
#endif

#endif
