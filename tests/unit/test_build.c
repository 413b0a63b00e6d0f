/* Builds with real workers on a small data set: nothing is trained twice, everything is trained that is
 * missing, and the result is the same whatever was there before. This program is the worker, too. */
#include "hpx/build.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "search/state.h"
#include "worker/channel.h"
#include "worker/hello.h"
#include "worker/message.h"
#include "worker/worker.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ACCIDENTS "TEST_BUILD_ACCIDENTS" /* in the environment: workers that do not train */

static char *folder, *dataset;
static hpx_store *store;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_digits(&dataset);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_store_close(store);
    store = NULL;
    free(dataset);
    remove_folder(folder);
    return 0;
}

static void report(void *context, const char *what)
{
    hpx_buffer_printf(context, "%s\n", what);
}

static void open_store(const char *name)
{
    char *path = hpx_path_join(folder, name);
    hpx_store_close(store);
    expect_ok(hpx_store_open(&store, path, HPX_STORE_WRITE, &error), &error);
    free(path);
}

/* A recipe of the digits: bindings of `train`, then axes and searches. */
static hpx_recipe *parse(const char *train, const char *rest)
{
    hpx_recipe *recipe;
    char *text =
        hpx_format("%s  validation = 12\nmodel mlp\n  hidden = $n\ntrain\n  batch = 8\n  rate = 0.01\n%s%s",
                   dataset, train, rest);
    expect_ok(hpx_recipe_parse(&recipe, "test.rcp", text, strlen(text), NULL, NULL, &error), &error);
    free(text);
    return recipe;
}

/* What a build said while it ran. */
struct heard {
    size_t events[HPX_EVENTS];
    size_t epochs_trained;
    char message[512];
    volatile sig_atomic_t interrupted;
    size_t interrupt_after; /* so many epochs; 0: never */
};

static void hear(void *context, const hpx_event *event)
{
    struct heard *heard = context;
    heard->events[event->kind]++;
    if (event->kind == HPX_EVENT_ARRIVED) {
        assert_in_range(event->visits, 1, heard->events[HPX_EVENT_VISIT]); /* of all searches */
        assert_non_null(event->result->stop);
    }
    if (event->kind == HPX_EVENT_EPOCH) {
        heard->epochs_trained++;
        assert_true(isnan(event->value) || event->metrics);
        assert_in_range(event->epoch, event->from + 1, event->epochs);
        if (heard->epochs_trained == heard->interrupt_after)
            heard->interrupted = 1;
    }
    if (event->kind == HPX_EVENT_FAILED)
        snprintf(heard->message, sizeof heard->message, "%s", event->message);
}

static hpx_outcome *build(const hpx_recipe *recipe, hpx_status expected, struct heard *heard,
                          hpx_build_options options)
{
    const hpx_recipe_search *searches[8];
    hpx_outcome *outcome;
    hpx_source_options source = {.store = store, .remember = store != NULL, .folder = folder};
    for (size_t i = 0; i < recipe->search_count; i++)
        searches[i] = &recipe->searches[i];
    *heard = (struct heard){.interrupt_after = heard->interrupt_after};
    options.program = "/proc/self/exe";
    options.jobs = options.jobs ? options.jobs : 2;
    options.event = hear;
    options.context = heard;
    options.interrupted = &heard->interrupted;
    hpx_status status =
        hpx_build(&outcome, recipe, searches, recipe->search_count, &source, &options, &error);
    if (status != expected)
        fail_msg("status %d instead of %d: %s %s", status, expected, status ? error.message : "",
                 heard->message);
    assert_non_null(outcome);
    return outcome;
}

static void expect_counts(const hpx_outcome *outcome, size_t stored, size_t extended, size_t trained,
                          size_t failed)
{
    assert_int_equal(outcome->stored, stored);
    assert_int_equal(outcome->extended, extended);
    assert_int_equal(outcome->trained, trained);
    assert_int_equal(outcome->failed, failed);
}

static void expect_trials(const hpx_outcome *outcome, size_t search, size_t hit, size_t extend, size_t train)
{
    const size_t *counts = outcome->searches[search].trial_counts;
    assert_int_equal(counts[HPX_HIT], hit);
    assert_int_equal(counts[HPX_EXTEND], extend);
    assert_int_equal(counts[HPX_TRAIN], train);
}

