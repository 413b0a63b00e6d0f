/* Adoptions: what they hold for, how they are stored, and the sample that proves one. The other trainer is a
 * forged one: its results are this binary's under another version, or not quite. This program is the worker,
 * too. */
#include "upkeep/adopt.h"

#include "base/memory.h"
#include "hpx/build.h"
#include "identity/manifest.h"
#include "upkeep/rebuild.h"
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder, *dataset;
static hpx_store *store;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_digits(&dataset);
    char *path = hpx_path_join(folder, "store");
    expect_ok(hpx_store_open(&store, path, HPX_STORE_WRITE, &error), &error);
    free(path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_store_close(store);
    free(dataset);
    remove_folder(folder);
    return 0;
}

static const uint8_t *version_of(uint8_t number)
{
    static uint8_t versions[256][HPX_CODE_BYTES];
    memset(versions[number], number, HPX_CODE_BYTES);
    return versions[number];
}

/* A manifest of a numbered trainer under a BLAS kernel, or with NULL under none. */
static hpx_fields make_manifest(uint8_t trainer, const char *kernel, const char *activation, double dropout)
{
    static const uint64_t hidden[] = {4, 2};
    hpx_fields manifest = {0};
    hpx_fields_set_count(&manifest, "format", 1);
    hpx_manifest_set_trainer(&manifest, version_of(trainer));
    if (kernel)
        hpx_fields_set_text(&manifest, "numerics.kernel", kernel);
    hpx_fields_set_counts(&manifest, "model.hidden", hidden, 2);
    hpx_fields_set_text(&manifest, "model.activation", activation);
    hpx_fields_set_real(&manifest, "model.dropout", dropout);
    hpx_fields_set_count(&manifest, "train.batch", 32);
    hpx_fields_set_count(&manifest, "seed", 1);
    return manifest;
}

/* Of trainer `from` as trainer `to` under a kernel, for relu without dropout; `proven` by one trajectory. */
static hpx_adoption make_adoption(uint8_t from, uint8_t to, const char *kernel, bool proven)
{
    hpx_adoption adoption = {.key_count = proven, .epochs = 3, .adopted_ns = 1, .reason = hpx_strdup("why")};
    hpx_fields_set_count(&adoption.whose, "format", 1);
    hpx_manifest_set_trainer(&adoption.whose, version_of(from));
    if (kernel)
        hpx_fields_set_text(&adoption.whose, "numerics.kernel", kernel);
    hpx_manifest_set_binary_fields(&adoption.as, &adoption.whose);
    hpx_manifest_set_trainer(&adoption.as, version_of(to));
    adoption.keys = hpx_alloc(sizeof *adoption.keys);
    adoption.paths = hpx_strdup("a path\nanother");
    if (proven) {
        hpx_fields manifest = make_manifest(from, kernel, "relu", 0);
        const hpx_hash keys[] = {{{9}}, hpx_adoption_key(&adoption, &manifest), {{1}}};
        hpx_adoption_set_holds(&adoption, keys, 3);
        hpx_fields_free(&manifest);
    }
    return adoption;
}

static void put(uint8_t from, uint8_t to, const char *kernel, bool proven)
{
    hpx_adoption adoption = make_adoption(from, to, kernel, proven);
    expect_ok(hpx_adoption_put(store, &adoption, &error), &error);
    hpx_adoption_free(&adoption);
}

/* The trainer that one is equivalent to, by what the store has. */
static uint8_t counts_as(uint8_t trainer, const char *kernel, const char *activation, double dropout)
{
    hpx_adoptions adoptions;
    expect_ok(hpx_adoptions_read(&adoptions, store, &error), &error);
    hpx_fields manifest = make_manifest(trainer, kernel, activation, dropout);
    hpx_adoptions_resolve(&adoptions, &manifest);
    uint8_t as = hpx_fields_find(&manifest, "code.version")->bytes[0];
    hpx_fields made = make_manifest(trainer, kernel, activation, dropout);
    assert_true(hpx_adoptions_lead(&adoptions, &made, &manifest));
    hpx_fields_free(&made);
    hpx_fields_free(&manifest);
    hpx_adoptions_free(&adoptions);
    return as;
}

