#include "data_files.h"
#include "program_parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "code/listing.h"
#include "hpx/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 64 /* of folders: more are a link to a folder around it */

/* --- memory ------------------------------------------------------------------------------------------- */

bool hpx_program_recall(hpx_buffer *out, const hpx_source_options *options, const char *name)
{
    hpx_known_bytes known = {0};
    hpx_error ignored;
    const uint8_t *bytes = NULL;
    size_t size = 0;
    if (!options->store || options->anew ||
        hpx_store_get_file(&known, options->store, name, &ignored) != HPX_OK)
        return false;
    const bool found = hpx_fields_bytes(&bytes, &size, &known.about, "memory", &ignored) == HPX_OK;
    if (found)
        hpx_buffer_add(out, bytes, size);
    hpx_known_bytes_free(&known);
    return found;
}

hpx_status hpx_program_remember(const hpx_source_options *options, const char *name, const hpx_buffer *bytes,
                                hpx_error *error)
{
    if (!options->store || !options->remember || !hpx_store_is_writable(options->store))
        return HPX_OK;
    hpx_known_bytes known = {.hash = hpx_hash_of(bytes->data, bytes->size)};
    hpx_fields_set_bytes(&known.about, "memory", bytes->data, bytes->size);
    hpx_status status = hpx_store_put_file(options->store, name, &known, error);
    hpx_known_bytes_free(&known);
    return status;
}

char *hpx_program_root_name(const uint8_t version[HPX_CODE_BYTES])
{
    char hex[HPX_CODE_HEX_BYTES];
    hpx_hex(hex, version, HPX_CODE_BYTES);
    return hpx_format("root: %s", hex);
}

/* The files that were hashed before: fields "paths" (each ended by NUL), "stats" (seven numbers a file), "hashes". */
#define STAT_NUMBERS 7

static void put_stat(uint64_t out[STAT_NUMBERS], const hpx_data_file *file)
{
    const uint64_t numbers[STAT_NUMBERS] = {
        file->stat.device,
        file->stat.inode,
        file->stat.size,
        (uint64_t)file->stat.modified_ns,
        (uint64_t)file->stat.changed_ns,
        file->stat.untimed,
        (uint64_t)file->hashed_ns,
    };
    memcpy(out, numbers, sizeof numbers);
}

static void encode(hpx_buffer *out, const hpx_program_data *data)
{
    hpx_fields fields = {0};
    hpx_buffer paths = {0}, hashes = {0};
    uint64_t *stats = hpx_realloc(NULL, data->count, STAT_NUMBERS * sizeof *stats);
    for (size_t i = 0; i < data->count; i++) {
        hpx_buffer_add(&paths, data->files[i].path, strlen(data->files[i].path) + 1);
        hpx_buffer_add(&hashes, data->files[i].hash.bytes, HPX_HASH_BYTES);
        put_stat(stats + STAT_NUMBERS * i, &data->files[i]);
    }
    hpx_fields_set_bytes(&fields, "paths", paths.data, paths.size);
    hpx_fields_set_bytes(&fields, "hashes", hashes.data, hashes.size);
    hpx_fields_set_counts(&fields, "stats", stats, STAT_NUMBERS * data->count);
    hpx_fields_encode(out, &fields);
    hpx_fields_free(&fields);
    hpx_buffer_free(&paths);
    hpx_buffer_free(&hashes);
    free(stats);
}

