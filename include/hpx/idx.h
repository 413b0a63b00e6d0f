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

/* Takes bytes, not paths; reads nothing outside them. HPX_FAILED with what is wrong: wrong magic, an element
 * type other than unsigned byte, truncated, bytes left over, a size of 0, sizes whose product overflows. */
hpx_status hpx_idx_parse(hpx_idx *out, const uint8_t *bytes, size_t size, hpx_error *error);

/* The size of the whole file that the header at the start of `bytes` declares, which may be more than is
 * there. Fails as hpx_idx_parse does on what is no header; HPX_IDX_HEADER_MAX bytes are always enough. */
#define HPX_IDX_HEADER_MAX (4 + 4 * HPX_IDX_DIMENSIONS_MAX)
hpx_status hpx_idx_file_size(uint64_t *out, const uint8_t *bytes, size_t size, hpx_error *error);

/* Whether the bytes begin as gzip does. */
bool hpx_is_gzip(const uint8_t *bytes, size_t size);

/* Appends the uncompressed bytes of a gzip file, of all its members if several were concatenated. HPX_FAILED,
 * with `out` as it was, on corrupt, truncated or trailing data and on more than bytes_max. Memory grows with
 * what is really there, never with what a header claims. */
hpx_status hpx_gunzip(hpx_buffer *out, const uint8_t *bytes, size_t size, uint64_t bytes_max,
                      hpx_error *error);

/* The same for a gzip'ed IDX file: stops at the size the IDX header declares, so that a hostile file cannot
 * fill the memory; HPX_FAILED also on what is not IDX inside and on fewer bytes than declared. */
hpx_status hpx_idx_gunzip(hpx_buffer *out, const uint8_t *bytes, size_t size, hpx_error *error);

#endif