static void test_fields(void **state)
{
    (void)state;
    hpx_adoption adoption = make_adoption(2, 1, "K", true), again;
    hpx_fields fields = {0}, twice = {0};
    hpx_adoption_to_fields(&fields, &adoption);
    expect_ok(hpx_adoption_from_fields(&again, &fields, &error), &error);
    hpx_adoption_to_fields(&twice, &again);
    hpx_hash a = hpx_record_id(&fields), b = hpx_record_id(&twice);
    assert_true(hpx_hash_equal(&a, &b));
    assert_memory_equal(hpx_adoption_version(&again), version_of(2), HPX_CODE_BYTES);
    assert_string_equal(again.reason, "why");
    assert_int_equal(again.key_count, 1);
    assert_int_equal(again.hold_count, 3);
    assert_string_equal(again.paths, "a path\nanother");
    hpx_adoption_free(&again);
    hpx_fields_free(&twice);

    /* Each field of a wrong size or type, or one too many. */
    for (size_t i = 0; i <= fields.count; i++) {
        hpx_fields wrong = {0};
        const char *name = i < fields.count ? fields.fields[i].name : "surplus";
        for (size_t k = 0; k < fields.count; k++)
            hpx_fields_set(&wrong, &fields.fields[k]);
        hpx_fields_set_bytes(&wrong, name, "odd", 3);
        const bool anything = strcmp(name, "format") == 0 || strcmp(name, "numerics.kernel") == 0;
        hpx_status status = hpx_adoption_from_fields(&again, &wrong, &error);
        if (status != (anything ? HPX_OK : HPX_DAMAGED))
            fail_msg("status %d for a wrong %s", status, name);
        hpx_adoption_free(&again);
        hpx_fields_free(&wrong);
    }
    /* Keys out of order would not be found. */
    hpx_hash swap = adoption.holds[0];
    adoption.holds[0] = adoption.holds[1];
    adoption.holds[1] = swap;
    hpx_adoption_to_fields(&fields, &adoption);
    assert_int_equal(hpx_adoption_from_fields(&again, &fields, &error), HPX_DAMAGED);
    hpx_fields_free(&fields);
    hpx_adoption_free(&adoption);
}

/* With other numerics "as" has them all; what could be said with a version alone is malformed. */
static void test_as(void **state)
{
    (void)state;
    hpx_adoption adoption = make_adoption(2, 1, "K", true), again;
    const hpx_hash same = hpx_adoption_id(&adoption);
    assert_true(hpx_adoption_same_numerics(&adoption));
    for (int kind = 0; kind < 4; kind++) {
        hpx_fields fields = {0};
        hpx_buffer as = {0};
        if (kind != 1)
            hpx_fields_set_text(&adoption.as, "numerics.kernel", "L");
        hpx_adoption_to_fields(&fields, &adoption);
        if (kind == 1) /* the numerics are the same */
            hpx_fields_encode(&as, &adoption.as);
        hpx_fields changed = {0};
        hpx_manifest_set_binary_fields(&changed, &adoption.as);
        if (kind == 2) /* not of a binary */
            hpx_fields_set_count(&changed, "seed", 1);
        if (kind == 3)
            hpx_fields_remove(&changed, "code.version");
        if (kind >= 2)
            hpx_fields_encode(&as, &changed);
        if (as.size > 0)
            hpx_fields_set_bytes(&fields, "as", as.data, as.size);
        const hpx_status status = hpx_adoption_from_fields(&again, &fields, &error);
        assert_int_equal(status, kind == 0 ? HPX_OK : HPX_DAMAGED);
        if (kind == 0) {
            const hpx_hash other = hpx_adoption_id(&again);
            assert_false(hpx_hash_equal(&same, &other));
            assert_false(hpx_adoption_same_numerics(&again));
            assert_string_equal(hpx_fields_text_or_empty(&again.as, "numerics.kernel"), "L");
            assert_memory_equal(hpx_adoption_as_version(&again), version_of(1), HPX_CODE_BYTES);
        }
        hpx_fields_set_text(&adoption.as, "numerics.kernel", "K");
        hpx_adoption_free(&again);
        hpx_fields_free(&changed);
        hpx_fields_free(&fields);
        hpx_buffer_free(&as);
    }
    hpx_adoption_free(&adoption);
}

/* As they were before paths were known: read, and it holds for nothing. */
static void test_older(void **state)
{
    (void)state;
    hpx_adoption adoption = make_adoption(2, 1, "K", true), again;
    hpx_fields fields = {0}, older = {0};
    hpx_adoption_to_fields(&fields, &adoption);
    for (size_t i = 0; i < fields.count; i++)
        if (strcmp(fields.fields[i].name, "holds") != 0 && strcmp(fields.fields[i].name, "paths") != 0)
            hpx_fields_set(&older, &fields.fields[i]);
    assert_int_equal(hpx_adoption_from_fields(&again, &older, &error), HPX_DAMAGED);
    hpx_fields_set_bytes(&older, "covers", "anything", 8);
    expect_ok(hpx_adoption_from_fields(&again, &older, &error), &error);
    assert_int_equal(again.key_count, 1);
    assert_int_equal(again.hold_count, 0);
    expect_ok(hpx_adoption_put(store, &again, &error), &error);
    assert_int_equal(counts_as(2, "K", "relu", 0), 2);
    hpx_adoption_free(&again);
    hpx_adoption_free(&adoption);
    hpx_fields_free(&fields);
    hpx_fields_free(&older);
}

