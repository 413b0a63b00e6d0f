#include "nn/training.h"

#include "base/memory.h"
#include "base/random.h"
#include "hpx/file.h"
#include "nn/checkpoint.h"
#include "nn/matrix.h"
#include "nn/optimizer.h"
#include "nn/options.h"
#include "path.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX ((uint64_t)1 << 31)

/* A training in progress: all its memory is three blocks, allocated before the first step. */
typedef struct training {
    const hpx_model *model;
    hpx_options options;
    const hpx_split *data;
    uint32_t batch, batches;   /* samples per step, steps per epoch */
    uint32_t evaluated;        /* samples of an evaluated batch */
    hpx_checkpoint checkpoint; /* describes `image` */
    void *network;             /* the model's */
    uint8_t *image;            /* a whole checkpoint: the network and the optimizer work inside it */
    float *work;               /* batch buffers, order and labels */
    uint32_t *order;           /* the training samples, shuffled */
    uint8_t *labels;           /* of a training batch */
    hpx_metric metrics[HPX_TRAINING_METRICS]; /* of the last epoch */
    float *parameters, *states[HPX_OPTIMIZER_STATES_MAX];
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
    const size_t buffers = t->model->attach(t->network, NULL, NULL, t->batch, t->evaluated);
    const size_t image = hpx_checkpoint_size(&t->checkpoint);
    const size_t order = aligned(t->data->train.count);
    const size_t work = buffers + order + aligned(t->batch);
    t->image = hpx_try_alloc(image, 1);
    t->work = t->image ? hpx_try_alloc(work, sizeof(float)) : NULL;
    if (!t->work)
        return hpx_error_set(error, HPX_NO_MEMORY,
                             "out of memory: the network with %" PRIu64
                             " parameters needs %zu MiB; take smaller layers or "
                             "batches, or fewer trials at once",
                             t->checkpoint.parameters, ((image + work * sizeof(float)) >> 20) + 1);
    memset(t->image, 0,
           image); /* the optimizer begins with zeros, and a checkpoint has them between its arrays */
    memset(t->work, 0, work * sizeof(float));
    t->parameters = image_array(t, 0);
    t->model->attach(t->network, t->parameters, t->work, t->batch, t->evaluated);
    t->order = (uint32_t *)(void *)(t->work + buffers);
    t->labels = (uint8_t *)(t->order + order);
    for (size_t i = 0; i < t->checkpoint.states; i++)
        t->states[i] = image_array(t, i + 1);
    return HPX_OK;
}

static void release(training *t)
{
    free(t->work);
    free(t->image);
    free(t->network);
}

/* The network of checked settings, and what its checkpoints say of it. The bound keeps every size a BLAS can take, and
 * a mistyped layer from asking for all memory. */
static hpx_status make_network(void **network, hpx_checkpoint *description, const hpx_model *model,
                               const hpx_fields *settings, const hpx_sample_shape *samples, hpx_error *error)
{
    *network = hpx_alloc(model->bytes);
    hpx_status status = model->shape(*network, settings, samples, error);
    if (status)
        return status;
    model->describe(description, *network);
    if (description->parameters > PARAMETERS_MAX)
        return hpx_error_set(error, HPX_USAGE,
                             "the network has %" PRIu64 " weights and biases, and at most %" PRIu64
                             " are possible: take smaller values",
                             description->parameters, PARAMETERS_MAX);
    return HPX_OK;
}

hpx_status hpx_training_check(const hpx_model *model, const hpx_fields *settings,
                              const hpx_sample_shape *samples, hpx_error *error)
{
    void *network;
    hpx_checkpoint ignored = {0};
    hpx_status status = make_network(&network, &ignored, model, settings, samples, error);
    free(network);
    return status;
}

/* The network that a manifest names, and the checkpoints that its training writes. */
static hpx_status read_manifest(training *t, const hpx_model *model, const hpx_fields *manifest,
                                const hpx_sample_shape *samples, hpx_error *error)
{
    *t = (training){.model = model};
    hpx_status status = hpx_options_read(&t->options, model->settings, model->setting_count, manifest, error);
    if (!status && make_network(&t->network, &t->checkpoint, model, manifest, samples, error))
        status = error->status = HPX_DAMAGED;
    t->checkpoint.optimizer = t->options.optimizer.kind;
    t->checkpoint.states = (uint32_t)hpx_optimizer_states(&t->options.optimizer);
    return status;
}

static hpx_status prepare(training *t, const hpx_model *model, const hpx_fields *manifest,
                          const hpx_split *data, hpx_error *error)
{
    hpx_status status = read_manifest(t, model, manifest, &data->shape, error);
    if (status)
        return status;
    if (data->train.count == 0)
        return hpx_error_set(error, HPX_FAILED, "there are no training samples");
    const uint32_t batch = t->options.batch;
    t->data = data;
    t->batch = batch < data->train.count ? batch : data->train.count;
    t->batches = (data->train.count - 1) / t->batch + 1;
    if (batch > t->batch)
        hpx_path_take(HPX_PATH_BATCH_OF_ALL);
    t->evaluated = model->choose(t->network, &t->options, data, t->batch);
    return allocate(t, error);
}

static bool same_network(const hpx_checkpoint *a, const hpx_checkpoint *b)
{
    return a->version == b->version && a->count == b->count && a->parameters == b->parameters &&
           memcmp(a->numbers, b->numbers, a->count * sizeof *a->numbers) == 0;
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
    if (!same_network(&found, expected))
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: of a network with other layers");
    if (found.optimizer != expected->optimizer || found.states != expected->states)
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: of another optimizer");
    return HPX_OK;
}

