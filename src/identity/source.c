#include "hpx/source.h"

#include "base/memory.h"
#include "data/gzip.h"
#include "hpx/file.h"
#include "identity/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_trusted(const hpx_known_bytes *known, const hpx_file_stat *now)
{
    return known->about.count > 0 && hpx_file_stat_equal(&known->stat, now) &&
           hpx_file_stat_tells(now, known->hashed_ns);
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
    const hpx_input_kind *kind;
    hpx_known_bytes *known; /* its stat is there before the first piece */
    hpx_hasher *hasher;
    uint64_t size;
    hpx_buffer packed;
    bool is_packed;
};

static hpx_status add_plain(struct reading *reading, const uint8_t *bytes, size_t size, uint64_t total,
                            hpx_error *error)
{
    hpx_status status = reading->kind->look(&reading->known->about, reading->size, bytes, size, total, error);
    hpx_hasher_add(reading->hasher, bytes, size);
    reading->size += size;
    return status;
}

static hpx_status add_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    struct reading *reading = context;
    if (reading->size == 0 && reading->packed.size == 0)
        reading->is_packed = reading->kind->unpack && hpx_is_gzip(bytes, size);
    if (!reading->is_packed)
        return add_plain(reading, bytes, size, reading->known->stat.size, error);
    hpx_buffer_add(&reading->packed, bytes, size);
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

/* Hashes the uncompressed bytes; a gzip'ed file is unpacked into the data folder under its hash. `folder` NULL: nobody
 * needs its bytes. */
static hpx_status read_file(hpx_known_bytes *known, char **uncompressed, const hpx_input_kind *kind,
                            const char *path, const char *folder, hpx_error *error)
{
    struct reading reading = {.kind = kind, .known = known, .hasher = hpx_hasher_new()};
    hpx_buffer bytes = {0};
    hpx_fields_free(&known->about);
    known->hashed_ns = hpx_clock_ns();
    hpx_status status = hpx_file_each_piece(&known->stat, path, add_piece, &reading, error);
    if (!status && reading.is_packed)
        status = kind->unpack(&bytes, reading.packed.data, reading.packed.size, error);
    if (!status && (reading.is_packed || reading.size == 0))
        status = add_plain(&reading, bytes.data, bytes.size, bytes.size, error);
    if (status && !strstr(error->message, path))
        hpx_error_prefix(error, "%s", path);
    known->hash = hpx_hasher_finish(reading.hasher);
    known->size = reading.size;
    known->packed = reading.is_packed;
    *uncompressed = NULL;
    if (!status && reading.is_packed && folder) {
        *uncompressed = unpacked_path(folder, &known->hash);
        status = write_unpacked(*uncompressed, &bytes, error);
    } else if (!status) {
        *uncompressed = hpx_strdup(path);
    }
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&reading.packed);
    return status;
}

/* Where the bytes of a known file are without reading it; NULL when they must be read. An unpacked copy is a
 * cache in a folder where anything may happen to it: it is looked at, and made again when it is not right. */
static char *find_known(const hpx_known_bytes *known, const char *path, const char *folder)
{
    if (!known->packed)
        return hpx_strdup(path);
    char *unpacked = unpacked_path(folder, &known->hash);
    if (hpx_file_has_hash(unpacked, &known->hash))
        return unpacked;
    free(unpacked);
    return NULL;
}

/* A path that leads nowhere any more, as it was when it was looked at: without links but for the last
 * part. */
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

static void set_input(hpx_input *input, char *path, const hpx_known_bytes *known)
{
    input->path = path;
    input->hash = known->hash;
    input->size = known->size;
    input->about = known->about;
}

/* What the store remembers of a file that is not there. */
static hpx_status recall_file(hpx_source *out, hpx_input *input, const char *path,
                              const hpx_source_options *options, hpx_error *error)
{
    char *absent = options->fetch || options->anew || !options->store ? NULL : absent_path(path);
    hpx_known_bytes known = {0};
    hpx_error ignored;
    if (absent && hpx_store_get_file(&known, options->store, absent, &ignored) == HPX_OK &&
        known.about.count > 0) {
        set_input(input, absent, &known);
        out->absent = "is not there any more; build needs it";
        return HPX_OK;
    }
    hpx_known_bytes_free(&known);
    free(absent);
    return hpx_error_set(error, HPX_FAILED, "%s: no such file (%s)", path, input->name);
}

static hpx_status find_file(hpx_source *out, hpx_input *input, const hpx_input_kind *kind, const char *path,
                            const hpx_source_options *options, hpx_error *error)
{
    char *absolute = hpx_path_real(path);
    if (!absolute)
        return recall_file(out, input, path, options, error);
    hpx_known_bytes known = {0};
    hpx_file_stat now;
    char *uncompressed = NULL;
    hpx_status status = hpx_file_stat_of(&now, absolute, error);
    hpx_error ignored;
    if (!status && options->store && !options->anew &&
        hpx_store_get_file(&known, options->store, absolute, &ignored) == HPX_OK && is_trusted(&known, &now))
        uncompressed = find_known(&known, absolute, options->folder);
    if (!status && !uncompressed) {
        status = read_file(&known, &uncompressed, kind, absolute,
                           options->shape_only ? NULL : options->folder, error);
        if (!status && options->remember && options->store && hpx_store_is_writable(options->store))
            status = hpx_store_put_file(options->store, absolute, &known, error);
    }
    free(absolute);
    set_input(input, uncompressed, &known);
    return status;
}

