/* The naive rival of the training benchmark: a loop around cblas_sgemm on dense floats, compiled for this
 * processor with -O3 -ffast-math. Lines in and answers out as bench/train.c has them, but nothing is
 * evaluated. */
#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INPUTS = 784, CLASSES = 10, LAYERS = 3, IMAGES = 60000 };

static float *images;
static uint8_t labels[IMAGES];

struct network {
    int batch;
    int sizes[LAYERS + 1];
    float *weights[LAYERS], *biases[LAYERS], *weight_gradients[LAYERS], *bias_gradients[LAYERS];
    float *outputs[LAYERS + 1], *deltas[LAYERS];
    float *parameters, *gradients, *first, *second; /* all weights and biases, and Adam's moments */
    size_t count;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench/train_plain: %s\n", what);
    exit(1);
}

static float *allocate(size_t floats)
{
    float *block = aligned_alloc(64, (floats * sizeof *block + 63) / 64 * 64);
    if (!block)
        fail("out of memory");
    memset(block, 0, floats * sizeof *block);
    return block;
}

#define NO_MNIST "MNIST is missing in HPX_DATA or cache/data, or is damaged; `hpx data fetch mnist` gets it"

static FILE *open_idx(const char *name, long header)
{
    char path[4096];
    const char *folder = getenv("HPX_DATA");
    snprintf(path, sizeof path, "%s/mnist/%s", folder && *folder ? folder : "cache/data", name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, header, SEEK_SET))
        fail(NO_MNIST);
    return file;
}

static void read_mnist(void)
{
    FILE *file = open_idx("train-images-idx3-ubyte", 16);
    uint8_t image[INPUTS];
    images = allocate((size_t)IMAGES * INPUTS);
    for (size_t i = 0; i < IMAGES; i++) {
        if (fread(image, 1, INPUTS, file) != INPUTS)
            fail(NO_MNIST);
        for (size_t j = 0; j < INPUTS; j++)
            images[i * INPUTS + j] = (float)image[j] / 255;
    }
    fclose(file);
    file = open_idx("train-labels-idx1-ubyte", 8);
    if (fread(labels, 1, IMAGES, file) != IMAGES)
        fail(NO_MNIST);
    fclose(file);
}

static void make(struct network *n)
{
    for (int l = 0; l < LAYERS; l++)
        n->count += (size_t)(n->sizes[l] + 1) * n->sizes[l + 1];
    n->parameters = allocate(4 * n->count);
    n->gradients = n->parameters + n->count;
    n->first = n->gradients + n->count;
    n->second = n->first + n->count;
    size_t used = 0;
    for (int l = 0; l < LAYERS; l++) {
        const size_t weights = (size_t)n->sizes[l] * n->sizes[l + 1];
        n->weights[l] = n->parameters + used;
        n->weight_gradients[l] = n->gradients + used;
        n->biases[l] = n->weights[l] + weights;
        n->bias_gradients[l] = n->weight_gradients[l] + weights;
        for (size_t i = 0; i < weights; i++)
            n->weights[l][i] = sqrtf(6.0f / n->sizes[l]) * (2 * (float)rand() / (float)RAND_MAX - 1);
        used += weights + n->sizes[l + 1];
        n->outputs[l + 1] = allocate((size_t)n->batch * n->sizes[l + 1]);
        n->deltas[l] = allocate((size_t)n->batch * n->sizes[l + 1]);
    }
    n->outputs[0] = allocate((size_t)n->batch * INPUTS);
}

static void discard(struct network *n)
{
    free(n->parameters);
    free(n->outputs[0]);
    for (int l = 0; l < LAYERS; l++) {
        free(n->outputs[l + 1]);
        free(n->deltas[l]);
    }
}

static void forward(struct network *n, int rows)
{
    for (int l = 0; l < LAYERS; l++) {
        const int in = n->sizes[l], out = n->sizes[l + 1];
        float *y = n->outputs[l + 1];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, out, in, 1, n->outputs[l], in,
                    n->weights[l], out, 0, y, out);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < out; j++) {
                const float z = y[i * out + j] + n->biases[l][j];
                y[i * out + j] = l + 1 < LAYERS && z < 0 ? 0 : z;
            }
    }
}

