/* What the store keeps of programs: why they stopped, their logs and conditions, and runs that are alike, or replicates. */
#include "hpx/store.h"
#include "store/bundle.h"
#include "store/check.h"
#include "store/space.h"

#include "base/memory.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <lmdb.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *folder;
static hpx_store *store;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_store_close(store);
    remove_folder(folder);
    return 0;
}

/* --- what is put ------------------------------------------------------------------------------------------- */

static hpx_fields conditions_of(const char *repeat, double within)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "run.repeat", repeat);
    hpx_fields_set_text(&fields, "run.continue", "no");
    if (within > 0)
        hpx_fields_set_real(&fields, "run.within", within);
    hpx_fields_set_text(&fields, "run.volatile", "*_ms \"gpu*\"");
    return fields;
}

static hpx_buffer manifest_of(uint64_t number)
{
    hpx_fields fields = {0};
    hpx_buffer manifest = {0};
    hpx_fields_set_count(&fields, "number", number);
    hpx_fields_set_real(&fields, "axis.Rate", 0.5);
    hpx_fields_set_text(&fields, "env.OMP_NUM_THREADS", "1");
    hpx_fields_encode(&manifest, &fields);
    hpx_fields_free(&fields);
    return manifest;
}

static hpx_hash key_of(uint64_t number)
{
    hpx_buffer manifest = manifest_of(number);
    hpx_hash key = hpx_hash_of(manifest.data, manifest.size);
    hpx_buffer_free(&manifest);
    return key;
}

struct run {
    uint32_t epoch, parent;
    double accuracy, seconds;
    const char *stopped, *failure, *checkpoint, *log;
};

static int64_t clock_ns = 1700000000000000000;

static hpx_hash put_record(hpx_store *to, hpx_record_kind kind, hpx_fields fields)
{
    hpx_hash id = hpx_record_id(&fields);
    expect_ok(hpx_store_put_record(to, kind, &fields, &error), &error);
    hpx_fields_free(&fields);
    return id;
}

static hpx_status put_to(hpx_store *to, uint64_t number, const struct run *run, hpx_fields conditions)
{
    hpx_fields code = {0}, data = {0};
    hpx_fields_set_text(&code, "describe", "v1");
    hpx_fields_set_text(&data, "name", "data");
    hpx_buffer manifest = manifest_of(number), log = {0};
    hpx_artifact artifact = {.key = key_of(number),
                             .epoch = run->epoch,
                             .parent = run->parent,
                             .code = put_record(to, HPX_RECORD_CODE, code),
                             .dataset = put_record(to, HPX_RECORD_DATASET, data),
                             .cell = CELL("rate\0"
                                          "0.5"),
                             .host = "node",
                             .started_ns = clock_ns++};
    const hpx_comparison comparison = hpx_comparison_of(&conditions);
    hpx_put_options options = {.comparison = comparison, .log = run->log ? &log : NULL};
    artifact.conditions = hpx_record_id(&conditions);
    expect_ok(hpx_store_put_record(to, HPX_RECORD_CONDITIONS, &conditions, &error), &error);
    if (run->failure) {
        strcpy(artifact.failure, run->failure);
        artifact.output = hpx_failure_hash(run->failure);
    } else {
        hpx_metrics_set(&artifact.metrics, "accuracy", run->accuracy);
        hpx_metrics_set(&artifact.metrics, "train_seconds", run->seconds);
        hpx_metrics_set(&artifact.metrics, "step_ms", run->seconds * 2);
        artifact.output = hpx_output_hash(&artifact.metrics, (const uint8_t *)"any", 3);
    }
    if (run->stopped)
        strcpy(artifact.stopped, run->stopped);
    if (run->log)
        hpx_buffer_puts(&log, run->log);
    hpx_status status = run->checkpoint ? put_bytes(to, &manifest, &artifact, run->checkpoint,
                                                    strlen(run->checkpoint), &options, &error)
                                        : hpx_store_put(to, &manifest, &artifact, NULL, &options, &error);
    hpx_fields_free(&conditions);
    hpx_artifact_free(&artifact);
    hpx_buffer_free(&manifest);
    hpx_buffer_free(&log);
    return status;
}

static hpx_status put(uint64_t number, const struct run *run, hpx_fields conditions)
{
    return put_to(store, number, run, conditions);
}

/* --- what is found ----------------------------------------------------------------------------------------- */

static void expect_accuracy(hpx_store *in, uint64_t number, uint32_t epochs, uint32_t epoch, double accuracy)
{
    hpx_artifact got;
    const hpx_hash key = key_of(number);
    expect_ok(hpx_store_find(&got, in, &key, epochs, NULL, &error), &error);
    assert_int_equal(got.epoch, epoch);
    assert_true(hpx_metrics_value(&got.metrics, "accuracy") == accuracy);
    hpx_artifact_free(&got);
}

