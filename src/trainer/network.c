/* The table of networks that can be read from checkpoints. */
#include "network.h"

#include "base/memory.h"
#include "hpx/trainer.h"
#include "images.h"
#include "networks.h"
#include "nn/checkpoint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const hpx_network_kind *const kinds[] = {&hpx_network_mlp, &hpx_network_cnn};

const hpx_network_kind *hpx_network_kind_of(const hpx_fields *manifest)
{
    const char *model = hpx_fields_text_or_empty(manifest, "model.kind");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->model, model) == 0)
            return kinds[i];
    return NULL;
}

hpx_status hpx_network_hold(hpx_network_memory *out, const hpx_blob *checkpoint, size_t floats,
                            hpx_error *error)
{
    hpx_checkpoint header;
    *out = (hpx_network_memory){.size = checkpoint->size, .work = hpx_try_alloc(floats, sizeof(float))};
    hpx_status status = HPX_OK;
    if (!out->work)
        status = hpx_error_set(error, HPX_NO_MEMORY, "out of memory: the network does not fit");
    if (!status)
        status = hpx_blob_map(&out->bytes, checkpoint, error);
    if (!status)
        status = hpx_checkpoint_parse(&header, out->bytes, out->size, error);
    if (status)
        hpx_network_release(out);
    else
        out->parameters = (float *)(uintptr_t)(out->bytes + hpx_checkpoint_offset(&header, 0));
    return status;
}

void hpx_network_release(hpx_network_memory *memory)
{
    hpx_blob_unmap(memory->bytes, memory->size);
    free(memory->work);
}

size_t hpx_network_layers(hpx_network_layer out[HPX_NETWORK_LAYERS_MAX], const hpx_fields *manifest,
                          const hpx_fields *inputs)
{
    const hpx_network_kind *kind = hpx_network_kind_of(manifest);
    const hpx_trainer *trainer;
    hpx_layer costs[HPX_LAYERS_MAX];
    hpx_sample_shape samples;
    hpx_error none;
    if (!kind || hpx_trainer_of(&trainer, manifest, &none) || hpx_images_shape(&samples, inputs, &none))
        return 0;
    const size_t count = kind->layers(out, manifest, &samples);
    if (count > 0 && trainer->layers(costs, manifest, inputs) + 1 != count)
        return 0;
    for (size_t i = 0; i < count; i++)
        out[i].cost = i ? costs[i - 1] : (hpx_layer){.kind = NULL};
    return count;
}

hpx_status hpx_network_open(hpx_network *out, const hpx_fields *manifest, const hpx_fields *inputs,
                            uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error)
{
    const hpx_trainer *trainer = NULL;
    hpx_sample_shape samples;
    *out = (hpx_network){.kind = hpx_network_kind_of(manifest)};
    assert(out->kind);
    hpx_status status = hpx_trainer_of(&trainer, manifest, error);
    if (!status)
        status = hpx_images_shape(&samples, inputs, error);
    if (!status && samples.classes > 256)
        status =
            hpx_error_set(error, HPX_DAMAGED, "data set: %u classes, and labels are bytes", samples.classes);
    if (!status)
        status = trainer->check_checkpoint(manifest, inputs, epoch, checkpoint, error);
    if (!status)
        status = out->kind->open(&out->state, manifest, &samples, checkpoint, error);
    out->features = samples.features;
    out->classes = samples.classes;
    return status;
}

void hpx_network_close(hpx_network *network)
{
    if (network->state)
        network->kind->close(network->state);
    *network = (hpx_network){.kind = NULL};
}

void hpx_network_answer(const hpx_network *network, float *logits, float *probabilities,
                        const uint8_t *images, size_t count)
{
    network->kind->answer(network->state, logits, probabilities, images, count);
}

uint32_t hpx_network_class(const hpx_network *network, const float *logits)
{
    uint32_t largest = 0;
    for (uint32_t i = 1; i < network->classes; i++)
        largest = logits[i] > logits[largest] ? i : largest;
    return largest;
}

uint64_t hpx_tensor_count(const hpx_tensor *tensor)
{
    uint64_t count = 1;
    for (uint32_t i = 0; i < tensor->dimensions; i++)
        count *= tensor->sizes[i];
    return count;
}

bool hpx_network_tensor(hpx_tensor *out, const hpx_network *network, size_t index)
{
    return network->kind->tensor(out, network->state, index);
}

void hpx_network_read(float *out, const hpx_network *network, size_t index)
{
    network->kind->read(out, network->state, index);
}

void hpx_network_describe(hpx_fields *out, const hpx_network *network)
{
    if (network->kind->describe)
        network->kind->describe(out, network->state);
}
