/* Convolutional networks as a trainer: what src/nn computes, on labelled images. */
#include "images.h"
#include "learning.h"
#include "trainers.h"

#include "nn/cnn_model.h"
#include "nn/cnn_options.h"
#include "nn/numerics.h"
#include "nn/path.h"
#include "nn/training.h"

_Static_assert(HPX_CNN_CONVOLUTIONS_MAX + HPX_MLP_LAYERS_MAX <= HPX_LAYERS_MAX, "room for all layers");

static size_t layers(hpx_layer out[HPX_LAYERS_MAX], const hpx_fields *settings, const hpx_fields *inputs)
{
    hpx_sample_shape samples;
    hpx_cnn_shape shape;
    hpx_error ignored;
    if (hpx_images_shape(&samples, inputs, &ignored) ||
        hpx_cnn_options_shape(&shape, settings, &samples, &ignored))
        return 0;
    const uint32_t count = shape.convolutions + shape.dense.layers;
    for (uint32_t l = 0; l < count; l++)
        out[l] = hpx_learning_layer(l < shape.convolutions ? "convolution" : "dense",
                                    hpx_cnn_layer_multiplications(&shape, l), l == 0);
    return count;
}

static hpx_cost cost(const hpx_fields *settings, const hpx_fields *inputs)
{
    hpx_layer each[HPX_LAYERS_MAX];
    return hpx_learning_cost(each, layers(each, settings, inputs), settings);
}

static hpx_status check(const hpx_fields *settings, const hpx_fields *inputs, hpx_error *error)
{
    return hpx_learning_check(&hpx_model_cnn, settings, inputs, error);
}

static hpx_status check_checkpoint(const hpx_fields *manifest, const hpx_fields *inputs, uint32_t epoch,
                                   const hpx_blob *checkpoint, hpx_error *error)
{
    return hpx_learning_check_checkpoint(&hpx_model_cnn, manifest, inputs, epoch, checkpoint, error);
}

static hpx_status run(const hpx_run *run, hpx_error *error)
{
    return hpx_learning_run(&hpx_model_cnn, run, error);
}

static hpx_status paths(hpx_paths *out, const hpx_fields *manifest, const void *data, uint32_t epochs,
                        hpx_error *error)
{
    return hpx_learning_paths(out, &hpx_model_cnn, manifest, data, epochs, error);
}

static hpx_status calibrate(double *seconds, const hpx_fields *manifest, const hpx_fields *inputs,
                            hpx_error *error)
{
    return hpx_learning_calibrate(seconds, &hpx_model_cnn, cost(manifest, inputs), manifest, inputs, error);
}

const hpx_trainer hpx_trainer_cnn = {
    .name = "cnn",
    .settings = hpx_cnn_settings,
    .setting_count = HPX_CNN_SETTINGS,
    .sources = &hpx_sources_cnn,
    .inputs = &hpx_images,
    .metrics = hpx_training_metrics,
    .metric_count = HPX_TRAINING_METRICS,
    .objective = "validation_accuracy",
    .numerics = hpx_numerics,
    .machine = hpx_numerics_machine,
    .check_environment = hpx_numerics_check_environment,
    .check_machine = hpx_numerics_check,
    .cost = cost,
    .cost_degree = 2, /* of filters and hidden sizes, as the perceptron's */
    .layers = layers,
    .check = check,
    .run = run,
    .paths = paths,
    .path_name = hpx_path_name,
    .calibrate = calibrate,
    .check_checkpoint = check_checkpoint,
    .needs_last_epoch = hpx_options_need_last_epoch,
};