static void test_resolve(void **state)
{
    (void)state;
    assert_int_equal(counts_as(2, "K", "relu", 0), 2);
    put(2, 1, "K", true);
    assert_int_equal(counts_as(2, "K", "relu", 0), 1);
    assert_int_equal(counts_as(1, "K", "relu", 0), 1);
    /* Not where nothing was proven: other settings, another machine. */
    assert_int_equal(counts_as(2, "K", "tanh", 0), 2);
    assert_int_equal(counts_as(2, "K", "relu", 0.5), 2);
    assert_int_equal(counts_as(2, "L", "relu", 0), 2);
    /* Each machine has its own. An assertion holds for all settings there. */
    put(2, 3, "L", false);
    assert_int_equal(counts_as(2, "L", "tanh", 0.5), 3);
    assert_int_equal(counts_as(2, "K", "relu", 0), 1);
    /* What lacks a field is another machine, too. */
    put(7, 8, NULL, false);
    assert_int_equal(counts_as(7, NULL, "relu", 0), 8);
    assert_int_equal(counts_as(7, "K", "relu", 0), 7);
    /* From one to the next, as far as they hold; replaced; a circle has an end. */
    put(4, 2, "K", false);
    assert_int_equal(counts_as(4, "K", "relu", 0), 1);
    assert_int_equal(counts_as(4, "K", "tanh", 0), 2);
    put(4, 3, "K", false);
    assert_int_equal(counts_as(4, "K", "relu", 0), 3);
    put(5, 6, "K", false);
    put(6, 5, "K", false);
    counts_as(5, "K", "relu", 0);
    hpx_adoption gone = make_adoption(2, 1, "K", true);
    expect_ok(hpx_adoption_drop(store, &gone, &error), &error);
    expect_ok(hpx_adoption_drop(store, &gone, &error), &error);
    hpx_adoption_free(&gone);
    assert_int_equal(counts_as(2, "K", "relu", 0), 2);
    assert_int_equal(counts_as(2, "L", "relu", 0), 3);
}

/* A binary that is equivalent to two of a trainer: each for its own results, an assertion for those that are left. */
static void test_several(void **state)
{
    (void)state;
    static const char *const activations[] = {"relu", "tanh"}, *const kernels[] = {"K", "L"};
    put(2, 1, NULL, false);
    for (int i = 0; i < 2; i++) {
        hpx_adoption adoption = make_adoption(2, 1, NULL, true);
        hpx_fields_set_text(&adoption.as, "numerics.kernel", kernels[i]);
        hpx_fields manifest = make_manifest(2, NULL, activations[i], 0);
        const hpx_hash key = hpx_adoption_key(&adoption, &manifest);
        hpx_adoption_set_holds(&adoption, &key, 1);
        expect_ok(hpx_adoption_put(store, &adoption, &error), &error);
        hpx_fields_free(&manifest);
        hpx_adoption_free(&adoption);
    }
    hpx_adoptions adoptions;
    expect_ok(hpx_adoptions_read(&adoptions, store, &error), &error);
    assert_int_equal(adoptions.count, 3);
    for (int i = 0; i < 3; i++) {
        const char *activation = i < 2 ? activations[i] : "gelu", *kernel = i < 2 ? kernels[i] : NULL;
        hpx_fields made = make_manifest(2, NULL, activation, 0), stored = {0},
                   expected = make_manifest(1, kernel, activation, 0);
        for (size_t k = 0; k < made.count; k++)
            hpx_fields_set(&stored, &made.fields[k]);
        hpx_adoptions_resolve(&adoptions, &stored);
        const hpx_hash a = hpx_record_id(&stored), b = hpx_record_id(&expected);
        assert_true(hpx_hash_equal(&a, &b));
        assert_true(hpx_adoptions_lead(&adoptions, &made, &stored));
        assert_non_null(hpx_adoptions_of(&adoptions, version_of(2), &stored));
        assert_null(hpx_adoptions_of(&adoptions, version_of(3), &stored));
        hpx_adoptions_set_maker(&adoptions, &stored, version_of(2));
        const hpx_hash c = hpx_record_id(&stored), d = hpx_record_id(&made);
        assert_true(hpx_hash_equal(&c, &d));
        hpx_fields_free(&made);
        hpx_fields_free(&stored);
        hpx_fields_free(&expected);
    }
    hpx_adoptions_free(&adoptions);
}