#define GRID "axis n = 2 4 8\nsearch s\n  method = grid\n"

/* What the log has of the one build that trained: a span for each of its six trials. */
static hpx_status check_spans(void *context, const hpx_fields *entry, const hpx_build_span *spans,
                              size_t span_count, hpx_error *ignored)
{
    (void)entry, (void)ignored;
    ++*(size_t *)context;
    assert_int_equal(span_count, 6);
    for (size_t i = 0; i < span_count; i++) {
        assert_int_equal(spans[i].from, 0);
        assert_int_equal(spans[i].to, 2);
        assert_int_equal(spans[i].verdict, HPX_TRAIN);
        assert_false(spans[i].speculative);
        assert_true(spans[i].slot < 6 && spans[i].start_ns <= spans[i].end_ns);
    }
    return HPX_OK;
}

static void test_train_then_hit(void **state)
{
    (void)state;
    struct heard heard = {0};
    open_store("store");
    hpx_recipe *recipe = parse("  epochs = 2\n  seeds = 1 2\n", GRID);
    hpx_outcome *first = build(recipe, HPX_OK, &heard, (hpx_build_options){0});
    expect_counts(first, 0, 0, 6, 0);
    expect_trials(first, 0, 0, 0, 6);
    assert_int_equal(heard.epochs_trained, 12);
    assert_int_equal(heard.events[HPX_EVENT_STARTED], 6);
    assert_int_equal(heard.events[HPX_EVENT_DONE], 6);
    assert_int_equal(heard.events[HPX_EVENT_SCORE], 3);
    assert_int_equal(heard.events[HPX_EVENT_VISIT], 3);
    assert_int_equal(heard.events[HPX_EVENT_ARRIVED], 1);
    const hpx_search_outcome *search = &first->searches[0];
    assert_true(search->done && search->score > 0.5 && search->score_sd >= 0);
    assert_true(search->paid_macs == (double)search->nominal_macs && search->relative_cost == 1);
    assert_int_equal(search->paid_training_macs, search->nominal_training_macs);
    uint64_t macs = 0; /* 48 images, 2 epochs, 2 seeds */
    for (uint64_t n = 2; n <= 8; n *= 2)
        macs += (3 * (16 * n + n * 3) - 16 * n) * 48 * 2 * 2;
    assert_int_equal(search->nominal_training_macs, macs);

    hpx_outcome *second = build(recipe, HPX_OK, &heard, (hpx_build_options){0});
    expect_counts(second, 6, 0, 0, 0);
    expect_trials(second, 0, 6, 0, 0);
    assert_int_equal(heard.epochs_trained, 0);
    assert_int_equal(heard.events[HPX_EVENT_STARTED], 0);
    assert_int_equal(heard.events[HPX_EVENT_SCORE], 3);
    assert_int_equal(heard.events[HPX_EVENT_ARRIVED], 1);
    assert_int_equal(second->searches[0].paid_training_macs, 0);
    assert_true(second->searches[0].score == search->score);
    assert_int_equal(second->searches[0].nominal_macs, search->nominal_macs);
    size_t builds = 0;
    expect_ok(hpx_store_each_build(store, check_spans, &builds, &error), &error);
    assert_int_equal(builds, 1);
    hpx_outcome_free(first);
    hpx_outcome_free(second);
    hpx_recipe_free(recipe);
}

struct outputs {
    size_t count;
    hpx_hash keys[64], outputs[64];
    uint32_t epochs[64];
};

static hpx_status note(void *context, const hpx_artifact *artifact, hpx_error *e)
{
    (void)e;
    struct outputs *outputs = context;
    assert_in_range(outputs->count, 0, 63);
    outputs->keys[outputs->count] = artifact->key;
    outputs->epochs[outputs->count] = artifact->epoch;
    outputs->outputs[outputs->count++] = artifact->output;
    return HPX_OK;
}

static struct outputs all_outputs(void)
{
    struct outputs outputs;
    memset(&outputs, 0, sizeof outputs);
    expect_ok(hpx_store_each(store, NULL, note, &outputs, &error), &error);
    return outputs;
}

