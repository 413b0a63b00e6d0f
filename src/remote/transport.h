/* How blobs come from a shared store and go there: by HTTP, or through a folder. What is asked for is under way at once, many at
 * a time; it is done when wait has called `done`. */
#ifndef HPX_REMOTE_TRANSPORT_H
#define HPX_REMOTE_TRANSPORT_H

#include "entry.h"

#include "hpx/blob.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_transfer_kind { HPX_GET, HPX_HAS, HPX_PUT } hpx_transfer_kind;

typedef struct hpx_transfer hpx_transfer;

/* HPX_OK; HPX_NOT_FOUND, of GET and HAS; HPX_INTERRUPTED when it was given up; else `error` says why it failed. The transfer is
 * the asker's again, who may start others. */
typedef void hpx_transfer_fn(hpx_transfer *transfer, hpx_status status, const hpx_error *error);

struct hpx_transfer {
    hpx_transfer_kind kind;
    char path[HPX_ENTRY_PATH_BYTES];
    uint64_t size; /* GET: there may be so much; HAS: there must be; PUT: not used */
    hpx_blob blob; /* GET: what has come, for whoever asked to close; PUT: what is to go */
    hpx_transfer_fn *done;
    void *context;
    hpx_transfer *next; /* the transport's own */
};

typedef struct hpx_transport hpx_transport;

struct hpx_transport {
    /* Moves what can move, and waits up to so many seconds until something is done. */
    void (*wait)(hpx_transport *transport, double seconds);
    void (*give_up)(hpx_transport *transport); /* all that is under way; NULL: nothing is between two waits */
    void (*close)(hpx_transport *transport);   /* when nothing is; and frees it */
    hpx_transfer *first, *last;                /* not yet under way */
    uint64_t moved;                            /* bytes so far */
    bool gone;                                 /* it cannot be reached at all */
};

hpx_transport *hpx_transport_folder(const char *folder);

/* `token`: what it is to know the user by; NULL or empty: the user's netrc. HPX_USAGE for a URL that is none, or has a password in
 * it, and for a token that is none; HPX_FAILED where libcurl is not installed. */
hpx_status hpx_transport_http(hpx_transport **out, const char *url, const char *token, hpx_error *error);

void hpx_transport_start(hpx_transport *transport, hpx_transfer *transfer);
/* All that was started and is not done. */
void hpx_transport_give_up(hpx_transport *transport);

/* For transports. */

/* Takes the transfer that has waited longest; NULL: none does. */
hpx_transfer *hpx_transport_take(hpx_transport *transport);
void hpx_transfer_give_up(hpx_transfer *transfer);
/* Makes the blob of a GET, for so many bytes at most. */
hpx_status hpx_transfer_make_room(hpx_transfer *transfer, uint64_t size, hpx_error *error);

#endif
