#include "nn/mlp_training.h"

#include "base/memory.h"
#include "base/random.h"
#include "hpx/file.h"
#include "mlp_options.h"
#include "nn/checkpoint.h"
#include "nn/matrix.h"
#include "nn/mlp.h"
#include "nn/optimizer.h"
#include "path.h"
#include "vector.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX ((uint64_t)1 << 31)
/* From these widths on sparse inputs pay: docs/training.md has the measurements. */
#define SPARSE_WIDTH            48
#define SPARSE_EVALUATION_WIDTH 16
#define SPARSE_BATCH            4096

/* A training in progress: all its memory is two blocks, allocated before the first step. */
typedef struct training {
    hpx_mlp_options options;
    const hpx_split *data;
    uint32_t batch, batches;        /* samples per step, steps per epoch */
    uint32_t evaluated;             /* samples of an evaluated batch */
    bool sparse, sparse_evaluation; /* inputs of batches to train by and to evaluate */
    hpx_checkpoint checkpoint;      /* describes `image` */
    uint8_t *image;                 /* a whole checkpoint: the network and the optimizer work inside it */
    float *work;                    /* batch buffers, order and labels */
    uint32_t *order;                /* the training samples, shuffled */
    uint8_t *labels;                /* of a training batch */
    hpx_mlp mlp;
    hpx_metric metrics[HPX_MLP_METRICS]; /* of the last epoch */
    float *states[HPX_OPTIMIZER_STATES_MAX];
    size_t parameters;
} training;

static float *image_array(const training *t, size_t index)
{
    return (float *)(void *)(t->image + hpx_checkpoint_offset(&t->checkpoint, index));
}

static size_t aligned(size_t floats)
{
    return (floats + 15) & ~(size_t)15;
}

static hpx_status allocate(training *t, hpx_error *error)
{
    const hpx_batches train = {t->batch, t->sparse}, evaluate = {t->evaluated, t->sparse_evaluation};
    const size_t buffers = hpx_mlp_attach(&t->mlp, NULL, train, evaluate);
    const size_t image = hpx_checkpoint_size(&t->checkpoint);
    const size_t order = aligned(t->data->train.count);
    const size_t work = buffers + order + aligned(t->batch);
    t->image = hpx_try_alloc(image, 1);
    t->work = t->image ? hpx_try_alloc(work, sizeof(float)) : NULL;
    if (!t->work)
        return hpx_error_set(
            error, HPX_NO_MEMORY,
            "out of memory: the network with %zu parameters needs %zu MiB; take smaller layers or "
            "batches, or fewer trials at once",
            t->parameters, ((image + work * sizeof(float)) >> 20) + 1);
    memset(t->image, 0,
           image); /* the optimizer begins with zeros, and a checkpoint has them between its arrays */
    memset(t->work, 0, work * sizeof(float));
    hpx_mlp_attach(&t->mlp, t->work, train, evaluate);
    t->mlp.parameters = image_array(t, 0);
    t->order = (uint32_t *)(void *)(t->work + buffers);
    t->labels = (uint8_t *)(t->order + order);
    for (size_t i = 0; i < t->checkpoint.states; i++)
        t->states[i] = image_array(t, i + 1);
    return HPX_OK;
}

/* The bound keeps every size a BLAS can take, and a mistyped layer from asking for all memory. */
static hpx_status check_size(const hpx_mlp_shape *shape, hpx_status otherwise, hpx_error *error)
{
    const uint64_t parameters = hpx_mlp_parameters(shape);
    if (parameters > PARAMETERS_MAX)
        return hpx_error_set(error, otherwise,
                             "the network has %" PRIu64 " weights and biases, and at most %" PRIu64
                             " are possible: take smaller hidden layers",
                             parameters, PARAMETERS_MAX);
    return HPX_OK;
}

/* Whether the first layer's products are made from nonzeros: at most a quarter of the pixels of the first
 * training samples, a thousand at most, are not zero, and the layer is not too narrow; for training, the batch
 * is not so large that its entries would need much memory. A function of what the manifest names: no machine
 * decides a bit. Evaluation gains from narrower layers on, for it has one product by a batch and not two. Its
 * bits are the same either way, but with plain vectors, which round the two kinds of products differently.
 * They do depend on the rows of an evaluated batch, for losses are added batch by batch. */