/* The remembered files, sorted by path; none when they cannot be read. */
static void decode(hpx_program_data *out, const hpx_buffer *bytes)
{
    hpx_fields fields = {0};
    const uint8_t *paths, *hashes;
    const uint64_t *stats;
    size_t path_bytes, hash_bytes, numbers;
    hpx_error error;
    *out = (hpx_program_data){0};
    if (hpx_fields_decode(&fields, bytes->data, bytes->size, &error) != HPX_OK)
        return;
    if (hpx_fields_bytes(&paths, &path_bytes, &fields, "paths", &error) == HPX_OK &&
        hpx_fields_bytes(&hashes, &hash_bytes, &fields, "hashes", &error) == HPX_OK &&
        hpx_fields_counts(&stats, &numbers, &fields, "stats", &error) == HPX_OK &&
        numbers / STAT_NUMBERS == hash_bytes / HPX_HASH_BYTES) {
        const uint8_t *end = paths + path_bytes, *next;
        for (size_t i = 0; i < numbers / STAT_NUMBERS && (next = memchr(paths, 0, (size_t)(end - paths)));
             i++) {
            const uint64_t *n = stats + STAT_NUMBERS * i;
            out->files = hpx_grow(out->files, &out->capacity, out->count + 1, sizeof *out->files);
            hpx_data_file *file = &out->files[out->count++];
            *file = (hpx_data_file){.path = hpx_strdup((const char *)paths),
                                    .stat = {n[0], n[1], n[2], (int64_t)n[3], (int64_t)n[4], n[5] != 0},
                                    .hashed_ns = (int64_t)n[6]};
            memcpy(file->hash.bytes, hashes + HPX_HASH_BYTES * i, HPX_HASH_BYTES);
            paths = next + 1;
        }
    }
    hpx_fields_free(&fields);
}

static int by_file_path(const void *a, const void *b)
{
    return strcmp(((const hpx_data_file *)a)->path, ((const hpx_data_file *)b)->path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const hpx_data_file *)a)->name, ((const hpx_data_file *)b)->name);
}

/* --- which files -------------------------------------------------------------------------------------- */

static hpx_status add_path(hpx_program_data *data, const char *name, const char *path, unsigned depth,
                           hpx_error *error);

static hpx_status add_folder(hpx_program_data *data, const char *name, const char *path, unsigned depth,
                             hpx_error *error)
{
    DIR *entries = opendir(path);
    hpx_status status = entries ? HPX_OK : hpx_error_errno(error, "%s", path);
    if (!status && depth == DEPTH_MAX)
        status = hpx_error_set(error, HPX_USAGE,
                               "%s has too many folders below each other, or a link to one around it", name);
    for (const struct dirent *entry; !status && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            hpx_listing_skips(entry->d_name))
            continue;
        char *below = hpx_path_join(name, entry->d_name), *full = hpx_path_join(path, entry->d_name);
        status = add_path(data, below, full, depth + 1, error);
        free(below);
        free(full);
    }
    if (entries)
        closedir(entries);
    return status;
}

/* Everything at and below a path; links are followed wherever they lead. */
static hpx_status add_path(hpx_program_data *data, const char *name, const char *path, unsigned depth,
                           hpx_error *error)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == ENOENT ? hpx_error_set(error, HPX_USAGE, "%s %s", name,
                                               depth == 0 ? "does not exist" : "is a link to nowhere")
                               : hpx_error_errno(error, "%s", path);
    if (S_ISDIR(info.st_mode))
        return add_folder(data, name, path, depth, error);
    if (!S_ISREG(info.st_mode))
        return hpx_error_set(error, HPX_USAGE, "%s is neither a file nor a folder", name);
    data->files = hpx_grow(data->files, &data->capacity, data->count + 1, sizeof *data->files);
    hpx_data_file *file = &data->files[data->count++];
    *file = (hpx_data_file){.name = hpx_strdup(name), .path = hpx_path_real(path)};
    return file->path ? HPX_OK : hpx_error_errno(error, "%s", path);
}

/* Both the path in its folder, which may be a link, and what it leads to are no code. */
static void add_place(hpx_program_data *data, const char *path)
{
    char *real = hpx_path_real(path), *above = hpx_path_directory(path), *real_above = hpx_path_real(above);
    if (real)
        hpx_path_list_add(&data->places, real);
    if (real_above) {
        char *itself = hpx_path_join(real_above, strrchr(path, '/') + 1);
        hpx_path_list_add(&data->places, itself);
        free(itself);
    }
    free(real);
    free(above);
    free(real_above);
}