static void test_possible(void **state)
{
    (void)state;
    static const struct {
        uint8_t trainer;
        const char *kernel, *vector, *activation;
        bool possible;
    } others[] = {
        {1, "K", NULL, "relu", true},    {2, "K", NULL, "relu", false},    {1, "K", NULL, "tanh", false},
        {1, "L", NULL, "relu", true},    {1, NULL, NULL, "relu", true},    {1, "K", "avx2", "relu", true},
        {2, "K", "avx2", "relu", false}, {1, "K", "plain", "relu", false},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        hpx_fields mine = make_manifest(2, "K", "relu", 0),
                   other = make_manifest(others[i].trainer, others[i].kernel, others[i].activation, 0);
        if (others[i].vector)
            hpx_fields_set_text(&other, "numerics.vector", others[i].vector);
        assert_int_equal(hpx_adoption_is_possible(&mine, &other), others[i].possible);
        assert_int_equal(hpx_adoption_is_possible(&other, &mine), others[i].possible);
        /* Of the same BLAS, a sample proves as much as anywhere. */
        if (others[i].vector)
            hpx_fields_set_text(&mine, "numerics.vector", others[i].vector);
        if (others[i].vector)
            assert_int_equal(hpx_adoption_is_possible(&mine, &other), others[i].trainer != 2);
        hpx_fields_free(&mine);
        hpx_fields_free(&other);
    }
}

/* --- with trainings ------------------------------------------------------------------------------------- */

static hpx_outcome *build(const char *text)
{
    hpx_recipe *recipe;
    hpx_outcome *outcome;
    char *whole = hpx_format("%s  validation = 12\nmodel mlp\n  hidden = $n\n%s", dataset, text);
    expect_ok(hpx_recipe_parse(&recipe, "test.rcp", whole, strlen(whole), NULL, NULL, &error), &error);
    hpx_source_options source = {.store = store, .remember = true, .folder = folder};
    hpx_build_options options = {.program = "/proc/self/exe", .jobs = 2};
    const hpx_recipe_search *searches[] = {&recipe->searches[0]};
    expect_ok(hpx_build(&outcome, recipe, searches, 1, &source, &options, &error), &error);
    hpx_recipe_free(recipe);
    free(whole);
    return outcome;
}

static void expect_build(const char *text, size_t stored, size_t extended, size_t trained)
{
    hpx_outcome *outcome = build(text);
    assert_int_equal(outcome->stored, stored);
    assert_int_equal(outcome->extended, extended);
    assert_int_equal(outcome->trained, trained);
    hpx_outcome_free(outcome);
}

struct artifacts {
    hpx_artifact items[128];
    size_t count;
};

static hpx_status note(void *context, const hpx_artifact *artifact, hpx_error *e)
{
    (void)e;
    struct artifacts *artifacts = context;
    assert_in_range(artifacts->count, 0, 127);
    artifacts->items[artifacts->count++] = hpx_artifact_copy(artifact);
    return HPX_OK;
}

static struct artifacts artifacts_of(const hpx_hash *key)
{
    struct artifacts artifacts = {.count = 0};
    expect_ok(hpx_store_each(store, key, note, &artifacts, &error), &error);
    return artifacts;
}

static void free_artifacts(struct artifacts *artifacts)
{
    while (artifacts->count > 0)
        hpx_artifact_free(&artifacts->items[--artifacts->count]);
}

/* What another trainer would have left. */
struct forgery {
    const char *wrong; /* NULL, or an activation of which every loss is off */
    const char
        *vector; /* NULL: this binary's numerics; else as an earlier version had them, under that name */
    const char *activation; /* NULL: of all */
    uint32_t to;            /* epoch; 0: all */
};

/* Every stored epoch, with its checkpoint, under a manifest of trainer 1. */
static void forge_into(hpx_store *from, const struct forgery *forgery)
{
    struct artifacts artifacts = {.count = 0};
    hpx_fields code = {0};
    expect_ok(hpx_store_each(from, NULL, note, &artifacts, &error), &error);
    hpx_fields_set_bytes(&code, "version", version_of(1), HPX_CODE_BYTES);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_CODE, &code, &error), &error);
    for (size_t i = 0; i < artifacts.count; i++) {
        hpx_artifact made = hpx_artifact_copy(&artifacts.items[i]);
        hpx_fields manifest = {0}, data = {0};
        hpx_buffer bytes = {0}, checkpoint = {0};
        uint32_t epoch;
        expect_ok(hpx_store_manifest(&manifest, from, &made.key, &error), &error);
        const char *activation = hpx_fields_text_or_empty(&manifest, "model.activation");
        if ((forgery->activation && strcmp(activation, forgery->activation) != 0) ||
            (forgery->to && made.epoch > forgery->to)) {
            hpx_artifact_free(&made);
            hpx_fields_free(&manifest);
            continue;
        }
        expect_ok(hpx_store_get_record(&data, from, HPX_RECORD_DATASET, &made.dataset, &error), &error);
        expect_ok(hpx_store_put_record(store, HPX_RECORD_DATASET, &data, &error), &error);
        expect_ok(get_newest_bytes(&epoch, &checkpoint, from, &made.key, made.epoch, &error), &error);
        assert_int_equal(epoch, made.epoch);
        hpx_manifest_set_trainer(&manifest, version_of(1));
        if (forgery->vector) {
            hpx_fields_set_text(&manifest, "numerics.vector", forgery->vector);
            hpx_fields_set_text(&manifest, "numerics.blas", "a BLAS");
            hpx_fields_set_text(&manifest, "numerics.kernel", "a kernel");
        }
        hpx_fields_encode(&bytes, &manifest);
        made.key = hpx_hash_of(bytes.data, bytes.size);
        made.code = hpx_record_id(&code);
        const double loss = hpx_metrics_value(&made.metrics, "test_loss");
        activation = hpx_fields_text_or_empty(&manifest, "model.activation");
        if (forgery->wrong && strcmp(activation, forgery->wrong) == 0)
            assert_true(hpx_metrics_set(&made.metrics, "test_loss", nextafter(loss, INFINITY)));
        made.output = hpx_output_hash(&made.metrics, checkpoint.data, checkpoint.size);
        expect_ok(put_bytes(store, &bytes, &made, checkpoint.data, checkpoint.size, NULL, &error), &error);
        hpx_buffer_free(&bytes);
        hpx_buffer_free(&checkpoint);
        hpx_fields_free(&data);
        hpx_fields_free(&manifest);
        hpx_artifact_free(&made);
    }
    free_artifacts(&artifacts);
    hpx_fields_free(&code);
}

