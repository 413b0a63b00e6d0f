#include "hpx/source.h"

#include "base/memory.h"
#include "data/gzip.h"
#include "hpx/file.h"
#include "identity/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file whose stat is as it was has the bytes it had, if every write since would have given it another time:
 *
 * Clocks of file systems tick as slowly as every two seconds, so a file that changed so shortly before it was
 * hashed may have changed again since without a new time (git: "racy index"). A write through a mapping is
 * noticed at the first one to a clean page: hpx_file_each_piece cleans them all. File systems in memory have
 * no clean pages, so there nothing is noticed, and the bytes are hashed again. */
#define RACY_NS 2000000000

static bool same_stat(const hpx_file_stat *a, const hpx_file_stat *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool is_trusted(const hpx_known_bytes *known, const hpx_file_stat *now)
{
    int64_t changed = now->modified_ns > now->changed_ns ? now->modified_ns : now->changed_ns;
    return known->shape.dimensions > 0 && same_stat(&known->stat, now) && !now->untimed &&
           changed <= known->hashed_ns - RACY_NS;
}

void hpx_source_remove_left_over(const char *folder)
{
    char *unpacked = hpx_path_join(folder, "unpacked");
    hpx_file_remove_left_over(folder);
    hpx_file_remove_left_over(unpacked);
    free(unpacked);
}

static char *unpacked_path(const char *folder, const hpx_hash *hash)
{
    char hex[HPX_HASH_HEX_BYTES];
    return hpx_format("%s/unpacked/%s.idx", folder, hpx_hash_hex(hex, hash));
}

/* What is gathered of a file as its pieces come. */
struct reading {
    hpx_hasher *hasher;
    uint64_t size;
    hpx_idx shape; /* of the header */
    hpx_buffer packed, head;
    bool is_packed;
};

/* The header is in the first piece. Of labels the largest is kept. */
static void add_plain(struct reading *reading, const uint8_t *bytes, size_t size)
{
    bool first = reading->size == 0;
    hpx_error ignored;
    uint64_t file_bytes;
    size_t values = 0;
    if (first) {
        hpx_buffer_add(&reading->head, bytes, size < HPX_IDX_HEADER_MAX ? size : HPX_IDX_HEADER_MAX);
        if (hpx_idx_file_size(&file_bytes, bytes, size, &ignored) == HPX_OK)
            hpx_idx_parse_header(&reading->shape, bytes, size, file_bytes, &ignored);
        values = hpx_idx_header_bytes(&reading->shape);
    }
    if (reading->shape.dimensions == 1) {
        uint8_t largest = hpx_idx_largest(bytes + values, size - values);
        if (largest > reading->shape.largest)
            reading->shape.largest = largest;
    }
    hpx_hasher_add(reading->hasher, bytes, size);
    reading->size += size;
}

static hpx_status add_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    struct reading *reading = context;
    (void)error;
    if (reading->size == 0 && reading->packed.size == 0)
        reading->is_packed = hpx_is_gzip(bytes, size);
    if (reading->is_packed)
        hpx_buffer_add(&reading->packed, bytes, size);
    else
        add_plain(reading, bytes, size);
    return HPX_OK;
}

static hpx_status write_unpacked(const char *path, const hpx_buffer *bytes, hpx_error *error)
{
    char *parent = hpx_path_directory(path);
    hpx_status status = hpx_make_directories(parent, error);
    hpx_file_remove_left_over(parent);
    free(parent);
    return status ? status : hpx_file_write(path, bytes->data, bytes->size, error);
}

/* Hashes the uncompressed bytes; a gzip'ed file is unpacked into the data folder under its hash. */
static hpx_status read_file(hpx_known_bytes *known, char **uncompressed, const char *path, const char *folder,
                            hpx_error *error)
{
    struct reading reading = {.hasher = hpx_hasher_new()};
    hpx_buffer bytes = {0};
    known->hashed_ns = hpx_clock_ns();
    hpx_status status = hpx_file_each_piece(&known->stat, path, add_piece, &reading, error);
    if (!status && reading.is_packed) {
        status = hpx_idx_gunzip(&bytes, reading.packed.data, reading.packed.size, error);
        if (!status)
            add_plain(&reading, bytes.data, bytes.size);
        else
            hpx_error_prefix(error, "%s", path);
    }
    known->hash = hpx_hasher_finish(reading.hasher);
    known->size = reading.size;
    known->packed = reading.is_packed;
    known->shape = reading.shape;
    *uncompressed = NULL;
    hpx_idx header;
    if (!status &&
        (status = hpx_idx_parse_header(&header, reading.head.data, reading.head.size, reading.size, error)))
        hpx_error_prefix(error, "%s", path);
    if (!status && reading.is_packed) {
        *uncompressed = unpacked_path(folder, &known->hash);
        status = write_unpacked(*uncompressed, &bytes, error);
    } else if (!status) {
        *uncompressed = hpx_strdup(path);
    }
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&reading.packed);
    hpx_buffer_free(&reading.head);
    return status;
}

static hpx_status hash_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    hpx_hasher_add(context, bytes, size);
    return HPX_OK;
}

static bool has_bytes(const char *path, const hpx_hash *wanted)
{
    hpx_hasher *hasher = hpx_hasher_new();
    hpx_file_stat stat;
    hpx_error error;
    hpx_status status = hpx_file_each_piece(&stat, path, hash_piece, hasher, &error);
    hpx_hash hash = hpx_hasher_finish(hasher);
    return status == HPX_OK && hpx_hash_equal(&hash, wanted);
}