/* Continued, interrupted, on one worker or on three: the same outputs, bit for bit. */
static void test_extend(void **state)
{
    (void)state;
    struct heard heard = {0};
    hpx_recipe *two = parse("  epochs = 2\n", GRID), *three = parse("  epochs = 3\n", GRID);
    open_store("once");
    hpx_outcome *outcome = build(three, HPX_OK, &heard, (hpx_build_options){.jobs = 1});
    hpx_outcome_free(outcome);
    struct outputs once = all_outputs();
    assert_int_equal(once.count, 9);

    open_store("twice");
    outcome = build(two, HPX_OK, &heard, (hpx_build_options){.jobs = 3});
    hpx_outcome_free(outcome);
    outcome = build(three, HPX_OK, &heard, (hpx_build_options){.jobs = 3});
    expect_counts(outcome, 0, 3, 0, 0);
    expect_trials(outcome, 0, 0, 3, 0);
    assert_int_equal(heard.epochs_trained, 3);
    for (size_t i = 0; i < outcome->searches[0].trial_count; i++)
        assert_int_equal(hpx_outcome_trial_at(outcome, &outcome->searches[0], i).from, 2);
    assert_true(fabs(outcome->searches[0].paid_macs - (double)outcome->searches[0].nominal_macs / 3) < 1);
    hpx_outcome_free(outcome);
    struct outputs twice = all_outputs();
    assert_memory_equal(&once, &twice, sizeof once);
    outcome = build(two, HPX_OK, &heard, (hpx_build_options){0}); /* a shorter one is there, too */
    expect_counts(outcome, 3, 0, 0, 0);
    hpx_outcome_free(outcome);

    open_store("interrupted");
    heard.interrupt_after = 4;
    outcome = build(three, HPX_INTERRUPTED, &heard, (hpx_build_options){.jobs = 1});
    hpx_outcome_free(outcome);
    assert_in_range(all_outputs().count, 4, 8);
    heard.interrupt_after = 0;
    outcome = build(three, HPX_OK, &heard, (hpx_build_options){.jobs = 1});
    hpx_outcome_free(outcome);
    struct outputs interrupted = all_outputs();
    assert_memory_equal(&once, &interrupted, sizeof once);

    /* All of it again: the same, and nothing is stored anew. */
    outcome = build(three, HPX_OK, &heard, (hpx_build_options){.again = true});
    expect_counts(outcome, 0, 0, 3, 0);
    hpx_outcome_free(outcome);
    struct outputs again = all_outputs();
    assert_memory_equal(&once, &again, sizeof once);
    hpx_recipe_free(two);
    hpx_recipe_free(three);
}

/* Cells that are one trajectory are trained once, and whoever comes first pays. */
static void test_shared(void **state)
{
    (void)state;
    struct heard heard = {0};
    open_store("store");
    hpx_recipe *recipe =
        parse("  epochs = 1\n  optimizer = $o\n  momentum = $m\n",
              "axis n = 4\naxis o = adam sgd\naxis m = 0 0.9\n"
              "search first\n  method = full-cross\n  first = m\nsearch all\n  method = grid\n");
    hpx_outcome *outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){0});
    expect_counts(outcome, 0, 0, 3, 0);
    assert_int_equal(heard.epochs_trained, 3);
    const size_t *first = outcome->searches[0].trial_counts, *all = outcome->searches[1].trial_counts;
    assert_int_equal(first[HPX_TRAIN] + all[HPX_TRAIN], 3);
    assert_true(first[HPX_TRAIN] >= 1 && first[HPX_HIT] >= 1); /* both cells of adam: one trains, one hits */
    assert_int_equal(all[HPX_TRAIN] + all[HPX_HIT], 4);
    assert_int_equal(outcome->searches[0].visits[0].verdict, HPX_TRAIN);
    assert_int_equal(outcome->searches[0].visits[1].verdict, HPX_HIT);
    assert_true(outcome->searches[0].visits[0].score == outcome->searches[0].visits[1].score);
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);
}

/* A method of one's own: cell 0 at 2 epochs, at 3 as soon as cell 1 has been at 1, then at 1; all the same
 * whether that is decided before, while or after cell 0 trains to 2. */
static const struct {
    hpx_request request;
    size_t after; /* asked for once this one is told */
} steps[] = {{{1, 1}, 0}, {{0, 2}, 1}, {{0, 3}, 0}, {{0, 1}, 2}};

enum { STEPS = sizeof steps / sizeof *steps };

