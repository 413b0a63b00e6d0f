/* hpx export -o. */
#include "cli.h"

#include "base/memory.h"
#include "base/spool.h"
#include "base/text.h"
#include "store/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the bundle goes. A file is made when the first byte is there to be written. What others read at their
 * own pace, a pipe, gets its bytes when the store has been read. */
struct sink {
    const char *path; /* NULL: standard output */
    hpx_file_writer *file;
    hpx_spool *spool;
};

static hpx_status write_out(struct sink *sink, const void *bytes, size_t size, hpx_error *error)
{
    if (!sink->path)
        return fwrite(bytes, 1, size, stdout) == size ? HPX_OK : hpx_error_errno(error, "standard output");
    hpx_status status = sink->file ? HPX_OK : hpx_file_create(&sink->file, sink->path, error);
    return status ? status : hpx_file_add(sink->file, bytes, size, error);
}

static hpx_status sink_write(void *context, const void *bytes, size_t size, hpx_error *error)
{
    struct sink *sink = context;
    return sink->spool ? hpx_spool_add(sink->spool, bytes, size, error) : write_out(sink, bytes, size, error);
}

static hpx_status sink_open(struct sink *sink, hpx_error *error)
{
    struct stat file;
    bool exists = sink->path ? stat(sink->path, &file) == 0 : fstat(STDOUT_FILENO, &file) == 0;
    bool waits = exists && !S_ISREG(file.st_mode);
    return waits ? hpx_spool_new(&sink->spool, error) : HPX_OK;
}

static hpx_status empty_spool(struct sink *sink, hpx_error *error)
{
    char bytes[64 << 10];
    size_t got = 1;
    hpx_status status = hpx_spool_rewind(sink->spool, error);
    while (!status && got > 0) {
        status = hpx_spool_read(sink->spool, bytes, sizeof bytes, &got, error);
        if (!status && got > 0)
            status = write_out(sink, bytes, got, error);
    }
    return status;
}

static hpx_status sink_close(struct sink *sink, hpx_status status, hpx_error *error)
{
    if (!status && sink->spool)
        status = empty_spool(sink, error);
    hpx_spool_free(sink->spool);
    if (status)
        hpx_file_discard(sink->file);
    else if (sink->file)
        status = hpx_file_finish(sink->file, error);
    else if (fflush(stdout) != 0)
        status = hpx_error_errno(error, "standard output");
    return status;
}

struct keys {
    hpx_hash *items;
    size_t count, capacity;
};

static hpx_status add_key(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct keys *keys = context;
    if (keys->count > 0 && hpx_hash_equal(&keys->items[keys->count - 1], &artifact->key))
        return HPX_OK;
    keys->items = hpx_grow(keys->items, &keys->capacity, keys->count + 1, sizeof *keys->items);
    keys->items[keys->count++] = artifact->key;
    return HPX_OK;
}

static hpx_status select_keys(struct keys *keys, hpx_store *store, const struct options *options,
                              const char *data, hpx_error *error)
{
    const char *what = options->arguments[0];
    size_t count = options->count;
    hpx_hash key;
    struct target target;
    hpx_status status;
    keys->items = hpx_alloc(sizeof *keys->items); /* not NULL: that would be all */
    keys->capacity = 1;
    if (count == 1 && hpx_is_key(what)) {
        status = hpx_store_find_key(&key, store, what, error);
        return status ? status : add_key(keys, &(hpx_artifact){.key = key}, error);
    }
    status = hpx_open_target(&target, options->arguments, &count, false, error);
    if (!status)
        status = hpx_each_stored(store, &target, data, true, add_key, keys, error);
    hpx_free_target(&target);
    return status;
}

static hpx_status export(hpx_exported *done, const char *folder, const struct options *options,
                         hpx_error *error)
{
    const char *what = options->count ? options->arguments[0] : NULL;
    struct sink sink = {.path = strcmp(options->output, "-") == 0 ? NULL : options->output};
    struct keys keys = {0};
    char *data = hpx_data_folder(folder);
    hpx_store *store;
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_READ, error);
    if (!status && !store)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no store here", folder);
    if (!status && what)
        status = select_keys(&keys, store, options, data, error);
    if (!status)
        status = sink_open(&sink, error);
    if (!status) {
        const hpx_bundle_options bundle = {.checkpoints = !options->no_checkpoints, .logs = options->logs};
        status = hpx_bundle_write(done, store, keys.items, keys.count, &bundle, sink_write, &sink, error);
        if (status == HPX_NOT_FOUND)
            hpx_error_prefix(error, "%s", what ? what : folder);
    }
    hpx_store_close(store);
    status = sink_close(&sink, status, error);
    free(keys.items);
    free(data);
    return status;
}

bool hpx_has_bundle_options(const struct options *options)
{
    return options->output || options->all || options->no_checkpoints || options->logs;
}

static bool is_clear(const struct options *options)
{
    if (!options->output)
        hpx_say("export: say what to write: -o FILE for a bundle, --csv for a table, --optuna FILE for a "
                "study, --checkpoint KEY DIR for files, --safetensors KEY FILE for weights");
    else if ((options->count > 0) + options->all != 1)
        hpx_say("export: say what to export: a recipe, a key or --all");
    else if (strcmp(options->output, "-") == 0 && isatty(STDOUT_FILENO))
        hpx_say("export: a bundle is not for a terminal; redirect it or name a file");
    else
        return true;
    return false;
}

int hpx_export_bundle(const struct options *options)
{
    if (!is_clear(options))
        return EXIT_USAGE;
    char *folder = hpx_store_folder(options, options->count ? options->arguments[0] : ".");
    hpx_exported done;
    hpx_error error;
    hpx_status status = export(&done, folder, options, &error);
    int code = EXIT_DONE;
    if (status) {
        code = hpx_fail(&error);
    } else if (done.left_out) {
        hpx_say("%llu %s damaged or incomplete, and left out", (unsigned long long)done.left_out,
                hpx_plural(done.left_out, "value is", "values are"));
        code = EXIT_DAMAGED;
    }
    if (!status && done.conflicts > 0)
        hpx_say("%llu of the results %s trained again with another output, which is exported too",
                (unsigned long long)done.conflicts, hpx_plural(done.conflicts, "was", "were"));
    if (!status && !options->quiet)
        hpx_say("exported %llu %s of %llu %s, %llu %s, %.1f MB", (unsigned long long)done.artifacts,
                hpx_plural(done.artifacts, "result", "results"), (unsigned long long)done.trajectories,
                hpx_plural(done.trajectories, "trial", "trials"), (unsigned long long)done.checkpoints,
                hpx_plural(done.checkpoints, "checkpoint", "checkpoints"), (double)done.bytes * 1e-6);
    free(folder);
    return code;
}
