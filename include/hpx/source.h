/* Where a trainer's inputs are: the files of a recipe's data set found (a known one is fetched), unpacked and
 * hashed. */
#ifndef HPX_SOURCE_H
#define HPX_SOURCE_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/input.h"
#include "hpx/known.h"
#include "hpx/recipe.h"
#include "hpx/store.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct hpx_source {
    char *name;                       /* NULL: there are no inputs */
    hpx_input inputs[HPX_INPUTS_MAX]; /* count of them, as their kind has them */
    size_t count;
    const char *absent; /* some files are not there, and known by the bytes that they had, or must have: what
                           is to be said of that; NULL: they are there */
    hpx_fields
        record; /* what the store keeps of it: name, hashes and sizes, and what the kind says of them */
} hpx_source;

typedef struct hpx_source_options {
    hpx_store *store;   /* remembers the hashes of files that have not changed; NULL: hash them now */
    bool remember;      /* the store may be written */
    bool anew;          /* files are read whatever it remembers */
    const char *folder; /* of fetched and unpacked files */
    bool fetch;         /* the bytes are needed, and a known data set that is not there is fetched; else
                           hashes suffice, those of files that are gone included */
    bool shape_only;    /* no bytes and no hashes are needed: a known data set's files are not looked at */
    const char
        *elsewhere; /* trials are trained on other machines: the file of the numerics that these had last
                              (identity/elsewhere.h); NULL: on this one */
    const hpx_fields *numerics; /* those of the trials, wherever they are trained; NULL: not known */
    hpx_fetch_fn *progress;
    void *context;
} hpx_source_options;

/* `kind` NULL: there are no inputs, and the record is empty. */
hpx_status hpx_source_find(hpx_source *out, const hpx_recipe_dataset *dataset, const hpx_input_kind *kind,
                           const hpx_source_options *options, hpx_error *error);
void hpx_source_free(hpx_source *source); /* a zeroed one is fine */

/* Removes what killed processes have left in the folder of fetched and unpacked files. */
void hpx_source_remove_left_over(const char *folder);

/* The inputs of a manifest (hpx_manifest_inputs), with the paths of uncompressed files, to be freed, where they are by
 * what the store knows of files, or by what is in `folder` of the data sets known by name. HPX_NOT_FOUND if one is not
 * there any more. Whether the bytes are still the same, a worker finds out. */
hpx_status hpx_source_locate(hpx_input *inputs, const hpx_fields *manifest, const hpx_input_kind *kind,
                             hpx_store *store, const char *folder, hpx_error *error);

#endif
