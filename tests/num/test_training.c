/* Training as a whole: it learns, it is deterministic, and interruptions cannot be seen in what it gives. */
#include "../helper/gradient.h"
#include "../helper/helper.h"
#include "../helper/samples.h"
#include "base/random.h"
#include "hpx/buffer.h"
#include "hpx/trainer.h"
#include "nn/checkpoint.h"
#include "nn/mlp.h"
#include "nn/mlp_model.h"
#include "nn/optimizer.h"
#include "nn/training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

enum { FEATURES = 12, CLASSES = 4, TRAIN = 203, OTHER = 300, EPOCHS = 12 };

static uint8_t pixels[TRAIN + 2 * OTHER][FEATURES], labels[TRAIN + 2 * OTHER];

/* Every class has a prototype; a sample is halfway between it and noise. */
static int make_samples(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TRAIN + 2 * OTHER; i++) {
        labels[i] = (uint8_t)(i % CLASSES);
        for (uint32_t j = 0; j < FEATURES; j++) {
            uint32_t own[4], noise[4];
            hpx_random(own, 1, 1, labels[i], 0, j);
            hpx_random(noise, 1, 2, i, 0, j);
            pixels[i][j] = (uint8_t)((own[0] % 256 + noise[0] % 256) / 2);
        }
    }
    return 0;
}

static hpx_split make_split(void)
{
    return (hpx_split){
        .shape = {FEATURES, CLASSES, 1, FEATURES, 1},
        .train = {pixels[0], labels, TRAIN},
        .validation = {pixels[TRAIN], labels + TRAIN, OTHER},
        .test = {pixels[TRAIN + OTHER], labels + TRAIN + OTHER, OTHER},
    };
}

static hpx_fields make_manifest(void)
{
    return mlp_manifest((const uint64_t[]){10, 8}, 2);
}

/* What a run gave, epoch by epoch. */
struct record {
    uint32_t epochs;
    hpx_metrics metrics[EPOCHS + 1];
    hpx_buffer checkpoints[EPOCHS + 1];
    uint32_t stop_after;
    const char *failure;
};

static hpx_status keep(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    struct record *record = context;
    record->epochs++;
    if (epoch->failure) {
        assert_null(record->failure);
        assert_int_equal(epoch->checkpoint.fd, -1);
        assert_int_equal(epoch->metrics.count, 0);
        record->failure = epoch->failure;
    }
    record->metrics[epoch->epoch] = hpx_metrics_copy(&epoch->metrics);
    assert_int_equal(record->checkpoints[epoch->epoch].size, 0);
    add_blob(&record->checkpoints[epoch->epoch], &epoch->checkpoint);
    assert_true(epoch->seconds >= 0);
    if (epoch->epoch == record->stop_after)
        return hpx_error_set(error, HPX_INTERRUPTED, "stop");
    return HPX_OK;
}

static void forget(struct record *record)
{
    for (size_t i = 0; i <= EPOCHS; i++) {
        hpx_buffer_free(&record->checkpoints[i]);
        hpx_metrics_free(&record->metrics[i]);
    }
    *record = (struct record){0};
}

static hpx_status train(struct record *record, const hpx_fields *manifest, const hpx_split *split,
                        uint32_t from, uint32_t to, const hpx_buffer *checkpoint, hpx_error *error)
{
    hpx_blob blob = checkpoint ? blob_of(checkpoint->data, checkpoint->size) : HPX_NO_BLOB;
    hpx_status status =
        hpx_training_run(&hpx_model_mlp, manifest, split, from, to, &blob, keep, record, error);
    hpx_blob_close(&blob);
    return status;
}

static void train_well(struct record *record, const hpx_fields *manifest, const hpx_split *split,
                       uint32_t from, uint32_t to, const hpx_buffer *checkpoint)
{
    hpx_error error = {0};
    if (train(record, manifest, split, from, to, checkpoint, &error))
        fail_msg("%s", error.message);
    assert_int_equal(record->epochs, to - from);
}

static bool same_metrics(const hpx_metrics *a, const hpx_metrics *b)
{
    const hpx_hash left = hpx_output_hash(a, NULL, 0), right = hpx_output_hash(b, NULL, 0);
    return hpx_metrics_same_names(a, b) && hpx_hash_equal(&left, &right);
}

