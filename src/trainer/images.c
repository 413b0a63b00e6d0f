#include "images.h"

#include "base/memory.h"

#include <stdlib.h>

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

const hpx_input_kind hpx_images = {
    .names = hpx_role_names,
    .count = HPX_ROLES,
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

static hpx_status read_count(uint32_t *out, const hpx_fields *inputs, const char *name, hpx_error *error)
{
    uint64_t value = 0;
    hpx_status status = hpx_fields_count(&value, inputs, name, error);
    if (!status && (value < 1 || value > UINT32_MAX))
        status = hpx_error_set(error, HPX_DAMAGED, "data set: %s is out of range", name);
    *out = (uint32_t)value;
    return status;
}

hpx_status hpx_images_shape(uint32_t *features, uint32_t *classes, const hpx_fields *inputs, hpx_error *error)
{
    hpx_status status = read_count(features, inputs, "features", error);
    return status ? status : read_count(classes, inputs, "classes", error);
}
