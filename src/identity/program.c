#include "program.h"

#include "program_parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "code/listing.h"
#include "hpx/code.h"
#include "hpx/file.h"
#include "identity/parcel.h"
#include "program/copy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hpx_program_state {
    const hpx_recipe *recipe;
    hpx_source_options options;
    char *folder; /* the recipe's, absolute, without links */
    hpx_listing code;
    hpx_program_data data;
    hpx_program_versions versions;
    char *scratch, *snapshot; /* NULL: not made yet */
    int held;                 /* the snapshot against collection; -1 */
    hpx_buffer warnings;
};

static bool has_code(const hpx_program_state *state)
{
    return state->recipe->program->code.count > 0;
}

static void warn(hpx_program_state *state, const char *what)
{
    hpx_buffer_printf(&state->warnings, "%s%s", state->warnings.size ? "\n" : "", what);
}

/* --- code ----------------------------------------------------------------------------------------------- */

char *hpx_program_words_name(const char *kind, const char *folder, const hpx_program_words *words)
{
    hpx_buffer name = {0};
    hpx_buffer_printf(&name, "%s: %s", kind, folder);
    for (size_t i = 0; i < words->count; i++)
        hpx_buffer_printf(&name, "\n%s", words->words[i]);
    char *copy = hpx_strdup(hpx_buffer_text(&name));
    hpx_buffer_free(&name);
    return copy;
}

/* What is no code: data, and the store. */
static void list_left_out(hpx_path_list *out, const hpx_program_state *state,
                          const hpx_source_options *options)
{
    char *store = options->store ? hpx_path_real(hpx_store_directory(options->store)) : NULL;
    for (size_t i = 0; i < state->data.places.count; i++)
        hpx_path_list_add(out, state->data.places.paths[i]);
    if (store)
        hpx_path_list_add(out, store);
    free(store);
    hpx_path_list_sort(out);
}

static hpx_status look_at_code(hpx_program_state *state, const hpx_source_options *options, hpx_error *error)
{
    const hpx_program_words *words = &state->recipe->program->code;
    char *name = hpx_program_words_name("code", state->folder, words);
    hpx_buffer memory = {0};
    hpx_path_list left_out = {0};
    list_left_out(&left_out, state, options);
    const hpx_listing_request request = {state->folder, words->words, words->count, &left_out};
    const bool known = hpx_program_recall(&memory, options, name);
    hpx_status status = HPX_OK;
    hpx_error why;
    size_t word;
    if (!known || !hpx_listing_recall(&state->code, &request, &memory))
        status = hpx_listing_make(&state->code, &word, &request, known ? &memory : NULL, &why);
    if (status == HPX_USAGE)
        hpx_recipe_fail_in(error, state->recipe, "program", "code", word, 0, "%s", why.message);
    else if (status)
        hpx_error_set(error, status, "%s", why.message);
    else if (state->code.memory.size > 0)
        status = hpx_program_remember(options, name, &state->code.memory, error);
    if (!status && state->code.warning)
        warn(state, state->code.warning);
    hpx_path_list_free(&left_out);
    hpx_buffer_free(&memory);
    free(name);
    return status;
}

hpx_status hpx_program_look(hpx_program_state **out, const hpx_recipe *recipe,
                            const hpx_source_options *options, hpx_error *error)
{
    hpx_program_state *state = hpx_alloc(sizeof *state);
    *out = NULL;
    state->recipe = recipe;
    state->options = *options;
    state->held = -1;
    state->folder = hpx_path_real(recipe->program->folder);
    hpx_status status = state->folder ? HPX_OK : hpx_error_errno(error, "%s", recipe->program->folder);
    if (!status)
        status = hpx_program_data_look(&state->data, recipe, state->folder, options, error);
    if (!status)
        status = look_at_code(state, options, error);
    if (!status)
        status = hpx_program_versions_look(&state->versions, recipe, state->folder, error);
    if (status)
        hpx_program_state_free(state);
    else
        *out = state;
    return status;
}

void hpx_program_state_free(hpx_program_state *state)
{
    if (!state)
        return;
    if (state->held >= 0)
        close(state->held);
    hpx_listing_free(&state->code);
    hpx_program_data_free(&state->data);
    hpx_program_versions_free(&state->versions);
    hpx_buffer_free(&state->warnings);
    free(state->folder);
    free(state->scratch);
    free(state->snapshot);
    free(state);
}

char *hpx_program_take_warnings(hpx_program_state *state)
{
    char *text = state->warnings.size ? hpx_strdup(hpx_buffer_text(&state->warnings)) : NULL;
    state->warnings.size = 0;
    return text;
}