/* Puts a store of these in place of the one there is. */
static void forge(const struct forgery *forgeries, size_t count)
{
    hpx_store *from = store;
    char *path = hpx_path_join(folder, "forged");
    expect_ok(hpx_store_open(&store, path, HPX_STORE_WRITE, &error), &error);
    free(path);
    for (size_t i = 0; i < count; i++)
        forge_into(from, &forgeries[i]);
    hpx_store_close(from);
}

static hpx_status adopt(hpx_adopted *out, size_t sample, bool unproven)
{
    hpx_adopt_options options = {
        .sample = sample, .unproven = unproven, .program = "/proc/self/exe", .jobs = 2, .folder = folder};
    memcpy(options.as, version_of(1), HPX_CODE_BYTES);
    return hpx_adopt(out, store, &options, &error);
}

static void fault(void *context, const char *what)
{
    hpx_buffer_printf(context, "%s\n", what);
}

static void expect_sound(void)
{
    uint64_t checked;
    hpx_buffer faults = {0};
    expect_ok(hpx_store_verify(store, &checked, fault, &faults, &error), &error);
    assert_string_equal(hpx_buffer_text(&faults), "");
    hpx_buffer_free(&faults);
}

#define CELLS(activations, epochs)                                                                           \
    "  activation = $act\ntrain\n  batch = 8\n  epochs = " epochs                                            \
    "\n  keep = all\n  seeds = 1..3\naxis n = 2 3 5\naxis act = " activations                                \
    "\nsearch s\n  method = grid\n"

/* A store of trainer 1's results: relu and tanh, three widths each, which take the same paths with all
 * vectors. A training of this one, of a width that trainer 1 has not, tells the store where the files of the
 * data set are. */
static void forge_all(const struct forgery *forgeries, size_t count)
{
    hpx_outcome_free(build(CELLS("relu tanh", "2")));
    forge(forgeries, count);
    hpx_outcome_free(build("train\n  batch = 8\n  epochs = 1\naxis n = 1\nsearch s\n  method = grid\n"));
}

static void forge_results(const char *wrong)
{
    forge_all(&(struct forgery){.wrong = wrong}, 1);
}

/* The widths of the trajectories in a proof, sorted. */
static void expect_widths(const hpx_adoption *adoption, const char *expected)
{
    size_t counts[9] = {0};
    hpx_buffer text = {0};
    for (size_t i = 0; i < adoption->key_count; i++) {
        const uint64_t *widths;
        size_t count;
        hpx_fields manifest = {0};
        expect_ok(hpx_store_manifest(&manifest, store, &adoption->keys[i], &error), &error);
        expect_ok(hpx_fields_counts(&widths, &count, &manifest, "model.hidden", &error), &error);
        assert_in_range(widths[0], 1, 8);
        counts[widths[0]]++;
        hpx_fields_free(&manifest);
    }
    for (size_t width = 1; width <= 8; width++)
        for (size_t i = 0; i < counts[width]; i++)
            hpx_buffer_printf(&text, "%zu ", width);
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
}

static hpx_status keep_verdict(void *context, const hpx_rebuilt *rebuilt, hpx_error *e)
{
    (void)e;
    *(hpx_rebuilt *)context = *rebuilt;
    return HPX_OK;
}

/* Of a result that is equivalent to trainer 1's, the newest epoch was made by this one: that is who trains it as it
 * was made. */
