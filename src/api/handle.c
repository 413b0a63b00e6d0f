/* Handles, and what calls have in common. */
#include "inside.h"

#include "base/process.h"
#include "base/text.h"
#include "hpx/file.h"
#include "hpx/trainer.h"
#include "hpx/version.h"
#include "identity/manifest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *hpx_version(void)
{
    return HPX_VERSION;
}

/* --- calls ------------------------------------------------------------------------------------------------ */

static void clear(hpx_error *error)
{
    error->status = HPX_OK;
    *error->message = 0;
}

hpx_status hpx_call_begin(struct call *call, hpx_handle *handle, bool required, hpx_error *error)
{
    call->handle = handle;
    call->error = error ? error : &call->unheard;
    clear(call->error);
    if (!required)
        return hpx_error_set(call->error, HPX_USAGE,
                             "a call of hpx.h is given NULL for something that it needs");
    if (handle && pthread_mutex_lock(&handle->turn) == EDEADLK)
        return hpx_error_set(call->error, HPX_USAGE,
                             "a function that a run calls may not use the run's handle");
    return HPX_OK;
}

hpx_status hpx_call_end(struct call *call, hpx_status status)
{
    if (!status)
        clear(call->error);
    if (call->handle)
        pthread_mutex_unlock(&call->handle->turn);
    return status;
}

hpx_coordinate *hpx_coordinates(size_t *count, hpx_arena *arena, const hpx_cell *cell)
{
    const char *axis, *value;
    *count = 0;
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, cell);)
        ++*count;
    hpx_coordinate *out = hpx_arena_alloc(arena, *count * sizeof *out), *next = out;
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, cell); next++) {
        *next =
            (hpx_coordinate){hpx_arena_format(arena, "%s", axis), hpx_arena_format(arena, "%s", value), NAN};
        hpx_parse_real(&next->number, value);
    }
    return out;
}

/* --- handles ---------------------------------------------------------------------------------------------- */

/* All that are open or being opened. LMDB's locks are the process's: to open a store twice and close it once would drop
 * them. */
static hpx_handle *handles;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool enter_list(hpx_handle *handle)
{
    pthread_mutex_lock(&lock);
    const hpx_handle *at = handles;
    while (at && (at->device != handle->device || at->inode != handle->inode))
        at = at->next;
    if (!at) {
        handle->next = handles;
        handles = handle;
    }
    pthread_mutex_unlock(&lock);
    return !at;
}

static void leave_list(const hpx_handle *handle)
{
    pthread_mutex_lock(&lock);
    hpx_handle **at = &handles;
    while (*at && *at != handle)
        at = &(*at)->next;
    if (*at)
        *at = handle->next;
    pthread_mutex_unlock(&lock);
}

