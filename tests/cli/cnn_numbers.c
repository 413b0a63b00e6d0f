/* What a convolutional network makes of a batch, for others to check:
 *
 *     cnn_numbers relu|tanh|sigmoid|gelu HEIGHT WIDTH CHANNELS ROWS LAYER...
 *
 * A layer is FILTERS:KERNEL:STRIDE:TOP:LEFT:BOTTOM:RIGHT:POOL:max|average or, behind those, a number of units; the last
 * of them are the classes. Draws weights, biases and samples, and writes 32-bit floats: the samples as bytes, the
 * labels; for each layer its weights and biases, and the gradient of the mean loss by them; the logits, and the
 * mean loss. All in PyTorch's order. */
#include "../helper/gradient.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/cnn.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    fprintf(stderr, "cnn_numbers: %s\n", what);
    exit(1);
}

static float uniform(uint32_t purpose, uint32_t index)
{
    uint32_t words[4];
    hpx_random(words, 17, purpose, 0, 0, index);
    return hpx_random_float(words[0]);
}

static hpx_images_size add_convolution(hpx_cnn_shape *shape, hpx_images_size in, const char *word)
{
    hpx_convolution *c = &shape->convolution[shape->convolutions++];
    char pooling[8];
    *c = (hpx_convolution){.in = in};
    if (sscanf(word,
               "%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%" SCNu32
               ":%7[a-z]",
               &c->filters, &c->kernel, &c->stride, &c->top, &c->left, &c->bottom, &c->right, &c->pool,
               pooling) != 9)
        fail("expected FILTERS:KERNEL:STRIDE:TOP:LEFT:BOTTOM:RIGHT:POOL:max|average");
    c->average = strcmp(pooling, "average") == 0;
    c->sums = (hpx_images_size){(in.height + c->top + c->bottom - c->kernel) / c->stride + 1,
                                (in.width + c->left + c->right - c->kernel) / c->stride + 1, c->filters};
    c->out = (hpx_images_size){c->sums.height / c->pool, c->sums.width / c->pool, c->filters};
    return c->out;
}

static hpx_cnn_shape parse_layers(hpx_images_size in, char **words)
{
    hpx_cnn_shape shape = {0};
    for (; *words && strchr(*words, ':'); words++)
        in = add_convolution(&shape, in, *words);
    shape.dense.sizes[0] = in.height * in.width * in.channels;
    for (; *words; words++)
        shape.dense.sizes[++shape.dense.layers] = (uint32_t)strtoul(*words, NULL, 10);
    return shape;
}

static hpx_activation parse_activation(const char *word)
{
    static const char *const words[] = {"relu", "tanh", "sigmoid", "gelu"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0)
            return (hpx_activation)i;
    fail("no such activation");
    return HPX_RELU;
}

static void write_floats(const float *values, size_t count)
{
    if (fwrite(values, sizeof *values, count, stdout) != count)
        fail("cannot write");
}

static void write_bytes(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        write_floats(&(float){bytes[i]}, 1);
}

/* How many weights and biases a layer has. */
static void count_layer(size_t *weights, size_t *biases, const hpx_cnn_shape *shape, uint32_t layer)
{
    if (layer < shape->convolutions) {
        const hpx_convolution *c = &shape->convolution[layer];
        *biases = c->filters;
        *weights = *biases * c->in.channels * c->kernel * c->kernel;
    } else {
        const uint32_t *sizes = shape->dense.sizes + layer - shape->convolutions;
        *biases = sizes[1];
        *weights = *biases * sizes[0];
    }
}

static void draw_biases(hpx_cnn *cnn, float *room, uint32_t layer)
{
    size_t weights, biases;
    count_layer(&weights, &biases, &cnn->shape, layer);
    hpx_cnn_read_weights(room, room + weights, &cnn->shape, cnn->parameters, layer);
    for (size_t i = 0; i < biases; i++)
        room[weights + i] = 0.4f * uniform(1, 1000 * layer + (uint32_t)i) - 0.2f;
    hpx_cnn_write_weights(cnn->parameters, &cnn->shape, layer, room, room + weights);
}

static void write_layers(const hpx_cnn *cnn, const float *gradient, float *room)
{
    const float *const arrays[] = {cnn->parameters, gradient};
    size_t weights, biases;
    for (uint32_t l = 0; l < cnn->shape.convolutions + cnn->shape.dense.layers; l++)
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
            count_layer(&weights, &biases, &cnn->shape, l);
            hpx_cnn_read_weights(room, room + weights, &cnn->shape, arrays[i], l);
            write_floats(room, weights + biases);
        }
}

/* Samples are drawn with their channel last, as IDX files have them; written channel by channel. */
static void write_samples(const uint8_t *samples, hpx_images_size size, size_t rows)
{
    const size_t area = (size_t)size.height * size.width;
    for (size_t i = 0; i < rows; i++)
        for (size_t channel = 0; channel < size.channels; channel++)
            for (size_t k = 0; k < area; k++)
                write_bytes(samples + (i * area + k) * size.channels + channel, 1);
}

int main(int argc, char **argv)
{
    if (argc < 7)
        fail("expected ACTIVATION HEIGHT WIDTH CHANNELS ROWS LAYER...");
    const hpx_images_size in = {(uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4])};
    const size_t rows = strtoul(argv[5], NULL, 10), features = (size_t)in.height * in.width * in.channels;
    hpx_cnn cnn = {.shape = parse_layers(in, argv + 6), .activation = parse_activation(argv[1])};
    const size_t parameters = hpx_cnn_parameters(&cnn.shape),
                 classes = cnn.shape.dense.sizes[cnn.shape.dense.layers];
    uint8_t *samples = hpx_alloc(rows * features), *labels = hpx_alloc(rows);
    float *gradient = hpx_alloc(parameters * sizeof *gradient), *room = hpx_alloc(parameters * sizeof *room);
    float *block = aligned_alloc(64, (hpx_cnn_attach(&cnn, NULL, rows, rows) + 15) / 16 * 64);
    cnn.parameters = aligned_alloc(64, (parameters + 15) / 16 * 64);
    if (!block || !cnn.parameters)
        fail("out of memory");
    hpx_cnn_attach(&cnn, block, rows, rows);
    hpx_cnn_init(&cnn, HPX_INIT_GLOROT, 3);
    for (uint32_t l = 0; l < cnn.shape.convolutions + cnn.shape.dense.layers; l++)
        draw_biases(&cnn, room, l);
    for (size_t i = 0; i < rows * features; i++)
        samples[i] = (uint8_t)(256 * uniform(2, (uint32_t)i));
    for (size_t i = 0; i < rows; i++)
        labels[i] = (uint8_t)((float)classes * uniform(3, (uint32_t)i));

    hpx_cnn_load(&cnn, samples, NULL, rows, 0);
    const hpx_tally sums =
        hpx_cnn_gradient(&cnn, labels, rows, (hpx_mlp_draw){1, 1, 0}, gather_gradient, gradient);
    hpx_cnn_load(&cnn, samples, NULL, rows, 0);
    hpx_cnn_evaluate(&cnn, labels, rows);
    write_samples(samples, in, rows);
    write_bytes(labels, rows);
    write_layers(&cnn, gradient, room);
    write_floats(hpx_cnn_logits(&cnn), rows * classes);
    write_floats(&(float){(float)(sums.loss / (double)rows)}, 1);
    free(samples);
    free(labels);
    free(gradient);
    free(room);
    free(block);
    free(cnn.parameters);
    return fflush(stdout) ? 1 : 0;
}