static void expect_made_here(void)
{
    hpx_adoptions adoptions;
    hpx_rebuilt rebuilt = {.compared = 0};
    hpx_rebuild_counts counts;
    expect_ok(hpx_adoptions_read(&adoptions, store, &error), &error);
    const hpx_rebuild_wanted wanted = {.key = adoptions.items[0].keys[0]};
    hpx_rebuild_options options = {.program = "/proc/self/exe",
                                   .jobs = 1,
                                   .wanted = &wanted,
                                   .wanted_count = 1,
                                   .folder = folder,
                                   .done = keep_verdict,
                                   .context = &rebuilt};
    expect_ok(hpx_rebuild(&counts, store, &options, &error), &error);
    assert_int_equal(rebuilt.verdict, HPX_REBUILD_SAME);
    assert_int_equal(rebuilt.compared, 3);
    /* And all of them may be in a sample of this binary's. */
    options = (hpx_rebuild_options){.program = "/proc/self/exe",
                                    .jobs = 2,
                                    .share = 1,
                                    .folder = folder,
                                    .done = keep_verdict,
                                    .context = &rebuilt};
    expect_ok(hpx_rebuild(&counts, store, &options, &error), &error);
    assert_int_equal(counts.same, 19);
    assert_int_equal(counts.others, 0);
    hpx_adoptions_free(&adoptions);
}

static void test_cheapest(void **state)
{
    (void)state;
    hpx_adopted adopted;
    forge_results(NULL);
    /* Each activation three times, and all widths; then the cheapest; then all there are. */
    expect_ok(adopt(&adopted, 1, false), &error);
    expect_widths(&adopted.made.items[0], "2 2 2 2 3 5 ");
    assert_int_equal(adopted.made.items[0].epochs, 12);
    assert_non_null(strstr(adopted.made.items[0].paths, "activation relu\nactivation tanh\n"));
    assert_int_equal(adopted.results, 18);
    hpx_adopted_free(&adopted);
    expect_ok(adopt(&adopted, 8, false), &error);
    expect_widths(&adopted.made.items[0], "2 2 2 2 2 2 3 5 ");
    hpx_adopted_free(&adopted);
    expect_ok(adopt(&adopted, SIZE_MAX, false), &error);
    expect_widths(&adopted.made.items[0], "2 2 2 2 2 2 3 3 3 3 3 3 5 5 5 5 5 5 ");
    hpx_adopted_free(&adopted);
    expect_build(CELLS("relu tanh", "2"), 18, 0, 0);
    expect_build(CELLS("relu tanh", "3"), 0, 18, 0);
    expect_made_here();
    /* What this trainer has added since proves nothing about it. */
    expect_ok(adopt(&adopted, SIZE_MAX, false), &error);
    assert_int_equal(adopted.made.items[0].epochs, 36);
    hpx_adopted_free(&adopted);
    expect_build(CELLS("relu gelu", "2"), 9, 0, 9);
    expect_sound();
}

static void test_difference(void **state)
{
    (void)state;
    hpx_adopted adopted;
    hpx_adoptions adoptions;
    forge_results("tanh");
    assert_int_equal(adopt(&adopted, 1, false), HPX_DIFFERS);
    assert_int_equal(adopted.difference.first_difference, 1);
    const hpx_metrics *stored = &adopted.difference.stored.metrics,
                      *again = &adopted.difference.again.metrics;
    assert_true(hpx_metrics_value(stored, "test_loss") > hpx_metrics_value(again, "test_loss"));
    assert_true(hpx_metrics_value(stored, "train_loss") == hpx_metrics_value(again, "train_loss"));
    hpx_fields manifest = {0};
    expect_ok(hpx_store_manifest(&manifest, store, &adopted.differing, &error), &error);
    assert_string_equal((const char *)hpx_fields_find(&manifest, "model.activation")->bytes, "tanh");
    hpx_fields_free(&manifest);
    hpx_adopted_free(&adopted);
    expect_ok(hpx_adoptions_read(&adoptions, store, &error), &error);
    assert_int_equal(adoptions.count, 0);
    hpx_adoptions_free(&adoptions);

    /* Asserted it is, until both have stored what differs. */
    expect_ok(adopt(&adopted, 0, true), &error);
    assert_int_equal(adopted.made.items[0].key_count, 0);
    expect_build(CELLS("relu tanh", "2"), 18, 0, 0);
    expect_ok(hpx_adoption_drop(store, &adopted.made.items[0], &error), &error);
    hpx_adopted_free(&adopted);
    expect_build(CELLS("tanh", "2"), 0, 0, 9);
    assert_int_equal(adopt(&adopted, 0, true), HPX_DIFFERS);
    hpx_adopted_free(&adopted);
}

/* What both have stored need not be trained again, and what only this trainer has is stored as the
 * other's. */
