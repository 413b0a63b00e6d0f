/* A shared store: results that several machines or people use. Others' results are taken where a key that the user trusts has
 * signed them (keys.h) and the store's own checks hold, and are marked as imported. Its layout is described in entry.c. */
#ifndef HPX_REMOTE_REMOTE_H
#define HPX_REMOTE_REMOTE_H

#include "hpx/error.h"
#include "hpx/store.h"
#include "run/shared.h"

#include <signal.h>
#include <stdbool.h>

typedef struct hpx_remote_options {
    const char *place;              /* http://, https://, or a folder */
    const char *token;              /* of HPX_REMOTE_TOKEN; NULL: there is none */
    hpx_store *store;               /* which results go to, and come from */
    bool push;                      /* what is offered is pushed, signed */
    bool all;                       /* with patches, sources, logs and names of hosts */
    void (*warn)(const char *text); /* once, when something is not as it should be */
    const volatile sig_atomic_t *interrupted;
} hpx_remote_options;

/* Nothing is asked yet. HPX_USAGE for a place that is none, for keys that cannot be read, and to push without a key of one's
 * own. */
hpx_status hpx_remote_open(hpx_shared **out, const hpx_remote_options *options, hpx_error *error);

#endif