static void choose_inputs(training *t)
{
    const hpx_split *data = t->data;
    const uint32_t width = t->options.shape.sizes[1];
    const size_t pixels = (size_t)data->features * (data->train.count < 1000 ? data->train.count : 1000);
    size_t nonzeros = 0;
    for (size_t i = 0; i < pixels; i++)
        nonzeros += data->train.pixels[i] != 0;
    const bool full = nonzeros > pixels / 4 || data->features > UINT32_MAX / SPARSE_BATCH;
    const bool narrow = width < SPARSE_WIDTH;
    const bool large = t->batch > SPARSE_BATCH;
    hpx_path_take(hpx_path_inputs(full, narrow, large));
    t->sparse = !full && !narrow && !large;
    t->sparse_evaluation =
        hpx_vector_kind() == HPX_VECTOR_PLAIN ? t->sparse : !full && width >= SPARSE_EVALUATION_WIDTH;
    t->evaluated = t->sparse ? 192 : 128;
}

static hpx_checkpoint expected_checkpoint(const hpx_mlp_options *options, uint32_t epoch)
{
    return (hpx_checkpoint){
        .shape = options->shape,
        .optimizer = options->optimizer.kind,
        .states = (uint32_t)hpx_optimizer_states(&options->optimizer),
        .epoch = epoch,
    };
}

static hpx_status prepare(training *t, const hpx_fields *manifest, const hpx_split *data, hpx_error *error)
{
    hpx_status status = hpx_mlp_options_read(&t->options, manifest, data->features, data->classes, error);
    if (!status)
        status = check_size(&t->options.shape, HPX_DAMAGED, error);
    if (status)
        return status;
    if (data->train.count == 0)
        return hpx_error_set(error, HPX_FAILED, "there are no training samples");
    const hpx_mlp_options *o = &t->options;
    t->data = data;
    t->batch = o->batch < data->train.count ? o->batch : data->train.count;
    t->batches = (data->train.count - 1) / t->batch + 1;
    if (o->batch > t->batch)
        hpx_path_take(HPX_PATH_BATCH_OF_ALL);
    t->mlp = (hpx_mlp){.shape = o->shape, .activation = o->activation, .dropout = (float)o->dropout};
    choose_inputs(t);
    t->parameters = hpx_mlp_parameters(&o->shape);
    t->checkpoint = expected_checkpoint(o, 0);
    return allocate(t, error);
}

static hpx_status compare_checkpoint(const hpx_checkpoint *expected, const uint8_t *bytes, size_t size,
                                     hpx_error *error)
{
    hpx_checkpoint found;
    hpx_status status = hpx_checkpoint_parse(&found, bytes, size, error);
    if (status)
        return status;
    if (found.epoch != expected->epoch)
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: of epoch %u instead of %u", found.epoch,
                             expected->epoch);
    if (memcmp(&found.shape, &expected->shape, sizeof found.shape) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: of a network with other layers");
    if (found.optimizer != expected->optimizer || found.states != expected->states)
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: of another optimizer");
    return HPX_OK;
}

hpx_status hpx_mlp_check_checkpoint(const hpx_fields *manifest, uint32_t features, uint32_t classes,
                                    uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error)
{
    hpx_mlp_options options;
    const uint8_t *bytes;
    hpx_status status = hpx_mlp_options_read(&options, manifest, features, classes, error);
    if (!status)
        status = check_size(&options.shape, HPX_DAMAGED, error);
    if (status)
        return status;
    const hpx_checkpoint expected = expected_checkpoint(&options, epoch);
    status = hpx_blob_map(&bytes, checkpoint, error);
    if (!status)
        status = compare_checkpoint(&expected, bytes, checkpoint->size, error);
    hpx_blob_unmap(bytes, checkpoint->size);
    return status;
}

/* Continues from what an earlier run gave. */
static hpx_status restore(training *t, uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error)
{
    const uint8_t *bytes;
    t->checkpoint.epoch = epoch;
    hpx_status status = hpx_blob_map(&bytes, checkpoint, error);
    if (!status)
        status = compare_checkpoint(&t->checkpoint, bytes, checkpoint->size, error);
    if (!status)
        memcpy(t->image, bytes, checkpoint->size);
    hpx_blob_unmap(bytes, checkpoint->size);
    return status;
}

