/* The multilayer perceptron as a trainer: what src/nn computes, on labelled images. */
#include "images.h"
#include "trainers.h"

#include "base/memory.h"
#include "base/random.h"
#include "nn/mlp_options.h"
#include "nn/mlp_training.h"
#include "nn/numerics.h"
#include "nn/path.h"

#include <math.h>
#include <stdlib.h>

/* A training step has no gradient of the first layer's inputs. */
static hpx_cost cost(const hpx_fields *settings, const hpx_fields *inputs)
{
    uint32_t features, classes;
    hpx_mlp_shape shape;
    hpx_error ignored;
    if (hpx_images_shape(&features, &classes, inputs, &ignored))
        return (hpx_cost){0, 0};
    hpx_mlp_options_shape(&shape, settings, features, classes);
    const uint64_t forward = hpx_mlp_multiplications(&shape);
    const uint64_t step = 3 * forward - (uint64_t)features * shape.sizes[1];
    return (hpx_cost){forward, step * hpx_images_train_count(settings)};
}

static hpx_status check(const hpx_fields *settings, const hpx_fields *inputs, hpx_error *error)
{
    uint32_t features, classes;
    hpx_status status = hpx_images_shape(&features, &classes, inputs, error);
    return status ? status : hpx_mlp_check(settings, features, classes, error);
}

static hpx_status check_checkpoint(const hpx_fields *manifest, const hpx_fields *inputs, uint32_t epoch,
                                   const hpx_blob *checkpoint, hpx_error *error)
{
    uint32_t features, classes;
    if (hpx_images_shape(&features, &classes, inputs, error))
        return HPX_OK; /* nothing can be said of it */
    return hpx_mlp_check_checkpoint(manifest, features, classes, epoch, checkpoint, error);
}

static hpx_status run(const hpx_run *run, hpx_error *error)
{
    hpx_split split;
    hpx_status status = hpx_images_split(&split, run->manifest, run->data, error);
    return status ? status
                  : hpx_mlp_train(run->manifest, &split, run->from, run->to, run->checkpoint, run->on_epoch,
                                  run->context, error);
}

static hpx_status paths(hpx_paths *out, const hpx_fields *manifest, const void *data, uint32_t epochs,
                        hpx_error *error)
{
    hpx_split split;
    hpx_status status = hpx_images_split(&split, manifest, data, error);
    return status ? status : hpx_mlp_paths(out, manifest, &split, epochs, error);
}

/* --- calibration ---------------------------------------------------------------------------------------- */

#define CALIBRATION_MACS    2e7  /* of an epoch of a calibration: about a hundredth of a second */
#define CALIBRATION_SAMPLES 2048 /* of networks so small that it would be more */
#define DRAWN_BYTES         65536 /* and these again and again: drawing takes longer than training a small network */
#define INK                 0.2 /* share of pixels that are not 0, as in MNIST */
#define PURPOSE             'P'

static void draw(uint8_t *out, size_t count, uint32_t below, double share)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t words[4];
        if (i >= DRAWN_BYTES) {
            out[i] = out[i - DRAWN_BYTES];
            continue;
        }
        hpx_random(words, 1, PURPOSE, 0, 0, (uint32_t)i);
        const uint32_t value = hpx_random_float(words[0]) < share ? words[1] % below : 0;
        out[i] = (uint8_t)value;
    }
}

static hpx_status keep_seconds(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)error;
    *(double *)context = epoch->seconds;
    return HPX_OK;
}

/* Two epochs of a few images: in the first one memory and caches are cold. */
static hpx_status calibrate(double *seconds, const hpx_fields *manifest, const hpx_fields *inputs,
                            hpx_error *error)
{
    uint32_t features, classes;
    uint64_t batch = 1, all_tests = 0;
    const uint32_t samples = hpx_images_train_count(manifest);
    hpx_status status = hpx_images_shape(&features, &classes, inputs, error);
    if (!status)
        status = hpx_fields_count(&batch, manifest, "train.batch", error);
    if (!status)
        status = hpx_fields_count(&all_tests, inputs, "test.count", error);
    if (!status && samples == 0)
        status = hpx_error_set(error, HPX_DAMAGED, "no training images");
    if (status)
        return status;
    const double step = (double)cost(manifest, inputs).epoch / samples;
    const double wanted = fmin(CALIBRATION_MACS / step, CALIBRATION_SAMPLES);
    uint32_t count = (uint32_t)(wanted > (double)batch ? fmin(wanted, samples) : (double)batch);
    count = count < samples ? count : samples;
    uint32_t tests = (uint32_t)((double)count * (double)all_tests / samples) + 1;
    tests = tests < count ? tests : count;
    uint8_t *pixels = hpx_alloc((size_t)count * features), *labels = hpx_alloc(count);
    draw(pixels, (size_t)count * features, 256, INK);
    draw(labels, count, classes, 1);
    const hpx_split split = {
        .features = features,
        .classes = classes,
        .train = {pixels, labels, count},
        .validation = {pixels, labels, tests},
        .test = {pixels, labels, tests},
    };
    status = hpx_mlp_train(manifest, &split, 0, 2, NULL, keep_seconds, seconds, error);
    *seconds *= (double)samples / count;
    free(pixels);
    free(labels);
    return status;
}

const hpx_trainer hpx_trainer_mlp = {
    .name = "mlp",
    .settings = hpx_mlp_settings,
    .setting_count = HPX_MLP_SETTINGS,
    .sources = &hpx_sources_mlp,
    .inputs = &hpx_images,
    .metrics = hpx_mlp_metrics,
    .metric_count = HPX_MLP_METRICS,
    .objective = "validation_accuracy",
    .numerics = hpx_numerics,
    .machine = hpx_numerics_machine,
    .check_environment = hpx_numerics_check_environment,
    .check_machine = hpx_numerics_check,
    .cost = cost,
    .cost_degree = 2, /* of neighbouring layers the product; one axis may be both */
    .check = check,
    .run = run,
    .paths = paths,
    .path_name = hpx_path_name,
    .calibrate = calibrate,
    .check_checkpoint = check_checkpoint,
    .needs_last_epoch = hpx_mlp_options_need_last_epoch,
};
