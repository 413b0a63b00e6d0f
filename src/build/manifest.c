#include "hpx/manifest.h"

#include "hpx/code.h"

#include <limits.h>
#include <string.h>

#define MANIFEST_FORMAT 1

void hpx_manifest_set_binary(hpx_fields *manifest)
{
    hpx_fields_set_count(manifest, "format", MANIFEST_FORMAT);
    hpx_fields_set_bytes(manifest, "code.version", hpx_code_built.version, HPX_CODE_BYTES);
    hpx_numerics(manifest);
}

hpx_status hpx_manifest_check_binary(const hpx_fields *manifest, hpx_error *error)
{
    hpx_fields here = {0};
    hpx_manifest_set_binary(&here);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < here.count && !status; i++) {
        const hpx_field *mine = &here.fields[i], *wanted = hpx_fields_find(manifest, mine->name);
        if (hpx_field_equal(wanted, mine))
            continue;
        hpx_buffer text = {0};
        hpx_buffer_printf(&text, "the job is for another %s: ", mine->name);
        if (wanted)
            hpx_field_print(&text, wanted);
        hpx_buffer_puts(&text, ", this worker has ");
        hpx_field_print(&text, mine);
        status = hpx_error_set(error, HPX_FAILED, "%s", hpx_buffer_text(&text));
        hpx_buffer_free(&text);
    }
    hpx_fields_free(&here);
    return status;
}

bool hpx_manifest_is_origin(const char *field)
{
    return strncmp(field, "code.", 5) == 0 || strncmp(field, "numerics.", 9) == 0;
}

/* Hashes by their first digits. */
static void print_value(hpx_buffer *out, const hpx_field *field)
{
    hpx_buffer text = {0};
    if (field)
        hpx_field_print(&text, field);
    hpx_buffer_printf(out, "%.*s", field && field->type == HPX_FIELD_BYTES ? 8 : INT_MAX,
                      field ? hpx_buffer_text(&text) : "(none)");
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

static const char *const role_fields[HPX_ROLES] = {"dataset.train-images", "dataset.train-labels",
                                                   "dataset.test-images", "dataset.test-labels"};

void hpx_manifest_set_dataset(hpx_fields *manifest, const hpx_hash hashes[HPX_ROLES], uint32_t train_count,
                              uint32_t validation_count)
{
    for (int role = 0; role < HPX_ROLES; role++)
        hpx_fields_set_hash(manifest, role_fields[role], &hashes[role]);
    hpx_fields_set_count(manifest, "dataset.train-count", train_count);
    hpx_fields_set_count(manifest, "dataset.validation-count", validation_count);
}

hpx_status hpx_manifest_dataset(hpx_hash hashes[HPX_ROLES], const hpx_fields *manifest, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (int role = 0; role < HPX_ROLES && !status; role++)
        status = hpx_fields_hash(&hashes[role], manifest, role_fields[role], error);
    return status;
}

static hpx_status check_hashes(const hpx_fields *manifest, const hpx_hash hashes[HPX_ROLES], hpx_error *error)
{
    hpx_hash wanted[HPX_ROLES];
    hpx_status status = hpx_manifest_dataset(wanted, manifest, error);
    for (int role = 0; role < HPX_ROLES && !status; role++)
        if (!hpx_hash_equal(&wanted[role], &hashes[role]))
            status = hpx_error_set(error, HPX_FAILED, "the %s have changed since the build began",
                                   hpx_role_names[role]);
    return status;
}

hpx_status hpx_manifest_split(hpx_split *out, const hpx_fields *manifest, const hpx_dataset *dataset,
                              const hpx_hash hashes[HPX_ROLES], hpx_error *error)
{
    uint64_t train, validation;
    hpx_status status = check_hashes(manifest, hashes, error);
    if (!status)
        status = hpx_fields_count(&train, manifest, "dataset.train-count", error);
    if (!status)
        status = hpx_fields_count(&validation, manifest, "dataset.validation-count", error);
    if (status)
        return status;
    const hpx_idx *images = &dataset->files[HPX_TRAIN_IMAGES], *labels = &dataset->files[HPX_TRAIN_LABELS];
    if (train < 1 || validation > images->count || train > images->count - validation)
        return hpx_error_set(error, HPX_FAILED, "%llu training and %llu validation images of %u",
                             (unsigned long long)train, (unsigned long long)validation, images->count);
    size_t held_out = images->count - (size_t)validation;
    *out = (hpx_split){
        .features = dataset->features,
        .classes = dataset->classes,
        .train = {images->values, labels->values, (uint32_t)train},
        .validation = {images->values + held_out * dataset->features, labels->values + held_out,
                       (uint32_t)validation},
        .test = {dataset->files[HPX_TEST_IMAGES].values, dataset->files[HPX_TEST_LABELS].values,
                 dataset->files[HPX_TEST_IMAGES].count},
    };
    return HPX_OK;
}
