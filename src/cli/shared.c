/* The store that others share: --remote, else $HPX_REMOTE, else the user's configuration; never the recipe. */
#include "cli.h"

#include "base/memory.h"
#include "remote/remote.h"

#include <stdlib.h>

static void warn(const char *text)
{
    hpx_say("warning: %s", text);
}

/* Where it is; NULL: there is none. free() it. */
static hpx_status find_place(char **out, const struct options *options, hpx_error *error)
{
    char *where;
    const char *environment = getenv("HPX_REMOTE");
    const char *said = options->remote ? options->remote : environment;
    *out = NULL;
    if (said) {
        *out = *said ? hpx_strdup(said) : NULL; /* an empty variable: none, whatever the configuration has */
        return HPX_OK;
    }
    hpx_status status = hpx_config_find(out, &where, "remote", error);
    free(where);
    return status;
}

hpx_status hpx_open_shared(hpx_shared **out, const struct options *options, hpx_store *store,
                           hpx_error *error)
{
    char *place;
    *out = NULL;
    hpx_status status = find_place(&place, options, error);
    const bool push = options->push || options->push_all;
    if (!status && !place && push)
        status = hpx_error_set(error, HPX_USAGE,
                               "--push: there is no shared store; name one with --remote or HPX_REMOTE");
    if (!status && place && !options->dry && hpx_store_is_writable(store)) {
        const hpx_remote_options remote = {.place = place,
                                           .token = hpx_remote_token,
                                           .store = store,
                                           .push = push,
                                           .all = options->push_all,
                                           .warn = warn,
                                           .interrupted = &hpx_interrupted};
        status = hpx_remote_open(out, &remote, error);
        if (status == HPX_FAILED) { /* of this machine: the build goes on without */
            hpx_say("warning: the shared store %s: %s", place, error->message);
            status = HPX_OK;
        }
    }
    free(place);
    return status;
}
