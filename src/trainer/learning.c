#include "learning.h"

#include "images.h"
#include "nn/training.h"

hpx_status hpx_learning_check(const hpx_model *model, const hpx_fields *settings, const hpx_fields *inputs,
                              hpx_error *error)
{
    hpx_sample_shape samples;
    hpx_status status = hpx_images_shape(&samples, inputs, error);
    return status ? status : hpx_training_check(model, settings, &samples, error);
}

hpx_status hpx_learning_run(const hpx_model *model, const hpx_run *run, hpx_error *error)
{
    hpx_split split;
    hpx_status status = hpx_images_split(&split, run->manifest, run->data, error);
    return status ? status
                  : hpx_training_run(model, run->manifest, &split, run->from, run->to, run->checkpoint,
                                     run->on_epoch, run->context, error);
}

hpx_status hpx_learning_paths(hpx_paths *out, const hpx_model *model, const hpx_fields *manifest,
                              const void *data, uint32_t epochs, hpx_error *error)
{
    hpx_split split;
    hpx_status status = hpx_images_split(&split, manifest, data, error);
    return status ? status : hpx_training_paths(out, model, manifest, &split, epochs, error);
}

hpx_status hpx_learning_check_checkpoint(const hpx_model *model, const hpx_fields *manifest,
                                         const hpx_fields *inputs, uint32_t epoch, const hpx_blob *checkpoint,
                                         hpx_error *error)
{
    hpx_sample_shape samples;
    if (hpx_images_shape(&samples, inputs, error))
        return HPX_OK; /* nothing can be said of it */
    return hpx_training_check_checkpoint(model, manifest, &samples, epoch, checkpoint, error);
}

hpx_layer hpx_learning_layer(const char *kind, uint64_t forward, bool first)
{
    return (hpx_layer){kind, forward, (first ? 2 : 3) * forward};
}

hpx_cost hpx_learning_cost(const hpx_layer *layers, size_t count, const hpx_fields *settings)
{
    hpx_cost cost = {0, 0};
    uint64_t step = 0;
    for (size_t i = 0; i < count; i++) {
        cost.forward += layers[i].forward;
        step += layers[i].training;
    }
    cost.epoch = step * hpx_images_train_count(settings);
    return cost;
}
