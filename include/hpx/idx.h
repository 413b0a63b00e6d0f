/* IDX files (http://yann.lecun.com/exdb/mnist/): a big-endian header and unsigned bytes. */
#ifndef HPX_IDX_H
#define HPX_IDX_H

#include "hpx/buffer.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_IDX_DIMENSIONS_MAX 4

/* A view of a whole IDX file in memory: `values` points into the bytes that were parsed. */
typedef struct hpx_idx {
    uint32_t dimensions; /* 1 .. HPX_IDX_DIMENSIONS_MAX */
    uint32_t sizes[HPX_IDX_DIMENSIONS_MAX];
    uint32_t count;      /* sizes[0]: items */
    uint32_t item_bytes; /* product of the other sizes: bytes of one item */
    const uint8_t *values;
} hpx_idx;

/* Takes bytes, not paths; reads nothing outside them. HPX_FAILED with what is wrong: wrong magic, an element type other
 * than unsigned byte, truncated, bytes left over, a size of 0, sizes whose product overflows. */
hpx_status hpx_idx_parse(hpx_idx *out, const uint8_t *bytes, size_t size, hpx_error *error);

/* Whether the bytes begin as gzip does. */
bool hpx_is_gzip(const uint8_t *bytes, size_t size);

/* Appends the uncompressed bytes of a gzip'ed IDX file. Stops at the size the IDX header declares, so that a hostile
 * file cannot fill the memory; HPX_FAILED on corrupt, truncated or trailing data and on what is not IDX inside. */
hpx_status hpx_idx_gunzip(hpx_buffer *out, const uint8_t *bytes, size_t size, hpx_error *error);

#endif
