/* Four IDX files as labelled samples. */
#ifndef HPX_DATASET_H
#define HPX_DATASET_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/idx.h"

#include <stddef.h>
#include <stdint.h>

/* The roles of a data set's files, in the order of every array by role. */
enum hpx_role { HPX_TRAIN_IMAGES, HPX_TRAIN_LABELS, HPX_TEST_IMAGES, HPX_TEST_LABELS, HPX_ROLES };

/* "train-images", "train-labels", "test-images", "test-labels". */
extern const char *const hpx_role_names[HPX_ROLES];

/* Four IDX files that belong together. */
typedef struct hpx_dataset {
    uint32_t features, classes; /* bytes per image; largest label + 1 */
    uint32_t height, width,
        channels; /* of an image, features in all: of two dimensions beside the count the last is
                                         the width, of one it is a row; the third is the channels, else 1 */
    hpx_idx files[HPX_ROLES];
    hpx_buffer bytes[HPX_ROLES]; /* what the files view; empty if they view another's bytes */
} hpx_dataset;

/* Reads and checks uncompressed files: images and labels agree in count, training and test images in size, no
 * images without labels. Errors name the file. The bytes are a copy in memory: whatever happens to the files
 * then, a training has what was hashed. */
hpx_status hpx_dataset_open(hpx_dataset *out, const char *const paths[HPX_ROLES], hpx_error *error);
void hpx_dataset_close(hpx_dataset *dataset); /* a zeroed one is fine */

/* The same checks on bytes in memory, which `out` views. Names are for the messages. */
hpx_status hpx_dataset_parse(hpx_dataset *out, const char *const names[HPX_ROLES],
                             const hpx_buffer bytes[HPX_ROLES], hpx_error *error);

/* The same checks on the shapes of the files, whose values may be elsewhere; sets features and classes. */
hpx_status hpx_dataset_check(hpx_dataset *dataset, const char *const names[HPX_ROLES], hpx_error *error);

#endif
