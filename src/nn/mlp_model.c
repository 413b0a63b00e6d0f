#include "nn/mlp_model.h"

#include "mlp_options.h"
#include "path.h"
#include "vector.h"

#include <string.h>

/* From these widths on sparse inputs pay: docs/training.md has the measurements. */
#define SPARSE_WIDTH            48
#define SPARSE_EVALUATION_WIDTH 16
#define SPARSE_BATCH            4096

typedef struct network {
    hpx_mlp mlp;
    bool sparse, sparse_evaluation; /* inputs of batches to train by and to evaluate */
} network;

static hpx_status set_shape(void *state, const hpx_fields *settings, const hpx_sample_shape *samples,
                            hpx_error *error)
{
    (void)error;
    network *n = state;
    hpx_mlp_options_shape(&n->mlp.shape, settings, samples->features, samples->classes);
    return HPX_OK;
}

static void describe(hpx_checkpoint *out, const void *state)
{
    const hpx_mlp_shape *shape = &((const network *)state)->mlp.shape;
    out->version = HPX_CHECKPOINT_PERCEPTRON;
    out->count = shape->layers + 1;
    memcpy(out->numbers, shape->sizes, out->count * sizeof *out->numbers);
    out->parameters = hpx_mlp_parameters(shape);
}

/* Whether the first layer's products are made from nonzeros: at most a quarter of the pixels of the first
 * training samples, a thousand at most, are not zero, and the layer is not too narrow; for training, the batch
 * is not so large that its entries would need much memory. A function of what the manifest names: no machine
 * decides a bit. Evaluation gains from narrower layers on, for it has one product by a batch and not two. Its
 * bits are the same either way, but with plain vectors, which round the two kinds of products differently.
 * They do depend on the rows of an evaluated batch, for losses are added batch by batch. */
static uint32_t choose(void *state, const hpx_options *options, const hpx_split *data, uint32_t batch)
{
    network *n = state;
    const uint32_t width = n->mlp.shape.sizes[1], features = data->shape.features;
    const size_t pixels = (size_t)features * (data->train.count < 1000 ? data->train.count : 1000);
    size_t nonzeros = 0;
    for (size_t i = 0; i < pixels; i++)
        nonzeros += data->train.pixels[i] != 0;
    const bool full = nonzeros > pixels / 4 || features > UINT32_MAX / SPARSE_BATCH;
    const bool narrow = width < SPARSE_WIDTH;
    const bool large = batch > SPARSE_BATCH;
    hpx_path_take(hpx_path_inputs(full, narrow, large));
    n->mlp.activation = options->activation;
    n->mlp.dropout = (float)options->dropout;
    n->sparse = !full && !narrow && !large;
    n->sparse_evaluation =
        hpx_vector_kind() == HPX_VECTOR_PLAIN ? n->sparse : !full && width >= SPARSE_EVALUATION_WIDTH;
    return n->sparse ? 192 : 128;
}

static size_t attach(void *state, float *parameters, float *block, uint32_t batch, uint32_t evaluated)
{
    network *n = state;
    const hpx_batches train = {batch, n->sparse}, evaluate = {evaluated, n->sparse_evaluation};
    n->mlp.parameters = parameters;
    return hpx_mlp_attach(&n->mlp, block, train, evaluate);
}

static void init(void *state, hpx_init kind, uint32_t seed)
{
    hpx_mlp_init(&((network *)state)->mlp, kind, seed);
}

static void load(void *state, bool train, const uint8_t *samples, const uint32_t *order, size_t rows,
                 size_t more)
{
    network *n = state;
    hpx_mlp_load(&n->mlp, train ? n->sparse : n->sparse_evaluation, samples, order, rows, more);
}

static hpx_tally evaluate(void *state, const uint8_t *labels, size_t rows)
{
    return hpx_mlp_evaluate(&((network *)state)->mlp, labels, rows);
}

static hpx_tally gradient(void *state, const uint8_t *labels, size_t rows, hpx_mlp_draw draw,
                          hpx_gradient_fn *take, void *context)
{
    return hpx_mlp_gradient(&((network *)state)->mlp, labels, rows, draw, take, context);
}

const hpx_model hpx_model_mlp = {
    .settings = hpx_mlp_settings,
    .setting_count = HPX_MLP_SETTINGS,
    .bytes = sizeof(network),
    .shape = set_shape,
    .describe = describe,
    .choose = choose,
    .attach = attach,
    .init = init,
    .load = load,
    .evaluate = evaluate,
    .gradient = gradient,
};
