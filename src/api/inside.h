/* The library as other programs see it (hpx.h), from the inside. */
#ifndef HPX_API_INSIDE_H
#define HPX_API_INSIDE_H

#include "base/memory.h"
#include "hpx.h"
#include "hpx/cell.h"
#include "hpx/error.h"
#include "hpx/recipe.h"
#include "hpx/store.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct hpx_handle {
    hpx_store *store;
    char *data_folder, *hpx; /* hpx NULL: there is none */
    hpx_notice_fn *notice;
    void *context;
    pthread_mutex_t turn; /* of the thread that is in a call with it */
    dev_t device;         /* of the store's folder */
    ino_t inode;
    hpx_handle *next; /* of all that are open */
};

/* What every call begins and ends with. */
struct call {
    hpx_handle *handle; /* NULL: it has none */
    hpx_error *error;   /* never NULL */
    hpx_error unheard;  /* where the caller has given none */
};

/* Takes the handle's turn. What is `required` must be there. With an error there is nothing to end. */
hpx_status hpx_call_begin(struct call *call, hpx_handle *handle, bool required, hpx_error *error);
/* Returns `status`; what went wrong on the way to HPX_OK is not told. */
hpx_status hpx_call_end(struct call *call, hpx_status status);

/* A value for each axis of a cell, in the arena. */
hpx_coordinate *hpx_coordinates(size_t *count, hpx_arena *arena, const hpx_cell *cell);

#endif
