/* Bytes on their way: taken in as fast as they come, and read again when the other side is ready. They are in
 * a file without a name, in $TMPDIR or else /var/tmp, which is gone with the process, however that ends. */
#ifndef HPX_SPOOL_H
#define HPX_SPOOL_H

#include "hpx/error.h"

#include <stddef.h>

typedef struct hpx_spool hpx_spool;

hpx_status hpx_spool_new(hpx_spool **out, hpx_error *error);
void hpx_spool_free(hpx_spool *spool); /* NULL is fine */
hpx_status hpx_spool_add(hpx_spool *spool, const void *bytes, size_t size, hpx_error *error);

/* From now on the spool is read, from the beginning. */
hpx_status hpx_spool_rewind(hpx_spool *spool, hpx_error *error);
/* Puts up to `size` bytes there and says how many; none: the end. */
hpx_status hpx_spool_read(hpx_spool *spool, void *bytes, size_t size, size_t *got, hpx_error *error);

#endif
