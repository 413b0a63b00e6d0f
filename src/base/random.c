#include "base/random.h"

#include <Random123/philox.h>

void hpx_random(uint32_t out[4], uint32_t seed, uint32_t purpose, uint32_t epoch, uint32_t batch,
                uint32_t index)
{
    philox4x32_key_t key = {{seed, purpose}};
    philox4x32_ctr_t counter = {{epoch, batch, index, 0}};
    philox4x32_ctr_t words = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        out[i] = words.v[i];
}

/* Uniform below `bound` without bias: D. Lemire, "Fast random integer generation in an interval", ACM TOMACS
 * 29(1), 2019. Each retry is another counter, so the draw stays a function of its place. */
static uint32_t below(uint32_t bound, uint32_t seed, uint32_t purpose, uint32_t epoch, uint32_t index)
{
    uint32_t threshold = -bound % bound;
    for (uint32_t retry = 0;; retry++) {
        uint32_t words[4];
        hpx_random(words, seed, purpose, epoch, retry, index);
        for (int i = 0; i < 4; i++) {
            uint64_t product = (uint64_t)words[i] * bound;
            if ((uint32_t)product >= threshold)
                return (uint32_t)(product >> 32);
        }
    }
}

void hpx_random_permutation(uint32_t *order, uint32_t count, uint32_t seed, uint32_t purpose, uint32_t epoch)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = below(i, seed, purpose, epoch, i - 1);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}
