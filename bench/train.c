/* hpx's side of the training benchmark: whole epochs of the trainer on MNIST. For every line of standard
 * input,
 *
 *     N1 N2 adam|sgd BATCH SAMPLES EVALUATED
 *
 * it trains a network with these hidden layers for two epochs of so many training images, with so many more
 * evaluated after each (0: none), and answers with the seconds of the second epoch, the processor's and the
 * clock's. The former count little of what else the machine does, and nothing here waits. */
#include "base/memory.h"
#include "hpx/dataset.h"
#include "hpx/known.h"
#include "nn/mlp_model.h"
#include "nn/training.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char *what)
{
    fprintf(stderr, "bench/train: %s\n", what);
    exit(1);
}

static void open_mnist(hpx_dataset *out)
{
    const char *folder = getenv("HPX_DATA");
    const hpx_known_dataset *known = hpx_known_find("mnist");
    const char *paths[HPX_ROLES];
    hpx_error error;
    if (!folder || !*folder)
        folder = "cache/data";
    for (size_t role = 0; role < HPX_ROLES; role++)
        paths[role] = hpx_known_path(known, folder, role);
    if (hpx_known_fetch(known, folder, NULL, NULL, &error) || hpx_dataset_open(out, paths, &error))
        fail(error.message);
}

static void describe(hpx_fields *out, const uint64_t hidden[2], const char *optimizer, uint32_t batch)
{
    hpx_fields_set_counts(out, "model.hidden", hidden, 2);
    hpx_fields_set_text(out, "model.activation", "relu");
    hpx_fields_set_real(out, "model.dropout", 0);
    hpx_fields_set_text(out, "model.init", "he");
    hpx_fields_set_text(out, "train.optimizer", optimizer);
    hpx_fields_set_real(out, "train.rate", 0.001);
    hpx_fields_set_real(out, "train.weight-decay", 0);
    hpx_fields_set_text(out, "train.schedule", "constant");
    hpx_fields_set_count(out, "train.batch", batch);
    if (strcmp(optimizer, "adam") == 0) {
        hpx_fields_set_real(out, "train.beta1", 0.9);
        hpx_fields_set_real(out, "train.beta2", 0.999);
        hpx_fields_set_real(out, "train.epsilon", 1e-8);
    } else {
        hpx_fields_set_real(out, "train.momentum", 0);
        hpx_fields_set_text(out, "train.nesterov", "no");
    }
    hpx_fields_set_count(out, "seed", 1);
}

struct times {
    double last;            /* the processor's, at the end of the last epoch */
    double processor, wall; /* of the last epoch */
};

static hpx_status take_time(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct times *times = context;
    struct timespec now;
    (void)error;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    const double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    times->processor = seconds - times->last;
    times->last = seconds;
    times->wall = epoch->seconds;
    return HPX_OK;
}

int main(void)
{
    hpx_dataset mnist;
    char line[128], optimizer[8];
    uint64_t hidden[2];
    uint32_t batch, samples, evaluated;
    open_mnist(&mnist);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%" SCNu64 " %" SCNu64 " %7s %" SCNu32 " %" SCNu32 " %" SCNu32, &hidden[0],
                   &hidden[1], optimizer, &batch, &samples, &evaluated) != 6)
            fail("expected N1 N2 adam|sgd BATCH SAMPLES EVALUATED");
        const uint8_t *images = mnist.files[HPX_TRAIN_IMAGES].values,
                      *labels = mnist.files[HPX_TRAIN_LABELS].values;
        const uint32_t count = mnist.files[HPX_TRAIN_LABELS].count;
        if (samples > count || evaluated > count)
            fail("there are not so many images");
        const hpx_split split = {
            .shape = {mnist.features, mnist.classes, mnist.height, mnist.width, mnist.channels},
            .train = {images, labels, samples},
            .test = {images, labels, evaluated},
        };
        hpx_fields manifest = {0};
        hpx_error error;
        struct times times = {0};
        describe(&manifest, hidden, optimizer, batch);
        if (hpx_training_run(&hpx_model_mlp, &manifest, &split, 0, 2, NULL, take_time, &times, &error))
            fail(error.message);
        hpx_fields_free(&manifest);
        printf("%.9g %.9g\n", times.processor, times.wall);
        fflush(stdout);
    }
    hpx_dataset_close(&mnist);
    return 0;
}