static bool is_told(hpx_walk *walk, size_t step)
{
    hpx_walk_go_by(walk, steps[step].request.epochs);
    return hpx_walk_told(walk, steps[step].request.cell);
}

static void nothing(hpx_walk *walk)
{
    (void)walk;
}

static void visit_steps(hpx_walk *walk)
{
    for (; walk->next < STEPS && is_told(walk, walk->next); walk->next++)
        hpx_walk_visit(walk, steps[walk->next].request.cell);
    if (walk->next == STEPS)
        hpx_walk_stop(walk, 0, "complete");
}

static size_t ask_steps(hpx_search *search, hpx_request *requests, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < STEPS; i++)
        if (!is_told(&search->walk, i) && (steps[i].after == i || is_told(&search->walk, steps[i].after)) &&
            count++ < room)
            requests[count - 1] = steps[i].request;
    return count;
}

static const hpx_method stepping = {
    .name = "steps", .begin = nothing, .advance = visit_steps, .ask = ask_steps};

static void expect_steps(const hpx_outcome *outcome)
{
    const hpx_search_outcome *search = &outcome->searches[0];
    assert_true(search->done && search->visit_count == STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        assert_int_equal(search->visits[i].cell, steps[i].request.cell);
        assert_int_equal(search->visits[i].epochs, steps[i].request.epochs);
    }
    /* Scores of other epochs are no better and no worse. */
    assert_int_equal(search->result.incumbent, 0);
    assert_int_equal(search->result.epochs, 3);
    assert_true(search->score == search->visits[2].score);
    /* Cell 0 to 3 of 3 epochs; cell 1, which is twice as large, to 1. */
    assert_int_equal(search->nominal_macs, outcome->grid_macs / 3 + outcome->grid_macs * 2 / 3 / 3);
}

static void test_target_rises(void **state)
{
    (void)state;
    struct heard heard = {0};
    hpx_recipe *recipe = parse("  epochs = 3\n", "axis n = 2 4\nsearch s\n  method = grid\n");
    recipe->searches[0].options.method = &stepping;
    hpx_outcome *outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){.dry = true});
    expect_trials(outcome, 0, 0, 0, 2); /* what is asked for at first */
    hpx_outcome_free(outcome);

    for (size_t jobs = 1; jobs <= 2; jobs++) {
        open_store(jobs == 1 ? "one" : "two");
        outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){.jobs = jobs});
        expect_steps(outcome);
        expect_counts(outcome, 0, 0, 2, 0);
        expect_trials(outcome, 0, 1, 1,
                      2); /* 1 epoch of each trained, then 2 more of cell 0, the last extended */
        assert_int_equal(heard.epochs_trained, 1 + 3);
        assert_true(outcome->searches[0].paid_training_macs == outcome->searches[0].nominal_training_macs);
        hpx_outcome_free(outcome);

        outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){.jobs = jobs});
        expect_steps(outcome);
        expect_trials(outcome, 0, 4, 0, 0);
        assert_int_equal(heard.epochs_trained, 0);
        hpx_outcome_free(outcome);
    }

    /* Interrupted anywhere and taken up again, it goes the same way. */
    for (size_t after = 1; after <= 3; after++) {
        char name[16];
        snprintf(name, sizeof name, "after-%zu", after);
        open_store(name);
        heard.interrupt_after = after;
        hpx_outcome_free(build(recipe, HPX_INTERRUPTED, &heard, (hpx_build_options){0}));
        const size_t trained = heard.epochs_trained;
        heard.interrupt_after = 0;
        outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){0});
        expect_steps(outcome);
        assert_int_equal(trained + heard.epochs_trained, 1 + 3);
        hpx_outcome_free(outcome);
    }
    hpx_recipe_free(recipe);
}