struct later {
    size_t replicates, conflicts;
};

static hpx_status count_later(void *context, const hpx_artifact *artifact, hpx_error *unused)
{
    (void)unused;
    struct later *later = context;
    *(artifact->replicate ? &later->replicates : &later->conflicts) += 1;
    return HPX_OK;
}

static void expect_later(hpx_store *in, size_t replicates, size_t conflicts)
{
    struct later later = {0};
    expect_ok(hpx_store_each_conflict(in, NULL, count_later, &later, &error), &error);
    assert_int_equal(later.replicates, replicates);
    assert_int_equal(later.conflicts, conflicts);
}

static void expect_log(hpx_store *in, uint64_t number, uint32_t epoch, const char *text)
{
    hpx_buffer log = {0};
    const hpx_hash key = key_of(number);
    const hpx_status status = hpx_store_get_log(&log, in, &key, epoch, &error);
    assert_int_equal(status, text ? HPX_OK : HPX_NOT_FOUND);
    if (text)
        assert_string_equal(hpx_buffer_text(&log), text);
    hpx_buffer_free(&log);
}

static void fail_on_damage(void *context, const char *what)
{
    (void)context;
    fail_msg("%s", what);
}

static void expect_sound(hpx_store *in)
{
    uint64_t checked;
    expect_ok(hpx_store_verify(in, &checked, fail_on_damage, NULL, &error), &error);
}

/* --- tests ------------------------------------------------------------------------------------------------- */

/* An epoch that stopped answers for all later ones, with its metrics. */
static void test_stopped(void **state)
{
    (void)state;
    static const struct run runs[] = {{.epoch = 1, .accuracy = 0.5, .checkpoint = "one"},
                                      {.epoch = 2, .accuracy = 0.75, .stopped = "no progress"}};
    hpx_artifact got;
    const hpx_hash key = key_of(1);
    for (size_t i = 0; i < COUNT(runs); i++)
        expect_ok(put(1, &runs[i], conditions_of("exact", 0)), &error);
    expect_accuracy(store, 1, 1, 1, 0.5);
    expect_accuracy(store, 1, 2, 2, 0.75);
    expect_accuracy(store, 1, 9, 2, 0.75);
    assert_int_equal(hpx_store_get(&got, store, &key, 9, NULL, &error), HPX_NOT_FOUND);
    expect_ok(hpx_store_get(&got, store, &key, 2, NULL, &error), &error);
    assert_string_equal(got.stopped, "no progress");
    hpx_artifact_free(&got);
    /* It has no checkpoint, and the one before stays. */
    uint32_t epoch;
    expect_ok(hpx_store_newest_checkpoint_epoch(&epoch, store, &key, 9, &error), &error);
    assert_int_equal(epoch, 1);
    expect_sound(store);
}

/* Time decides some metrics, and checkpoints are not compared. */
static void test_alike(void **state)
{
    (void)state;
    static const struct run first = {.epoch = 1, .accuracy = 0.97, .seconds = 1},
                            same = {.epoch = 1, .accuracy = 0.97, .seconds = 2, .checkpoint = "weights"},
                            near = {.epoch = 1, .accuracy = 0.972, .seconds = 3},
                            far = {.epoch = 1, .accuracy = 0.9731, .seconds = 1};
    expect_ok(put(1, &first, conditions_of("exact", 0)), &error);
    expect_ok(put(1, &same, conditions_of("exact", 0)), &error);
    expect_later(store, 0, 0);
    uint32_t epoch; /* the first run had none */
    const hpx_hash key = key_of(1);
    expect_ok(hpx_store_newest_checkpoint_epoch(&epoch, store, &key, 1, &error), &error);
    expect_sound(store);

    assert_int_equal(put(1, &near, conditions_of("exact", 0)), HPX_DIFFERS);
    expect_contains(error.message, "epoch 1: trained again with accuracy 0.972, and 0.97 before");
    expect_later(store, 0, 1);
    expect_ok(put(1, &near, conditions_of("within", 0.002)), &error);
    assert_int_equal(put(1, &far, conditions_of("within", 0.002)), HPX_DIFFERS);
    expect_accuracy(store, 1, 1, 1, 0.97);
    expect_sound(store);
}

/* A failure is like any other one, and like no number. */
static void test_failures(void **state)
{
    (void)state;
    static const struct run failed = {.epoch = 2, .failure = "diverged at 1e9"},
                            otherwise = {.epoch = 2, .failure = "diverged at 2e9"},
                            well = {.epoch = 2, .accuracy = 0.5};
    expect_ok(put(1, &failed, conditions_of("exact", 0)), &error);
    expect_ok(put(1, &otherwise, conditions_of("exact", 0)), &error);
    assert_int_equal(put(1, &well, conditions_of("within", 1e9)), HPX_DIFFERS);
}

