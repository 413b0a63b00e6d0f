/* The files that a trainer reads beside its manifest, and how they are read. Whoever does not read them knows
 * a name, a path, a hash and a size of each. */
#ifndef HPX_INPUT_H
#define HPX_INPUT_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/setting.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_INPUTS_MAX 16 /* of a trainer */

typedef struct hpx_input {
    const char *name; /* "train-images"; the manifest's "dataset.train-images" is the hash of its bytes */
    char *path;       /* of the uncompressed bytes, absolute */
    hpx_hash hash;
    uint64_t size;
    hpx_fields about; /* what `look` has kept of the bytes */
} hpx_input;

/* A binding of a recipe's `dataset`, whose words are the paths of the next inputs. */
typedef struct hpx_input_key {
    const char *name, *words; /* "train", "IMAGES LABELS" */
    size_t count;             /* of the inputs */
} hpx_input_key;

/* Inputs of one kind, which several trainers may read. Fields of a manifest and of a data set's record are
 * the kind's own beside the names and hashes. */
typedef struct hpx_input_kind {
    const char *const *names;  /* of the inputs, in the order of every array of them */
    size_t count;              /* at most HPX_INPUTS_MAX */
    const hpx_input_key *keys; /* that name them all, in order */
    size_t key_count;
    _Bool known;                 /* the data sets known by name (hpx/known.h) have such inputs */
    const hpx_setting *settings; /* of the statement `dataset`, whose name is their section */
    size_t setting_count;

    /* Keeps in `about` what will be asked of an input without its bytes, as those pass by: `size` of them
     * from `at`, of `total`, in order. HPX_FAILED when they are not what is read here. */
    hpx_status (*look)(hpx_fields *about, uint64_t at, const uint8_t *bytes, size_t size, uint64_t total,
                       hpx_error *error);

    /* Unpacks a file that is compressed, as its first bytes tell; NULL: such bytes are as any others. */
    hpx_status (*unpack)(hpx_buffer *out, const uint8_t *packed, size_t size, hpx_error *error);

    /* Adds what is known of the inputs together to the record of the data set. HPX_FAILED when they do not
     * belong together, HPX_NOT_FOUND when `about` lacks something: another version kept it. */
    hpx_status (*describe)(hpx_fields *record, const hpx_input *inputs, hpx_error *error);

    /* Adds what a training takes of the inputs, by the settings, to its manifest. HPX_USAGE when they do not
     * have it, and the setting that asks for it by its name in *setting. */
    hpx_status (*take)(hpx_fields *manifest, const char **setting, const hpx_fields *settings,
                       const hpx_fields *record, hpx_error *error);

    /* Reads and checks the files, so that whatever happens to them then, a training has what was hashed.
     * HPX_FAILED when they are not what is read here, or their bytes have other hashes than the inputs
     * say. */
    hpx_status (*open)(void **data, const hpx_input *inputs, hpx_error *error);
    void (*close)(void *data); /* NULL is fine */
} hpx_input_kind;

#endif