/* A plan decides what a build would, as far as it can, and changes nothing. */
static void test_plan(void **state)
{
    (void)state;
    struct heard heard = {0};
    hpx_recipe *recipe =
        parse("  epochs = 2\n", "axis n = 2 4 8\nsearch line\n  method = partial-cross\n  limit = 1\n"
                                "search all\n  method = grid\n");
    hpx_build_options dry = {.dry = true};
    hpx_outcome *outcome = build(recipe, HPX_OK, &heard, dry); /* without a store */
    assert_int_equal(outcome->pending, 3);
    expect_trials(outcome, 0, 0, 0, 2); /* 1 + limit cells are certain */
    expect_trials(outcome, 1, 2, 0, 1); /* those are on the first one's bill */
    assert_false(outcome->searches[0].done);
    assert_true(outcome->seconds_left > 0 && outcome->calibrated);
    for (size_t i = 0; i < outcome->searches[0].trial_count; i++)
        assert_true(hpx_outcome_trial_at(outcome, &outcome->searches[0], i).macs_left > 0);
    hpx_outcome_free(outcome);
    open_store("store");
    outcome = build(recipe, HPX_OK, &heard, dry);
    assert_int_equal(outcome->pending, 3);
    hpx_outcome_free(outcome);
    assert_int_equal(all_outputs().count, 0);
    assert_int_equal(heard.events[HPX_EVENT_STARTED], 0);

    outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){0});
    expect_counts(outcome, 0, 0, 3, 0);
    hpx_outcome_free(outcome);
    outcome = build(recipe, HPX_OK, &heard, dry);
    assert_int_equal(outcome->pending, 0);
    assert_true(outcome->searches[0].done && outcome->searches[1].done && outcome->seconds_left == 0);
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);

    recipe = parse("  epochs = 5\n", GRID);
    outcome = build(recipe, HPX_OK, &heard, dry);
    assert_int_equal(outcome->pending, 3);
    expect_trials(outcome, 0, 0, 3, 0);
    assert_true(outcome->seconds_left > 0 && !outcome->calibrated);
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);
}

