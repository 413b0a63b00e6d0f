#include "identity/restored.h"

#include "data_files.h"
#include "program.h"
#include "program_parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "code/files.h"
#include "hpx/code.h"
#include "hpx/file.h"
#include "program/copy.h"
#include "program/words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the results of one code, data and manner of running share. */
struct setting {
    hpx_hash code, dataset, conditions;
    hpx_fields fields;   /* of a job, but for job.trial */
    hpx_fields versions; /* of a manifest: "version.N", now */
    int held;            /* the snapshot */
    struct setting *next;
};

struct hpx_restored {
    hpx_store *store;
    bool trust;
    char *scratch;
    struct setting *settings;
};

hpx_restored *hpx_restored_new(hpx_store *store, bool trust)
{
    hpx_restored *restored = hpx_alloc(sizeof *restored);
    restored->store = store;
    restored->trust = trust;
    return restored;
}

static void free_setting(struct setting *setting)
{
    hpx_fields_free(&setting->fields);
    hpx_fields_free(&setting->versions);
    if (setting->held >= 0)
        close(setting->held);
    free(setting);
}

void hpx_restored_free(hpx_restored *restored)
{
    if (!restored)
        return;
    for (struct setting *next, *at = restored->settings; at; at = next) {
        next = at->next;
        free_setting(at);
    }
    free(restored->scratch);
    free(restored);
}

static hpx_status check_trust(const hpx_restored *restored, const hpx_artifact *artifact, hpx_error *error)
{
    hpx_fields import = {0};
    hpx_error none;
    const bool imported =
        hpx_store_find_import(&import, restored->store, &artifact->code, 0, &none) == HPX_OK &&
        !restored->trust;
    hpx_fields_free(&import);
    return imported ? hpx_error_set(error, HPX_NOT_FOUND, "its code came by an import, and is not run")
                    : HPX_OK;
}

/* --- code ----------------------------------------------------------------------------------------------- */

/* Those of a code record. Too many have not been kept. */
static hpx_status make_snapshot(char **folder, int *held, const char *scratch, const hpx_fields *code,
                                hpx_error *error)
{
    const hpx_field *packed = hpx_fields_find(code, "files"), *version = hpx_fields_find(code, "version");
    code_files files = {0};
    char name[HPX_CODE_HEX_BYTES];
    *folder = NULL;
    *held = -1;
    if (!packed || !version || version->size != HPX_CODE_BYTES)
        return hpx_error_set(error, HPX_NOT_FOUND, "its code is not in the store (commit %s)",
                             hpx_fields_text_or_empty(code, "describe"));
    hpx_status status = hpx_code_files_unpack(&files, packed->bytes, packed->size, error);
    if (status)
        return status;
    hpx_snapshot_file *parts = hpx_realloc(NULL, files.count, sizeof *parts);
    for (size_t i = 0; i < files.count; i++) {
        const hpx_buffer *bytes = &files.files[i].bytes;
        parts[i] = (hpx_snapshot_file){.path = files.files[i].path,
                                       .bytes = bytes->data,
                                       .size = bytes->size,
                                       .mode = files.files[i].mode,
                                       .hash = hpx_hash_of(bytes->data, bytes->size)};
    }
    hpx_hex(name, version->bytes, HPX_CODE_BYTES);
    status = hpx_snapshot_make(folder, held, scratch, name, parts, files.count, error);
    free(parts);
    hpx_code_files_free(&files);
    return status;
}

static void set_root(struct setting *setting, const hpx_restored *restored, const hpx_fields *code)
{
    const hpx_source_options options = {.store = restored->store};
    const hpx_field *version = hpx_fields_find(code, "version");
    hpx_buffer root = {0};
    char *name = version && version->size == HPX_CODE_BYTES ? hpx_program_root_name(version->bytes) : NULL;
    if (name && hpx_program_recall(&root, &options, name) && hpx_path_is_folder(hpx_buffer_text(&root)))
        hpx_fields_set_text(&setting->fields, "job.root", hpx_buffer_text(&root));
    hpx_buffer_free(&root);
    free(name);
}

