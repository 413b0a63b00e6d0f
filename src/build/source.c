#include "hpx/source.h"

#include "hpx/file.h"
#include "hpx/gzip.h"
#include "hpx/manifest.h"
#include "hpx/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Clocks of file systems tick as slowly as every two seconds: a file that changed so shortly before it was
 * hashed may have changed again since without a new time. */
#define RACY_NS 2000000000

static bool same_stat(const hpx_file_stat *a, const hpx_file_stat *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool is_trusted(const hpx_known_bytes *known, const hpx_file_stat *now)
{
    int64_t changed = now->modified_ns > now->changed_ns ? now->modified_ns : now->changed_ns;
    return same_stat(&known->stat, now) && changed <= known->hashed_ns - RACY_NS;
}

static char *unpacked_path(const char *folder, const hpx_hash *hash)
{
    char hex[HPX_HASH_HEX_BYTES];
    return hpx_format("%s/unpacked/%s.idx", folder, hpx_hash_hex(hex, hash));
}

/* Hashes the uncompressed bytes; a gzip'ed file is unpacked into the data folder under its hash. */
static hpx_status read_file(hpx_known_bytes *known, char **uncompressed, const char *path, const char *folder,
                            hpx_error *error)
{
    hpx_mapping mapping;
    hpx_buffer bytes = {0};
    hpx_status status = hpx_file_map(&mapping, path, error);
    if (status)
        return status;
    if (!hpx_is_gzip(mapping.bytes, mapping.size)) {
        known->hash = hpx_hash_of(mapping.bytes, mapping.size);
        known->size = mapping.size;
        *uncompressed = hpx_strdup(path);
    } else if ((status = hpx_idx_gunzip(&bytes, mapping.bytes, mapping.size, error)) != HPX_OK) {
        hpx_error_prefix(error, "%s", path);
    } else {
        known->hash = hpx_hash_of(bytes.data, bytes.size);
        known->size = bytes.size;
        *uncompressed = unpacked_path(folder, &known->hash);
        char *parent = hpx_path_directory(*uncompressed);
        status = hpx_make_directories(parent, error);
        free(parent);
        if (!status)
            status = hpx_file_write(*uncompressed, bytes.data, bytes.size, error);
    }
    hpx_buffer_free(&bytes);
    hpx_file_unmap(&mapping);
    return status;
}

/* Where the bytes of a known file are without reading it; NULL when they must be read. An unpacked copy is a
 * cache in a folder where anything may happen to it: it is looked at, and made again when it is not right. */
static char *find_known(const hpx_known_bytes *known, const char *path, const char *folder)
{
    if (known->size == known->stat.size)
        return hpx_strdup(path);
    char *unpacked = unpacked_path(folder, &known->hash);
    hpx_mapping mapping;
    hpx_error error;
    bool right = false;
    if (hpx_file_map(&mapping, unpacked, &error) == HPX_OK) {
        hpx_hash hash = hpx_hash_of(mapping.bytes, mapping.size);
        right = hpx_hash_equal(&hash, &known->hash);
        hpx_file_unmap(&mapping);
    }
    if (right)
        return unpacked;
    free(unpacked);
    return NULL;
}

static hpx_status find_file(hpx_source *out, int role, const char *path, const hpx_source_options *options,
                            hpx_error *error)
{
    char *absolute = hpx_path_real(path);
    if (!absolute)
        return hpx_error_set(error, HPX_FAILED, "%s: no such file (%s)", path, hpx_role_names[role]);
    hpx_known_bytes known = {0};
    hpx_file_stat now;
    char *uncompressed = NULL;
    hpx_status status = hpx_file_stat_of(&now, absolute, error);
    hpx_error ignored;
    if (!status && options->store &&
        hpx_store_get_file(&known, options->store, absolute, &ignored) == HPX_OK && is_trusted(&known, &now))
        uncompressed = find_known(&known, absolute, options->folder);
    if (!status && !uncompressed) {
        known.stat = now;
        known.hashed_ns = hpx_clock_ns();
        status = read_file(&known, &uncompressed, absolute, options->folder, error);
        if (!status && options->store && options->remember)
            status = hpx_store_put_file(options->store, absolute, &known, error);
    }
    free(absolute);
    out->paths[role] = uncompressed;
    out->hashes[role] = known.hash;
    out->sizes[role] = known.size;
    return status;
}

static hpx_status find_known_dataset(hpx_source *out, const hpx_known_dataset *known,
                                     const hpx_source_options *options, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t role = 0; role < HPX_ROLES && !status; role++) {
        char *path = hpx_known_path(known, options->folder, role);
        if (!hpx_path_exists(path) && !options->fetch)
            status = hpx_error_set(error, HPX_NOT_FOUND,
                                   "data set %s is not here yet; `hpx data fetch %s` gets it", known->name,
                                   known->name);
        else if (!hpx_path_exists(path))
            status = hpx_known_fetch(known, options->folder, options->progress, options->context, error);
        if (!status)
            status = find_file(out, (int)role, path, options, error);
        free(path);
    }
    return status;
}