/* Where runs need not be alike each later one is kept, equal ones too, and the first one's score remains. */
static void test_replicates(void **state)
{
    (void)state;
    static const struct run runs[] = {
        {.epoch = 1, .accuracy = 0.97, .log = "first\n"},
        {.epoch = 1, .accuracy = 0.98, .checkpoint = "of another", .log = "second\n"},
        {.epoch = 1, .accuracy = 0.97}};
    uint32_t epoch;
    const hpx_hash key = key_of(1);
    for (size_t i = 0; i < COUNT(runs); i++)
        expect_ok(put(1, &runs[i], conditions_of("no", 0)), &error);
    expect_accuracy(store, 1, 1, 1, 0.97);
    expect_later(store, 2, 0);
    expect_log(store, 1, 1, "first\n");
    assert_int_equal(hpx_store_newest_checkpoint_epoch(&epoch, store, &key, 1, &error), HPX_NOT_FOUND);
    expect_sound(store);

    hpx_findings findings;
    hpx_store_close(store);
    expect_ok(hpx_store_check(&findings, folder, NULL, &error), &error);
    assert_int_equal(findings.damaged.count + findings.differing.count, 0);
    hpx_findings_free(&findings);
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
}

/* A log goes with its artifact. */
static void test_log(void **state)
{
    (void)state;
    char *longest = hpx_alloc(HPX_LOG_BYTES_MAX + 100);
    memset(longest, 'x', HPX_LOG_BYTES_MAX + 99);
    const struct run run = {.epoch = 3, .accuracy = 0.5, .log = longest},
                     other = {.epoch = 3, .accuracy = 0.5, .log = "\x1b[2J and \x01\n"};
    hpx_buffer log = {0};
    bool forgotten;
    const hpx_hash first = key_of(1), second = key_of(2);
    expect_ok(put(1, &run, conditions_of("exact", 0)), &error);
    expect_ok(put(2, &other, conditions_of("exact", 0)), &error);
    expect_ok(hpx_store_get_log(&log, store, &first, 3, &error), &error);
    assert_int_equal(log.size, HPX_LOG_BYTES_MAX);
    hpx_buffer_free(&log);
    expect_log(store, 2, 3, "\x1b[2J and \x01\n");
    expect_log(store, 2, 2, NULL);
    expect_sound(store);
    expect_ok(hpx_store_forget(&forgotten, store, &first, &error), &error);
    assert_true(forgotten);
    expect_log(store, 1, 3, NULL);
    expect_ok(hpx_store_reject(store, &second, 3, "a test", &error), &error);
    expect_log(store, 2, 3, NULL);
    expect_sound(store);
    free(longest);
}

static uint32_t stored_format(void)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {.mv_size = 6, .mv_data = (void *)"format"}, value;
    char *path = hpx_path_join(folder, "hpx.mdb");
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY, 0), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &key, &value), 0);
    const uint32_t format = *(const uint8_t *)value.mv_data;
    mdb_txn_abort(txn);
    mdb_env_close(env);
    free(path);
    return format;
}

/* Programs that do not know results of programs may open a store until it has one. */
static void test_format(void **state)
{
    (void)state;
    static const struct run run = {.epoch = 1, .accuracy = 0.5};
    hpx_store_close(store);
    assert_int_equal(stored_format(), 2);
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    expect_ok(put(1, &run, conditions_of("exact", 0)), &error);
    hpx_store_close(store);
    assert_int_equal(stored_format(), 3);
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    expect_accuracy(store, 1, 1, 1, 0.5);
}

/* --- bundles ----------------------------------------------------------------------------------------------- */

static hpx_status append(void *context, const void *bytes, size_t size, hpx_error *unused)
{
    (void)unused;
    hpx_buffer_add(context, bytes, size);
    return HPX_OK;
}

struct source {
    const hpx_buffer *bytes;
    size_t at;
};

static hpx_status take(void *context, void *bytes, size_t size, size_t *got, hpx_error *unused)
{
    (void)unused;
    struct source *source = context;
    const size_t left = source->bytes->size - source->at;
    *got = left < size ? left : size;
    memcpy(bytes, source->bytes->data + source->at, *got);
    source->at += *got;
    return HPX_OK;
}

static hpx_buffer export(bool logs)
{
    hpx_exported done;
    hpx_buffer bundle = {0};
    const hpx_bundle_options options = {.checkpoints = true, .logs = logs};
    expect_ok(hpx_bundle_write(&done, store, NULL, 0, &options, append, &bundle, &error), &error);
    assert_int_equal(done.left_out, 0);
    return bundle;
}

