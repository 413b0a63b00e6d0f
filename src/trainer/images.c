#include "images.h"

#include "base/memory.h"
#include "data/gzip.h"

#include <stdio.h>
#include <stdlib.h>

static hpx_status unpack(hpx_buffer *out, const uint8_t *packed, size_t size, hpx_error *error)
{
    return hpx_idx_gunzip(out, packed, size, error);
}

static void close_images(void *data)
{
    if (data)
        hpx_dataset_close(data);
    free(data);
}

static hpx_status open_images(void **data, const hpx_input *inputs, hpx_error *error)
{
    const char *paths[HPX_ROLES];
    hpx_dataset *dataset = hpx_alloc(sizeof *dataset);
    for (int role = 0; role < HPX_ROLES; role++)
        paths[role] = inputs[role].path;
    hpx_status status = hpx_dataset_open(dataset, paths, error);
    for (int role = 0; role < HPX_ROLES && !status; role++) {
        const hpx_hash hash = hpx_hash_of(dataset->bytes[role].data, dataset->bytes[role].size);
        if (!hpx_hash_equal(&hash, &inputs[role].hash))
            status = hpx_error_set(error, HPX_FAILED, "the %s have changed since the build began",
                                   hpx_role_names[role]);
    }
    if (status)
        close_images(dataset);
    *data = status ? NULL : dataset;
    return status;
}

/* The header is in the first piece. Of labels the largest is kept. */
static hpx_status look(hpx_fields *about, uint64_t at, const uint8_t *bytes, size_t size, uint64_t total,
                       hpx_error *error)
{
    hpx_idx idx;
    size_t header = 0;
    hpx_status status = at == 0 ? hpx_idx_parse_header(&idx, bytes, size, total, error)
                                : hpx_idx_from_fields(&idx, about, error);
    if (status)
        return status;
    if (at == 0)
        header = hpx_idx_header_bytes(&idx);
    if (idx.dimensions == 1) {
        const uint8_t largest = hpx_idx_largest(bytes + header, size - header);
        idx.largest = largest > idx.largest ? largest : idx.largest;
    }
    hpx_idx_to_fields(about, &idx);
    return HPX_OK;
}

static hpx_status describe(hpx_fields *record, const hpx_input *inputs, hpx_error *error)
{
    hpx_dataset dataset = {0};
    const char *paths[HPX_ROLES];
    hpx_status status = HPX_OK;
    for (int role = 0; role < HPX_ROLES && !status; role++) {
        paths[role] = inputs[role].path;
        status = hpx_idx_from_fields(&dataset.files[role], &inputs[role].about, error);
    }
    if (!status)
        status = hpx_dataset_check(&dataset, paths, error);
    if (status)
        return status;
    hpx_fields_set_count(record, "features", dataset.features);
    hpx_fields_set_count(record, "height", dataset.height);
    hpx_fields_set_count(record, "width", dataset.width);
    hpx_fields_set_count(record, "channels", dataset.channels);
    hpx_fields_set_count(record, "classes", dataset.classes);
    hpx_fields_set_count(record, "train.count", dataset.files[HPX_TRAIN_IMAGES].count);
    hpx_fields_set_count(record, "test.count", dataset.files[HPX_TEST_IMAGES].count);
    return HPX_OK;
}

static uint64_t count_or_0(const hpx_fields *fields, const char *name)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    return field && field->type == HPX_FIELD_COUNT ? field->count : 0;
}

/* The last images of the training file are held out for validation, and of the others the first are taken. */
static hpx_status take(hpx_fields *manifest, const char **setting, const hpx_fields *settings,
                       const hpx_fields *record, hpx_error *error)
{
    const uint64_t images = count_or_0(record, "train.count"),
                   validation = count_or_0(settings, "dataset.validation"),
                   taken = count_or_0(settings, "dataset.take");
    *setting = validation >= images ? "validation" : "take";
    if (validation >= images)
        return hpx_error_set(
            error, HPX_USAGE,
            "'validation' is %llu, and the data set has %llu training images: expected less, "
            "to leave some to train on",
            (unsigned long long)validation, (unsigned long long)images);
    const uint64_t left = images - validation;
    char held_out[64] = "";
    if (validation > 0)
        snprintf(held_out, sizeof held_out, ", %llu of them held out for validation",
                 (unsigned long long)validation);
    if (taken > left)
        return hpx_error_set(
            error, HPX_USAGE,
            "'take' is %llu, and the data set has %llu training images%s: expected at most %llu",
            (unsigned long long)taken, (unsigned long long)images, held_out, (unsigned long long)left);
    hpx_fields_set_count(manifest, "dataset.train-count", taken ? taken : left);
    hpx_fields_set_count(manifest, "dataset.validation-count", validation);
    return HPX_OK;
}