static hpx_status restore_code(struct setting *setting, hpx_restored *restored, const hpx_fields *manifest,
                               const hpx_fields *code, hpx_error *error)
{
    char *folder = NULL;
    hpx_status status = restored->scratch ? HPX_OK : hpx_scratch_folder(&restored->scratch, true, error);
    if (!status && hpx_fields_find(manifest, "code.version"))
        status = make_snapshot(&folder, &setting->held, restored->scratch, code, error);
    if (status)
        return status;
    hpx_fields_set_text(&setting->fields, "job.scratch", restored->scratch);
    hpx_fields_set_text(&setting->fields, "run.in", "copy"); /* the work tree may have other files by now */
    if (folder)
        hpx_fields_set_text(&setting->fields, "job.snapshot", folder);
    set_root(setting, restored, code);
    free(folder);
    return HPX_OK;
}

/* --- data ----------------------------------------------------------------------------------------------- */

/* An absolute name is where the program looks for it. What was imported may be in the current folder. */
static hpx_status add_link(hpx_buffer *links, const char *name, const char *known, const hpx_hash *hash,
                           const char *folder, hpx_error *error)
{
    const bool absolute = *name == '/';
    char *here = hpx_path_real(name);
    const char *path = !absolute && *known && hpx_file_has_hash(known, hash) ? known
                       : here && hpx_file_has_hash(here, hash)               ? here
                                                                             : NULL;
    char *place = hpx_path_normal(folder, name);
    if (path && !absolute) {
        hpx_buffer_add(links, place, strlen(place) + 1);
        hpx_buffer_add(links, path, strlen(path) + 1);
    }
    hpx_status status = HPX_OK;
    if (!path)
        status = hpx_error_set(error, HPX_NOT_FOUND, "its data %s is not there any more as it was", name);
    free(place);
    free(here);
    return status;
}

static hpx_status restore_data(struct setting *setting, const hpx_restored *restored,
                               const hpx_fields *dataset, hpx_error *error)
{
    const hpx_source_options options = {.store = restored->store};
    const char *folder = hpx_fields_text_or_empty(&setting->fields, "run.folder");
    hpx_buffer places = {0}, links = {0};
    hpx_hash whole;
    hpx_error none;
    hpx_status status = HPX_OK;
    if (hpx_fields_hash(&whole, dataset, "data.hash", &none) == HPX_OK)
        hpx_program_data_places(&places, &options, &whole);
    const char *at = hpx_buffer_text(&places), *end = at + places.size;
    for (hpx_data_walk file = {0}; !status && hpx_data_next(&file, dataset);) {
        status = add_link(&links, file.name, at < end ? at : "", &file.hash, folder, error);
        at += at < end ? strlen(at) + 1 : 0;
    }
    if (!status)
        hpx_fields_set_bytes(&setting->fields, "job.data", links.data, links.size);
    hpx_buffer_free(&links);
    hpx_buffer_free(&places);
    return status;
}

/* --- versions ------------------------------------------------------------------------------------------- */

/* The variables that the program is given, as its recipe had them. */
static void set_variables(hpx_program *out, const hpx_fields *conditions, const hpx_fields *manifest)
{
    hpx_error none;
    char **words = NULL;
    size_t capacity = 0;
    if (hpx_words_read(&words, &out->pass.count, hpx_fields_text_or_empty(conditions, "run.pass"), &none) ==
        HPX_OK)
        out->pass.words = (const char **)words;
    for (size_t i = 0; i < manifest->count; i++) {
        const hpx_field *field = &manifest->fields[i];
        if (strncmp(field->name, "env.", 4) != 0 || field->type != HPX_FIELD_TEXT)
            continue;
        out->env = hpx_grow(out->env, &capacity, out->env_count + 1, sizeof *out->env);
        out->env[out->env_count++] = (hpx_program_pair){field->name + 4, (const char *)field->bytes};
    }
}

