/* The labelled images that a stored result was trained and judged with, as far as they are still there. */
#ifndef HPX_IDENTITY_IMAGES_H
#define HPX_IDENTITY_IMAGES_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/store.h"
#include "nn/samples.h"

#include <stdint.h>

typedef struct hpx_stored_images {
    hpx_split split;
    uint32_t height, width, channels; /* of an image, row by row, the channels of a pixel beside each other */
    void *data;
} hpx_stored_images;

/* `folder`: of fetched and unpacked files. HPX_USAGE for a trajectory that was not trained on labelled images, HPX_NOT_FOUND
 * when a file is not there any more, HPX_FAILED when one has changed. */
hpx_status hpx_stored_images_open(hpx_stored_images *out, const hpx_fields *manifest, hpx_store *store,
                                  const char *folder, hpx_error *error);
void hpx_stored_images_close(hpx_stored_images *images); /* a zeroed one is fine */

#endif