static const hpx_input_key keys[] = {{"train", "IMAGES LABELS", 2}, {"test", "IMAGES LABELS", 2}};

static const hpx_setting settings[] = {
    {"dataset", "validation", HPX_SETTING_COUNT, .min = 0, .max = 16777216, .fallback = "10000",
     .help = "training images held out, the last of the file"},
    {"dataset", "take", HPX_SETTING_COUNT, .min = 1, .max = 16777216, .optional = 1,
     .help = "only the first so many of the other training images"},
};

const hpx_input_kind hpx_images = {
    .names = hpx_role_names,
    .count = HPX_ROLES,
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .known = 1,
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .look = look,
    .unpack = unpack,
    .describe = describe,
    .take = take,
    .open = open_images,
    .close = close_images,
};

hpx_status hpx_images_split(hpx_split *out, const hpx_fields *manifest, const hpx_dataset *dataset,
                            hpx_error *error)
{
    uint64_t train = 0, validation = 0;
    hpx_status status = hpx_fields_count(&train, manifest, "dataset.train-count", error);
    if (!status)
        status = hpx_fields_count(&validation, manifest, "dataset.validation-count", error);
    if (status)
        return status;
    const hpx_idx *images = &dataset->files[HPX_TRAIN_IMAGES], *labels = &dataset->files[HPX_TRAIN_LABELS];
    if (train < 1 || validation > images->count || train > images->count - validation)
        return hpx_error_set(error, HPX_FAILED, "%llu training and %llu validation images of %u",
                             (unsigned long long)train, (unsigned long long)validation, images->count);
    const size_t held_out = images->count - (size_t)validation;
    *out = (hpx_split){
        .shape = {dataset->features, dataset->classes, dataset->height, dataset->width, dataset->channels},
        .train = {images->values, labels->values, (uint32_t)train},
        .validation = {images->values + held_out * dataset->features, labels->values + held_out,
                       (uint32_t)validation},
        .test = {dataset->files[HPX_TEST_IMAGES].values, dataset->files[HPX_TEST_LABELS].values,
                 dataset->files[HPX_TEST_IMAGES].count},
    };
    return HPX_OK;
}

uint32_t hpx_images_train_count(const hpx_fields *manifest)
{
    const uint64_t count = count_or_0(manifest, "dataset.train-count");
    return count <= UINT32_MAX ? (uint32_t)count : 0;
}

static hpx_status read_count(uint32_t *out, const hpx_fields *inputs, const char *name, hpx_error *error)
{
    uint64_t value = 0;
    hpx_status status = hpx_fields_count(&value, inputs, name, error);
    if (!status && (value < 1 || value > UINT32_MAX))
        status = hpx_error_set(error, HPX_DAMAGED, "data set: %s is out of range", name);
    *out = (uint32_t)value;
    return status;
}

hpx_status hpx_images_shape(hpx_sample_shape *out, const hpx_fields *inputs, hpx_error *error)
{
    *out = (hpx_sample_shape){0};
    hpx_status status = read_count(&out->features, inputs, "features", error);
    if (!status)
        status = read_count(&out->classes, inputs, "classes", error);
    if (!status && hpx_fields_find(inputs, "channels")) {
        hpx_sample_shape *s = out;
        if ((status = read_count(&s->height, inputs, "height", error)) ||
            (status = read_count(&s->width, inputs, "width", error)))
            return status;
        status = read_count(&s->channels, inputs, "channels", error);
    }
    return status;
}