enum { TRAIN, VALIDATION, TEST };
const hpx_metric_kind hpx_mlp_metrics[HPX_MLP_METRICS] = {
    [2 * TRAIN] = {"train_loss", .minimised = true},
    [2 * TRAIN + 1] = {"train_accuracy"},
    [2 * VALIDATION] = {"validation_loss", true, .needs = "dataset.validation", .instead = "test_loss"},
    [2 * VALIDATION + 1] = {"validation_accuracy", .needs = "dataset.validation", .instead = "test_accuracy",
                            .heading = "validation"},
    [2 * TEST] = {"test_loss", .minimised = true},
    [2 * TEST + 1] = {"test_accuracy", .heading = "test"},
};

/* Sets the two metrics of one of the parts of the data; returns whether they are finite, or none. */
static bool set_means(training *t, int part, hpx_tally sums, uint32_t count)
{
    const double loss = count > 0 ? sums.loss / count : NAN;
    const double accuracy = count > 0 ? (double)sums.correct / count : NAN;
    t->metrics[2 * part] = (hpx_metric){hpx_mlp_metrics[2 * part].name, loss};
    t->metrics[2 * part + 1] = (hpx_metric){hpx_mlp_metrics[2 * part + 1].name, accuracy};
    return count == 0 || isfinite(loss);
}

static hpx_tally evaluate(training *t, const hpx_samples *samples)
{
    const uint32_t most = t->evaluated;
    hpx_tally sums = {0, 0};
    if (samples->count == 0)
        hpx_path_take(HPX_PATH_EVALUATE_NOTHING);
    for (uint32_t first = 0, rows; first < samples->count; first += rows) {
        rows = samples->count - first < most ? samples->count - first : most;
        hpx_path_take(rows == most ? HPX_PATH_EVALUATE_WHOLE : HPX_PATH_EVALUATE_REST);
        hpx_mlp_load(&t->mlp, t->sparse_evaluation, samples->pixels + (size_t)first * t->data->features, NULL,
                     rows, samples->count - first - rows);
        hpx_tally batch = hpx_mlp_evaluate(&t->mlp, samples->labels + first, rows);
        sums.loss += batch.loss;
        sums.correct += batch.correct;
    }
    return sums;
}

static bool all_finite(const float *values, size_t count)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++)
        bad |= !(fabsf(values[i]) <= FLT_MAX);
    return !bad;
}

/* What a step of the optimizer takes but the gradient. */
struct step {
    const training *training;
    double rate;
    uint64_t number; /* 1 for the first */
};

static void step_part(void *context, const hpx_gradient *part)
{
    const struct step *step = context;
    const training *t = step->training;
    hpx_optimizer_step(&t->options.optimizer, t->mlp.parameters, t->states, part, step->rate, step->number);
}

/* A step by the samples of a batch of the shuffled ones. */
static hpx_tally train_batch(training *t, uint32_t epoch, double rate, uint32_t batch)
{
    const hpx_samples *samples = &t->data->train;
    const uint32_t first = batch * t->batch;
    const uint32_t rows = samples->count - first < t->batch ? samples->count - first : t->batch;
    hpx_path_take(rows == t->batch ? HPX_PATH_BATCH_WHOLE : HPX_PATH_BATCH_REST);
    hpx_mlp_load(&t->mlp, t->sparse, samples->pixels, t->order + first, rows, samples->count - first - rows);
    for (uint32_t i = 0; i < rows; i++)
        t->labels[i] = samples->labels[t->order[first + i]];
    struct step step = {t, rate, (uint64_t)(epoch - 1) * t->batches + batch + 1};
    return hpx_mlp_gradient(&t->mlp, t->labels, rows, (hpx_mlp_draw){t->options.seed, epoch, first},
                            step_part, &step);
}

static const char loss_diverged[] = "the loss is no longer finite";

/* One pass over the shuffled training samples. Returns why the training failed, or NULL. */
static const char *train_epoch(training *t, uint32_t epoch)
{
    const hpx_samples *samples = &t->data->train;
    const double rate = hpx_schedule_rate(&t->options.schedule, epoch);
    hpx_tally sums = {0, 0};
    hpx_random_permutation(t->order, samples->count, t->options.seed, HPX_RANDOM_SHUFFLE, epoch);
    for (uint32_t batch = 0; batch < t->batches; batch++) {
        const hpx_tally now = train_batch(t, epoch, rate, batch);
        if (!isfinite(now.loss))
            return loss_diverged;
        sums.loss += now.loss;
        sums.correct += now.correct;
    }
    if (!all_finite(t->mlp.parameters, t->parameters))
        return "the weights are no longer finite";
    set_means(t, TRAIN, sums, samples->count);
    return NULL;
}