static hpx_status add_word(hpx_program_data *data, const char *folder, const char *written, hpx_error *error)
{
    hpx_path_list names = {0};
    while (strncmp(written, "./", 2) == 0 && written[2])
        written += 2;
    char *word = hpx_strdup(written);
    for (size_t length = strlen(word); length > 1 && word[length - 1] == '/'; length--)
        word[length - 1] = 0;
    if (hpx_is_glob(word))
        hpx_glob_expand(&names, folder, word, NULL, NULL);
    else
        hpx_path_list_add(&names, word);
    hpx_status status = HPX_OK;
    const size_t before = data->count;
    for (size_t i = 0; i < names.count && !status; i++) {
        char *path = hpx_path_join(folder, names.paths[i]);
        status = add_path(data, names.paths[i], path, 0, error);
        hpx_path_list_add(&data->declared, names.paths[i]);
        add_place(data, path);
        free(path);
    }
    if (!status && data->count == before)
        status = hpx_error_set(error, HPX_USAGE, "%s %s", written,
                               names.count ? "has no file" : "matches no file");
    hpx_path_list_free(&names);
    free(word);
    return status;
}

/* A file that two words name counts once. */
static void sort_files(hpx_program_data *data)
{
    size_t kept = 0;
    if (data->count > 1)
        qsort(data->files, data->count, sizeof *data->files, by_name);
    for (size_t i = 0; i < data->count; i++) {
        if (kept > 0 && strcmp(data->files[kept - 1].name, data->files[i].name) == 0) {
            free(data->files[i].name);
            free(data->files[i].path);
        } else {
            data->files[kept++] = data->files[i];
        }
    }
    data->count = kept;
    hpx_path_list_sort(&data->declared);
    hpx_path_list_sort(&data->places);
}

/* --- their bytes -------------------------------------------------------------------------------------- */

static bool is_trusted(const hpx_data_file *known, const hpx_file_stat *now)
{
    return hpx_file_stat_equal(&known->stat, now) && hpx_file_stat_tells(now, known->hashed_ns);
}

static hpx_status hash_file(hpx_data_file *file, hpx_error *error)
{
    file->hashed_ns = hpx_clock_ns();
    return hpx_file_hash(&file->hash, &file->stat, file->path, error);
}

/* Hashes what is not known as it is; *hashed says whether anything was. */
static hpx_status hash_files(bool *hashed, hpx_program_data *data, const hpx_program_data *known,
                             hpx_error *error)
{
    hpx_status status = HPX_OK;
    *hashed = data->count != known->count;
    for (size_t i = 0; i < data->count && !status; i++) {
        hpx_data_file *file = &data->files[i];
        hpx_file_stat now;
        status = hpx_file_stat_of(&now, file->path, error);
        const hpx_data_file *before =
            known->count ? bsearch(file, known->files, known->count, sizeof *file, by_file_path) : NULL;
        if (!status && before && is_trusted(before, &now)) {
            file->stat = before->stat;
            file->hashed_ns = before->hashed_ns;
            file->hash = before->hash;
        } else if (!status) {
            *hashed = true;
            status = hash_file(file, error);
        }
    }
    return status;
}

