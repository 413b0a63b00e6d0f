#include "identity/manifest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MANIFEST_FORMAT 1

static bool is_code(const char *field)
{
    return strncmp(field, "code.", 5) == 0;
}

bool hpx_manifest_is_numerics(const char *field)
{
    return strncmp(field, "numerics.", 9) == 0;
}

bool hpx_manifest_is_origin(const char *field)
{
    return is_code(field) || hpx_manifest_is_numerics(field);
}

bool hpx_manifest_is_of_program(const hpx_fields *manifest)
{
    return strcmp(hpx_fields_text_or_empty(manifest, "model.kind"), HPX_TRAINER_PROGRAM) == 0;
}

bool hpx_manifest_is_binary(const char *field)
{
    return strcmp(field, "format") == 0 || hpx_manifest_is_origin(field);
}

static void remove_binary(hpx_fields *manifest)
{
    for (size_t i = manifest->count; i-- > 0;)
        if (hpx_manifest_is_binary(manifest->fields[i].name))
            hpx_fields_remove(manifest, manifest->fields[i].name);
}

/* The code of a program is not the binary's, and of the machine its manifest names what its recipe asks for. */
static void change_binary_of_program(hpx_fields *manifest, const hpx_fields *binary)
{
    for (size_t i = manifest->count; i-- > 0;) {
        const char *name = manifest->fields[i].name;
        const hpx_field *other = hpx_fields_find(binary, name);
        if (!hpx_manifest_is_binary(name) || is_code(name))
            continue;
        if (other)
            hpx_fields_set(manifest, other);
        else
            hpx_fields_remove(manifest, name);
    }
}

void hpx_manifest_set_binary_fields(hpx_fields *manifest, const hpx_fields *binary)
{
    if (hpx_manifest_is_of_program(manifest)) {
        change_binary_of_program(manifest, binary);
        return;
    }
    remove_binary(manifest);
    hpx_fields_add(manifest, binary);
}

void hpx_manifest_set_binary(hpx_fields *manifest, const hpx_trainer *trainer)
{
    hpx_fields binary = {0};
    hpx_fields_set_count(&binary, "format", MANIFEST_FORMAT);
    if (strcmp(trainer->name, HPX_TRAINER_PROGRAM) != 0)
        hpx_manifest_set_trainer(&binary, trainer->sources->version);
    if (trainer->numerics)
        trainer->numerics(&binary);
    hpx_manifest_set_binary_fields(manifest, &binary);
    hpx_fields_free(&binary);
}

void hpx_manifest_add_numerics(hpx_fields *out, const hpx_fields *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (hpx_manifest_is_numerics(from->fields[i].name))
            hpx_fields_set(out, &from->fields[i]);
}

void hpx_manifest_set_numerics(hpx_fields *out, const hpx_fields *from)
{
    for (size_t i = out->count; i-- > 0;)
        if (hpx_manifest_is_numerics(out->fields[i].name))
            hpx_fields_remove(out, out->fields[i].name);
    hpx_manifest_add_numerics(out, from);
}

void hpx_manifest_set_trainer(hpx_fields *manifest, const uint8_t version[HPX_CODE_BYTES])
{
    hpx_fields_set_bytes(manifest, "code.version", version, HPX_CODE_BYTES);
}

bool hpx_manifest_next_of_binary(hpx_field_walk *at, const hpx_fields *a, const hpx_fields *b,
                                 const hpx_field **before, const hpx_field **after)
{
    while (hpx_fields_next_difference(at, a, b, before, after))
        if (hpx_manifest_is_binary(*before ? (*before)->name : (*after)->name))
            return true;
    return false;
}

bool hpx_manifest_same_binary(const hpx_fields *a, const hpx_fields *b)
{
    const hpx_field *before, *after;
    return !hpx_manifest_next_of_binary(&(hpx_field_walk){0}, a, b, &before, &after);
}

static void print_or_none(hpx_buffer *out, const hpx_field *field)
{
    if (field)
        hpx_field_print(out, field);
    else
        hpx_buffer_puts(out, "(none)");
}

bool hpx_manifest_has_version(const hpx_fields *manifest, const uint8_t version[HPX_CODE_BYTES])
{
    const hpx_field *field = hpx_fields_find(manifest, "code.version");
    return field && field->size == HPX_CODE_BYTES && memcmp(field->bytes, version, HPX_CODE_BYTES) == 0;
}

const hpx_sources *hpx_manifest_sources(const hpx_fields *manifest)
{
    static const hpx_sources none = {.names = ""};
    const hpx_trainer *trainer;
    hpx_error unknown;
    return hpx_trainer_of(&trainer, manifest, &unknown) == HPX_OK ? trainer->sources : &none;
}

hpx_status hpx_manifest_check_binary_fields(const hpx_fields *manifest, const hpx_fields *binary,
                                            hpx_error *error)
{
    const bool program = hpx_manifest_is_of_program(manifest);
    const hpx_field *wanted, *mine;
    hpx_field_walk at = {0};
    hpx_status status = HPX_OK;
    while (!status && hpx_manifest_next_of_binary(&at, manifest, binary, &wanted, &mine)) {
        if (program && (!wanted || is_code(wanted->name)))
            continue; /* it names what of the machine its recipe asks for; its code is no worker's */
        const char *name = wanted ? wanted->name : mine->name;
        hpx_buffer text = {0};
        hpx_buffer_printf(&text, "the job is for another %s: ", name);
        print_or_none(&text, wanted);
        hpx_buffer_puts(&text, ", this worker has ");
        print_or_none(&text, mine);
        status = hpx_error_set(error, hpx_manifest_is_numerics(name) ? HPX_DIFFERS : HPX_FAILED, "%s",
                               hpx_buffer_text(&text));
        hpx_buffer_free(&text);
    }
    return status;
}