/* Flips a bit in a chunk of every checkpoint. */
static void damage_checkpoints(void)
{
    char *path = hpx_path_join(folder, "store/hpx.mdb");
    hpx_buffer bytes = read_file(path);
    size_t found = 0;
    for (size_t i = 0; i + 8 < bytes.size; i++) {
        if (memcmp(bytes.data + i, "HPXC", 4) == 0) { /* the magic of a checkpoint */
            bytes.data[i + 5] ^= 0x40;
            found++;
        }
    }
    assert_true(found >= 3);
    write_file(path, bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    free(path);
}

/* A checkpoint that is damaged is trained again, not continued, and the build does not fail. */
static void test_damaged_checkpoints(void **state)
{
    (void)state;
    struct heard heard = {0};
    hpx_buffer damage = {0};
    hpx_recipe *two = parse("  epochs = 2\n", GRID), *three = parse("  epochs = 3\n", GRID);
    open_store("store");
    hpx_outcome_free(build(two, HPX_OK, &heard, (hpx_build_options){0}));
    hpx_store_close(store);
    store = NULL;
    damage_checkpoints();
    open_store("store");
    hpx_store_on_damage(store, report, &damage);
    hpx_outcome *outcome = build(three, HPX_OK, &heard, (hpx_build_options){0});
    expect_counts(outcome, 0, 0, 3, 0);
    assert_int_equal(heard.epochs_trained, 9);
    expect_contains(hpx_buffer_text(&damage), "chunk");
    hpx_outcome_free(outcome);
    hpx_buffer_free(&damage);
    hpx_recipe_free(two);
    hpx_recipe_free(three);
}

/* Puts a result into another store with a checkpoint of its own making, and all hashes right. */
static hpx_status forge(void *context, const hpx_artifact *artifact, hpx_error *failure)
{
    static const uint8_t checkpoint[] = "no checkpoint of any trainer";
    hpx_artifact forged = *artifact;
    hpx_fields manifest = {0};
    hpx_buffer bytes = {0};
    forged.output = hpx_output_hash(&forged.metrics, checkpoint, sizeof checkpoint);
    hpx_status status = hpx_store_manifest(&manifest, store, &artifact->key, failure);
    hpx_fields_encode(&bytes, &manifest);
    if (!status)
        status = put_bytes(context, &bytes, &forged, checkpoint, sizeof checkpoint, NULL, failure);
    hpx_fields_free(&manifest);
    hpx_buffer_free(&bytes);
    return status;
}

/* What the trainer refuses is reported once, and trained from the start. */
static void test_refused_checkpoints(void **state)
{
    (void)state;
    struct heard heard = {0};
    hpx_buffer damage = {0};
    hpx_store *forged;
    char *path = hpx_path_join(folder, "forged");
    hpx_recipe *one = parse("  epochs = 1\n", GRID), *two = parse("  epochs = 2\n", GRID);
    open_store("store");
    hpx_outcome_free(build(one, HPX_OK, &heard, (hpx_build_options){0}));
    expect_ok(hpx_store_open(&forged, path, HPX_STORE_WRITE, &error), &error);
    expect_ok(hpx_store_each(store, NULL, forge, forged, &error), &error);
    hpx_store_close(forged);
    open_store("forged");
    hpx_store_on_damage(store, report, &damage);
    hpx_outcome *outcome = build(two, HPX_OK, &heard, (hpx_build_options){0});
    expect_counts(outcome, 0, 0, 3, 0);
    assert_int_equal(heard.epochs_trained, 6);
    expect_contains(hpx_buffer_text(&damage), "epoch 1: checkpoint: not a checkpoint");
    hpx_outcome_free(outcome);
    damage.size = 0;
    hpx_outcome_free(build(two, HPX_OK, &heard, (hpx_build_options){.again = true}));
    assert_int_equal(damage.size, 0);
    hpx_buffer_free(&damage);
    hpx_recipe_free(one);
    hpx_recipe_free(two);
    free(path);
}

/* At a rate of 1000 and that decay the weights overflow; at the others they do not. */
static hpx_recipe *parse_rates(uint32_t epochs, const char *rates)
{
    hpx_recipe *recipe;
    char *text =
        hpx_format("%s  validation = 12\nmodel mlp\n  hidden = 4\ntrain\n  optimizer = sgd\n  rate = $r\n"
                   "  batch = 1\n  weight-decay = 1000\n  epochs = %u\naxis r = %s\n"
                   "search s\n  method = grid\n",
                   dataset, epochs, rates);
    expect_ok(hpx_recipe_parse(&recipe, "test.rcp", text, strlen(text), NULL, NULL, &error), &error);
    free(text);
    return recipe;
}

static hpx_status keep_failure(void *context, const hpx_artifact *artifact, hpx_error *e)
{
    (void)e;
    if (*artifact->failure)
        hpx_artifact_set(context, artifact);
    return HPX_OK;
}

/* A trial that its manifest lets fail is a result, worse than any score: the search ends, and it is found
 * again with whatever number of epochs that reaches the one in which it failed. */
static void test_failed_trials(void **state)
{
    (void)state;
    struct heard heard = {0};
    hpx_artifact failure = {.epoch = 0};
    hpx_recipe *two = parse_rates(2, "1000 1e-6 1e-7"), *three = parse_rates(3, "1000 1e-6 1e-7");
    open_store("store");
    hpx_outcome *outcome = build(two, HPX_OK, &heard, (hpx_build_options){.jobs = 1});
    expect_counts(outcome, 0, 0, 3, 1);
    expect_trials(outcome, 0, 0, 0, 3);
    assert_int_equal(outcome->accidents, 0);
    assert_int_equal(heard.events[HPX_EVENT_FAILED], 1);
    assert_int_equal(heard.events[HPX_EVENT_DONE], 2);
    expect_contains(heard.message, "epoch 1: the ");
    const hpx_search_outcome *search = &outcome->searches[0];
    assert_true(search->done);
    assert_int_not_equal(search->result.end, 0);
    assert_int_equal(search->failed, 1);
    assert_true(isnan(search->visits[0].score));
    assert_true(hpx_outcome_trial_at(outcome, search, 0).known);
    assert_true(hpx_outcome_trial_at(outcome, search, 0).failed);
    assert_int_equal(search->paid_training_macs, search->nominal_training_macs);
    const uint64_t cell =
        (3 * (16 * 4 + 4 * 3) - 16 * 4) * 48; /* an epoch: 2 of both, and 1 in which it failed */
    assert_int_equal(search->paid_training_macs, (2 + 2 + 1) * cell);
    hpx_outcome_free(outcome);

    expect_ok(hpx_store_each(store, NULL, keep_failure, &failure, &error), &error);
    assert_int_equal(failure.epoch, 1);
    expect_contains(failure.failure, "no longer finite");
    assert_int_equal(failure.metrics.count, 0);
    hpx_artifact_free(&failure);

    outcome = build(two, HPX_OK, &heard, (hpx_build_options){0});
    expect_counts(outcome, 3, 0, 0, 1);
    assert_int_equal(heard.epochs_trained, 0);
    assert_int_equal(heard.events[HPX_EVENT_FAILED], 0);
    hpx_outcome_free(outcome);
    outcome = build(three, HPX_OK, &heard, (hpx_build_options){0}); /* the others go on */
    expect_counts(outcome, 1, 2, 0, 1);
    hpx_outcome_free(outcome);
    outcome = build(three, HPX_OK, &heard, (hpx_build_options){.again = true}); /* it fails in the same way */
    expect_counts(outcome, 0, 0, 3, 1);
    hpx_outcome_free(outcome);
    hpx_recipe_free(two);
    hpx_recipe_free(three);
}

/* What a trial ends by that its manifest does not name is no result: it fails the build; with keep_going the
 * searches go on, and the next build trains it again. */
static void test_accidents(void **state)
{
    (void)state;
    struct heard heard = {0};
    hpx_recipe *recipe = parse_rates(2, "1000 1e-6 1e-7");
    open_store("store");
    setenv(ACCIDENTS, "yes", 1);
    hpx_outcome *outcome = build(recipe, HPX_FAILED, &heard, (hpx_build_options){.jobs = 1});
    expect_contains(error.message, "1 of 1 trials failed");
    expect_contains(heard.message, "out of luck");
    expect_counts(outcome, 0, 0, 1, 1);
    assert_int_equal(outcome->accidents, 1);
    assert_false(outcome->searches[0].done);
    assert_int_equal(heard.events[HPX_EVENT_FAILED], 1);
    hpx_outcome_free(outcome);
    outcome = build(recipe, HPX_FAILED, &heard, (hpx_build_options){.jobs = 1, .keep_going = true});
    expect_contains(error.message, "1 of 3 trials failed");
    expect_counts(outcome, 0, 0, 3, 1);
    assert_true(outcome->searches[0].done);
    assert_int_not_equal(outcome->searches[0].result.end, 0);
    assert_int_equal(outcome->searches[0].failed, 1);
    assert_true(isnan(outcome->searches[0].visits[0].score));
    assert_false(hpx_outcome_trial_at(outcome, &outcome->searches[0], 0).known);
    hpx_outcome_free(outcome);
    unsetenv(ACCIDENTS);
    outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){.dry = true});
    expect_trials(outcome, 0, 2, 0, 1);
    assert_int_equal(outcome->searches[0].failed, 0);
    hpx_outcome_free(outcome);
    hpx_recipe_free(recipe);
}