static void assert_same_epoch(const struct record *a, const struct record *b, uint32_t epoch)
{
    assert_int_equal(a->checkpoints[epoch].size, b->checkpoints[epoch].size);
    assert_memory_equal(a->checkpoints[epoch].data, b->checkpoints[epoch].data, a->checkpoints[epoch].size);
    assert_true(same_metrics(&a->metrics[epoch], &b->metrics[epoch]));
}

static void test_learns(void **state)
{
    hpx_fields manifest = make_manifest();
    const hpx_split split = make_split();
    struct record record = {0}, again = {0};
    (void)state;
    train_well(&record, &manifest, &split, 0, EPOCHS, NULL);
    const hpx_metrics *first = &record.metrics[1], *last = &record.metrics[EPOCHS];
    assert_true(hpx_metrics_value(first, "train_accuracy") < 0.5 &&
                hpx_metrics_value(last, "train_accuracy") > 0.9);
    assert_true(hpx_metrics_value(last, "validation_accuracy") > 0.9 &&
                hpx_metrics_value(last, "test_accuracy") > 0.9);
    assert_true(hpx_metrics_value(last, "train_loss") < hpx_metrics_value(first, "train_loss") / 2);
    assert_true(hpx_metrics_value(last, "validation_loss") <
                    hpx_metrics_value(first, "validation_loss") / 2 &&
                hpx_metrics_value(last, "test_loss") < hpx_metrics_value(first, "test_loss") / 2);
    train_well(&again, &manifest, &split, 0, EPOCHS, NULL);
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
        assert_same_epoch(&record, &again, epoch);
    forget(&record);
    forget(&again);
    hpx_fields_free(&manifest);
}

static void use_sgd(hpx_fields *m, double momentum, const char *nesterov)
{
    hpx_fields_set_text(m, "train.optimizer", "sgd");
    hpx_fields_set_real(m, "train.rate", 0.1);
    hpx_fields_set_real(m, "train.momentum", momentum);
    hpx_fields_set_text(m, "train.nesterov", nesterov);
}

static void vary_nothing(hpx_fields *m)
{
    (void)m;
}

static void vary_dropout(hpx_fields *m)
{
    hpx_fields_set_real(m, "model.dropout", 0.3);
    hpx_fields_set_text(m, "model.activation", "gelu");
}

static void vary_sgd(hpx_fields *m)
{
    use_sgd(m, 0, "no");
    hpx_fields_set_real(m, "train.weight-decay", 1e-3);
}

static void vary_momentum(hpx_fields *m)
{
    use_sgd(m, 0.9, "no");
    hpx_fields_set_text(m, "model.activation", "tanh");
}

static void vary_nesterov(hpx_fields *m)
{
    use_sgd(m, 0.9, "yes");
    hpx_fields_set_text(m, "model.activation", "sigmoid");
    hpx_fields_set_real(m, "model.dropout", 0.1);
}

static void vary_steps(hpx_fields *m)
{
    hpx_fields_set_text(m, "train.schedule", "step");
    hpx_fields_set_count(m, "train.step-epochs", 2);
    hpx_fields_set_real(m, "train.step-factor", 0.3);
}

static void vary_cosine(hpx_fields *m)
{
    hpx_fields_set_text(m, "train.schedule", "cosine");
    hpx_fields_set_count(m, "last-epoch", EPOCHS);
    hpx_fields_set_text(m, "model.init", "glorot");
}

static void vary_batch(hpx_fields *m)
{
    hpx_fields_set_count(m, "train.batch", 1000000);
    hpx_fields_set_counts(m, "model.hidden", (const uint64_t[]){9}, 1);
}

static void (*const variations[])(hpx_fields *) = {vary_nothing,  vary_dropout, vary_sgd,    vary_momentum,
                                                   vary_nesterov, vary_steps,   vary_cosine, vary_batch};
enum { VARIATIONS = sizeof variations / sizeof *variations };

/* Every variation is trained at once, then to every epoch and on from there. */
static void test_resumes_bit_for_bit(void **state)
{
    const hpx_split split = make_split();
    struct record whole[VARIATIONS] = {0}, parts = {0};
    (void)state;
    for (size_t v = 0; v < VARIATIONS; v++) {
        hpx_fields manifest = make_manifest();
        variations[v](&manifest);
        train_well(&whole[v], &manifest, &split, 0, EPOCHS, NULL);
        for (uint32_t at = 1; at < EPOCHS; at++) {
            train_well(&parts, &manifest, &split, 0, at, NULL);
            parts.epochs = 0;
            train_well(&parts, &manifest, &split, at, EPOCHS, &parts.checkpoints[at]);
            for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
                assert_same_epoch(&whole[v], &parts, epoch);
            forget(&parts);
        }
        hpx_fields_free(&manifest);
    }
    /* The variations do vary something. */
    for (size_t v = 1; v < VARIATIONS; v++)
        assert_true(!same_metrics(&whole[0].metrics[EPOCHS], &whole[v].metrics[EPOCHS]));
    for (size_t v = 0; v < VARIATIONS; v++)
        forget(&whole[v]);
}