/* Finite weights can give logits, and so a loss, that are not. */
static const char *evaluate_both(training *t)
{
    const hpx_samples *validation = &t->data->validation, *test = &t->data->test;
    const bool finite = set_means(t, VALIDATION, evaluate(t, validation), validation->count);
    return set_means(t, TEST, evaluate(t, test), test->count) && finite ? NULL : loss_diverged;
}

static hpx_status write_checkpoint(hpx_blob *out, training *t, uint32_t epoch, hpx_error *error)
{
    t->checkpoint.epoch = epoch;
    hpx_checkpoint_write_header(t->image, &t->checkpoint);
    hpx_status status = hpx_blob_from_bytes(out, t->image, hpx_checkpoint_size(&t->checkpoint), error);
    return status ? hpx_error_prefix(error, "its checkpoint") : HPX_OK;
}

static hpx_status run_epoch(training *t, hpx_epoch *done, hpx_epoch_fn *on_epoch, void *context,
                            hpx_error *error)
{
    const double start = hpx_clock_seconds();
    const uint32_t epoch = done->epoch;
    done->failure = train_epoch(t, epoch);
    if (!done->failure)
        done->failure = evaluate_both(t);
    done->seconds = hpx_clock_seconds() - start;
    done->metrics = (hpx_metrics){t->metrics, done->failure ? 0 : HPX_MLP_METRICS};
    hpx_status status = done->failure ? HPX_OK : write_checkpoint(&done->checkpoint, t, epoch, error);
    if (!status)
        status = on_epoch(context, done, error);
    hpx_blob_close(&done->checkpoint);
    return status;
}

hpx_status hpx_mlp_train(const hpx_fields *manifest, const hpx_split *data, uint32_t from, uint32_t to,
                         const hpx_blob *checkpoint, hpx_epoch_fn *on_epoch, void *context, hpx_error *error)
{
    assert(from <= to);
    training t = {0};
    hpx_blas_single_thread();
    hpx_status status = prepare(&t, manifest, data, error);
    if (!status && t.options.schedule.kind == HPX_COSINE && to > t.options.schedule.last_epoch)
        status = hpx_error_set(error, HPX_DAMAGED, "manifest: last-epoch is %u, but epoch %u is asked for",
                               t.options.schedule.last_epoch, to);
    if (!status && from > 0)
        status = restore(&t, from, checkpoint, error);
    else if (!status)
        hpx_mlp_init(&t.mlp, t.options.init, t.options.seed);
    hpx_epoch done = HPX_EPOCH(from);
    while (done.epoch < to && !done.failure && !status) {
        done.epoch++;
        status = run_epoch(&t, &done, on_epoch, context, error);
    }
    free(t.work);
    free(t.image);
    return status;
}

/* So many of the samples that an evaluation by batches of `rows` has one whole batch and the same rest. */
static hpx_samples one_batch(hpx_samples samples, uint32_t rows)
{
    if (samples.count > rows)
        samples.count = rows + samples.count % rows;
    return samples;
}

/* Takes every kind of batch once, with whatever numbers come of it. */
hpx_status hpx_mlp_paths(hpx_paths *out, const hpx_fields *manifest, const hpx_split *data, uint32_t epochs,
                         hpx_error *error)
{
    training t = {0};
    hpx_paths_taken = (hpx_paths){0};
    hpx_blas_single_thread();
    hpx_status status = prepare(&t, manifest, data, error);
    if (!status) {
        const hpx_samples validation = one_batch(data->validation, t.evaluated),
                          test = one_batch(data->test, t.evaluated);
        double rate = hpx_schedule_rate(&t.options.schedule, 1);
        hpx_mlp_init(&t.mlp, t.options.init, t.options.seed);
        evaluate(&t, &validation);
        evaluate(&t, &test);
        for (uint32_t i = 0; i < data->train.count; i++)
            t.order[i] = i;
        train_batch(&t, 1, rate, 0);
        rate = hpx_schedule_rate(&t.options.schedule, epochs);
        train_batch(&t, epochs, rate, t.batches - 1);
    }
    free(t.work);
    free(t.image);
    *out = hpx_paths_taken;
    return status;
}

hpx_status hpx_mlp_check(const hpx_fields *settings, uint32_t features, uint32_t classes, hpx_error *error)
{
    hpx_mlp_shape shape;
    hpx_mlp_options_shape(&shape, settings, features, classes);
    return check_size(&shape, HPX_USAGE, error);
}