static void test_stored_before(void **state)
{
    (void)state;
    hpx_adopted adopted;
    forge_results(NULL);
    expect_build(CELLS("tanh", "3"), 0, 0, 9);
    expect_ok(adopt(&adopted, 4, false), &error);
    expect_widths(&adopted.made.items[0], "2 2 2 2 2 2 3 3 3 5 5 5 ");
    assert_int_equal(adopted.made.items[0].epochs, 24);
    assert_int_equal(adopted.copied, 9); /* not the one that trainer 1 has not */
    hpx_adopted_free(&adopted);
    /* Again: the third epochs, which only this trainer has made, are no proof. */
    expect_ok(adopt(&adopted, 4, false), &error);
    assert_int_equal(adopted.made.items[0].epochs, 24);
    hpx_adopted_free(&adopted);
    expect_build(CELLS("tanh", "3"), 9, 0, 0);
    expect_build(CELLS("tanh", "4"), 0, 9, 0);
    expect_sound();
}

static void test_not_here(void **state)
{
    (void)state;
    hpx_adopted adopted;
    forge_results(NULL);
    char *labels = hpx_path_join(folder, "test-labels");
    assert_int_equal(remove(labels), 0);
    free(labels);
    assert_int_equal(adopt(&adopted, 1, false), HPX_FAILED);
    assert_int_equal(adopted.left, 18);
    expect_contains(error.message, "its data is gone");
    hpx_adopted_free(&adopted);
}

/* Of two data sets one is gone: its results stay the other trainer's, and that is said. */
static void test_partly_here(void **state)
{
    (void)state;
    hpx_adopted adopted;
    char *here = dataset, *there = hpx_path_join(folder, "there"),
         *images = hpx_path_join(there, "train-images");
    assert_int_equal(mkdir(there, 0700), 0);
    write_digits(there);
    hpx_buffer bytes = read_file(images);
    bytes.data[bytes.size - 1] ^= 1;
    write_file(images, bytes.data, bytes.size);
    dataset = digits_dataset(there);
    hpx_outcome_free(build(CELLS("gelu", "2")));
    char *gone = dataset;
    dataset = here;
    forge_results(NULL);
    dataset = gone;
    hpx_outcome_free(build("train\n  batch = 8\n  epochs = 1\naxis n = 1\nsearch s\n  method = grid\n"));
    dataset = here;
    assert_int_equal(remove(images), 0);
    expect_ok(adopt(&adopted, 1, false), &error);
    assert_int_equal(adopted.results, 18);
    assert_int_equal(adopted.left, 9);
    expect_contains(adopted.why.message, "its data is gone");
    assert_null(strstr(adopted.made.items[0].paths, "activation gelu"));
    assert_int_equal(adopted.made.items[0].hold_count, 18);
    hpx_adopted_free(&adopted);
    hpx_buffer_free(&bytes);
    free(gone);
    free(images);
    free(there);
}

/* Where products run through a BLAS, no sample proves what another one gives. */
static void test_other_numerics(void **state)
{
    (void)state;
    hpx_adopted adopted;
    forge_all(&(struct forgery){.vector = "plain"}, 1);
    assert_int_equal(adopt(&adopted, 1, false), HPX_NOT_FOUND);
    expect_contains(error.message, "other numerics");
    assert_int_equal(adopted.apart, 18);
    assert_int_equal(adopted.made.count, 0);
    hpx_adopted_free(&adopted);
    expect_build(CELLS("relu", "2"), 0, 0, 9);
}

/* This binary's products run through a BLAS, too: it has not what these tests need. */
static bool has_plain_vectors(void)
{
    hpx_fields binary = {0};
    hpx_manifest_set_binary(&binary, hpx_trainer_find("mlp"));
    const bool plain = strcmp(hpx_fields_text_or_empty(&binary, "numerics.vector"), "plain") == 0;
    hpx_fields_free(&binary);
    return plain;
}

static const hpx_adoption *made_for(const hpx_adopted *adopted, const char *vector)
{
    for (size_t i = 0; i < adopted->made.count; i++)
        if (strcmp(hpx_fields_text_or_empty(&adopted->made.items[i].as, "numerics.vector"), vector) == 0)
            return &adopted->made.items[i];
    return NULL;
}

/* Results of two machines, as earlier versions named their numerics: an adoption for each, and a result that both
 * have counts once, with the epochs of both. */