/* The four files as a whole: that they belong together, and their shape. */
static hpx_status read_shape(hpx_source *out, hpx_error *error)
{
    hpx_dataset dataset;
    hpx_status status = hpx_dataset_open(&dataset, (const char *const *)out->paths, error);
    if (status)
        return status;
    out->features = dataset.features;
    out->classes = dataset.classes;
    out->train_count = dataset.files[HPX_TRAIN_IMAGES].count;
    out->test_count = dataset.files[HPX_TEST_IMAGES].count;
    hpx_dataset_close(&dataset);
    return HPX_OK;
}

static void set_known_shape(hpx_source *out, const hpx_known_dataset *known)
{
    out->features = known->features;
    out->classes = known->classes;
    out->train_count = known->train_count;
    out->test_count = known->test_count;
}

static void set_record(hpx_source *out)
{
    hpx_fields_set_text(&out->record, "name", out->name);
    for (int role = 0; role < HPX_ROLES; role++) {
        char *hash = hpx_format("%s.hash", hpx_role_names[role]),
             *size = hpx_format("%s.size", hpx_role_names[role]);
        hpx_fields_set_hash(&out->record, hash, &out->hashes[role]);
        hpx_fields_set_count(&out->record, size, out->sizes[role]);
        free(hash);
        free(size);
    }
    hpx_fields_set_count(&out->record, "features", out->features);
    hpx_fields_set_count(&out->record, "classes", out->classes);
    hpx_fields_set_count(&out->record, "train.count", out->train_count);
    hpx_fields_set_count(&out->record, "test.count", out->test_count);
}

hpx_status hpx_source_find(hpx_source *out, const hpx_recipe_dataset *dataset,
                           const hpx_source_options *options, hpx_error *error)
{
    *out = (hpx_source){.name = hpx_strdup(dataset->name)};
    hpx_status status = HPX_OK;
    if (dataset->files[0]) {
        for (int role = 0; role < HPX_ROLES && !status; role++)
            status = find_file(out, role, dataset->files[role], options, error);
    } else {
        status = find_known_dataset(out, hpx_known_find(dataset->name), options, error);
    }
    if (!status)
        status = read_shape(out, error);
    if (status)
        hpx_source_free(out);
    else
        set_record(out);
    return status;
}

hpx_status hpx_source_shape(hpx_source *out, const hpx_recipe_dataset *dataset,
                            const hpx_source_options *options, hpx_error *error)
{
    if (dataset->files[0])
        return hpx_source_find(out, dataset, options, error);
    *out = (hpx_source){.name = hpx_strdup(dataset->name)};
    set_known_shape(out, hpx_known_find(dataset->name));
    return HPX_OK;
}

void hpx_source_free(hpx_source *source)
{
    free(source->name);
    for (int role = 0; role < HPX_ROLES; role++)
        free(source->paths[role]);
    hpx_fields_free(&source->record);
    *source = (hpx_source){0};
}

uint32_t hpx_source_train_count(const hpx_source *source, const hpx_recipe_dataset *dataset)
{
    return dataset->take ? dataset->take : source->train_count - dataset->validation;
}

/* A data set known by name that is here and has these bytes: a store that results were imported into has
 * never seen its files. */
static bool locate_known(char *paths[HPX_ROLES], const hpx_hash hashes[HPX_ROLES], hpx_store *store,
                         const char *folder)
{
    const hpx_source_options options = {.store = store, .folder = folder};
    bool found = false;
    for (const char *const *name = hpx_known_names(); *name && !found; name++) {
        hpx_source source = {0};
        hpx_error error;
        found = find_known_dataset(&source, hpx_known_find(*name), &options, &error) == HPX_OK;
        for (int role = 0; role < HPX_ROLES; role++)
            found = found && hpx_hash_equal(&source.hashes[role], &hashes[role]);
        for (int role = 0; role < HPX_ROLES && found; role++) {
            paths[role] = source.paths[role];
            source.paths[role] = NULL;
        }
        hpx_source_free(&source);
    }
    return found;
}

hpx_status hpx_source_locate(char *paths[HPX_ROLES], const hpx_fields *manifest, hpx_store *store,
                             const char *folder, hpx_error *error)
{
    hpx_hash hashes[HPX_ROLES];
    hpx_status status = hpx_manifest_dataset(hashes, manifest, error);
    for (int role = 0; role < HPX_ROLES; role++)
        paths[role] = NULL;
    for (int role = 0; role < HPX_ROLES && !status; role++) {
        char *path;
        hpx_known_bytes known;
        status = hpx_store_find_file(&path, &known, store, &hashes[role], error);
        if (status)
            break;
        paths[role] = find_known(&known, path, folder);
        free(path);
        if (!paths[role])
            status = hpx_error_set(error, HPX_NOT_FOUND, "the unpacked %s are gone", hpx_role_names[role]);
    }
    for (int role = 0; role < HPX_ROLES && status; role++) {
        free(paths[role]);
        paths[role] = NULL;
    }
    if (status == HPX_NOT_FOUND && locate_known(paths, hashes, store, folder))
        return HPX_OK;
    return status;
}
