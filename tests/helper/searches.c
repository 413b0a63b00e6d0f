#include "searches.h"

#include "base/random.h"

stream stream_of(uint32_t seed, const char *name)
{
    stream random = {.seed = seed};
    for (; *name; name++)
        random.purpose = random.purpose * 31 + (unsigned char)*name;
    return random;
}

uint32_t below(stream *random, uint32_t bound)
{
    if (random->drawn % 4 == 0)
        hpx_random(random->words, random->seed, random->purpose, 0, 0, random->drawn / 4);
    return (uint32_t)((uint64_t)random->words[random->drawn++ % 4] * bound >> 32);
}

void random_order(uint32_t *order, uint32_t cells, uint32_t seed)
{
    for (uint32_t i = 0; i < cells; i++)
        order[i] = i;
    for (uint32_t i = 0; i < cells; i++) {
        uint32_t words[4];
        hpx_random(words, seed, 'P', 0, 0, i);
        const uint64_t draw = words[0] + ((uint64_t)words[1] << 32);
        const uint32_t j = i + (uint32_t)(draw % (cells - i)), cell = order[j];
        order[j] = order[i];
        order[i] = cell;
    }
}
