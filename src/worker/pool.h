/* A pool: the folder by which the owner of a store gives jobs to workers on other machines, on a file system that all of
 * them share.
 *
 *     POOL/owner            the owner's sign: its beat, and which jobs it wants
 *     POOL/workers          who was asked for: it, and not a listing, names them to the next owner
 *     POOL/member/NAME      a worker's sign: its beat, the job it is at, how many results it has written
 *     POOL/hello/NAME.msg   what a worker says first (worker/hello.h), written before its first beat
 *     POOL/end/NAME         what the script that runs a worker says when it has ended otherwise than well
 *     POOL/job/JOB.msg      a job, and beside it the checkpoint that it continues from
 *     POOL/taken/JOB.msg    what the worker that takes the job renames it to: so it is one worker's; the checkpoint stays
 *     POOL/out/NAME.K.msg   a worker's result number K, and beside it its checkpoint
 *     POOL/snapshots/HASH   data that a worker does not see where it is (identity/parcel.h)
 *     POOL/log/             what workers print
 *
 * Whoever may write there can have code run as the owner and as the workers: the folder is the user's alone, and both sides
 * refuse another. Only the owner opens the store. */
#ifndef HPX_POOL_H
#define HPX_POOL_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_POOL_BEAT_SECONDS   5  /* a sign changes at least so often */
#define HPX_POOL_EXPIRY_SECONDS 20 /* without a change, by the reader's clock: whoever makes it is gone */
#define HPX_POOL_NAME_BYTES     80 /* of a job or a worker, with the NUL */
#define HPX_POOL_REASON_BYTES   512

/* Makes the folder and what is in it, for this user alone. HPX_FAILED, with why, where hpx_pool_check would refuse it. */
hpx_status hpx_pool_make(const char *pool, hpx_error *error);

/* HPX_FAILED unless the folder is this user's, and nobody else may write there. */
hpx_status hpx_pool_check(const char *pool, hpx_error *error);

/* POOL/PART/NAME. free() it. */
char *hpx_pool_path(const char *pool, const char *part, const char *name);

/* The path of a worker's result, without its ending. free() it. */
char *hpx_pool_result_path(const char *pool, const char *member, uint64_t number);

/* Whether a job is open, as far as this machine sees. */
bool hpx_pool_is_open(const char *pool, const char *job);

/* Makes an open job the caller's. False: it is no longer to be had. */
bool hpx_pool_claim(const char *pool, const char *job);

/* Removes POOL/PART/NAMEENDING, if it is there. */
void hpx_pool_remove(const char *pool, const char *part, const char *name, const char *ending);

/* What the owner says. */
typedef struct hpx_owner_sign {
    uint64_t beat;
    bool ended; /* workers end, too */
    /* That are wanted: those that are open, the most urgent first, and those that are taken. */
    const char **jobs;
    size_t job_count;
} hpx_owner_sign;

void hpx_owner_sign_encode(hpx_buffer *out, const hpx_owner_sign *sign);
/* `jobs` is made of the text, which is changed for it; free() the list. False: it is none. */
bool hpx_owner_sign_decode(hpx_owner_sign *out, hpx_buffer *text);

/* What a worker says. */
typedef struct hpx_member_sign {
    uint64_t beat;
    uint64_t results; /* written so far: numbers 0 to results - 1 */
    /* All of these may be empty. */
    char job[HPX_POOL_NAME_BYTES];     /* that it is at */
    char wants[HPX_HASH_HEX_BYTES];    /* data that it does not see, as a parcel */
    char unfit[HPX_POOL_NAME_BYTES];   /* its node, if that does not compute as the build's others */
    char ended[HPX_POOL_REASON_BYTES]; /* why it has ended */
} hpx_member_sign;

void hpx_member_sign_encode(hpx_buffer *out, const hpx_member_sign *sign);
bool hpx_member_sign_decode(hpx_member_sign *out, hpx_buffer *text);

/* Whether whoever makes a sign lives: its beat has changed in the last HPX_POOL_EXPIRY_SECONDS. The clocks of other machines
 * are not asked. */
typedef struct hpx_pulse {
    uint64_t beat;
    double changed; /* hpx_clock_seconds; 0: no beat was seen */
} hpx_pulse;

void hpx_pulse_feel(hpx_pulse *pulse, uint64_t beat);
bool hpx_pulse_is_gone(const hpx_pulse *pulse); /* false before the first beat */

#endif
