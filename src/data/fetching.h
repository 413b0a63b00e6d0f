/* Inside the data module: what fetching a known data set is made of. */
#ifndef HPX_DATA_FETCHING_H
#define HPX_DATA_FETCHING_H

#include "hpx/buffer.h"
#include "hpx/dataset.h"
#include "hpx/known.h"

/* HPX_DAMAGED, with what differs, unless these are the file's bytes. */
hpx_status hpx_known_check(const hpx_known_file *file, const uint8_t *bytes, size_t size, hpx_error *error);

/* Called several times a second while one waits; false: stop, which makes the waiting call return
 * HPX_INTERRUPTED. */
typedef bool hpx_tick_fn(void *context);

/* Appends the tar archive of an npm package ("name@version"), got by `npm pack` in a temporary folder of
 * `folder`, which is gone when this returns. */
hpx_status hpx_npm_pack(hpx_buffer *tar, const char *package, const char *folder, hpx_tick_fn *tick,
                        void *context, hpx_error *error);

/* The content of the regular file FOLDER/NAME in a tar archive, borrowed from it; false if there is none. */
bool hpx_tar_find(const uint8_t **bytes, size_t *size, const hpx_buffer *tar, const char *folder,
                  const char *name);

#endif
