/* Uncompressing gzip files, in memory and within bounds. */
#ifndef HPX_GZIP_H
#define HPX_GZIP_H

#include "hpx/buffer.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