/* Continues from what an earlier run gave; without an image it is only looked at. */
static hpx_status restore(training *t, uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error)
{
    const uint8_t *bytes;
    t->checkpoint.epoch = epoch;
    hpx_status status = hpx_blob_map(&bytes, checkpoint, error);
    if (!status)
        status = compare_checkpoint(&t->checkpoint, bytes, checkpoint->size, error);
    if (!status && t->image)
        memcpy(t->image, bytes, checkpoint->size);
    hpx_blob_unmap(bytes, checkpoint->size);
    return status;
}

hpx_status hpx_training_check_checkpoint(const hpx_model *model, const hpx_fields *manifest,
                                         const hpx_sample_shape *samples, uint32_t epoch,
                                         const hpx_blob *checkpoint, hpx_error *error)
{
    training t;
    hpx_status status = read_manifest(&t, model, manifest, samples, error);
    if (!status)
        status = restore(&t, epoch, checkpoint, error);
    release(&t);
    return status;
}

enum { TRAIN, VALIDATION, TEST };
const hpx_metric_kind hpx_training_metrics[HPX_TRAINING_METRICS] = {
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
    t->metrics[2 * part] = (hpx_metric){hpx_training_metrics[2 * part].name, loss};
    t->metrics[2 * part + 1] = (hpx_metric){hpx_training_metrics[2 * part + 1].name, accuracy};
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
        t->model->load(t->network, false, samples->pixels + (size_t)first * t->data->shape.features, NULL,
                       rows, samples->count - first - rows);
        hpx_tally batch = t->model->evaluate(t->network, samples->labels + first, rows);
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
    hpx_optimizer_step(&t->options.optimizer, t->parameters, t->states, part, step->rate, step->number);
}

/* A step by the samples of a batch of the shuffled ones. */
static hpx_tally train_batch(training *t, uint32_t epoch, double rate, uint32_t batch)
{
    const hpx_samples *samples = &t->data->train;
    const uint32_t first = batch * t->batch;
    const uint32_t rows = samples->count - first < t->batch ? samples->count - first : t->batch;
    hpx_path_take(rows == t->batch ? HPX_PATH_BATCH_WHOLE : HPX_PATH_BATCH_REST);
    t->model->load(t->network, true, samples->pixels, t->order + first, rows, samples->count - first - rows);
    for (uint32_t i = 0; i < rows; i++)
        t->labels[i] = samples->labels[t->order[first + i]];
    struct step step = {t, rate, (uint64_t)(epoch - 1) * t->batches + batch + 1};
    return t->model->gradient(t->network, t->labels, rows, (hpx_mlp_draw){t->options.seed, epoch, first},
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
    if (!all_finite(t->parameters, t->checkpoint.parameters))
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
    done->metrics = (hpx_metrics){t->metrics, done->failure ? 0 : HPX_TRAINING_METRICS};
    hpx_status status = done->failure ? HPX_OK : write_checkpoint(&done->checkpoint, t, epoch, error);
    if (!status)
        status = on_epoch(context, done, error);
    hpx_blob_close(&done->checkpoint);
    return status;
}

hpx_status hpx_training_run(const hpx_model *model, const hpx_fields *manifest, const hpx_split *data,
                            uint32_t from, uint32_t to, const hpx_blob *checkpoint, hpx_epoch_fn *on_epoch,
                            void *context, hpx_error *error)
{
    assert(from <= to);
    training t;
    hpx_blas_single_thread();
    hpx_status status = prepare(&t, model, manifest, data, error);
    if (!status && t.options.schedule.kind == HPX_COSINE && to > t.options.schedule.last_epoch)
        status = hpx_error_set(error, HPX_DAMAGED, "manifest: last-epoch is %u, but epoch %u is asked for",
                               t.options.schedule.last_epoch, to);
    if (!status && from > 0)
        status = restore(&t, from, checkpoint, error);
    else if (!status)
        model->init(t.network, t.options.init, t.options.seed);
    hpx_epoch done = HPX_EPOCH(from);
    while (done.epoch < to && !done.failure && !status) {
        done.epoch++;
        status = run_epoch(&t, &done, on_epoch, context, error);
    }
    release(&t);
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
hpx_status hpx_training_paths(hpx_paths *out, const hpx_model *model, const hpx_fields *manifest,
                              const hpx_split *data, uint32_t epochs, hpx_error *error)
{
    training t;
    hpx_paths_taken = (hpx_paths){0};
    hpx_blas_single_thread();
    hpx_status status = prepare(&t, model, manifest, data, error);
    if (!status) {
        const hpx_samples validation = one_batch(data->validation, t.evaluated),
                          test = one_batch(data->test, t.evaluated);
        double rate = hpx_schedule_rate(&t.options.schedule, 1);
        model->init(t.network, t.options.init, t.options.seed);
        evaluate(&t, &validation);
        evaluate(&t, &test);
        for (uint32_t i = 0; i < data->train.count; i++)
            t.order[i] = i;
        train_batch(&t, 1, rate, 0);
        rate = hpx_schedule_rate(&t.options.schedule, epochs);
        train_batch(&t, epochs, rate, t.batches - 1);
    }
    release(&t);
    *out = hpx_paths_taken;
    return status;
}
