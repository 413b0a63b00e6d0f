#include "hpx/dataset.h"

#include "hpx/file.h"

#include <stdbool.h>

const char *const hpx_role_names[HPX_ROLES] = {"train-images", "train-labels", "test-images", "test-labels"};

static hpx_status check_dimensions(const hpx_idx *file, const char *name, bool labels, hpx_error *error)
{
    if (labels && file->dimensions != 1)
        return hpx_error_set(error, HPX_FAILED, "%s: labels have 1 dimension, this file has %u", name,
                             file->dimensions);
    if (!labels && file->dimensions < 2)
        return hpx_error_set(error, HPX_FAILED, "%s: images have 2 dimensions or more, this file has 1",
                             name);
    return HPX_OK;
}

static hpx_status check_counts(const hpx_dataset *dataset, const char *const names[HPX_ROLES], size_t images,
                               size_t labels, hpx_error *error)
{
    uint32_t image_count = dataset->files[images].count, label_count = dataset->files[labels].count;
    if (image_count == label_count)
        return HPX_OK;
    return hpx_error_set(error, HPX_FAILED, "%s: %u labels for the %u images of %s", names[labels],
                         label_count, image_count, names[images]);
}

hpx_status hpx_dataset_check(hpx_dataset *dataset, const char *const names[HPX_ROLES], hpx_error *error)
{
    const hpx_idx *files = dataset->files;
    hpx_status status = HPX_OK;
    for (size_t role = 0; !status && role < HPX_ROLES; role++) {
        bool labels = role == HPX_TRAIN_LABELS || role == HPX_TEST_LABELS;
        status = check_dimensions(&files[role], names[role], labels, error);
    }
    if (!status)
        status = check_counts(dataset, names, HPX_TRAIN_IMAGES, HPX_TRAIN_LABELS, error);
    if (!status)
        status = check_counts(dataset, names, HPX_TEST_IMAGES, HPX_TEST_LABELS, error);
    if (status)
        return status;
    const hpx_idx *images = &files[HPX_TRAIN_IMAGES];
    dataset->features = images->item_bytes;
    dataset->height = images->dimensions > 2 ? images->sizes[1] : 1;
    dataset->width = images->dimensions > 2 ? images->sizes[2] : images->sizes[1];
    dataset->channels = images->dimensions > 3 ? images->sizes[3] : 1;
    if (files[HPX_TEST_IMAGES].item_bytes != dataset->features)
        return hpx_error_set(error, HPX_FAILED, "%s: images of %u bytes, those of %s have %u",
                             names[HPX_TEST_IMAGES], files[HPX_TEST_IMAGES].item_bytes,
                             names[HPX_TRAIN_IMAGES], dataset->features);
    uint32_t train = files[HPX_TRAIN_LABELS].largest, test = files[HPX_TEST_LABELS].largest;
    dataset->classes = (train > test ? train : test) + 1;
    return HPX_OK;
}

hpx_status hpx_dataset_parse(hpx_dataset *out, const char *const names[HPX_ROLES],
                             const hpx_buffer bytes[HPX_ROLES], hpx_error *error)
{
    hpx_dataset dataset = {0};
    hpx_status status = HPX_OK;
    for (size_t role = 0; !status && role < HPX_ROLES; role++)
        if ((status = hpx_idx_parse(&dataset.files[role], bytes[role].data, bytes[role].size, error)))
            hpx_error_prefix(error, "%s", names[role]);
    if (!status)
        status = hpx_dataset_check(&dataset, names, error);
    if (!status)
        *out = dataset;
    return status;
}

hpx_status hpx_dataset_open(hpx_dataset *out, const char *const paths[HPX_ROLES], hpx_error *error)
{
    hpx_buffer bytes[HPX_ROLES] = {0};
    hpx_status status = HPX_OK;
    *out = (hpx_dataset){0};
    for (size_t role = 0; !status && role < HPX_ROLES; role++)
        status = hpx_file_read(&bytes[role], paths[role], SIZE_MAX - 1, error);
    if (!status)
        status = hpx_dataset_parse(out, paths, bytes, error);
    for (size_t role = 0; role < HPX_ROLES; role++)
        out->bytes[role] = bytes[role];
    if (status)
        hpx_dataset_close(out);
    return status;
}

void hpx_dataset_close(hpx_dataset *dataset)
{
    for (size_t role = 0; role < HPX_ROLES; role++)
        hpx_buffer_free(&dataset->bytes[role]);
    *dataset = (hpx_dataset){0};
}