/* The name of a cell is cut to fit its record, but not within a character: that record could not be read. */
static void test_long_cell(void **state)
{
    (void)state;
    static const char *const heads[] = {"", "x"}; /* of one of both names, the cut falls within a character */
    struct heard heard = {0};
    for (size_t i = 0; i < COUNT(heads); i++) {
        hpx_buffer path = {0};
        hpx_buffer_printf(&path, "%s/%s", folder, heads[i]);
        for (int k = 0; k < 120; k++)
            hpx_buffer_puts(&path, "\xc3\xa4");
        char *images = hpx_path_join(folder, "train-images"),
             *text =
                 hpx_format("dataset digits\n  validation = 12\n  train = $images \"%s/train-labels\"\n"
                            "  test = \"%s/test-images\" \"%s/test-labels\"\nmodel mlp\n  hidden = 4\ntrain\n"
                            "  epochs = 1\naxis images = \"%s\"\nsearch s\n  method = grid\n",
                            folder, folder, folder, hpx_buffer_text(&path));
        assert_int_equal(symlink(images, hpx_buffer_text(&path)), 0);
        hpx_recipe *recipe;
        expect_ok(hpx_recipe_parse(&recipe, "test.rcp", text, strlen(text), NULL, NULL, &error), &error);
        open_store(heads[i][0] ? "one" : "other");
        hpx_outcome_free(build(recipe, HPX_OK, &heard, (hpx_build_options){0}));
        hpx_outcome *outcome = build(recipe, HPX_OK, &heard, (hpx_build_options){0});
        expect_counts(outcome, 1, 0, 0, 0);
        hpx_outcome_free(outcome);
        hpx_recipe_free(recipe);
        hpx_buffer_free(&path);
        free(images);
        free(text);
    }
}