static void set_hash(hpx_program_data *data)
{
    hpx_buffer bytes = {0};
    for (size_t i = 0; i < data->count; i++) {
        hpx_buffer_add(&bytes, data->files[i].name, strlen(data->files[i].name) + 1);
        hpx_buffer_add(&bytes, data->files[i].hash.bytes, HPX_HASH_BYTES);
    }
    data->hash = hpx_hash_of(bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
}

static void set_record(hpx_program_data *data)
{
    hpx_data_list list = {0};
    hpx_fields_set_text(&data->record, "name", "data");
    hpx_fields_set_hash(&data->record, "data.hash", &data->hash);
    for (size_t i = 0; i < data->count; i++)
        hpx_data_list_add(&list, data->files[i].name, &data->files[i].hash, data->files[i].stat.size);
    hpx_data_list_record(&data->record, &list);
}

static char *places_name(const hpx_hash *hash)
{
    char hex[HPX_HASH_HEX_BYTES];
    return hpx_format("places: %s", hpx_hash_hex(hex, hash));
}

bool hpx_program_data_places(hpx_buffer *out, const hpx_source_options *options, const hpx_hash *hash)
{
    char *name = places_name(hash);
    const bool found = hpx_program_recall(out, options, name);
    free(name);
    return found;
}

static hpx_status remember_places(const hpx_program_data *data, const hpx_source_options *options,
                                  hpx_error *error)
{
    char *name = places_name(&data->hash);
    hpx_buffer places = {0};
    for (size_t i = 0; i < data->count; i++)
        hpx_buffer_add(&places, data->files[i].path, strlen(data->files[i].path) + 1);
    hpx_status status = hpx_program_remember(options, name, &places, error);
    hpx_buffer_free(&places);
    free(name);
    return status;
}

static hpx_status hash_all(hpx_program_data *data, const hpx_recipe *recipe, const char *folder,
                           const hpx_source_options *options, hpx_error *error)
{
    char *name = hpx_program_words_name("data", folder, &recipe->program->data);
    hpx_buffer memory = {0};
    hpx_program_data known = {0};
    bool hashed = false;
    if (hpx_program_recall(&memory, options, name))
        decode(&known, &memory);
    if (known.count > 1)
        qsort(known.files, known.count, sizeof *known.files, by_file_path);
    hpx_status status = hash_files(&hashed, data, &known, error);
    set_hash(data);
    memory.size = 0;
    if (!status && hashed)
        status = remember_places(data, options, error);
    if (!status && hashed) {
        encode(&memory, data);
        status = hpx_program_remember(options, name, &memory, error);
    }
    hpx_buffer_free(&memory);
    hpx_program_data_free(&known);
    free(name);
    return status;
}

hpx_status hpx_program_data_look(hpx_program_data *out, const hpx_recipe *recipe, const char *folder,
                                 const hpx_source_options *options, hpx_error *error)
{
    const hpx_program_words *words = &recipe->program->data;
    hpx_status status = HPX_OK;
    *out = (hpx_program_data){0};
    for (size_t i = 0; i < words->count && !status; i++) {
        hpx_error why;
        status = add_word(out, folder, words->words[i], &why);
        if (status)
            hpx_recipe_fail_in(error, recipe, "program", "data", i, 0, "%s", why.message);
    }
    if (status || words->count == 0)
        return status ? HPX_USAGE : HPX_OK;
    sort_files(out);
    status = hash_all(out, recipe, folder, options, error);
    if (!status)
        set_record(out);
    return status;
}

void hpx_program_data_free(hpx_program_data *data)
{
    for (size_t i = 0; i < data->count; i++) {
        free(data->files[i].name);
        free(data->files[i].path);
    }
    free(data->files);
    hpx_path_list_free(&data->declared);
    hpx_path_list_free(&data->places);
    hpx_fields_free(&data->record);
    *data = (hpx_program_data){0};
}

/* On a file system in memory the stat alone is asked: it is done after every trial. */
hpx_status hpx_program_data_check(hpx_program_data *data, hpx_error *error)
{
    for (size_t i = 0; i < data->count; i++) {
        hpx_data_file *file = &data->files[i];
        const hpx_hash before = file->hash;
        hpx_file_stat now;
        hpx_error why;
        if (hpx_file_stat_of(&now, file->path, &why) != HPX_OK)
            return hpx_error_set(error, HPX_DIFFERS, "%s is gone", file->name);
        if (is_trusted(file, &now) || (now.untimed && hpx_file_stat_equal(&now, &file->stat)))
            continue;
        if (hash_file(file, &why) == HPX_OK && hpx_hash_equal(&file->hash, &before))
            continue;
        file->hash = before;
        return hpx_error_set(error, HPX_DIFFERS, "%s has changed", file->name);
    }
    return HPX_OK;
}
