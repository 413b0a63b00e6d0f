/* hpx's side of the benchmark of convolutional networks. For every line of standard input,
 *
 *     train|evaluate SAMPLES SIZE CHANNELS LAYER...
 *
 * it answers with the processor's seconds of the second of two epochs over so many square images, by batches of
 * 128 and with Adam, or of as many evaluations. A layer is FILTERS:KERNEL:STRIDE:same|valid:POOL or, behind
 * those, a number of units. Images of 28 x 28 and one channel are MNIST's, others are drawn.
 *
 *     peak
 *
 * is answered with what a core can do: 10^9 floating-point operations a second, fused in registers. */
#include "nn/cnn.h"
#include "base/memory.h"
#include "base/random.h"
#include "hpx/dataset.h"
#include "hpx/known.h"
#include "nn/vector.h"

#include <immintrin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 128, CLASSES = 10 };

static void fail(const char *what)
{
    fprintf(stderr, "bench/cnn: %s\n", what);
    exit(1);
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- samples ---------------------------------------------------------------------------------------------- */

struct samples {
    const uint8_t *pixels, *labels;
    uint32_t count;
};

static struct samples open_mnist(void)
{
    static hpx_dataset mnist;
    const char *folder = getenv("HPX_DATA");
    const hpx_known_dataset *known = hpx_known_find("mnist");
    const char *paths[HPX_ROLES];
    hpx_error error;
    for (size_t role = 0; role < HPX_ROLES; role++)
        paths[role] = hpx_known_path(known, folder && *folder ? folder : "cache/data", role);
    if (hpx_dataset_open(&mnist, paths, &error))
        fail(error.message);
    return (struct samples){mnist.files[HPX_TRAIN_IMAGES].values, mnist.files[HPX_TRAIN_LABELS].values,
                            mnist.files[HPX_TRAIN_LABELS].count};
}

static struct samples draw_samples(uint32_t count, size_t features)
{
    uint8_t *pixels = hpx_alloc(count * features), *labels = hpx_alloc(count);
    uint32_t words[4];
    for (size_t i = 0; i < count * features; i++) {
        if (i % 4 == 0)
            hpx_random(words, 1, 1, 0, 0, (uint32_t)(i / 4));
        pixels[i] = (uint8_t)words[i % 4];
    }
    for (uint32_t i = 0; i < count; i++)
        labels[i] = (uint8_t)(i % CLASSES);
    return (struct samples){pixels, labels, count};
}

/* --- networks --------------------------------------------------------------------------------------------- */

static void add_convolution(hpx_cnn_shape *shape, hpx_images_size in, const char *word)
{
    hpx_convolution *c = &shape->convolution[shape->convolutions++];
    char padding[8];
    uint32_t around = 0;
    *c = (hpx_convolution){.in = in};
    if (sscanf(word, "%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%7[a-z]:%" SCNu32, &c->filters, &c->kernel,
               &c->stride, padding, &c->pool) != 5)
        fail("expected FILTERS:KERNEL:STRIDE:PADDING:POOL");
    if (strcmp(padding, "same") == 0) {
        const uint32_t needed = ((in.height - 1) / c->stride) * c->stride + c->kernel;
        around = needed > in.height ? needed - in.height : 0;
    }
    c->top = c->left = around / 2;
    c->bottom = c->right = around - c->top;
    const uint32_t sums = (in.height + around - c->kernel) / c->stride + 1;
    c->sums = (hpx_images_size){sums, sums, c->filters};
    c->out = (hpx_images_size){sums / c->pool, sums / c->pool, c->filters};
}

static hpx_cnn_shape parse_layers(hpx_images_size in, char *words)
{
    hpx_cnn_shape shape = {.dense.layers = 1};
    uint32_t *sizes = shape.dense.sizes;
    for (char *word = strtok(words, " \n"); word; word = strtok(NULL, " \n"))
        if (strchr(word, ':')) {
            add_convolution(&shape, in, word);
            in = shape.convolution[shape.convolutions - 1].out;
        } else {
            sizes[shape.dense.layers++] = (uint32_t)strtoul(word, NULL, 10);
        }
    sizes[0] = in.height * in.width * in.channels;
    sizes[shape.dense.layers] = CLASSES;
    return shape;
}

/* A network, and what Adam keeps of it. */
struct training {
    hpx_cnn cnn;
    hpx_optimizer adam;
    float *states[HPX_OPTIMIZER_STATES_MAX];
    uint32_t step;
    struct samples samples;
    size_t features;
    uint32_t *order;
};

static void take_step(void *context, const hpx_gradient *part)
{
    const struct training *t = context;
    hpx_optimizer_step(&t->adam, t->cnn.parameters, t->states, part, 0.001, t->step);
}

static void train(struct training *t, uint32_t epoch)
{
    uint8_t labels[BATCH];
    hpx_random_permutation(t->order, t->samples.count, 1, HPX_RANDOM_SHUFFLE, epoch);
    for (uint32_t first = 0, rows; first < t->samples.count; first += rows) {
        const uint32_t left = t->samples.count - first;
        rows = left < BATCH ? left : BATCH;
        for (uint32_t i = 0; i < rows; i++)
            labels[i] = t->samples.labels[t->order[first + i]];
        t->step++;
        hpx_cnn_load(&t->cnn, t->samples.pixels, t->order + first, rows, left - rows);
        hpx_cnn_gradient(&t->cnn, labels, rows, (hpx_mlp_draw){1, epoch, first}, take_step, t);
    }
}

static void evaluate(struct training *t)
{
    for (uint32_t first = 0, rows; first < t->samples.count; first += rows) {
        const uint32_t left = t->samples.count - first;
        rows = left < BATCH ? left : BATCH;
        hpx_cnn_load(&t->cnn, t->samples.pixels + first * t->features, NULL, rows, left - rows);
        hpx_cnn_evaluate(&t->cnn, t->samples.labels + first, rows);
    }
}

static float *allocate(size_t floats)
{
    float *block = aligned_alloc(64, (floats * sizeof *block + 63) / 64 * 64);
    if (!block)
        fail("out of memory");
    memset(block, 0, floats * sizeof *block);
    return block;
}

static double measure(const hpx_cnn_shape *shape, struct samples samples, bool trains)
{
    const size_t parameters = hpx_cnn_parameters(shape);
    struct training t = {
        .cnn = {.shape = *shape, .activation = HPX_RELU, .parameters = allocate(parameters)},
        .adam = {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
        .states = {allocate(parameters), allocate(parameters)},
        .samples = samples,
        .features = (size_t)shape->convolution[0].in.height * shape->convolution[0].in.width *
                    shape->convolution[0].in.channels,
        .order = hpx_alloc(samples.count * sizeof(uint32_t)),
    };
    const size_t rows = trains ? BATCH : 0;
    float *block = allocate(hpx_cnn_attach(&t.cnn, NULL, rows, BATCH));
    double start = 0;
    hpx_cnn_attach(&t.cnn, block, rows, BATCH);
    hpx_cnn_init(&t.cnn, HPX_INIT_HE, 1);
    for (uint32_t epoch = 1; epoch <= 2; epoch++) {
        start = processor_seconds();
        if (trains)
            train(&t, epoch);
        else
            evaluate(&t);
    }
    const double seconds = processor_seconds() - start;
    free(block);
    free(t.order);
    free(t.states[0]);
    free(t.states[1]);
    free(t.cnn.parameters);
    return seconds;
}

/* --- the processor ---------------------------------------------------------------------------------------- */

enum { SUMS = 12, REPEATS = 10000000 };

/* Sums of one vector after another, as many as hide how long one takes. */
#define DEFINE_SPIN(name, isa, vector, set, fused)                                                           \
    __attribute__((target(isa))) static float name(void)                                                     \
    {                                                                                                        \
        const vector factor = set(0.999f), term = set(0.001f);                                               \
        vector sums[SUMS];                                                                                   \
        float first;                                                                                         \
        for (int i = 0; i < SUMS; i++)                                                                       \
            sums[i] = set((float)i);                                                                         \
        for (int repeat = 0; repeat < REPEATS; repeat++)                                                     \
            _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++) sums[i] = fused(sums[i], factor, term);  \
        for (int i = 1; i < SUMS; i++)                                                                       \
            sums[0] = fused(sums[i], factor, sums[0]);                                                       \
        memcpy(&first, sums, sizeof first);                                                                  \
        return first;                                                                                        \
    }
DEFINE_SPIN(spin_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
DEFINE_SPIN(spin_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)

static double peak(void)
{
    const bool wide = hpx_vector_kind() == HPX_VECTOR_AVX512;
    volatile float result;
    double best = 0;
    for (int round = 0; round < 5; round++) {
        const double start = processor_seconds();
        result = wide ? spin_avx512() : spin_avx2();
        const double rate = 2e-9 * SUMS * REPEATS * (wide ? 16 : 8) / (processor_seconds() - start);
        best = rate > best ? rate : best;
    }
    (void)result;
    return best;
}

int main(void)
{
    const struct samples mnist = open_mnist();
    char line[256], what[16];
    uint32_t count, size, channels;
    int used;
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "peak\n") == 0) {
            printf("%.9g\n", peak());
            fflush(stdout);
            continue;
        }
        if (sscanf(line, "%15s %" SCNu32 " %" SCNu32 " %" SCNu32 "%n", what, &count, &size, &channels,
                   &used) != 4)
            fail("expected train|evaluate SAMPLES SIZE CHANNELS LAYER...");
        const hpx_images_size in = {size, size, channels};
        const hpx_cnn_shape shape = parse_layers(in, line + used);
        struct samples samples = mnist;
        if (size != 28 || channels != 1)
            samples = draw_samples(count, (size_t)size * size * channels);
        samples.count = count;
        printf("%.9g %" PRIu64 " %" PRIu64 "\n", measure(&shape, samples, strcmp(what, "train") == 0),
               hpx_cnn_multiplications(&shape), hpx_cnn_layer_multiplications(&shape, 0));
        fflush(stdout);
        if (samples.pixels != mnist.pixels) {
            free((void *)samples.pixels);
            free((void *)samples.labels);
        }
    }
    return 0;
}
