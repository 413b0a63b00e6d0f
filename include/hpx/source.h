/* Where a recipe's data set is: its four files found (a known data set is fetched), unpacked and hashed. */
#ifndef HPX_SOURCE_H
#define HPX_SOURCE_H

#include "hpx/dataset.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/known.h"
#include "hpx/recipe.h"
#include "hpx/store.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct hpx_source {
    char *name;
    char *paths[HPX_ROLES];     /* absolute, of uncompressed files */
    hpx_hash hashes[HPX_ROLES]; /* of their bytes */
    uint64_t sizes[HPX_ROLES];  /* their bytes */
    hpx_idx shapes[HPX_ROLES];
    const char *absent; /* some files are not there, and known by the bytes that they had, or must have: what
                           is to be said of that; NULL: they are there */
    uint32_t features, classes, train_count, test_count;
    hpx_fields record; /* what the store keeps of it: name, hashes, sizes and counts */
} hpx_source;

typedef struct hpx_source_options {
    hpx_store *store;   /* remembers the hashes of files that have not changed; NULL: hash them now */
    bool remember;      /* the store may be written */
    const char *folder; /* of fetched and unpacked files */
    bool fetch;         /* the bytes are needed, and a known data set that is not there is fetched; else
                           hashes suffice, those of files that are gone included */
    bool shape_only;    /* no bytes and no hashes are needed: a known data set's files are not looked at */
    hpx_fetch_fn *progress;
    void *context;
} hpx_source_options;

hpx_status hpx_source_find(hpx_source *out, const hpx_recipe_dataset *dataset,
                           const hpx_source_options *options, hpx_error *error);
void hpx_source_free(hpx_source *source); /* a zeroed one is fine */

/* Removes what killed processes have left in the folder of fetched and unpacked files. */
void hpx_source_remove_left_over(const char *folder);

/* Where the files of a manifest's data set are, by what the store knows of files, or by what is in `folder`
 * of the data sets known by name: paths of uncompressed files, to be freed. HPX_NOT_FOUND if one is not there
 * any more. Whether the bytes are still the same, a worker finds out. */
hpx_status hpx_source_locate(char *paths[HPX_ROLES], const hpx_fields *manifest, hpx_store *store,
                             const char *folder, hpx_error *error);

/* How many images are trained on, after `validation` are held out and `take` is applied: a split that
 * hpx_recipe_check_split has let pass. */
uint32_t hpx_source_train_count(const hpx_source *source, const hpx_recipe_dataset *dataset);

#endif