/* A stream that ends early is an end; one that is no stream of jobs is refused. */
static void test_worker_streams(void **state)
{
    (void)state;
    int sockets[2];
    hpx_buffer junk = {0};
    expect_ok(hpx_channel_pair(sockets, &error), &error);
    assert_int_equal(shutdown(sockets[0], SHUT_WR), 0);
    expect_ok(hpx_worker_run(sockets[1], &error), &error); /* no more jobs */
    close(sockets[0]);
    close(sockets[1]);
    expect_ok(hpx_channel_pair(sockets, &error), &error);
    hpx_buffer_puts(&junk, "GET /");
    expect_ok(hpx_channel_send(sockets[0], &junk, &HPX_NO_BLOB, true, &error), &error);
    assert_int_equal(hpx_worker_run(sockets[1], &error), HPX_DAMAGED);
    close(sockets[0]);
    close(sockets[1]);
    hpx_buffer_free(&junk);
}

static void answer(const hpx_result *result)
{
    hpx_buffer bytes = {0};
    hpx_result_encode(&bytes, result);
    expect_ok(hpx_channel_send(STDIN_FILENO, &bytes, &result->checkpoint, true, &error), &error);
    hpx_buffer_free(&bytes);
}

/* Gives every epoch a made-up result; but where the rate is 1000, there is an accident. */
static void serve(const hpx_job *job)
{
    hpx_fields manifest = {0};
    double rate;
    const hpx_metrics metrics = made_metrics(0, 0, 0, 0, 0, 0);
    hpx_result result = {.kind = HPX_MESSAGE_EPOCH,
                         .key = job->key,
                         .parent = job->from,
                         .metrics = hpx_metrics_copy(&metrics)};
    expect_ok(hpx_blob_from_bytes(&result.checkpoint, "c", 1, &error), &error);
    expect_ok(hpx_result_output(&result.output, &result, &error), &error);
    expect_ok(hpx_fields_decode(&manifest, job->manifest.data, job->manifest.size, &error), &error);
    expect_ok(hpx_fields_real(&rate, &manifest, "train.rate", &error), &error);
    hpx_fields_free(&manifest);
    for (result.epoch = job->from + 1; rate < 1000 && result.epoch <= job->to; result.epoch++)
        answer(&result);
    hpx_result_free(&result);
    result.kind = rate < 1000 ? HPX_MESSAGE_DONE : HPX_MESSAGE_FAILED;
    result.key = job->key;
    snprintf(result.message, sizeof result.message, "out of luck");
    answer(&result);
}

static int run_careless_worker(void)
{
    hpx_buffer in = {0};
    hpx_blob blob;
    hpx_packet packet = HPX_PACKET_NONE;
    hpx_fields hello = {0};
    hpx_hello_of_binary(&hello);
    hpx_hello_encode(&in, &hello);
    hpx_fields_free(&hello);
    expect_ok(hpx_channel_send(STDIN_FILENO, &in, &HPX_NO_BLOB, true, &error), &error);
    while (packet != HPX_PACKET_END) {
        hpx_message message;
        hpx_job job;
        expect_ok(hpx_channel_receive(&packet, &in, &blob, STDIN_FILENO, true, &error), &error);
        if (packet != HPX_PACKET_MESSAGE)
            continue;
        expect_ok(hpx_message_read(&message, in.data, in.size, &error), &error);
        expect_ok(hpx_job_decode(&job, &message, &blob, &error), &error);
        serve(&job);
        hpx_job_free(&job);
    }
    hpx_buffer_free(&in);
    return 0;
}

#define WITH_DIGITS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "worker") == 0 && getenv(ACCIDENTS))
        return run_careless_worker();
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return hpx_worker_run(STDIN_FILENO, &error) != HPX_OK;
    alarm(300); /* a build that waits for ever fails */
    const struct CMUnitTest tests[] = {
        WITH_DIGITS(test_train_then_hit),
        WITH_DIGITS(test_extend),
        WITH_DIGITS(test_shared),
        WITH_DIGITS(test_target_rises),
        WITH_DIGITS(test_plan),
        WITH_DIGITS(test_damaged_checkpoints),
        WITH_DIGITS(test_refused_checkpoints),
        WITH_DIGITS(test_failed_trials),
        WITH_DIGITS(test_accidents),
        WITH_DIGITS(test_long_cell),
        WITH_DIGITS(test_worker_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