/* Each of these fields decides a bit. */
static void test_settings_matter(void **state)
{
    static const struct {
        size_t variation;
        const char *name;
        double value; /* of a real or a count */
        const char *text;
    } changes[] = {
        {0, "seed", 2, NULL},
        {0, "train.rate", 0.011, NULL},
        {0, "train.weight-decay", 0.1, NULL},
        {0, "train.batch", 21, NULL},
        {0, "train.beta1", 0.8, NULL},
        {0, "train.beta2", 0.99, NULL},
        {0, "train.epsilon", 1e-3, NULL},
        {0, "model.dropout", 0.2, NULL},
        {0, "model.init", 0, "glorot"},
        {0, "model.activation", 0, "gelu"},
        {2, "train.momentum", 0.5, NULL},
        {3, "train.nesterov", 0, "yes"},
        {5, "train.step-epochs", 1, NULL},
        {5, "train.step-factor", 0.5, NULL},
        {6, "last-epoch", 7, NULL},
    };
    const hpx_split split = make_split();
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        hpx_fields manifest = make_manifest();
        struct record before = {0}, after = {0};
        variations[changes[i].variation](&manifest);
        train_well(&before, &manifest, &split, 0, 4, NULL);
        const hpx_field *field = hpx_fields_find(&manifest, changes[i].name);
        assert_non_null(field);
        if (field->type == HPX_FIELD_TEXT)
            hpx_fields_set_text(&manifest, changes[i].name, changes[i].text);
        else if (field->type == HPX_FIELD_COUNT)
            hpx_fields_set_count(&manifest, changes[i].name, (uint64_t)changes[i].value);
        else
            hpx_fields_set_real(&manifest, changes[i].name, changes[i].value);
        train_well(&after, &manifest, &split, 0, 4, NULL);
        if (same_metrics(&before.metrics[4], &after.metrics[4]))
            fail_msg("%s decides nothing", changes[i].name);
        forget(&before);
        forget(&after);
        hpx_fields_free(&manifest);
    }
}

/* The batches of an epoch cover the training set once, whatever its size: with a rate so small that no weight
 * moves, the training loss is that of the initial weights, which the same samples given as validation set
 * also have. */
static void test_batches_cover_the_epoch(void **state)
{
    static const uint64_t batches[] = {1, 2, 20, 202, 203, 204, 1048576};
    hpx_split split = make_split();
    (void)state;
    split.validation = split.train;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        hpx_fields manifest = make_manifest();
        struct record record = {0};
        use_sgd(&manifest, 0, "no");
        hpx_fields_set_real(&manifest, "train.rate", 1e-30);
        hpx_fields_set_count(&manifest, "train.batch", batches[i]);
        train_well(&record, &manifest, &split, 0, 1, NULL);
        const hpx_metrics *m = &record.metrics[1];
        assert_true(fabs(hpx_metrics_value(m, "train_loss") - hpx_metrics_value(m, "validation_loss")) <
                    1e-6);
        assert_true(hpx_metrics_value(m, "train_accuracy") == hpx_metrics_value(m, "validation_accuracy"));
        forget(&record);
        hpx_fields_free(&manifest);
    }
}

/* Data at odd addresses, as in a mapped file behind a header, gives the same bits. */
static void test_alignment_of_data(void **state)
{
    static uint8_t shifted[sizeof pixels + 64];
    hpx_fields manifest = make_manifest();
    hpx_split split = make_split();
    struct record even = {0}, odd = {0};
    (void)state;
    train_well(&even, &manifest, &split, 0, 2, NULL);
    for (size_t shift = 1; shift < 64; shift += 13) {
        memcpy(shifted + shift, pixels, sizeof pixels);
        split.train.pixels = shifted + shift;
        split.validation.pixels = split.train.pixels + TRAIN * FEATURES;
        split.test.pixels = split.validation.pixels + OTHER * FEATURES;
        train_well(&odd, &manifest, &split, 0, 2, NULL);
        assert_same_epoch(&even, &odd, 2);
        forget(&odd);
    }
    forget(&even);
    hpx_fields_free(&manifest);
}

