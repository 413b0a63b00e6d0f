/* How long an epoch takes on this machine, by a training of a few images that are made up. */
#include "images.h"
#include "learning.h"

#include "base/memory.h"
#include "base/random.h"
#include "nn/training.h"

#include <math.h>
#include <stdlib.h>

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

/* In the first epoch memory and caches are cold. */
hpx_status hpx_learning_calibrate(double *seconds, const hpx_model *model, hpx_cost cost,
                                  const hpx_fields *manifest, const hpx_fields *inputs, hpx_error *error)
{
    hpx_sample_shape shape;
    uint64_t batch = 1, all_tests = 0;
    const uint32_t samples = hpx_images_train_count(manifest);
    hpx_status status = hpx_images_shape(&shape, inputs, error);
    if (!status)
        status = hpx_fields_count(&batch, manifest, "train.batch", error);
    if (!status)
        status = hpx_fields_count(&all_tests, inputs, "test.count", error);
    if (!status && samples == 0)
        status = hpx_error_set(error, HPX_DAMAGED, "no training images");
    if (status)
        return status;
    const double step = (double)cost.epoch / samples;
    const double wanted = fmin(CALIBRATION_MACS / step, CALIBRATION_SAMPLES);
    uint32_t count = (uint32_t)(wanted > (double)batch ? fmin(wanted, samples) : (double)batch);
    count = count < samples ? count : samples;
    uint32_t tests = (uint32_t)((double)count * (double)all_tests / samples) + 1;
    tests = tests < count ? tests : count;
    uint8_t *pixels = hpx_alloc((size_t)count * shape.features), *labels = hpx_alloc(count);
    draw(pixels, (size_t)count * shape.features, 256, INK);
    draw(labels, count, shape.classes, 1);
    const hpx_split split = {
        .shape = shape,
        .train = {pixels, labels, count},
        .validation = {pixels, labels, tests},
        .test = {pixels, labels, tests},
    };
    status = hpx_training_run(model, manifest, &split, 0, 2, NULL, keep_seconds, seconds, error);
    *seconds *= (double)samples / count;
    free(pixels);
    free(labels);
    return status;
}
