#include "state.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_SECONDS   5.0                 /* that a build waits for it in all */
#define BYTES_A_SECOND ((double)(8 << 20)) /* what comes so fast is waited for longer */
#define STALL_SECONDS  5.0                 /* in which nothing moves of what is pushed */
#define READY_MAX      64                  /* that are put into the store together */
#define TURN_SECONDS   0.02                /* that a build spends on it between two events */
#define STEP_SECONDS   0.1
#define FAILURES_MAX   10 /* that follow each other */

void hpx_remote_warn(struct remote *remote, const char *format, ...)
{
    va_list args;
    if (remote->warned)
        return;
    remote->warned = true;
    va_start(args, format);
    char *what = hpx_vformat(format, args),
         *text = hpx_format("the shared store %s: %s", remote->place, what);
    va_end(args);
    remote->options.warn(text);
    free(text);
    free(what);
}

static void turn_off(struct remote *remote)
{
    remote->off = true;
    hpx_transport_give_up(remote->transport);
}

void hpx_remote_start(struct remote *remote, hpx_transfer_kind kind, const char *path, uint64_t size,
                      const hpx_blob *blob, hpx_transfer_fn *done, void *context)
{
    hpx_transfer *transfer = hpx_alloc(sizeof *transfer);
    *transfer = (hpx_transfer){
        .kind = kind, .size = size, .blob = blob ? *blob : HPX_NO_BLOB, .done = done, .context = context};
    memcpy(transfer->path, path, strlen(path) + 1);
    hpx_transport_start(remote->transport, transfer);
}

bool hpx_remote_had(struct remote *remote, hpx_status status, const hpx_error *error, const char *instead)
{
    if (status == HPX_OK || status == HPX_NOT_FOUND)
        remote->failures = 0;
    else if (status != HPX_INTERRUPTED) {
        hpx_remote_warn(remote, "%s; %s", error->message, instead);
        remote->off = remote->off || remote->transport->gone || ++remote->failures == FAILURES_MAX;
    }
    return status == HPX_OK;
}

static bool is_interrupted(const struct remote *remote)
{
    return remote->options.interrupted && *remote->options.interrupted;
}

static void settle(hpx_shared *shared)
{
    struct remote *remote = (struct remote *)shared;
    while (remote->lookups > 0 && !remote->off && !is_interrupted(remote)) {
        const double before = hpx_clock_seconds();
        remote->transport->wait(remote->transport, STEP_SECONDS);
        remote->waited += hpx_clock_seconds() - before;
        if (remote->ready.count >= READY_MAX || remote->ready.count == remote->lookups)
            hpx_remote_import(remote);
        if (remote->waited < WAIT_SECONDS + (double)remote->transport->moved / BYTES_A_SECOND)
            continue;
        hpx_remote_warn(remote, "%.0f seconds waited; it is not asked any more in this build", WAIT_SECONDS);
        remote->off = true;
    }
    hpx_remote_import(remote);
    if (remote->lookups > 0)
        turn_off(remote);
}

static void turn(hpx_shared *shared)
{
    struct remote *remote = (struct remote *)shared;
    const double until = hpx_clock_seconds() + TURN_SECONDS;
    uint64_t moved;
    do {
        hpx_remote_push_next(remote);
        moved = remote->transport->moved;
        if (remote->pushes > 0 && !remote->off)
            remote->transport->wait(remote->transport, 0);
    } while (remote->transport->moved != moved && hpx_clock_seconds() < until);
}

static void finish(hpx_shared *shared)
{
    struct remote *remote = (struct remote *)shared;
    double moving = hpx_clock_seconds();
    uint64_t moved = remote->transport->moved;
    size_t left = SIZE_MAX;
    for (;;) {
        hpx_remote_push_next(remote);
        const size_t now_left = remote->pushes + remote->offers.count - remote->offers.next;
        const double now = hpx_clock_seconds();
        if (remote->pushes == 0 || remote->off || is_interrupted(remote))
            break;
        if (remote->transport->moved != moved || now_left != left)
            moving = now;
        if (now - moving > STALL_SECONDS) {
            hpx_remote_warn(remote, "nothing has moved for %.0f seconds; not all is pushed", STALL_SECONDS);
            break;
        }
        moved = remote->transport->moved;
        left = now_left;
        remote->transport->wait(remote->transport, STEP_SECONDS);
    }
    if (remote->pushes > 0)
        turn_off(remote);
}

static void close_remote(hpx_shared *shared)
{
    struct remote *remote = (struct remote *)shared;
    turn_off(remote);
    remote->transport->close(remote->transport);
    hpx_keys_free(&remote->keys);
    free(remote->offers.keys);
    free((void *)remote->ready.at);
    free(remote->place);
    free(remote);
}

static hpx_status open_place(struct remote *remote, hpx_error *error)
{
    const char *place = remote->options.place;
    hpx_status status = HPX_OK;
    if (strstr(place, "://"))
        status = hpx_transport_http(&remote->transport, place, remote->options.token, error);
    else
        remote->transport = hpx_transport_folder(place);
    if (!status)
        remote->place = hpx_strdup(place);
    return status;
}

hpx_status hpx_remote_open(hpx_shared **out, const hpx_remote_options *options, hpx_error *error)
{
    struct remote *remote = hpx_alloc(sizeof *remote);
    remote->shared = (hpx_shared){.want = hpx_remote_want,
                                  .settle = settle,
                                  .offer = hpx_remote_offer,
                                  .turn = turn,
                                  .finish = finish,
                                  .close = close_remote};
    remote->options = *options;
    hpx_status status = hpx_keys_read(&remote->keys, error);
    if (!status && options->push && !remote->keys.can_sign)
        status = hpx_error_set(error, HPX_USAGE,
                               "--push signs results, and you have no key; make one with: hpx key new");
    if (!status)
        status = open_place(remote, error);
    if (status) {
        hpx_keys_free(&remote->keys);
        free(remote);
        return status;
    }
    *out = &remote->shared;
    return HPX_OK;
}