static void test_no_validation(void **state)
{
    hpx_fields manifest = make_manifest();
    hpx_split split = make_split();
    struct record record = {0}, with = {0};
    (void)state;
    train_well(&with, &manifest, &split, 0, 2, NULL);
    split.validation = (hpx_samples){0};
    train_well(&record, &manifest, &split, 0, 2, NULL);
    assert_true(isnan(hpx_metrics_value(&record.metrics[2], "validation_loss")) &&
                isnan(hpx_metrics_value(&record.metrics[2], "validation_accuracy")));
    assert_true(hpx_metrics_value(&record.metrics[2], "test_loss") ==
                hpx_metrics_value(&with.metrics[2], "test_loss"));
    assert_memory_equal(record.checkpoints[2].data, with.checkpoints[2].data, with.checkpoints[2].size);
    forget(&record);
    forget(&with);
    hpx_fields_free(&manifest);
}

/* Three epochs put together here from the parts, as docs/training.md says them: the same bits. */
static void test_does_what_it_says(void **state)
{
    enum { BATCH = 20, HIDDEN = 10, PARAMETERS = (FEATURES + 1) * HIDDEN + (HIDDEN + 1) * CLASSES };
    const hpx_optimizer adam = {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    static float parameters[PARAMETERS], gradients[PARAMETERS], first[PARAMETERS], second[PARAMETERS];
    float *const states[] = {first, second};
    hpx_mlp mlp = {.shape = {2, {FEATURES, HIDDEN, CLASSES}}, .dropout = 0.25f};
    hpx_fields manifest = make_manifest();
    const hpx_split split = make_split();
    struct record record = {0};
    hpx_checkpoint parsed;
    hpx_error error;
    (void)state;
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){HIDDEN}, 1);
    hpx_fields_set_real(&manifest, "model.dropout", 0.25);
    hpx_fields_set_count(&manifest, "seed", 42);
    train_well(&record, &manifest, &split, 0, 3, NULL);

    float *block =
        malloc(hpx_mlp_attach(&mlp, NULL, (hpx_batches){.rows = BATCH}, (hpx_batches){0}) * sizeof *block);
    assert_non_null(block);
    hpx_mlp_attach(&mlp, block, (hpx_batches){.rows = BATCH}, (hpx_batches){0});
    mlp.parameters = parameters;
    hpx_mlp_init(&mlp, HPX_INIT_HE, 42);
    const hpx_gradient whole = whole_gradient(gradients, PARAMETERS);
    uint64_t step = 0;
    for (uint32_t epoch = 1; epoch <= 3; epoch++) {
        uint32_t order[TRAIN];
        hpx_random_permutation(order, TRAIN, 42, HPX_RANDOM_SHUFFLE, epoch);
        for (uint32_t start = 0; start < TRAIN; start += BATCH) {
            const uint32_t rows = TRAIN - start < BATCH ? TRAIN - start : BATCH;
            uint8_t batch_labels[BATCH];
            for (uint32_t i = 0; i < rows; i++) {
                batch_labels[i] = labels[order[start + i]];
                for (uint32_t j = 0; j < FEATURES; j++)
                    mlp.inputs[i * FEATURES + j] = (float)pixels[order[start + i]][j] * (1 / 255.0f);
            }
            hpx_mlp_gradient(&mlp, batch_labels, rows, (hpx_mlp_draw){42, epoch, start}, gather_gradient,
                             gradients);
            hpx_optimizer_step(&adam, parameters, states, &whole, 0.01, ++step);
        }
    }
    const hpx_buffer *last = &record.checkpoints[3];
    assert_int_equal(hpx_checkpoint_parse(&parsed, last->data, last->size, &error), HPX_OK);
    assert_memory_equal(last->data + hpx_checkpoint_offset(&parsed, 0), parameters, sizeof parameters);
    assert_memory_equal(last->data + hpx_checkpoint_offset(&parsed, 1), first, sizeof first);
    assert_memory_equal(last->data + hpx_checkpoint_offset(&parsed, 2), second, sizeof second);
    free(block);
    forget(&record);
    hpx_fields_free(&manifest);
}