hpx_status hpx_manifest_check_binary(const hpx_fields *manifest, const hpx_trainer *trainer, hpx_error *error)
{
    hpx_fields here = {0};
    hpx_manifest_set_binary(&here, trainer);
    hpx_status status = hpx_manifest_check_binary_fields(manifest, &here, error);
    hpx_fields_free(&here);
    return status;
}

/* Hashes by their first digits. */
static void print_value(hpx_buffer *out, const hpx_field *field)
{
    hpx_buffer text = {0};
    print_or_none(&text, field);
    hpx_buffer_printf(out, "%.*s", field && field->type == HPX_FIELD_BYTES ? 8 : INT_MAX,
                      hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

void hpx_manifest_difference(hpx_buffer *out, const hpx_field *before, const hpx_field *after)
{
    const char *name = before ? before->name : after->name, *dot = strchr(name, '.');
    hpx_buffer_printf(out, "%s ", strcmp(name, "code.version") == 0 ? "trainer" : dot ? dot + 1 : name);
    print_value(out, before);
    hpx_buffer_puts(out, " -> ");
    print_value(out, after);
}

static void input_field(char out[HPX_FIELD_NAME_MAX + 1], const char *name)
{
    snprintf(out, HPX_FIELD_NAME_MAX + 1, "dataset.%s", name);
}

void hpx_manifest_set_inputs(hpx_fields *manifest, const hpx_input *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[HPX_FIELD_NAME_MAX + 1];
        input_field(name, inputs[i].name);
        hpx_fields_set_hash(manifest, name, &inputs[i].hash);
    }
}

hpx_status hpx_manifest_inputs(hpx_input *inputs, const hpx_fields *manifest, const hpx_input_kind *kind,
                               hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < kind->count && !status; i++) {
        char name[HPX_FIELD_NAME_MAX + 1];
        input_field(name, kind->names[i]);
        inputs[i] = (hpx_input){.name = kind->names[i]};
        status = hpx_fields_hash(&inputs[i].hash, manifest, name, error);
    }
    return status;
}

static const hpx_field *setting_field(const hpx_fields *manifest, const hpx_setting *setting)
{
    char name[HPX_FIELD_NAME_MAX + 1];
    snprintf(name, sizeof name, "%s.%s", setting->section, setting->name);
    return hpx_fields_find(manifest, name);
}

/* Whether the trainer can be asked about a manifest, which another version of it may have written. */
static bool has_settings(const hpx_trainer *trainer, const hpx_fields *manifest)
{
    for (size_t i = 0; i < trainer->setting_count; i++) {
        const hpx_setting *setting = &trainer->settings[i];
        if (setting->type != HPX_SETTING_COUNTS)
            continue; /* sizes decide the cost */
        const hpx_field *field = setting_field(manifest, setting);
        if (!field || !hpx_setting_fits(setting, field))
            return false;
    }
    return true;
}

/* Words and bounds of real numbers may be another version's. */
static bool makes_sense(const hpx_setting *setting, const hpx_field *field)
{
    switch (setting->type) {
    case HPX_SETTING_WORD:
        return field->type == HPX_FIELD_TEXT;
    case HPX_SETTING_REAL:
        return field->type == HPX_FIELD_REAL;
    default:
        return hpx_setting_fits(setting, field);
    }
}

static hpx_status check_settings(const hpx_fields *manifest, hpx_error *error)
{
    hpx_error ignored;
    const hpx_trainer *trainer;
    if (hpx_trainer_of(&trainer, manifest, &ignored))
        return HPX_OK;
    for (size_t i = 0; i < trainer->setting_count; i++) {
        const hpx_field *field = setting_field(manifest, &trainer->settings[i]);
        if (field && !makes_sense(&trainer->settings[i], field))
            return hpx_error_set(error, HPX_DAMAGED, "field '%s' is of another type, or out of its range",
                                 field->name);
    }
    return HPX_OK;
}

const hpx_store_judge hpx_manifest_judge = {check_settings, hpx_manifest_check_checkpoint};

/* The trainer that can be asked about a manifest; NULL: none. */
static const hpx_trainer *find_trainer(const hpx_fields *manifest)
{
    hpx_error ignored;
    const hpx_trainer *trainer;
    if (hpx_trainer_of(&trainer, manifest, &ignored))
        return NULL;
    return has_settings(trainer, manifest) ? trainer : NULL;
}

uint64_t hpx_manifest_epoch_cost(const hpx_fields *manifest, const hpx_fields *dataset)
{
    const hpx_trainer *trainer = find_trainer(manifest);
    if (!trainer)
        return 0;
    return trainer->cost ? trainer->cost(manifest, dataset).epoch : 1;
}

hpx_status hpx_manifest_check_checkpoint(const hpx_fields *manifest, const hpx_fields *dataset,
                                         uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error)
{
    const hpx_trainer *trainer = find_trainer(manifest);
    if (!trainer || !trainer->check_checkpoint ||
        (!hpx_manifest_is_of_program(manifest) &&
         !hpx_manifest_has_version(manifest, trainer->sources->version)))
        return HPX_OK;
    return trainer->check_checkpoint(manifest, dataset, epoch, checkpoint, error);
}