/* Where the bytes of a known file are without reading it; NULL when they must be read. An unpacked copy is a
 * cache in a folder where anything may happen to it: it is looked at, and made again when it is not right. */
static char *find_known(const hpx_known_bytes *known, const char *path, const char *folder)
{
    if (!known->packed)
        return hpx_strdup(path);
    char *unpacked = unpacked_path(folder, &known->hash);
    if (has_bytes(unpacked, &known->hash))
        return unpacked;
    free(unpacked);
    return NULL;
}

/* A path that leads nowhere any more, as it was when it was looked at: without links but for the last part.
 */
static char *absent_path(const char *path)
{
    const char *name = strrchr(path, '/');
    char *folder = hpx_path_directory(path), *real = hpx_path_real(folder), *absent = NULL;
    if (real)
        absent = hpx_path_join(real, name ? name + 1 : path);
    free(folder);
    free(real);
    return absent;
}

/* What the store remembers of a file that is not there. */
static hpx_status recall_file(hpx_source *out, int role, const char *path, const hpx_source_options *options,
                              hpx_error *error)
{
    char *absent = options->fetch || !options->store ? NULL : absent_path(path);
    hpx_known_bytes known = {0};
    hpx_error ignored;
    bool found = absent && hpx_store_get_file(&known, options->store, absent, &ignored) == HPX_OK &&
                 known.shape.dimensions > 0;
    if (!found) {
        free(absent);
        return hpx_error_set(error, HPX_FAILED, "%s: no such file (%s)", path, hpx_role_names[role]);
    }
    out->paths[role] = absent;
    out->hashes[role] = known.hash;
    out->sizes[role] = known.size;
    out->shapes[role] = known.shape;
    out->absent = "is not there any more; build needs it";
    return HPX_OK;
}

static hpx_status find_file(hpx_source *out, int role, const char *path, const hpx_source_options *options,
                            hpx_error *error)
{
    char *absolute = hpx_path_real(path);
    if (!absolute)
        return recall_file(out, role, path, options, error);
    hpx_known_bytes known = {0};
    hpx_file_stat now;
    char *uncompressed = NULL;
    hpx_status status = hpx_file_stat_of(&now, absolute, error);
    hpx_error ignored;
    if (!status && options->store &&
        hpx_store_get_file(&known, options->store, absolute, &ignored) == HPX_OK && is_trusted(&known, &now))
        uncompressed = find_known(&known, absolute, options->folder);
    if (!status && !uncompressed) {
        status = read_file(&known, &uncompressed, absolute, options->folder, error);
        if (!status && options->remember && options->store && hpx_store_is_writable(options->store))
            status = hpx_store_put_file(options->store, absolute, &known, error);
    }
    free(absolute);
    out->paths[role] = uncompressed;
    out->hashes[role] = known.hash;
    out->sizes[role] = known.size;
    out->shapes[role] = known.shape;
    return status;
}

/* Its bytes are known without the file. */
static void recall_known(hpx_source *out, int role, const hpx_known_dataset *known, const char *path)
{
    bool test = role == HPX_TEST_IMAGES || role == HPX_TEST_LABELS;
    bool images = role == HPX_TRAIN_IMAGES || role == HPX_TEST_IMAGES;
    out->paths[role] = hpx_strdup(path);
    hpx_unhex(out->hashes[role].bytes, HPX_HASH_BYTES, known->files[role].xxh3);
    out->sizes[role] = known->files[role].size;
    out->shapes[role] = (hpx_idx){
        .dimensions = images ? 3 : 1,
        .count = test ? known->test_count : known->train_count,
        .item_bytes = images ? known->features : 1,
        .largest = (uint8_t)(images ? 0 : known->classes - 1),
    };
    out->absent = "is not downloaded; build downloads it";
}

static hpx_status find_known_dataset(hpx_source *out, const hpx_known_dataset *known,
                                     const hpx_source_options *options, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t role = 0; role < HPX_ROLES && !status; role++) {
        char *path = hpx_known_path(known, options->folder, role);
        bool there = !options->shape_only && hpx_path_exists(path);
        if (!there && options->fetch)
            status = hpx_known_fetch(known, options->folder, options->progress, options->context, error);
        if (!status && (there || options->fetch))
            status = find_file(out, (int)role, path, options, error);
        else if (!status)
            recall_known(out, (int)role, known, path);
        free(path);
    }
    return status;
}

/* The four files as a whole: that they belong together, and their shape. */
static hpx_status check_shapes(hpx_source *out, hpx_error *error)
{
    hpx_dataset dataset = {0};
    for (int role = 0; role < HPX_ROLES; role++)
        dataset.files[role] = out->shapes[role];
    hpx_status status = hpx_dataset_check(&dataset, (const char *const *)out->paths, error);
    out->features = dataset.features;
    out->classes = dataset.classes;
    out->train_count = dataset.files[HPX_TRAIN_IMAGES].count;
    out->test_count = dataset.files[HPX_TEST_IMAGES].count;
    return status;
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
        status = check_shapes(out, error);
    if (status)
        hpx_source_free(out);
    else
        set_record(out);
    return status;
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
        found =
            find_known_dataset(&source, hpx_known_find(*name), &options, &error) == HPX_OK && !source.absent;
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
