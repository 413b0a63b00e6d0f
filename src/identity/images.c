#include "identity/images.h"

#include "hpx/dataset.h"
#include "hpx/source.h"
#include "hpx/trainer.h"
#include "trainer/images.h"

#include <stdlib.h>

hpx_status hpx_stored_images_open(hpx_stored_images *out, const hpx_fields *manifest, hpx_store *store,
                                  const char *folder, hpx_error *error)
{
    const hpx_trainer *trainer;
    hpx_input inputs[HPX_INPUTS_MAX] = {{.name = NULL}};
    *out = (hpx_stored_images){.data = NULL};
    hpx_status status = hpx_trainer_of(&trainer, manifest, error);
    if (!status && trainer->inputs != &hpx_images)
        status = hpx_error_set(error, HPX_USAGE, "its data are no labelled images");
    if (!status)
        status = hpx_source_locate(inputs, manifest, &hpx_images, store, folder, error);
    if (!status)
        status = hpx_images.open(&out->data, inputs, error);
    if (!status)
        status = hpx_images_split(&out->split, manifest, out->data, error);
    for (size_t i = 0; i < HPX_INPUTS_MAX; i++)
        free(inputs[i].path);
    if (status) {
        hpx_stored_images_close(out);
        return status;
    }
    const hpx_dataset *dataset = out->data;
    out->height = dataset->height;
    out->width = dataset->width;
    out->channels = dataset->channels;
    return HPX_OK;
}

void hpx_stored_images_close(hpx_stored_images *images)
{
    hpx_images.close(images->data);
    *images = (hpx_stored_images){.data = NULL};
}