void hpx_program_fields(hpx_fields *manifest, const hpx_program_state *state, uint32_t cell)
{
    char name[HPX_FIELD_NAME_MAX];
    if (has_code(state))
        hpx_fields_set_bytes(manifest, "code.version", state->code.version, HPX_CODE_BYTES);
    else
        hpx_fields_remove(manifest, "code.version");
    if (state->data.count > 0)
        hpx_fields_set_hash(manifest, "dataset.data", &state->data.hash);
    else
        hpx_fields_remove(manifest, "dataset.data");
    for (size_t i = 0; i < state->recipe->program->version_count; i++) {
        hpx_print(name, sizeof name, "version.%zu", i + 1);
        hpx_fields_set_hash(manifest, name, &hpx_program_version_of(&state->versions, cell, i)->hash);
    }
}

const hpx_fields *hpx_program_data_record(const hpx_program_state *state)
{
    return &state->data.record;
}

/* --- where it runs -------------------------------------------------------------------------------------- */

/* What is linked at a place: a file or a folder, as a parcel. */
struct link {
    char *place;
    hpx_snapshot_file *files;
    size_t count, capacity;
};

struct links {
    struct link *at;
    size_t count, capacity;
};

static void add_files(struct link *link, const hpx_program_data *data, const char *declared)
{
    const size_t length = strlen(declared);
    for (size_t i = 0; i < data->count; i++) {
        const hpx_data_file *file = &data->files[i];
        if (strncmp(file->name, declared, length) != 0 ||
            (file->name[length] != '/' && file->name[length] != '\0'))
            continue;
        char *name = hpx_format("data%s", file->name + length);
        link->files = hpx_grow(link->files, &link->capacity, link->count + 1, sizeof *link->files);
        link->files[link->count++] = hpx_parcel_file(name, file->path, &file->hash);
    }
}

static int by_place(const void *a, const void *b)
{
    return strcmp(((const struct link *)a)->place, ((const struct link *)b)->place);
}

/* A folder stands before what is in it: sorted. */
static struct links links_of(const hpx_program_state *state)
{
    struct links links = {0};
    for (size_t i = 0; i < state->data.declared.count; i++) {
        const char *name = state->data.declared.paths[i];
        char *place = *name == '/' ? NULL : hpx_path_normal(state->code.folder, name);
        if (!place)
            continue;
        links.at = hpx_grow(links.at, &links.capacity, links.count + 1, sizeof *links.at);
        links.at[links.count] = (struct link){.place = place};
        add_files(&links.at[links.count++], &state->data, name);
    }
    if (links.count > 1)
        qsort(links.at, links.count, sizeof *links.at, by_place);
    return links;
}

static void free_links(struct links *links)
{
    for (size_t i = 0; i < links->count; i++) {
        for (size_t k = 0; k < links->at[i].count; k++)
            free((char *)(uintptr_t)links->at[i].files[k].path);
        free(links->at[i].files);
        free(links->at[i].place);
    }
    free(links->at);
}

static void set_links(hpx_fields *conditions, const hpx_program_state *state)
{
    struct links links = links_of(state);
    hpx_buffer pairs = {0}, hashes = {0};
    for (size_t i = 0; i < links.count; i++) {
        const struct link *link = &links.at[i];
        const hpx_hash hash = hpx_parcel_hash(link->files, link->count);
        char *path = hpx_path_join(state->code.root, link->place), *real = hpx_path_real(path);
        hpx_buffer_add(&pairs, link->place, strlen(link->place) + 1);
        hpx_buffer_add(&pairs, real ? real : path, strlen(real ? real : path) + 1);
        hpx_buffer_add(&hashes, hash.bytes, HPX_HASH_BYTES);
        free(real);
        free(path);
    }
    hpx_fields_set_bytes(conditions, "job.data", pairs.data, pairs.size);
    hpx_fields_set_bytes(conditions, "job.parcels", hashes.data, hashes.size);
    free_links(&links);
    hpx_buffer_free(&pairs);
    hpx_buffer_free(&hashes);
}

hpx_status hpx_program_hand_over(hpx_buffer *name, const hpx_program_state *state, const hpx_hash *hash,
                                 const char *scratch, hpx_error *error)
{
    struct links links = links_of(state);
    hpx_status status = hpx_error_set(error, HPX_NOT_FOUND, "no job has such data");
    for (size_t i = 0; i < links.count && status == HPX_NOT_FOUND; i++) {
        const struct link *link = &links.at[i];
        const hpx_hash own = hpx_parcel_hash(link->files, link->count);
        if (!hpx_hash_equal(&own, hash))
            continue;
        hpx_buffer_puts(name, link->place);
        status = hpx_parcel_hand_over(scratch, link->files, link->count, error);
    }
    free_links(&links);
    return status;
}

