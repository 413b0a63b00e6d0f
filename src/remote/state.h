/* An open shared store, from the inside: pull.c and push.c say what is asked of it, remote.c how long. */
#ifndef HPX_REMOTE_STATE_H
#define HPX_REMOTE_STATE_H

#include "entry.h"
#include "transport.h"

#include "remote/remote.h"

#include <stdbool.h>
#include <stddef.h>

struct remote {
    hpx_shared shared; /* first: one is the other */
    hpx_remote_options options;
    char *place;
    hpx_keys keys;
    hpx_transport *transport;
    bool off;          /* nothing more is asked of it */
    bool warned;       /* which is done once */
    unsigned failures; /* that followed each other */
    double waited;     /* seconds, in all */
    size_t lookups;    /* under way */
    struct ready {
        struct lookup **at;
        size_t count, capacity;
    } ready;       /* of these, whose parts have come */
    size_t pushes; /* under way */
    struct offers {
        hpx_hash *keys;
        size_t count, capacity, next;
    } offers;
};

/* Something is not as it should be. It is said the first time. */
void hpx_remote_warn(struct remote *remote, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Starts a transfer of a path; `done` frees it. */
void hpx_remote_start(struct remote *remote, hpx_transfer_kind kind, const char *path, uint64_t size,
                      const hpx_blob *blob, hpx_transfer_fn *done, void *context);

/* Notes how a transfer went; false: there is nothing, and if that is no answer it has been said, with what is done instead. */
bool hpx_remote_had(struct remote *remote, hpx_status status, const hpx_error *error, const char *instead);

/* pull.c */
void hpx_remote_want(hpx_shared *shared, const hpx_buffer *manifest, uint32_t epochs);
/* Puts into the store what is ready. */
void hpx_remote_import(struct remote *remote);

/* push.c */
void hpx_remote_offer(hpx_shared *shared, const hpx_hash *key);
/* Begins with offers while there is room for more. */
void hpx_remote_push_next(struct remote *remote);

#endif
