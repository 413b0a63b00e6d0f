/* What the references of the searches share: draws that are the same in every run, and the order of random search. */
#ifndef HPX_TESTS_SEARCHES_H
#define HPX_TESTS_SEARCHES_H

#include <stdint.h>

typedef struct stream {
    uint32_t seed, purpose, drawn, words[4];
} stream;

/* By a seed and by the name of what is drawn. */
stream stream_of(uint32_t seed, const char *name);
/* A number below the bound. */
uint32_t below(stream *random, uint32_t bound);

/* All cells in the order of random search, shuffled at once. */
void random_order(uint32_t *order, uint32_t cells, uint32_t seed);

#endif