/* What trainers find out about this machine once they keep: that is done here, by one thread at a time. */
static hpx_status ask_trainers(hpx_error *error)
{
    hpx_status status = HPX_OK;
    pthread_mutex_lock(&lock);
    for (const char *const *name = hpx_trainer_names(); *name && !status; name++) {
        const hpx_trainer *trainer = hpx_trainer_find(*name);
        hpx_fields found = {0};
        if (trainer->check_environment)
            status = trainer->check_environment(error);
        if (!status && trainer->numerics)
            trainer->numerics(&found);
        if (!status && trainer->machine)
            trainer->machine(&found);
        hpx_fields_free(&found);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

/* The path as it leads to the same file wherever the process goes. Takes it over; NULL stays NULL. */
static char *fix_path(char *path)
{
    char *here = path && *path != '/' ? getcwd(NULL, 0) : NULL;
    if (!here)
        return path;
    char *fixed = hpx_path_join(here, path);
    free(here);
    free(path);
    return fixed;
}

static char *find_hpx(const char *given)
{
    const char *variable = getenv("HPX_WORKER");
    given = given ? given : variable && *variable ? variable : "hpx";
    return fix_path(strchr(given, '/') ? hpx_strdup(given) : hpx_process_find(given));
}

static char *find_data(const char *given, const char *folder)
{
    const char *variable = getenv("HPX_DATA");
    given = given ? given : variable && *variable ? variable : NULL;
    return fix_path(given ? hpx_strdup(given) : hpx_path_join(folder, "data"));
}

static void pass_on(void *context, const char *what)
{
    const hpx_handle *handle = context;
    if (!handle->notice)
        return;
    char *text = hpx_format("damaged: %s; treated as missing", what);
    handle->notice(handle->context, text);
    free(text);
}

static hpx_handle *new_handle(const char *folder, const hpx_open_options *options)
{
    pthread_mutexattr_t checks;
    hpx_handle *handle = hpx_alloc(sizeof *handle);
    pthread_mutexattr_init(&checks);
    pthread_mutexattr_settype(&checks, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&handle->turn, &checks);
    pthread_mutexattr_destroy(&checks);
    handle->data_folder = find_data(options->data_folder, folder);
    handle->hpx = find_hpx(options->hpx);
    handle->notice = options->notice;
    handle->context = options->context;
    return handle;
}

static void free_handle(hpx_handle *handle)
{
    hpx_store_close(handle->store);
    leave_list(handle);
    pthread_mutex_destroy(&handle->turn);
    free(handle->data_folder);
    free(handle->hpx);
    free(handle);
}

static hpx_status open_store(hpx_handle *handle, const char *folder, bool read_only, hpx_error *error)
{
    struct stat info;
    hpx_status status = ask_trainers(error);
    if (!status && !read_only)
        status = hpx_make_directories(folder, error);
    if (!status && stat(folder, &info) != 0)
        status = errno == ENOENT ? hpx_error_set(error, HPX_NOT_FOUND, "%s: there is no store", folder)
                                 : hpx_error_errno(error, "%s", folder);
    if (status)
        return status;
    handle->device = info.st_dev;
    handle->inode = info.st_ino;
    if (!enter_list(handle))
        return hpx_error_set(error, HPX_USAGE,
                             "%s: this process has the store open; use that handle, or close it", folder);
    char *path = fix_path(hpx_strdup(folder));
    status =
        hpx_store_open_checked(&handle->store, path, read_only ? HPX_STORE_READ : HPX_STORE_WRITE, error);
    free(path);
    if (status)
        return status;
    hpx_store_on_damage(handle->store, pass_on, handle);
    hpx_store_set_judge(handle->store, &hpx_manifest_judge);
    return HPX_OK;
}

hpx_status hpx_open(hpx_handle **out, const char *folder, const hpx_open_options *options, hpx_error *error)
{
    static const hpx_open_options none;
    struct call call;
    options = options ? options : &none;
    hpx_status status = hpx_call_begin(&call, NULL, out && folder, error);
    if (out)
        *out = NULL;
    if (status)
        return status;
    hpx_handle *handle = new_handle(folder, options);
    status = open_store(handle, folder, options->read_only, call.error);
    if (status)
        free_handle(handle);
    else
        *out = handle;
    return hpx_call_end(&call, status);
}

void hpx_close(hpx_handle *handle)
{
    if (handle)
        free_handle(handle);
}

/* --- recipes ---------------------------------------------------------------------------------------------- */

hpx_status hpx_read_recipe(hpx_recipe **out, const char *path, const char *const *words, size_t count,
                           hpx_error *error)
{
    struct call call;
    hpx_status status = hpx_call_begin(&call, NULL, out && path && (words || count == 0), error);
    if (out)
        *out = NULL;
    if (status)
        return status;
    char **copy = hpx_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = hpx_strdup(words[i] ? words[i] : "");
    status = hpx_recipe_open_amended(out, path, &(hpx_recipe_amendments){.words = copy, .count = count},
                                     call.error);
    for (size_t i = 0; i < count; i++)
        free(copy[i]);
    free(copy);
    return hpx_call_end(&call, status);
}

void hpx_free_recipe(hpx_recipe *recipe)
{
    hpx_recipe_free(recipe);
}