static hpx_status make_snapshot(hpx_program_state *state, hpx_error *error)
{
    const hpx_listing *code = &state->code;
    char name[HPX_CODE_HEX_BYTES];
    hpx_snapshot_file *files = hpx_realloc(NULL, code->count, sizeof *files);
    for (size_t i = 0; i < code->count; i++)
        files[i] = (hpx_snapshot_file){.path = code->files[i].path,
                                       .source = hpx_path_join(code->root, code->files[i].real),
                                       .mode = code->files[i].mode,
                                       .hash = code->files[i].hash};
    hpx_hex(name, code->version, HPX_CODE_BYTES);
    hpx_status status =
        hpx_snapshot_make(&state->snapshot, &state->held, state->scratch, name, files, code->count, error);
    if (status == HPX_DIFFERS)
        status = hpx_error_set(error, HPX_FAILED, "%s; run this again when it is saved", error->message);
    for (size_t i = 0; i < code->count; i++)
        free((char *)files[i].source);
    free(files);
    return status;
}

char *hpx_program_mark(const hpx_store *store)
{
    const char *folder = hpx_store_directory(store);
    char *whole = hpx_path_real(folder), hex[HPX_HASH_BYTES + 1];
    const hpx_hash hash = hpx_hash_of(whole ? whole : folder, strlen(whole ? whole : folder));
    hpx_hex(hex, hash.bytes, HPX_HASH_BYTES / 2);
    free(whole);
    return hpx_format("%s-", hex);
}

/* For those who run the stored code again: what stands beside the recipe, such as .venv/bin/python. */
static hpx_status remember_root(const hpx_program_state *state, hpx_error *error)
{
    char *name = hpx_program_root_name(state->code.version);
    hpx_buffer root = {0}, known = {0};
    hpx_buffer_puts(&root, state->code.root);
    hpx_status status = HPX_OK;
    if (!hpx_program_recall(&known, &state->options, name) ||
        strcmp(hpx_buffer_text(&known), state->code.root) != 0)
        status = hpx_program_remember(&state->options, name, &root, error);
    hpx_buffer_free(&root);
    hpx_buffer_free(&known);
    free(name);
    return status;
}

hpx_status hpx_program_prepare(hpx_fields *conditions, hpx_program_state *state, hpx_error *error)
{
    hpx_status status = state->scratch ? HPX_OK : hpx_scratch_folder(&state->scratch, true, error);
    if (!status && has_code(state) && !state->snapshot)
        status = make_snapshot(state, error);
    if (!status)
        status = remember_root(state, error);
    if (status)
        return status;
    hpx_fields_set_text(conditions, "run.folder", state->code.folder);
    hpx_fields_set_text(conditions, "job.scratch", state->scratch);
    hpx_fields_set_text(conditions, "job.root", state->code.root);
    if (state->snapshot)
        hpx_fields_set_text(conditions, "job.snapshot", state->snapshot);
    set_links(conditions, state);
    return HPX_OK;
}

/* --- provenance ----------------------------------------------------------------------------------------- */

static void set_shown(hpx_fields *out, const char *name, const void *text, size_t size)
{
    hpx_buffer shown = {0};
    hpx_text_show(&shown, text, size, "\n");
    hpx_fields_set_text(out, name, hpx_buffer_text(&shown));
    hpx_buffer_free(&shown);
}

static void set_versions(hpx_fields *out, const hpx_program_state *state, uint32_t cell)
{
    char name[HPX_FIELD_NAME_MAX];
    for (size_t i = 0; i < state->recipe->program->version_count; i++) {
        const hpx_version_output *version = hpx_program_version_of(&state->versions, cell, i);
        hpx_print(name, sizeof name, "version.%zu.command", i + 1);
        set_shown(out, name, version->command, strlen(version->command));
        hpx_print(name, sizeof name, "version.%zu.output", i + 1);
        set_shown(out, name, version->output.data, version->output.size);
    }
}

hpx_status hpx_program_code_record(hpx_fields *out, hpx_program_state *state, uint32_t cell, hpx_error *error)
{
    hpx_code code;
    hpx_sources sources = {0};
    hpx_status status = hpx_code_read_listed(&code, &state->code, state->recipe->program->code.words,
                                             state->recipe->program->code.count, state->snapshot, error);
    if (status)
        return status;
    const hpx_code_stamp stamp = hpx_code_stamp_of(&code);
    memcpy(sources.version, state->code.version, HPX_CODE_BYTES);
    hpx_code_fields(out, &stamp, &sources);
    set_versions(out, state, cell);
    if (code.unknown) {
        char *text = hpx_format("warning: results do not have %s", code.unknown);
        warn(state, text);
        free(text);
    }
    hpx_code_free(&code);
    return HPX_OK;
}

hpx_status hpx_program_code_change(hpx_code_change *out, const hpx_program_state *state,
                                   const hpx_fields *before, hpx_error *error)
{
    return hpx_code_compare_listed(out, before, &state->code, error);
}

hpx_status hpx_program_unchanged(hpx_program_state *state, hpx_error *error)
{
    hpx_status status = hpx_program_data_check(&state->data, error);
    if (!status && state->recipe->program->run_in == HPX_RUN_IN_WORKTREE)
        status = hpx_listing_check(&state->code, error);
    return status;
}
