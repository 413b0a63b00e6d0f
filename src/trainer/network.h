/* The network that a checkpoint holds: what it answers for images, and its weights. A trainer (hpx/trainer.h) trains; this
 * reads what it has left. No number of a result depends on it. */
#ifndef HPX_TRAINER_NETWORK_H
#define HPX_TRAINER_NETWORK_H

#include "hpx/blob.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/trainer.h"
#include "nn/samples.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Weights or biases of a layer: 32-bit floats, row by row. Named as PyTorch's nn.Sequential names them, where the layer
 * and what follows it are modules of their own. */
typedef struct hpx_tensor {
    char name[24]; /* "0.weight" */
    uint32_t dimensions, sizes[4];
} hpx_tensor;

uint64_t hpx_tensor_count(const hpx_tensor *tensor); /* of its values */

/* A layer: what it gives, and what is in it. The inputs are one that costs nothing. */
typedef struct hpx_network_layer {
    uint32_t units, height,
        width;        /* maps of height x width values each, after pooling; 1 x 1: single values */
    uint64_t weights; /* and biases */
    hpx_layer cost;   /* kind NULL: the inputs */
} hpx_network_layer;

#define HPX_NETWORK_LAYERS_MAX (HPX_LAYERS_MAX + 1)

/* A model whose checkpoints hold such networks, and what it is asked for; `state` is its own. */
typedef struct hpx_network_kind {
    const char *model;   /* "mlp": as the trainer is called */
    const char *scaling; /* what it makes of a byte of an image, for people: "pixel / 255" */
    hpx_status (*open)(void **state, const hpx_fields *manifest, const hpx_sample_shape *samples,
                       const hpx_blob *checkpoint, hpx_error *error);
    void (*close)(void *state);
    void (*answer)(void *state, float *logits, float *probabilities, const uint8_t *images, size_t count);
    bool (*tensor)(hpx_tensor *out, const void *state, size_t index);
    void (*read)(float *out, const void *state, size_t index);
    /* Sets texts that say of the network what its tensors and the activation do not; NULL: there is nothing. */
    void (*describe)(hpx_fields *out, const void *state);
    /* All but the cost. The manifest may be any. */
    size_t (*layers)(hpx_network_layer *out, const hpx_fields *manifest, const hpx_sample_shape *samples);
} hpx_network_kind;

typedef struct hpx_network {
    const hpx_network_kind *kind;
    uint32_t features, classes; /* bytes of an image, and answers */
    void *state;
} hpx_network;

/* The kind of a trajectory's checkpoints; NULL: they are nothing of which networks can be made, as those of programs. */
const hpx_network_kind *hpx_network_kind_of(const hpx_fields *manifest);

/* The layers of a training's networks, the inputs first and the answers last, and how many there are; `inputs`: the record
 * of its data. 0: they are not known. No checkpoint is needed. */
size_t hpx_network_layers(hpx_network_layer out[HPX_NETWORK_LAYERS_MAX], const hpx_fields *manifest,
                          const hpx_fields *inputs);

/* The network of a checkpoint of such a training, of which there is a kind, after that epoch; `inputs`: the record of its
 * data. HPX_DAMAGED when the checkpoint is no such thing. */
hpx_status hpx_network_open(hpx_network *out, const hpx_fields *manifest, const hpx_fields *inputs,
                            uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error);
void hpx_network_close(hpx_network *network); /* a zeroed one is fine */

/* Logits and their softmax for `count` images of `features` bytes: count x classes each. The trainer's own forward pass,
 * without dropout. */
void hpx_network_answer(const hpx_network *network, float *logits, float *probabilities,
                        const uint8_t *images, size_t count);

/* The class with the largest logit, the first of equals, as the trainer counts. */
uint32_t hpx_network_class(const hpx_network *network, const float *logits);

/* Its tensors from 0 on, false behind the last; and the values of one. */
bool hpx_network_tensor(hpx_tensor *out, const hpx_network *network, size_t index);
void hpx_network_read(float *out, const hpx_network *network, size_t index);

/* Sets texts that say what these do not, by name: "stride". */
void hpx_network_describe(hpx_fields *out, const hpx_network *network);

#endif
