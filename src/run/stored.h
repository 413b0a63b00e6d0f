/* What is stored of a recipe's trials, under this binary. */
#ifndef HPX_STORED_H
#define HPX_STORED_H

#include "hpx/error.h"
#include "hpx/recipe.h"
#include "hpx/store.h"
#include "run/measured.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct hpx_stored_options {
    const hpx_recipe *recipe;
    const hpx_recipe_search *const
        *searches;         /* the cells that these visit, as far as what is stored decides; */
    size_t search_count;   /* 0: all cells of the grid */
    bool all_epochs;       /* every stored epoch of the trajectories, not the trials' last one alone */
    const char *folder;    /* of fetched and unpacked data sets */
    const char *elsewhere; /* as of hpx_source_options */
    const char *program;   /* as of a build */
    const volatile sig_atomic_t *interrupted; /* may be NULL */
} hpx_stored_options;

/* Calls for every artifact, cell by cell and seed by seed. Its cell is the recipe's, borrowed during the call: another
 * recipe may have trained it. Ends with the first status that is not HPX_OK. */
hpx_status hpx_stored_each(hpx_store *store, const hpx_stored_options *options, hpx_artifact_fn *each,
                           void *context, hpx_error *error);

/* The same results as a table of these metrics, of every epoch, and of all seeds of which the store has any result. An epoch
 * with which a program has stopped stands for all later ones. */
hpx_status hpx_stored_measured(hpx_measured **out, hpx_store *store, const hpx_stored_options *options,
                               const char *const *metrics, size_t count, hpx_error *error);

#endif