static hpx_status look_at_versions(struct setting *setting, const hpx_fields *manifest,
                                   const hpx_fields *code, hpx_error *error)
{
    const char *root = hpx_fields_text_or_empty(&setting->fields, "job.root"),
               *snapshot = hpx_fields_text_or_empty(&setting->fields, "job.snapshot");
    char *folder = hpx_path_join(*root       ? root
                                 : *snapshot ? snapshot
                                             : "/",
                                 hpx_fields_text_or_empty(&setting->fields, "run.folder"));
    hpx_program program = {0};
    hpx_status status = HPX_OK;
    set_variables(&program, &setting->fields, manifest);
    for (size_t i = 1; !status; i++) {
        char name[HPX_FIELD_NAME_MAX];
        hpx_print(name, sizeof name, "version.%zu.command", i);
        const char *command = hpx_fields_text_or_empty(code, name);
        if (!*command)
            break;
        hpx_version_output output = {.command = (char *)command};
        status = hpx_version_look(&output, &program, folder, error);
        hpx_print(name, sizeof name, "version.%zu", i);
        hpx_fields_set_hash(&setting->versions, name, &output.hash);
        hpx_buffer_free(&output.output);
    }
    hpx_words_free((char **)program.pass.words);
    free(program.env);
    free(folder);
    return status ? HPX_NOT_FOUND : HPX_OK;
}

/* --- all of it ------------------------------------------------------------------------------------------ */

static hpx_status make_setting(struct setting **out, hpx_restored *restored, const hpx_fields *manifest,
                               const hpx_artifact *artifact, hpx_error *error)
{
    hpx_fields code = {0}, dataset = {0};
    struct setting *setting = hpx_alloc(sizeof *setting);
    *setting = (struct setting){artifact->code, artifact->dataset, artifact->conditions, .held = -1};
    hpx_status status = check_trust(restored, artifact, error);
    if (!status)
        status = hpx_store_get_record(&setting->fields, restored->store, HPX_RECORD_CONDITIONS,
                                      &artifact->conditions, error);
    if (!status)
        status = hpx_store_get_record(&code, restored->store, HPX_RECORD_CODE, &artifact->code, error);
    if (!status && hpx_fields_find(manifest, "dataset.data"))
        status =
            hpx_store_get_record(&dataset, restored->store, HPX_RECORD_DATASET, &artifact->dataset, error);
    if (!status)
        status = restore_code(setting, restored, manifest, &code, error);
    if (!status)
        status = restore_data(setting, restored, &dataset, error);
    if (!status)
        status = look_at_versions(setting, manifest, &code, error);
    hpx_fields_free(&code);
    hpx_fields_free(&dataset);
    if (status) {
        free_setting(setting);
        return status;
    }
    *out = setting;
    return HPX_OK;
}

static hpx_status find_setting(struct setting **out, hpx_restored *restored, const hpx_fields *manifest,
                               const hpx_artifact *artifact, hpx_error *error)
{
    struct setting *at = restored->settings;
    while (at &&
           !(hpx_hash_equal(&at->code, &artifact->code) && hpx_hash_equal(&at->dataset, &artifact->dataset) &&
             hpx_hash_equal(&at->conditions, &artifact->conditions)))
        at = at->next;
    *out = at;
    if (at)
        return HPX_OK;
    hpx_status status = make_setting(out, restored, manifest, artifact, error);
    if (!status) {
        (*out)->next = restored->settings;
        restored->settings = *out;
    }
    return status;
}

hpx_status hpx_restored_conditions(hpx_fields *conditions, hpx_fields *manifest, hpx_restored *restored,
                                   const hpx_artifact *artifact, hpx_error *error)
{
    struct setting *setting;
    char hex[HPX_HASH_HEX_BYTES];
    hpx_status status = find_setting(&setting, restored, manifest, artifact, error);
    if (status)
        return status;
    for (size_t i = 0; i < setting->fields.count; i++)
        hpx_fields_set(conditions, &setting->fields.fields[i]);
    for (size_t i = 0; i < setting->versions.count; i++)
        hpx_fields_set(manifest, &setting->versions.fields[i]);
    char *mark = hpx_program_mark(restored->store),
         *trial = hpx_format("%s%s", mark, hpx_hash_hex(hex, &artifact->key));
    hpx_fields_set_text(conditions, "job.trial", trial);
    free(trial);
    free(mark);
    return HPX_OK;
}