static void softmax_backward(struct network *n, const uint32_t *batch, int rows)
{
    for (int i = 0; i < rows; i++) {
        const float *z = n->outputs[LAYERS] + i * CLASSES;
        float *delta = n->deltas[LAYERS - 1] + i * CLASSES, sum = 0, top = z[0];
        for (int j = 1; j < CLASSES; j++)
            top = z[j] > top ? z[j] : top;
        for (int j = 0; j < CLASSES; j++)
            sum += delta[j] = expf(z[j] - top);
        for (int j = 0; j < CLASSES; j++)
            delta[j] = (delta[j] / sum - (labels[batch[i]] == j)) / (float)rows;
    }
}

static void backward(struct network *n, int rows)
{
    for (int l = LAYERS - 1; l >= 0; l--) {
        const int in = n->sizes[l], out = n->sizes[l + 1];
        const float *delta = n->deltas[l];
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, in, out, rows, 1, n->outputs[l], in, delta, out,
                    0, n->weight_gradients[l], out);
        memset(n->bias_gradients[l], 0, out * sizeof(float));
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < out; j++)
                n->bias_gradients[l][j] += delta[i * out + j];
        if (l == 0)
            break;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, in, out, 1, delta, out, n->weights[l], out,
                    0, n->deltas[l - 1], in);
        for (int i = 0; i < rows * in; i++)
            n->deltas[l - 1][i] = n->outputs[l][i] > 0 ? n->deltas[l - 1][i] : 0;
    }
}

static void step(struct network *n, int adam, int t)
{
    float *restrict w = n->parameters, *restrict m = n->first, *restrict v = n->second;
    const float *restrict g = n->gradients;
    const float rate = 0.001f, size = rate / (1 - powf(0.9f, (float)t)), root = 1 - powf(0.999f, (float)t);
    for (size_t i = 0; i < n->count; i++) {
        if (!adam) {
            w[i] -= rate * g[i];
            continue;
        }
        m[i] = 0.9f * m[i] + 0.1f * g[i];
        v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
        w[i] -= size * m[i] / (sqrtf(v[i] / root) + 1e-8f);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double epoch(struct network *n, int adam, uint32_t samples, int *t)
{
    static uint32_t order[IMAGES];
    const double start = now();
    for (uint32_t i = 0; i < samples; i++)
        order[i] = i;
    for (uint32_t i = samples; i > 1; i--) {
        const uint32_t j = (uint32_t)rand() % i, swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
    for (uint32_t first = 0; first < samples; first += (uint32_t)n->batch) {
        const int rows = samples - first < (uint32_t)n->batch ? (int)(samples - first) : n->batch;
        for (int i = 0; i < rows; i++)
            memcpy(n->outputs[0] + i * INPUTS, images + (size_t)order[first + i] * INPUTS,
                   INPUTS * sizeof(float));
        forward(n, rows);
        softmax_backward(n, order + first, rows);
        backward(n, rows);
        step(n, adam, ++*t);
    }
    return now() - start;
}

int main(void)
{
    char line[128], optimizer[8];
    uint32_t samples, evaluated;
    openblas_set_num_threads(1);
    read_mnist();
    while (fgets(line, sizeof line, stdin)) {
        struct network n = {.sizes = {INPUTS, 0, 0, CLASSES}};
        if (sscanf(line, "%d %d %7s %d %u %u", &n.sizes[1], &n.sizes[2], optimizer, &n.batch, &samples,
                   &evaluated) != 6 ||
            samples > IMAGES || n.batch < 1)
            fail("expected N1 N2 adam|sgd BATCH SAMPLES EVALUATED");
        int t = 0;
        double seconds = 0;
        make(&n);
        for (int e = 0; e < 2; e++)
            seconds = epoch(&n, strcmp(optimizer, "adam") == 0, samples, &t);
        discard(&n);
        printf("%.9g\n", seconds);
        fflush(stdout);
    }
    return 0;
}