static hpx_status import(hpx_imported *done, hpx_store *to, const hpx_buffer *bundle)
{
    struct source source = {.bytes = bundle};
    return hpx_bundle_read(done, to, "the bundle", NULL, take, &source, &error);
}

static void fill(void)
{
    static const struct run runs[] = {
        {.epoch = 1, .accuracy = 0.97, .checkpoint = "weights", .log = "said\n"},
        {.epoch = 1, .accuracy = 0.98}};
    static const struct run stopped = {.epoch = 4, .accuracy = 0.5, .stopped = "no progress"};
    for (size_t i = 0; i < COUNT(runs); i++)
        expect_ok(put(1, &runs[i], conditions_of("no", 0)), &error);
    expect_ok(put(2, &stopped, conditions_of("exact", 0)), &error);
}

static void test_bundle(void **state)
{
    (void)state;
    fill();
    for (int logs = 0; logs <= 1; logs++) {
        char *elsewhere = make_folder();
        hpx_store *other;
        hpx_imported done;
        hpx_buffer bundle = export(logs);
        assert_int_equal(bundle.data[4], 4);
        expect_ok(hpx_store_open(&other, elsewhere, HPX_STORE_WRITE, &error), &error);
        expect_ok(import(&done, other, &bundle), &error);
        assert_int_equal(done.artifacts.added, 2);
        assert_int_equal(done.conflicts.added, 1);
        assert_int_equal(done.checkpoints.added, 1);
        assert_int_equal(done.logs.added, logs);
        expect_log(other, 1, 1, logs ? "said\n" : NULL);
        expect_accuracy(other, 1, 1, 1, 0.97);
        expect_accuracy(other, 2, 7, 4, 0.5);
        expect_later(other, 1, 0);
        expect_sound(other);
        expect_ok(import(&done, other, &bundle), &error);
        assert_int_equal(done.artifacts.added + done.conflicts.added + done.logs.added, 0);
        hpx_store_close(other);
        hpx_buffer_free(&bundle);
        remove_folder(elsewhere);
    }
}

/* Who has a run of his own takes that of others as a replicate, and nothing else of it. */
static void test_import_beside(void **state)
{
    (void)state;
    static const struct run own = {.epoch = 1, .accuracy = 0.9};
    static const struct run alike = {.epoch = 4, .accuracy = 0.5, .stopped = "too slow", .seconds = 9};
    char *elsewhere = make_folder();
    hpx_store *other;
    hpx_imported done;
    uint32_t epoch;
    const hpx_hash key = key_of(1);
    fill();
    hpx_buffer bundle = export(true);
    expect_ok(hpx_store_open(&other, elsewhere, HPX_STORE_WRITE, &error), &error);
    expect_ok(put_to(other, 1, &own, conditions_of("no", 0)), &error);
    expect_ok(put_to(other, 2, &alike, conditions_of("exact", 0)), &error);
    for (size_t i = 0; i < 2; i++) {
        expect_ok(import(&done, other, &bundle), &error);
        assert_int_equal(done.artifacts.added, 0);
        assert_int_equal(done.conflicts.added, i == 0 ? 2 : 0);
        expect_later(other, 2, 0);
        expect_accuracy(other, 1, 1, 1, 0.9);
        expect_log(other, 1, 1, NULL);
        assert_int_equal(hpx_store_newest_checkpoint_epoch(&epoch, other, &key, 1, &error), HPX_NOT_FOUND);
        expect_sound(other);
    }
    hpx_store_close(other);
    hpx_buffer_free(&bundle);
    remove_folder(elsewhere);
}

/* What differs is refused. */
static void test_import_differs(void **state)
{
    (void)state;
    static const struct run other_score = {.epoch = 4, .accuracy = 0.625, .stopped = "no progress"};
    char *elsewhere = make_folder();
    hpx_store *other;
    hpx_imported done;
    fill();
    hpx_buffer bundle = export(true);
    expect_ok(hpx_store_open(&other, elsewhere, HPX_STORE_WRITE, &error), &error);
    expect_ok(put_to(other, 2, &other_score, conditions_of("exact", 0)), &error);
    assert_int_equal(import(&done, other, &bundle), HPX_DIFFERS);
    expect_contains(error.message, "nothing was imported");
    hpx_store_close(other);
    hpx_buffer_free(&bundle);
    remove_folder(elsewhere);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_stopped),    WITH_STORE(test_alike),         WITH_STORE(test_failures),
        WITH_STORE(test_replicates), WITH_STORE(test_log),           WITH_STORE(test_format),
        WITH_STORE(test_bundle),     WITH_STORE(test_import_beside), WITH_STORE(test_import_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
