/* hpx export --checkpoint: the files of a checkpoint, which is the way to what a program has made. */
#include "cli.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "identity/trained.h"
#include "program/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A model's is one file. */
static hpx_status write_file(const char *folder, const hpx_blob *checkpoint, hpx_error *error)
{
    char *path = hpx_path_join(folder, "checkpoint");
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    hpx_status status = HPX_OK;
    if (fd < 0 || hpx_blob_copy(fd, NULL, checkpoint, error) != HPX_OK)
        status = hpx_error_errno(error, "%s", path);
    if (fd >= 0 && close(fd) != 0 && !status)
        status = hpx_error_errno(error, "%s", path);
    free(path);
    return status;
}

static hpx_status write_files(const char *folder, const hpx_artifact *artifact, const hpx_blob *checkpoint,
                              hpx_error *error)
{
    if (mkdir(folder, 0777) != 0)
        return hpx_error_errno(error, "%s", folder);
    hpx_status status = hpx_artifact_is_of_program(artifact) ? hpx_archive_unpack(folder, checkpoint, error)
                                                             : write_file(folder, checkpoint, error);
    if (status)
        hpx_folder_remove(folder);
    return status;
}

static hpx_status export(uint32_t *epoch, hpx_store *store, const struct options *options, hpx_error *error)
{
    hpx_hash key;
    hpx_artifact artifact = {.epoch = 0};
    hpx_blob checkpoint = HPX_NO_BLOB;
    const char *prefix = options->arguments[0];
    if (!store)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key; the store is empty", prefix);
    hpx_status status = hpx_store_find_key(&key, store, prefix, error);
    if (status)
        return status;
    status = hpx_trained_checkpoint(epoch, &checkpoint, store, &key, UINT32_MAX, error);
    if (status == HPX_NOT_FOUND)
        hpx_error_prefix(error, "%s", prefix);
    if (!status)
        status = hpx_store_get(&artifact, store, &key, *epoch, NULL, error);
    if (!status)
        status = write_files(options->arguments[1], &artifact, &checkpoint, error);
    hpx_artifact_free(&artifact);
    hpx_blob_close(&checkpoint);
    return status;
}

int hpx_export_checkpoint(const struct options *options)
{
    if (options->count != 2 || options->csv || options->optuna || options->safetensors ||
        hpx_has_bundle_options(options)) {
        hpx_say("export: --checkpoint takes a key and the folder to make, and no other option of export");
        return EXIT_USAGE;
    }
    char *folder = hpx_store_folder(options, ".");
    hpx_store *store;
    hpx_error error;
    uint32_t epoch;
    hpx_status status = hpx_open_existing(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status = export(&epoch, store, options, &error);
    hpx_store_close(store);
    if (!status && !options->quiet)
        hpx_say("exported the checkpoint of epoch %" PRIu32 " to %s", epoch, options->arguments[1]);
    free(folder);
    return status ? hpx_fail(&error) : EXIT_DONE;
}
