/* The files that a trainer reads beside its manifest, and how they are read. Whoever does not read them knows
 * a name, a path, a hash and a size of each. */
#ifndef HPX_INPUT_H
#define HPX_INPUT_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_INPUTS_MAX 16 /* of a trainer */

typedef struct hpx_input {
    const char *name; /* "train-images"; the manifest's "dataset.train-images" is the hash of its bytes */
    char *path;       /* of the uncompressed bytes */
    hpx_hash hash;
    uint64_t size;
} hpx_input;

typedef struct hpx_input_kind {
    const char *const *names; /* of the inputs, in the order of every array of them */
    size_t count;             /* at most HPX_INPUTS_MAX */

    /* Reads and checks the files, so that whatever happens to them then, a training has what was hashed.
     * HPX_FAILED when they are not what is read here, or their bytes have other hashes than the inputs say.
     */
    hpx_status (*open)(void **data, const hpx_input *inputs, hpx_error *error);
    void (*close)(void *data); /* NULL is fine */
} hpx_input_kind;

#endif
