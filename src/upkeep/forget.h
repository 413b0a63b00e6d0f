/* Takes whole trajectories out of a store, whatever epochs of them are stored. What is pinned or in training stays. */
#ifndef HPX_FORGET_H
#define HPX_FORGET_H

#include "hpx/error.h"
#include "hpx/store.h"

#include <signal.h>
#include <stddef.h>

typedef struct hpx_forgotten {
    hpx_artifact newest; /* without metrics; its cell is of the list */
    size_t epochs;       /* stored of it; 0: its results are lost */
    const char *kept;    /* why it stays, "pinned" or "in training"; NULL: it goes */
} hpx_forgotten;

/* What is to be forgotten, in order of key. Zeroed, it is empty. */
typedef struct hpx_forget_list {
    hpx_forgotten *items;
    size_t count, capacity;
    hpx_cell_set *cells;
} hpx_forget_list;

/* Adds results, in the order in which hpx_store_each has them: an hpx_artifact_fn whose context is the list. Then they are
 * sorted, and what stays is found. */
hpx_status hpx_forget_add(void *list, const hpx_artifact *artifact, hpx_error *error);
/* Adds the trajectory whose key begins so; errors as of hpx_store_find_key. */
hpx_status hpx_forget_add_key(hpx_forget_list *list, hpx_store *store, const char *prefix, hpx_error *error);
hpx_status hpx_forget_prepare(hpx_forget_list *list, hpx_store *store, hpx_error *error);

/* Forgets all that is not kept; `kept` says in the end what stayed. HPX_INTERRUPTED when *interrupted (may be NULL) was
 * set before the last. */
hpx_status hpx_forget(hpx_forget_list *list, hpx_store *store, const volatile sig_atomic_t *interrupted,
                      hpx_error *error);
void hpx_forget_list_free(hpx_forget_list *list);

#endif
