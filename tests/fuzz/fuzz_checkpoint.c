/* Any bytes as a checkpoint: first read for what they say of themselves, then offered to trainings that would
 * continue from them. */
#include "fuzz.h"

#include "nn/checkpoint.h"
#include "nn/cnn_model.h"
#include "nn/mlp_model.h"
#include "nn/training.h"

#include <stdbool.h>
#include <stdlib.h>

static hpx_status ignore_epoch(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)context, (void)epoch, (void)error;
    return HPX_OK;
}

/* Networks for which a checkpoint is small enough to be found by mutation: 2-3-2, and one filter of 2 x 2. */
static void set_layers(hpx_fields *manifest, bool convolution)
{
    if (!convolution) {
        hpx_fields_set_counts(manifest, "model.hidden", (const uint64_t[]){3}, 1);
        return;
    }
    hpx_fields_set_counts(manifest, "model.filters", (const uint64_t[]){1}, 1);
    hpx_fields_set_counts(manifest, "model.kernel", (const uint64_t[]){2}, 1);
    hpx_fields_set_counts(manifest, "model.stride", (const uint64_t[]){1}, 1);
    hpx_fields_set_text(manifest, "model.padding", "same");
    hpx_fields_set_counts(manifest, "model.pool", (const uint64_t[]){2}, 1);
    hpx_fields_set_text(manifest, "model.pooling", "average");
    hpx_fields_set_counts(manifest, "model.hidden", NULL, 0);
}

static void continue_from(const uint8_t *checkpoint, size_t size, bool convolution, bool adam)
{
    static const uint8_t pixels[] = {0, 255, 128, 1, 7, 0, 0, 99}, labels[] = {1, 0};
    const hpx_samples samples = {pixels, labels, 2};
    const hpx_split split = {.shape = convolution ? (hpx_sample_shape){4, 2, 2, 2, 1}
                                                  : (hpx_sample_shape){2, 2, 1, 2, 1},
                             .train = samples,
                             .test = samples};
    hpx_fields manifest = {0};
    set_layers(&manifest, convolution);
    hpx_fields_set_text(&manifest, "model.activation", "gelu");
    hpx_fields_set_real(&manifest, "model.dropout", 0.5);
    hpx_fields_set_text(&manifest, "model.init", "he");
    hpx_fields_set_real(&manifest, "train.rate", 0.1);
    hpx_fields_set_real(&manifest, "train.weight-decay", 0);
    hpx_fields_set_text(&manifest, "train.schedule", "constant");
    hpx_fields_set_count(&manifest, "train.batch", 2);
    hpx_fields_set_text(&manifest, "train.optimizer", adam ? "adam" : "sgd");
    hpx_fields_set_real(&manifest, "train.beta1", 0.9);
    hpx_fields_set_real(&manifest, "train.beta2", 0.999);
    hpx_fields_set_real(&manifest, "train.epsilon", 1e-8);
    hpx_fields_set_real(&manifest, "train.momentum", 0.9);
    hpx_fields_set_text(&manifest, "train.nesterov", "no");
    hpx_fields_set_count(&manifest, "seed", 1);
    hpx_error error;
    hpx_blob blob;
    if (hpx_blob_from_bytes(&blob, checkpoint, size, &error) == HPX_OK)
        hpx_training_run(convolution ? &hpx_model_cnn : &hpx_model_mlp, &manifest, &split, 1, 2, &blob,
                         ignore_epoch, NULL, &error);
    hpx_blob_close(&blob);
    hpx_fields_free(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_checkpoint parsed;
    hpx_error error;
    if (!data)
        return 0;
    if (hpx_checkpoint_parse(&parsed, data, size, &error) == HPX_OK && hpx_checkpoint_size(&parsed) != size)
        abort();
    for (int way = 0; way < 4; way++)
        continue_from(data, size, way & 1, way & 2);
    return 0;
}