static void test_two_machines(void **state)
{
    (void)state;
    static const struct forgery forgeries[] = {{.vector = "avx2", .activation = "relu"},
                                               {.vector = "avx512", .activation = "tanh"},
                                               {.vector = "avx2", .activation = "tanh", .to = 1},
                                               {.vector = "plain", .activation = "relu"}};
    hpx_adopted adopted;
    if (has_plain_vectors())
        skip();
    forge_all(forgeries, 4);
    for (int again = 0; again < 2; again++) {
        expect_ok(adopt(&adopted, 1, false), &error);
        assert_int_equal(adopted.results, 27);
        assert_int_equal(adopted.apart, 9);
        assert_int_equal(adopted.copied, 9);
        const hpx_adoption *avx2 = made_for(&adopted, "avx2"), *avx512 = made_for(&adopted, "avx512");
        /* What is stored under both numerics belongs to the adoption that is made first, which their hashes decide. */
        assert_non_null(avx2);
        assert_true(avx2->key_count > 0 && (!avx512 || avx512->key_count > 0));
        assert_int_equal(avx2->hold_count + (avx512 ? avx512->hold_count : 0), 18);
        hpx_adopted_free(&adopted);
    }
    expect_build(CELLS("relu tanh", "2"), 18, 0, 0);
    expect_build(CELLS("relu tanh", "3"), 0, 18, 0);
    expect_sound();
    /* An assertion reaches neither of them. */
    expect_ok(adopt(&adopted, 0, true), &error);
    assert_int_equal(adopted.made.count, 1);
    assert_int_equal(adopted.results, 0);
    assert_int_equal(adopted.apart, 36);
    hpx_adopted_free(&adopted);
    expect_build(CELLS("relu tanh", "3"), 18, 0, 0);
}

/* What differs on one machine keeps nobody from adopting the results of the other. */
static void test_one_machine_differs(void **state)
{
    (void)state;
    static const struct forgery forgeries[] = {{.vector = "avx2", .activation = "relu"},
                                               {.vector = "avx512", .wrong = "tanh"}};
    hpx_adopted adopted;
    if (has_plain_vectors())
        skip();
    forge_all(forgeries, 2);
    assert_int_equal(adopt(&adopted, 1, false), HPX_DIFFERS);
    assert_int_equal(adopted.difference.first_difference, 1);
    assert_int_equal(adopted.made.count, 1);
    assert_non_null(made_for(&adopted, "avx2"));
    hpx_adopted_free(&adopted);
    expect_build(CELLS("relu tanh", "2"), 9, 0, 9);
}

/* Of one trajectory into another: what is missing, and nothing if an output differs. */
static void test_copy(void **state)
{
    (void)state;
    expect_build(CELLS("relu", "2"), 0, 0, 9);
    struct artifacts all = artifacts_of(NULL);
    hpx_fields manifest = {0};
    hpx_buffer bytes = {0}, checkpoint = {0};
    uint32_t epoch;
    hpx_fields_set_text(&manifest, "name", "a manifest of the test");
    hpx_fields_encode(&bytes, &manifest);
    const hpx_hash key = hpx_hash_of(bytes.data, bytes.size);
    expect_ok(hpx_store_copy(store, &all.items[0].key, &bytes, &error), &error);
    expect_ok(hpx_store_copy(store, &all.items[0].key, &bytes, &error), &error);
    struct artifacts copies = artifacts_of(&key);
    assert_int_equal(copies.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(&copies.items[i].output, &all.items[i].output, HPX_HASH_BYTES);
        assert_memory_equal(&copies.items[i].code, &all.items[i].code, HPX_HASH_BYTES);
        assert_int_equal(copies.items[i].started_ns, all.items[i].started_ns);
    }
    expect_ok(get_newest_bytes(&epoch, &checkpoint, store, &key, 1, &error), &error);
    assert_int_equal(epoch, 1);
    hpx_hash output = hpx_output_hash(&all.items[0].metrics, checkpoint.data, checkpoint.size);
    assert_memory_equal(&output, &all.items[0].output, HPX_HASH_BYTES);
    assert_int_equal(hpx_store_copy(store, &all.items[2].key, &bytes, &error), HPX_DIFFERS);
    struct artifacts after = artifacts_of(&key);
    assert_int_equal(after.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(hpx_artifact_same_output(&after.items[i], &copies.items[i]));
        assert_int_equal(after.items[i].started_ns, copies.items[i].started_ns);
    }
    free_artifacts(&after);
    free_artifacts(&copies);
    free_artifacts(&all);
    expect_sound();
    hpx_buffer_free(&checkpoint);
    hpx_buffer_free(&bytes);
    hpx_fields_free(&manifest);
}

#define WITH_DIGITS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return hpx_worker_run(STDIN_FILENO, &error) != HPX_OK;
    alarm(300); /* a training that waits for ever fails */
    const struct CMUnitTest tests[] = {
        WITH_DIGITS(test_fields),         WITH_DIGITS(test_as),
        WITH_DIGITS(test_older),          WITH_DIGITS(test_several),
        WITH_DIGITS(test_resolve),        WITH_DIGITS(test_cheapest),
        WITH_DIGITS(test_difference),     WITH_DIGITS(test_stored_before),
        WITH_DIGITS(test_not_here),       WITH_DIGITS(test_partly_here),
        WITH_DIGITS(test_other_numerics), WITH_DIGITS(test_copy),
        WITH_DIGITS(test_two_machines),   WITH_DIGITS(test_one_machine_differs),
        cmocka_unit_test(test_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