/* Its bytes are known without the file. */
static void recall_known(hpx_source *out, hpx_input *input, const hpx_known_dataset *known, size_t role,
                         const char *path)
{
    input->path = hpx_strdup(path);
    hpx_unhex(input->hash.bytes, HPX_HASH_BYTES, known->files[role].xxh3);
    input->size = known->files[role].size;
    hpx_known_about(&input->about, known, role);
    out->absent = "is not downloaded; build downloads it";
}

static hpx_status find_known_dataset(hpx_source *out, const hpx_known_dataset *known,
                                     const hpx_input_kind *kind, const hpx_source_options *options,
                                     hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t role = 0; role < kind->count && !status; role++) {
        char *path = hpx_known_path(known, options->folder, role);
        bool there = !options->shape_only && hpx_path_exists(path);
        if (!there && options->fetch)
            status = hpx_known_fetch(known, options->folder, options->progress, options->context, error);
        if (!status && (there || options->fetch))
            status = find_file(out, &out->inputs[role], kind, path, options, error);
        else if (!status)
            recall_known(out, &out->inputs[role], known, role, path);
        free(path);
    }
    return status;
}

static void set_record(hpx_source *out)
{
    hpx_fields_set_text(&out->record, "name", out->name);
    for (size_t i = 0; i < out->count; i++) {
        char *hash = hpx_format("%s.hash", out->inputs[i].name),
             *size = hpx_format("%s.size", out->inputs[i].name);
        hpx_fields_set_hash(&out->record, hash, &out->inputs[i].hash);
        hpx_fields_set_count(&out->record, size, out->inputs[i].size);
        free(hash);
        free(size);
    }
}

static void begin(hpx_source *out, const char *name, const hpx_input_kind *kind)
{
    *out = (hpx_source){.name = hpx_strdup(name), .count = kind->count};
    for (size_t i = 0; i < kind->count; i++)
        out->inputs[i].name = kind->names[i];
}

static hpx_status find_all(hpx_source *out, const hpx_recipe_dataset *dataset, const hpx_input_kind *kind,
                           const hpx_source_options *options, hpx_error *error)
{
    hpx_status status = HPX_OK;
    begin(out, dataset->name, kind);
    if (dataset->files[0]) {
        for (size_t i = 0; i < kind->count && !status; i++)
            status = find_file(out, &out->inputs[i], kind, dataset->files[i], options, error);
    } else {
        status = find_known_dataset(out, hpx_known_find(dataset->name), kind, options, error);
    }
    if (!status)
        status = kind->describe(&out->record, out->inputs, error);
    if (status)
        hpx_source_free(out);
    else
        set_record(out);
    return status;
}

hpx_status hpx_source_find(hpx_source *out, const hpx_recipe_dataset *dataset, const hpx_input_kind *kind,
                           const hpx_source_options *options, hpx_error *error)
{
    *out = (hpx_source){.name = NULL};
    if (!kind)
        return HPX_OK;
    hpx_status status = find_all(out, dataset, kind, options, error);
    if (status != HPX_NOT_FOUND)
        return status;
    /* What the store remembers of a file is of another version, and lacks something. */
    hpx_source_options anew = *options;
    anew.anew = true;
    return find_all(out, dataset, kind, &anew, error);
}

void hpx_source_free(hpx_source *source)
{
    free(source->name);
    for (size_t i = 0; i < source->count; i++) {
        free(source->inputs[i].path);
        hpx_fields_free(&source->inputs[i].about);
    }
    hpx_fields_free(&source->record);
    *source = (hpx_source){0};
}

/* A data set known by name that is here and has these bytes: a store that results were imported into has
 * never seen its files. */
static bool locate_known(hpx_input *inputs, const hpx_input_kind *kind, hpx_store *store, const char *folder)
{
    const hpx_source_options options = {.store = store, .folder = folder};
    bool found = false;
    for (const char *const *name = hpx_known_names(); kind->known && *name && !found; name++) {
        hpx_source source;
        hpx_error error;
        begin(&source, *name, kind);
        found = find_known_dataset(&source, hpx_known_find(*name), kind, &options, &error) == HPX_OK &&
                !source.absent;
        for (size_t i = 0; i < kind->count; i++)
            found = found && hpx_hash_equal(&source.inputs[i].hash, &inputs[i].hash);
        for (size_t i = 0; i < kind->count && found; i++) {
            inputs[i].path = source.inputs[i].path;
            source.inputs[i].path = NULL;
        }
        hpx_source_free(&source);
    }
    return found;
}

static hpx_status locate(hpx_input *input, hpx_store *store, const char *folder, hpx_error *error)
{
    char *path;
    hpx_known_bytes known;
    hpx_status status = hpx_store_find_file(&path, &known, store, &input->hash, error);
    if (status)
        return status;
    input->path = find_known(&known, path, folder);
    if (!input->path)
        status = hpx_error_set(error, HPX_NOT_FOUND, "the unpacked %s are gone", input->name);
    hpx_known_bytes_free(&known);
    free(path);
    return status;
}

hpx_status hpx_source_locate(hpx_input *inputs, const hpx_fields *manifest, const hpx_input_kind *kind,
                             hpx_store *store, const char *folder, hpx_error *error)
{
    hpx_status status = hpx_manifest_inputs(inputs, manifest, kind, error);
    if (status)
        return status;
    for (size_t i = 0; i < kind->count && !status; i++)
        status = locate(&inputs[i], store, folder, error);
    for (size_t i = 0; i < kind->count && status; i++) {
        free(inputs[i].path);
        inputs[i].path = NULL;
    }
    if (status == HPX_NOT_FOUND && locate_known(inputs, kind, store, folder))
        return HPX_OK;
    return status;
}
