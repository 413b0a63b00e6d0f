/* IDX files (http://yann.lecun.com/exdb/mnist/): a big-endian header and unsigned bytes. */
#ifndef HPX_IDX_H
#define HPX_IDX_H

#include "hpx/error.h"
#include "hpx/fields.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_IDX_DIMENSIONS_MAX 4

/* A view of a whole IDX file in memory: `values` points into the bytes that were parsed. */
typedef struct hpx_idx {
    uint32_t dimensions; /* 1 .. HPX_IDX_DIMENSIONS_MAX */
    uint32_t sizes[HPX_IDX_DIMENSIONS_MAX];
    uint32_t count;      /* sizes[0]: items */
    uint32_t item_bytes; /* product of the other sizes: bytes of one item */
    uint8_t largest;     /* of one dimension (labels): the largest value; else 0 */
    const uint8_t *values;
} hpx_idx;

/* Takes bytes, not paths; reads nothing outside them. HPX_FAILED with what is wrong: wrong magic, an element
 * type other than unsigned byte, truncated, bytes left over, a size of 0, sizes whose product overflows. */
hpx_status hpx_idx_parse(hpx_idx *out, const uint8_t *bytes, size_t size, hpx_error *error);

/* The header alone, of a file of so many bytes: all but `largest` and `values`. Fails as hpx_idx_parse does;
 * HPX_IDX_HEADER_MAX bytes are always enough. */
#define HPX_IDX_HEADER_MAX (4 + 4 * HPX_IDX_DIMENSIONS_MAX)
hpx_status hpx_idx_parse_header(hpx_idx *out, const uint8_t *bytes, size_t size, uint64_t file_bytes,
                                hpx_error *error);
size_t hpx_idx_header_bytes(const hpx_idx *idx);
uint8_t hpx_idx_largest(const uint8_t *values, size_t count);

/* All but the values, as the fields "dimensions", "sizes", "count", "item" and "largest". HPX_NOT_FOUND when one is
 * missing. */
void hpx_idx_to_fields(hpx_fields *out, const hpx_idx *idx);
hpx_status hpx_idx_from_fields(hpx_idx *out, const hpx_fields *fields, hpx_error *error);

/* The size of the whole file that the header at the start of `bytes` declares, which may be more than is
 * there. Fails as hpx_idx_parse does on what is no header. */
hpx_status hpx_idx_file_size(uint64_t *out, const uint8_t *bytes, size_t size, hpx_error *error);

#endif
