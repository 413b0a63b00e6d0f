/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011; the implementation is the Random123 library). A draw is a pure function of what it is for, so
 * there is no state to store in a checkpoint, and neither resuming nor reordering can change a draw. */
#ifndef HPX_RANDOM_H
#define HPX_RANDOM_H

#include <stdint.h>

/* What a draw is for: the second word of the key. Numbers are part of every result's identity: never reuse
 * one. */
enum hpx_random_purpose {
    HPX_RANDOM_SHUFFLE = 1,     /* order of the training samples in an epoch */
    HPX_RANDOM_INIT = 0x100,    /* + layer: initial weights */
    HPX_RANDOM_DROPOUT = 0x200, /* + layer: dropout mask */
};

/* Four independent uniform 32-bit words: key (seed, purpose), counter (epoch, batch, index, 0). */
void hpx_random(uint32_t out[4], uint32_t seed, uint32_t purpose, uint32_t epoch, uint32_t batch,
                uint32_t index);

/* Writes a permutation of 0 .. count-1: Fisher-Yates with unbiased draws keyed by (seed, purpose, epoch). */
void hpx_random_permutation(uint32_t *order, uint32_t count, uint32_t seed, uint32_t purpose, uint32_t epoch);

/* Uniform in [0, 1) with 24 bits. */
static inline float hpx_random_float(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

#endif
