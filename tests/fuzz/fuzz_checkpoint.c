/* Any bytes as a checkpoint: first read for what they say of themselves, then offered to trainings that would
 * continue from them. */
#include "fuzz.h"

#include "nn/checkpoint.h"
#include "nn/mlp_model.h"
#include "nn/training.h"

#include <stdbool.h>
#include <stdlib.h>

static hpx_status ignore_epoch(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)context, (void)epoch, (void)error;
    return HPX_OK;
}

/* A network 2-3-2 for which a checkpoint is small enough to be found by mutation. */
static void continue_from(const uint8_t *checkpoint, size_t size, bool adam)
{
    static const uint8_t pixels[] = {0, 255, 128, 1}, labels[] = {1, 0};
    const hpx_samples samples = {pixels, labels, 2};
    const hpx_split split = {.shape = {2, 2, 1, 2, 1}, .train = samples, .test = samples};
    hpx_fields manifest = {0};
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){3}, 1);
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
        hpx_training_run(&hpx_model_mlp, &manifest, &split, 1, 2, &blob, ignore_epoch, NULL, &error);
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
    continue_from(data, size, true);
    continue_from(data, size, false);
    return 0;
}