static void test_divergence(void **state)
{
    hpx_fields manifest = make_manifest();
    const hpx_split split = make_split();
    struct record record = {0};
    hpx_error error = {0};
    (void)state;
    use_sgd(&manifest, 0.9, "no");
    hpx_fields_set_real(&manifest, "train.rate", 1000);
    hpx_fields_set_real(&manifest, "train.weight-decay", 1);
    assert_int_equal(train(&record, &manifest, &split, 0, EPOCHS, NULL, &error), HPX_OK);
    assert_in_range(record.epochs, 1, EPOCHS - 1);
    assert_string_equal(record.failure, "the loss is no longer finite");
    forget(&record);
    hpx_fields_free(&manifest);
}

enum { HIDDEN = 9, FIRST_BIASES = FEATURES * HIDDEN, LAST_WEIGHTS = FIRST_BIASES + HIDDEN };
enum { PARAMETERS = LAST_WEIGHTS + (HIDDEN + 1) * CLASSES };

/* The second epoch of a network with one hidden layer, begun with these parameters: it fails. */
static void fail_with(const float parameters[PARAMETERS], double decay, const hpx_split *split,
                      const char *failure)
{
    hpx_fields manifest = make_manifest();
    const hpx_split well = make_split();
    struct record record = {0};
    hpx_checkpoint parsed;
    hpx_error error = {0};
    use_sgd(&manifest, 0, "no");
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){HIDDEN}, 1);
    hpx_fields_set_count(&manifest, "train.batch", TRAIN);
    train_well(&record, &manifest, &well, 0, 1, NULL);
    hpx_buffer *checkpoint = &record.checkpoints[1];
    assert_int_equal(hpx_checkpoint_parse(&parsed, checkpoint->data, checkpoint->size, &error), HPX_OK);
    assert_int_equal(parsed.parameters, PARAMETERS);
    memcpy(checkpoint->data + hpx_checkpoint_offset(&parsed, 0), parameters, PARAMETERS * sizeof *parameters);
    hpx_fields_set_real(&manifest, "train.rate", 1);
    hpx_fields_set_real(&manifest, "train.weight-decay", decay);
    assert_int_equal(train(&record, &manifest, split, 1, EPOCHS, checkpoint, &error), HPX_OK);
    assert_non_null(record.failure);
    assert_string_equal(record.failure, failure);
    assert_int_equal(record.epochs, 2);
    forget(&record);
    hpx_fields_free(&manifest);
}

/* The loss can be finite when the weights no longer are: with no hidden unit alive the last weights, here
 * 1e36, do not reach the logits, and weight decay times the rate multiplies them by -999. */
static void test_divergence_of_weights(void **state)
{
    const hpx_split split = make_split();
    float parameters[PARAMETERS] = {0};
    (void)state;
    for (size_t i = FIRST_BIASES; i < LAST_WEIGHTS + HIDDEN * CLASSES; i++)
        parameters[i] = i < LAST_WEIGHTS ? -1 : 1e36f;
    fail_with(parameters, 1000, &split, "the weights are no longer finite");
}

/* Or they are finite, and the loss of a sample is not that was not trained on: only a first pixel that is
 * white, as no training sample has it, wakes the hidden units up, and their outputs are too much for the last
 * weights. */
static void test_divergence_of_evaluation(void **state)
{
    static uint8_t images[TRAIN + 2 * OTHER][FEATURES];
    (void)state;
    for (int other = 0; other < 2; other++) {
        hpx_split split = make_split();
        float parameters[PARAMETERS] = {0};
        memcpy(images, pixels, sizeof images);
        for (size_t i = 0; i < TRAIN + 2 * OTHER; i++)
            images[i][0] = 0;
        images[TRAIN + OTHER * other + 1][0] = 255;
        split.train.pixels = images[0];
        split.validation.pixels = images[TRAIN];
        split.test.pixels = images[TRAIN + OTHER];
        for (size_t i = 0; i < LAST_WEIGHTS + HIDDEN * CLASSES; i++)
            parameters[i] = i < HIDDEN ? 1e20f : i < FIRST_BIASES ? 0 : i < LAST_WEIGHTS ? -1 : 1e36f;
        fail_with(parameters, 0, &split, "the loss is no longer finite");
    }
}

/* The address space is limited for a while, so that a large network finds no room on any machine. Sanitizers
 * need the address space for themselves. */
