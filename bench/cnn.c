/* hpx's side of the benchmark of convolutional networks: whole epochs of the trainer, Adam, batches of 128. For every
 * line of standard input,
 *
 *     train|evaluate SAMPLES SIZE CHANNELS LAYER...
 *
 * it answers with the processor's seconds for so many square images in the second of two epochs, and with the
 * multiplications of a forward pass of one image and those of the first layer. A layer is
 * FILTERS:KERNEL:STRIDE:same|valid:POOL or, behind those, a number of units. Images of 28 x 28 and one channel are
 * MNIST's, others are drawn.
 *
 *     peak
 *
 * is answered with what a core can do: 10^9 floating-point operations a second, fused in registers. */
#include "base/memory.h"
#include "base/random.h"
#include "hpx/dataset.h"
#include "hpx/known.h"
#include "nn/cnn_model.h"
#include "nn/cnn_options.h"
#include "nn/training.h"
#include "nn/vector.h"

#include <immintrin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 128, CLASSES = 10, LAYERS_MAX = 8 };

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

static hpx_samples open_mnist(hpx_dataset *mnist)
{
    const char *folder = getenv("HPX_DATA");
    const hpx_known_dataset *known = hpx_known_find("mnist");
    const char *paths[HPX_ROLES];
    hpx_error error;
    for (size_t role = 0; role < HPX_ROLES; role++)
        paths[role] = hpx_known_path(known, folder && *folder ? folder : "cache/data", role);
    if (hpx_dataset_open(mnist, paths, &error))
        fail(error.message);
    return (hpx_samples){mnist->files[HPX_TRAIN_IMAGES].values, mnist->files[HPX_TRAIN_LABELS].values,
                         mnist->files[HPX_TRAIN_LABELS].count};
}

static hpx_samples draw_samples(uint32_t count, size_t features)
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
    return (hpx_samples){pixels, labels, count};
}

/* --- a network -------------------------------------------------------------------------------------------- */

/* The layers, as the manifest of a training with the other settings' defaults. */
static void describe(hpx_fields *out, char *words)
{
    uint64_t filters[LAYERS_MAX], kernel[LAYERS_MAX], stride[LAYERS_MAX], pool[LAYERS_MAX],
        hidden[LAYERS_MAX];
    size_t convolutions = 0, units = 0;
    char paddings[8 * LAYERS_MAX] = "";
    for (char *word = strtok(words, " \n"); word; word = strtok(NULL, " \n")) {
        char padding[8];
        const size_t l = convolutions;
        if (l == LAYERS_MAX || units == LAYERS_MAX)
            fail("too many layers");
        if (!strchr(word, ':')) {
            hidden[units++] = strtoull(word, NULL, 10);
            continue;
        }
        if (sscanf(word, "%" SCNu64 ":%" SCNu64 ":%" SCNu64 ":%6[a-z]:%" SCNu64, &filters[l], &kernel[l],
                   &stride[l], padding, &pool[l]) != 5)
            fail("expected FILTERS:KERNEL:STRIDE:PADDING:POOL");
        if (l > 0)
            strcat(paddings, " ");
        strcat(paddings, padding);
        convolutions++;
    }
    hpx_fields_set_counts(out, "model.filters", filters, convolutions);
    hpx_fields_set_counts(out, "model.kernel", kernel, convolutions);
    hpx_fields_set_counts(out, "model.stride", stride, convolutions);
    hpx_fields_set_text(out, "model.padding", paddings);
    hpx_fields_set_counts(out, "model.pool", pool, convolutions);
    hpx_fields_set_text(out, "model.pooling", "max");
    hpx_fields_set_counts(out, "model.hidden", hidden, units);
    hpx_fields_set_text(out, "model.activation", "relu");
    hpx_fields_set_real(out, "model.dropout", 0);
    hpx_fields_set_text(out, "model.init", "he");
    hpx_fields_set_text(out, "train.optimizer", "adam");
    hpx_fields_set_real(out, "train.rate", 0.001);
    hpx_fields_set_real(out, "train.weight-decay", 0);
    hpx_fields_set_text(out, "train.schedule", "constant");
    hpx_fields_set_count(out, "train.batch", BATCH);
    hpx_fields_set_real(out, "train.beta1", 0.9);
    hpx_fields_set_real(out, "train.beta2", 0.999);
    hpx_fields_set_real(out, "train.epsilon", 1e-8);
    hpx_fields_set_count(out, "seed", 1);
}

struct times {
    double end, last; /* of the last epoch: when it ended, and how long it took */
};

static hpx_status take_time(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct times *times = context;
    const double now = processor_seconds();
    (void)epoch, (void)error;
    times->last = now - times->end;
    times->end = now;
    return HPX_OK;
}

/* Of the second epoch with so many samples to train on and to evaluate. */
static double epoch_seconds(const hpx_fields *manifest, hpx_split split, uint32_t trained, uint32_t evaluated)
{
    struct times times = {0};
    hpx_error error;
    split.train.count = trained;
    split.test.count = evaluated;
    if (hpx_training_run(&hpx_model_cnn, manifest, &split, 0, 2, NULL, take_time, &times, &error))
        fail(error.message);
    return times.last;
}

static void answer(const char *what, hpx_samples samples, const hpx_sample_shape *sample, char *layers)
{
    const hpx_split split = {.shape = *sample, .train = samples, .test = samples};
    hpx_fields manifest = {0};
    hpx_cnn_shape shape;
    hpx_error error;
    describe(&manifest, layers);
    if (hpx_cnn_options_shape(&shape, &manifest, sample, &error))
        fail(error.message);
    /* An epoch trains at least a batch: it is taken off again. */
    const double seconds = strcmp(what, "train") == 0
                               ? epoch_seconds(&manifest, split, samples.count, 0)
                               : epoch_seconds(&manifest, split, BATCH, samples.count) -
                                     epoch_seconds(&manifest, split, BATCH, 0);
    printf("%.9g %" PRIu64 " %" PRIu64 "\n", seconds, hpx_cnn_multiplications(&shape),
           hpx_cnn_layer_multiplications(&shape, 0));
    hpx_fields_free(&manifest);
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
    hpx_dataset dataset;
    const hpx_samples mnist = open_mnist(&dataset);
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
        const hpx_sample_shape shape = {size * size * channels, CLASSES, size, size, channels};
        const bool drawn = size != 28 || channels != 1;
        hpx_samples samples = drawn ? draw_samples(count, shape.features) : mnist;
        if (count > samples.count)
            fail("there are not so many images");
        samples.count = count;
        answer(what, samples, &shape, line + used);
        fflush(stdout);
        if (drawn) {
            free((void *)samples.pixels);
            free((void *)samples.labels);
        }
    }
    hpx_dataset_close(&dataset);
    return 0;
}