#if !defined __SANITIZE_ADDRESS__
static void test_out_of_memory(void **state)
{
    hpx_fields manifest = make_manifest();
    const hpx_split split = make_split();
    struct record record = {0};
    hpx_error error = {0};
    struct rlimit before, limited;
    (void)state;
    /* 10000 x 10000 weights and two moments: 1200 MB. */
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){10000, 10000}, 2);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limited = before;
    limited.rlim_cur = (rlim_t)1 << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &limited), 0);
    const hpx_status status = train(&record, &manifest, &split, 0, 1, NULL, &error);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(status, HPX_NO_MEMORY);
    assert_int_equal(strncmp(error.message, "out of memory: ", 15), 0);
    assert_non_null(strstr(error.message, " needs 11")); /* 11xx MiB */
    hpx_fields_free(&manifest);
}
#endif

static void test_stops_when_told(void **state)
{
    hpx_fields manifest = make_manifest();
    const hpx_split split = make_split();
    struct record record = {.stop_after = 2};
    hpx_error error = {0};
    (void)state;
    assert_int_equal(train(&record, &manifest, &split, 0, EPOCHS, NULL, &error), HPX_INTERRUPTED);
    assert_string_equal(error.message, "stop");
    assert_int_equal(record.epochs, 2);
    forget(&record);
    hpx_fields_free(&manifest);
}

static void assert_refused(const hpx_fields *manifest, const hpx_split *split, const hpx_buffer *checkpoint)
{
    struct record record = {0};
    hpx_error error = {0};
    assert_int_equal(train(&record, manifest, split, checkpoint ? 1 : 0, 2, checkpoint, &error), HPX_DAMAGED);
    assert_int_equal(record.epochs, 0);
    assert_true(strlen(error.message) > 0);
}

/* Sound checkpoints of other trainings, and one cut short. */
static void test_foreign_checkpoints(void **state)
{
    const hpx_split split = make_split();
    struct record record = {0};
    (void)state;
    hpx_fields manifest = make_manifest();
    train_well(&record, &manifest, &split, 0, 2, NULL);
    assert_refused(&manifest, &split, &record.checkpoints[2]); /* epoch 2 where 1 is due */
    record.checkpoints[1].size--;
    assert_refused(&manifest, &split, &record.checkpoints[1]);
    record.checkpoints[1].size++;
    use_sgd(&manifest, 0.9, "no");
    assert_refused(&manifest, &split, &record.checkpoints[1]);
    hpx_fields_free(&manifest);
    manifest = make_manifest();
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){8, 10}, 2);
    assert_refused(&manifest, &split, &record.checkpoints[1]);
    forget(&record);
    hpx_fields_free(&manifest);
}

static void test_bad_manifests(void **state)
{
    static const char *const reals[] = {"model.dropout", "train.rate",  "train.weight-decay",
                                        "train.beta1",   "train.beta2", "train.epsilon"};
    static const struct {
        const char *name;
        double value;
    } ends[] = {{"model.dropout", 1},
                {"train.rate", 0},
                {"train.beta1", 1},
                {"train.beta2", 1},
                {"train.epsilon", 0}};
    static const char *const words[] = {"model.activation", "model.init", "train.optimizer",
                                        "train.schedule"};
    const hpx_split split = make_split();
    hpx_fields manifest = {0};
    (void)state;
    assert_refused(&manifest, &split, NULL);
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        for (int kind = 0; kind < 4; kind++) {
            manifest = make_manifest();
            const double bad[] = {-1, 1001, NAN};
            if (kind < 3)
                hpx_fields_set_real(&manifest, reals[i], bad[kind]);
            else
                hpx_fields_set_count(&manifest, reals[i], 0);
            assert_refused(&manifest, &split, NULL);
            hpx_fields_free(&manifest);
        }
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        manifest = make_manifest();
        hpx_fields_set_real(&manifest, ends[i].name, ends[i].value);
        assert_refused(&manifest, &split, NULL);
        hpx_fields_free(&manifest);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        manifest = make_manifest();
        hpx_fields_set_text(&manifest, words[i], "other");
        assert_refused(&manifest, &split, NULL);
        hpx_fields_free(&manifest);
    }
    manifest = make_manifest();
    hpx_fields_set_counts(&manifest, "model.hidden", NULL, 0);
    assert_refused(&manifest, &split, NULL);
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){10, 0}, 2);
    assert_refused(&manifest, &split, NULL);
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){1048576, 1048576}, 2);
    assert_refused(&manifest, &split, NULL);
    hpx_fields_set_counts(&manifest, "model.hidden", (const uint64_t[]){10}, 1);
    hpx_fields_set_count(&manifest, "seed", (uint64_t)1 << 32);
    assert_refused(&manifest, &split, NULL);
    hpx_fields_set_count(&manifest, "seed", 1);
    hpx_fields_set_text(&manifest, "train.schedule", "cosine");
    assert_refused(&manifest, &split, NULL); /* without last-epoch */
    hpx_fields_set_count(&manifest, "last-epoch", 1);
    assert_refused(&manifest, &split, NULL); /* epoch 2 is asked for */
    hpx_fields_free(&manifest);
}

static void test_table(void **state)
{
    const hpx_trainer *mlp = hpx_trainer_find("mlp");
    (void)state;
    assert_non_null(mlp);
    assert_null(hpx_trainer_find("mpl"));
    assert_string_equal(hpx_trainer_names()[0], "mlp");
    assert_string_equal(hpx_trainer_names()[1], "cnn");
    assert_null(hpx_trainer_names()[2]);
    assert_int_equal(mlp->setting_count, 16);
    for (size_t i = 0; i < mlp->setting_count; i++) {
        const hpx_setting *s = &mlp->settings[i];
        assert_true(strlen(s->help) > 0 && s->min <= s->max);
        assert_true((s->type == HPX_SETTING_WORD) == (s->words != NULL));
        assert_true((s->fallback == NULL) == (strcmp(s->name, "hidden") == 0));
    }
}

/* 784-128-4096-10 is the network whose cost the experiment prints. */
static void test_cost_and_check(void **state)
{
    const hpx_trainer *mlp = hpx_trainer_find("mlp");
    hpx_fields m = make_manifest(), inputs = {0};
    hpx_error error = {0};
    (void)state;
    hpx_fields_set_counts(&m, "model.hidden", (const uint64_t[]){128, 4096}, 2);
    hpx_fields_set_count(&inputs, "features", 784);
    hpx_fields_set_count(&inputs, "classes", 10);
    hpx_fields_set_count(&m, "dataset.train-count", 100);
    const hpx_cost cost = mlp->cost(&m, &inputs);
    assert_int_equal(cost.forward, 665600);
    assert_int_equal(cost.epoch, 100 * (3 * 665600 - 784 * 128));
    hpx_layer layers[HPX_LAYERS_MAX];
    assert_int_equal(mlp->layers(layers, &m, &inputs), 3);
    for (size_t i = 0; i < 3; i++) {
        static const uint64_t forward[] = {784 * 128, 128 * 4096, 4096 * 10};
        assert_string_equal(layers[i].kind, "dense");
        assert_int_equal(layers[i].forward, forward[i]);
        assert_int_equal(layers[i].training, (i > 0 ? 3 : 2) * forward[i]);
    }
    assert_int_equal(mlp->check(&m, &inputs, &error), HPX_OK);
    assert_false(mlp->needs_last_epoch(&m));
    hpx_fields_set_text(&m, "train.schedule", "cosine");
    assert_true(mlp->needs_last_epoch(&m));
    hpx_fields_set_counts(&m, "model.hidden", (const uint64_t[]){1048576, 1048576, 1048576}, 3);
    hpx_fields_set_count(&inputs, "features", UINT32_MAX);
    assert_int_equal(mlp->check(&m, &inputs, &error), HPX_USAGE);
    assert_non_null(strstr(error.message, "smaller values"));
    hpx_fields_free(&m);
    hpx_fields_free(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_resumes_bit_for_bit),
        cmocka_unit_test(test_settings_matter),
        cmocka_unit_test(test_batches_cover_the_epoch),
        cmocka_unit_test(test_alignment_of_data),
        cmocka_unit_test(test_no_validation),
        cmocka_unit_test(test_does_what_it_says),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_divergence_of_weights),
        cmocka_unit_test(test_divergence_of_evaluation),
#if !defined __SANITIZE_ADDRESS__
        cmocka_unit_test(test_out_of_memory),
#endif
        cmocka_unit_test(test_stops_when_told),
        cmocka_unit_test(test_foreign_checkpoints),
        cmocka_unit_test(test_bad_manifests),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_cost_and_check),
    };
    return cmocka_run_group_tests(tests, make_samples, NULL);
}
