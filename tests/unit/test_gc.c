/* Space: what is kept, what is collected and why, pins, and compaction. */
#include "upkeep/gc.h"

#include "identity/experiment.h"

#include "base/memory.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <lmdb.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHUNK 16352 /* bytes of a checkpoint in four pages */

static char *folder, *data_path;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    data_path = hpx_path_join(folder, "hpx.mdb");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(data_path);
    remove_folder(folder);
    return 0;
}

static hpx_store *open_store(hpx_store_mode mode)
{
    hpx_store *store;
    expect_ok(hpx_store_open(&store, folder, mode, &error), &error);
    return store;
}

/* --- trajectories: known by a number, hidden layer of that many units ----------------------------------- */

static hpx_fields dataset_record(void)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "name", "toy");
    hpx_fields_set_count(&fields, "features", 64);
    hpx_fields_set_count(&fields, "classes", 4);
    return fields;
}

/* Of 0 units: more layers than the trainer knows, as another version of it might. */
static hpx_hash manifest_of(hpx_buffer *out, uint64_t units)
{
    uint64_t many[100];
    hpx_fields fields = {0};
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = 8;
    hpx_fields_set_text(&fields, "model.kind", "mlp");
    hpx_fields_set_counts(&fields, "model.hidden", units ? &units : many, units ? 1 : COUNT(many));
    hpx_fields_set_count(&fields, "dataset.train-count", 100);
    hpx_fields_encode(out, &fields);
    hpx_fields_free(&fields);
    return hpx_hash_of(out->data, out->size);
}

static hpx_hash key_of(uint64_t units)
{
    hpx_buffer manifest = {0};
    hpx_hash key = manifest_of(&manifest, units);
    hpx_buffer_free(&manifest);
    return key;
}

/* Of training: 3 * (64 * units + units * 4) - 64 * units per sample, on 100 of them. */
static uint64_t macs_of(uint64_t units, uint32_t epochs)
{
    return (3 * 68 * units - 64 * units) * 100 * epochs;
}

static hpx_buffer checkpoint_of(uint64_t units, uint32_t epoch, size_t size)
{
    hpx_buffer bytes = {0};
    hpx_buffer_reserve(&bytes, size);
    memset(bytes.data, (int)(units * 16 + epoch), size);
    bytes.size = size;
    return bytes;
}

#define ACCURACY                                                                                             \
    {                                                                                                        \
        "test_accuracy", false                                                                               \
    }
#define LOSS                                                                                                 \
    {                                                                                                        \
        "validation_loss", true                                                                              \
    }

static hpx_status put_with(hpx_store *store, uint64_t units, uint32_t epoch, size_t size, double value,
                           const hpx_put_options *options)
{
    hpx_buffer manifest = {0}, checkpoint = checkpoint_of(units, epoch, size);
    hpx_fields dataset = dataset_record();
    hpx_artifact artifact = {.key = manifest_of(&manifest, units),
                             .epoch = epoch,
                             .parent = epoch - 1,
                             .metrics = made_metrics(value, value, value, value, value, value),
                             .code = hpx_record_id(&dataset), /* any record will do */
                             .dataset = hpx_record_id(&dataset),
                             .seed = 7,
                             .seconds = 2,
                             .total_seconds = 2.0 * epoch};
    char text[16];
    hpx_buffer pairs = {0};
    snprintf(text, sizeof text, "%u", (unsigned)units);
    hpx_cell_add(&pairs, "n", text);
    artifact.cell = hpx_cell_of(&pairs);
    artifact.output = hpx_output_hash(&artifact.metrics, checkpoint.data, checkpoint.size);
    hpx_status status = hpx_store_put_record(store, HPX_RECORD_DATASET, &dataset, &error);
    if (!status)
        status = hpx_store_put_record(store, HPX_RECORD_CODE, &dataset, &error);
    if (!status)
        status = put_bytes(store, &manifest, &artifact, checkpoint.data, checkpoint.size, options, &error);
    hpx_buffer_free(&pairs);
    hpx_fields_free(&dataset);
    hpx_buffer_free(&manifest);
    hpx_buffer_free(&checkpoint);
    return status;
}

static const hpx_put_options keep_all = {.keep = HPX_KEEP_ALL};

/* Epochs 1 to `epochs`, all with their checkpoints. */
static void put_all(hpx_store *store, uint64_t units, uint32_t epochs, size_t size)
{
    for (uint32_t epoch = 1; epoch <= epochs; epoch++)
        expect_ok(put_with(store, units, epoch, size, 0.5, &keep_all), &error);
}

/* --- what is there -------------------------------------------------------------------------------------- */

struct walk {
    hpx_hash key;
    hpx_buffer text;
    uint64_t bytes;
};

static hpx_status step(void *context, const hpx_stored_checkpoint *checkpoint, hpx_error *unused)
{
    (void)unused;
    struct walk *walk = context;
    if (!hpx_hash_equal(&walk->key, &checkpoint->key))
        return HPX_OK;
    hpx_buffer_printf(&walk->text, "%s%u", walk->text.size ? " " : "", checkpoint->epoch);
    walk->bytes += checkpoint->bytes;
    return HPX_OK;
}

/* The epochs with checkpoints, "1 3". */
static void expect_epochs(hpx_store *store, uint64_t units, const char *epochs)
{
    struct walk walk = {.key = key_of(units)};
    expect_ok(hpx_store_each_checkpoint(store, step, &walk, &error), &error);
    assert_string_equal(hpx_buffer_text(&walk.text), epochs);
    hpx_buffer_free(&walk.text);
}

static void expect_results(hpx_store *store, uint64_t units, uint32_t epochs)
{
    hpx_artifact artifact;
    hpx_hash key = key_of(units);
    for (uint32_t epoch = 1; epoch <= epochs; epoch++) {
        expect_ok(hpx_store_get(&artifact, store, &key, epoch, NULL, &error), &error);
        hpx_artifact_free(&artifact);
    }
}

static void expect_checkpoint(hpx_store *store, uint64_t units, uint32_t epoch, size_t size)
{
    hpx_hash key = key_of(units);
    hpx_buffer bytes = {0}, right = checkpoint_of(units, epoch, size);
    uint32_t found = 0;
    expect_ok(get_newest_bytes(&found, &bytes, store, &key, epoch, &error), &error);
    assert_int_equal(found, epoch);
    assert_int_equal(bytes.size, size);
    assert_memory_equal(bytes.data, right.data, size);
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&right);
}

static void ignore_damage(void *context, const char *what)
{
    (void)what;
    (*(size_t *)context)++;
}

static void show_damage(void *context, const char *what)
{
    print_error("%s\n", what);
    ignore_damage(context, what);
}

static void expect_sound(hpx_store *store)
{
    uint64_t checked;
    size_t faults = 0;
    expect_ok(hpx_store_verify(store, &checked, show_damage, &faults, &error), &error);
    assert_int_equal(faults, 0);
}

/* --- keep ----------------------------------------------------------------------------------------------- */

static void test_keep(void **state)
{
    (void)state;
    static const struct {
        hpx_keep keep;
        hpx_objective objective;
        const char *values; /* of the objective, epoch by epoch, one digit each; x: NaN */
        const char *epochs; /* with checkpoints after the last one */
    } table[] = {
        {HPX_KEEP_NEWEST, ACCURACY, "5555", "4"}, {HPX_KEEP_ALL, ACCURACY, "5555", "1 2 3 4"},
        {HPX_KEEP_NONE, ACCURACY, "5555", ""},    {HPX_KEEP_BEST, ACCURACY, "1234", "4"},
        {HPX_KEEP_BEST, ACCURACY, "4321", "1 4"}, {HPX_KEEP_BEST, ACCURACY, "1331", "2 4"},
        {HPX_KEEP_BEST, ACCURACY, "1313", "2 4"}, {HPX_KEEP_BEST, LOSS, "4321", "4"},
        {HPX_KEEP_BEST, LOSS, "3114", "2 4"},     {HPX_KEEP_BEST, LOSS, "x2x3", "2 4"},
        {HPX_KEEP_BEST, LOSS, "xxxx", "4"},
    };
    hpx_store *store = open_store(HPX_STORE_WRITE);
    for (size_t i = 0; i < COUNT(table); i++) {
        hpx_put_options options = {.keep = table[i].keep, .objective = table[i].objective};
        uint32_t epochs = (uint32_t)strlen(table[i].values);
        for (uint32_t epoch = 1; epoch <= epochs; epoch++) {
            char digit = table[i].values[epoch - 1];
            double value = digit == 'x' ? NAN : (digit - '0') / 10.0;
            options.last = epoch == epochs;
            expect_ok(put_with(store, 100 + i, epoch, 2 * CHUNK, value, &options), &error);
            if (!options.last)
                expect_checkpoint(store, 100 + i, epoch, 2 * CHUNK); /* it can always be continued */
        }
        expect_epochs(store, 100 + i, table[i].epochs);
        expect_results(store, 100 + i, epochs);
    }
    expect_sound(store);
    hpx_store_close(store);
}

/* An epoch below those that are there: what was newer stays the newest. */
static void test_keep_below(void **state)
{
    (void)state;
    const hpx_put_options best = {.keep = HPX_KEEP_BEST, .objective = ACCURACY};
    const hpx_put_options none = {.keep = HPX_KEEP_NONE, .objective = ACCURACY, .last = true};
    hpx_store *store = open_store(HPX_STORE_WRITE);
    for (uint64_t units = 1; units <= 3; units++)
        expect_ok(put_with(store, units, 5, CHUNK, 0.5, NULL), &error);
    expect_ok(put_with(store, 1, 3, CHUNK, 0.9, &best), &error);
    expect_epochs(store, 1, "3 5");
    expect_ok(put_with(store, 1, 2, CHUNK, 0.8, &best), &error);
    expect_epochs(store, 1, "3 5");
    expect_ok(put_with(store, 1, 1, CHUNK, 0.9, &best), &error); /* as good, and earlier */
    expect_epochs(store, 1, "1 5");
    expect_ok(put_with(store, 2, 3, CHUNK, 0.5, &none), &error);
    expect_epochs(store, 2, "5");
    expect_ok(put_with(store, 3, 2, CHUNK, 0.5, &keep_all), &error);
    expect_ok(put_with(store, 3, 1, CHUNK, 0.5, NULL), &error);
    expect_epochs(store, 3, "5");
    hpx_store_close(store);
}

/* --- pins ----------------------------------------------------------------------------------------------- */

static bool is_pinned(hpx_store *store, uint64_t units)
{
    bool pinned;
    hpx_hash key = key_of(units);
    expect_ok(hpx_store_is_pinned(&pinned, store, &key, &error), &error);
    return pinned;
}

static void pin(hpx_store *store, uint64_t units, bool pinned)
{
    hpx_hash key = key_of(units);
    expect_ok(hpx_store_pin(store, &key, pinned, &error), &error);
    assert_int_equal(is_pinned(store, units), pinned);
}

static void test_pins(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 2, 100);
    put_all(store, 2, 2, 100);
    assert_false(is_pinned(store, 1));
    pin(store, 2, false);
    pin(store, 1, true);
    pin(store, 1, true);
    expect_sound(store);
    hpx_store_close(store);
    store = open_store(HPX_STORE_READ);
    assert_true(is_pinned(store, 1));
    assert_false(is_pinned(store, 2));
    hpx_store_close(store);

    /* What is stored later is no reason to drop what is pinned. */
    const hpx_put_options none = {.keep = HPX_KEEP_NONE, .objective = ACCURACY, .last = true};
    store = open_store(HPX_STORE_WRITE);
    expect_ok(put_with(store, 1, 3, 100, 0.5, NULL), &error);
    expect_ok(put_with(store, 1, 4, 100, 0.5, &none), &error);
    expect_epochs(store, 1, "1 2 3 4");
    pin(store, 1, false);
    expect_ok(put_with(store, 1, 5, 100, 0.5, NULL), &error);
    expect_epochs(store, 1, "5");
    hpx_store_close(store);
}

/* Opens the environment behind the store's back, in a write transaction. */
static MDB_txn *open_raw(MDB_env **env)
{
    MDB_txn *txn;
    assert_int_equal(mdb_env_create(env), 0);
    assert_int_equal(mdb_env_set_maxdbs(*env, 32), 0);
    assert_int_equal(mdb_env_set_mapsize(*env, 1u << 28), 0);
    assert_int_equal(mdb_env_open(*env, data_path, MDB_NOSUBDIR, 0666), 0);
    assert_int_equal(mdb_txn_begin(*env, NULL, 0, &txn), 0);
    return txn;
}

static void drop_database(const char *name)
{
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn = open_raw(&env);
    assert_int_equal(mdb_dbi_open(txn, name, 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* A store whose writer knew no pins, and none of the other databases that came later. */
static void test_older_store(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 2, 100);
    hpx_store_close(store);
    drop_database("pins");
    drop_database("conflicts");
    drop_database("adoptions");
    store = open_store(HPX_STORE_READ);
    assert_false(is_pinned(store, 1));
    expect_results(store, 1, 2);
    expect_sound(store);
    hpx_store_close(store);
    store = open_store(HPX_STORE_WRITE);
    assert_false(is_pinned(store, 1));
    pin(store, 1, true);
    expect_results(store, 1, 2);
    hpx_store_close(store);
    store = open_store(HPX_STORE_READ);
    assert_true(is_pinned(store, 1));
    hpx_store_close(store);

    /* One of the databases that every store has is no such thing. */
    drop_database("records");
    assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), HPX_DAMAGED);
    assert_null(store);
}

static void put_raw(const char *database, const void *key, size_t key_size, const void *bytes, size_t size)
{
    MDB_env *env;
    MDB_dbi dbi;
    MDB_val name = {.mv_size = key_size, .mv_data = (void *)key},
            value = {.mv_size = size, .mv_data = (void *)bytes};
    MDB_txn *txn = open_raw(&env);
    assert_int_equal(mdb_dbi_open(txn, database, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &name, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* Damage to a pin is no reason to collect what it protects. */
static void test_damaged_pin(void **state)
{
    (void)state;
    size_t reports = 0;
    hpx_hash key = key_of(1);
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 3, 100);
    pin(store, 1, true);
    hpx_store_close(store);
    put_raw("pins", key.bytes, sizeof key.bytes, "no seal", 7);
    store = open_store(HPX_STORE_WRITE);
    hpx_store_on_damage(store, ignore_damage, &reports);
    hpx_gc_result result;
    expect_ok(hpx_gc(&result, store, &(hpx_gc_options){0}, &error), &error);
    assert_int_equal(result.count, 0);
    assert_int_equal(reports, 1);
    expect_epochs(store, 1, "1 2 3");
    hpx_gc_result_free(&result);
    pin(store, 1, true); /* heals it */
    expect_sound(store);
    hpx_store_close(store);
}

/* --- space ---------------------------------------------------------------------------------------------- */

/* Pages in use by LMDB's own count: two meta pages, the list of databases and the databases. */
static uint64_t live_bytes(void)
{
    MDB_env *env;
    MDB_txn *txn = open_raw(&env);
    MDB_dbi list, dbi;
    MDB_cursor *cursor;
    MDB_stat info;
    MDB_val key, value;
    uint64_t pages = 2;
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &list), 0);
    assert_int_equal(mdb_stat(txn, list, &info), 0);
    pages += info.ms_branch_pages + info.ms_leaf_pages + info.ms_overflow_pages;
    assert_int_equal(mdb_cursor_open(txn, list, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)key.mv_size, (const char *)key.mv_data);
        assert_int_equal(mdb_dbi_open(txn, name, 0, &dbi), 0);
        assert_int_equal(mdb_stat(txn, dbi, &info), 0);
        pages += info.ms_branch_pages + info.ms_leaf_pages + info.ms_overflow_pages;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return pages * info.ms_psize;
}

static void test_space(void **state)
{
    (void)state;
    struct stat file;
    hpx_space space;
    for (int round = 0; round < 3; round++) {
        hpx_store *store = open_store(HPX_STORE_WRITE);
        for (uint64_t units = 1; units <= 5; units++)
            expect_ok(put_with(store, units, 1 + round, units * 20000, 0.5, NULL), &error);
        hpx_store_close(store);
        store = open_store(HPX_STORE_READ);
        expect_ok(hpx_store_space(&space, store, &error), &error);
        hpx_store_close(store);
        assert_int_equal(stat(data_path, &file), 0);
        assert_int_equal(space.file_bytes, file.st_size);
        assert_int_equal(space.live_bytes, live_bytes());
        assert_true(space.live_bytes < space.file_bytes);
    }
}

/* What a checkpoint is said to occupy is what dropping it gives back. */
static void test_checkpoint_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = {CHUNK, 3 * CHUNK, 3 * CHUNK + 5000, 64 * CHUNK, 2 << 20};
    static const uint64_t pages[] = {4, 12, 12 + 2, 256, 512};
    hpx_store *store = open_store(HPX_STORE_WRITE);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct walk walk = {.key = key_of(i + 1)};
        hpx_space before, after;
        bool dropped;
        expect_ok(put_with(store, i + 1, 1, sizes[i], 0.5, NULL), &error);
        expect_ok(hpx_store_each_checkpoint(store, step, &walk, &error), &error);
        assert_int_equal(walk.bytes, pages[i] * 4096);
        hpx_buffer_free(&walk.text);
        expect_ok(hpx_store_space(&before, store, &error), &error);
        expect_ok(hpx_store_drop_checkpoints(&dropped, store, &walk.key, &(uint32_t){1}, 1, &error), &error);
        assert_true(dropped);
        expect_ok(hpx_store_space(&after, store, &error), &error);
        uint64_t freed = before.live_bytes - after.live_bytes; /* with pages of the tree above */
        assert_true(freed >= walk.bytes && freed <= walk.bytes + 5 * 4096);
        expect_epochs(store, i + 1, "");
        expect_results(store, i + 1, 1);
        /* Gone already. */
        expect_ok(hpx_store_drop_checkpoints(&dropped, store, &walk.key, &(uint32_t){1}, 1, &error), &error);
    }
    expect_sound(store);
    hpx_store_close(store);
}

/* --- collecting ----------------------------------------------------------------------------------------- */

static const hpx_gc_item *item_of(const hpx_gc_result *result, uint64_t units, uint32_t epoch)
{
    hpx_hash key = key_of(units);
    for (size_t i = 0; i < result->count; i++)
        if (hpx_hash_equal(&result->items[i].key, &key) && result->items[i].epoch == epoch)
            return &result->items[i];
    fail_msg("epoch %u of %u is not collected", epoch, (unsigned)units);
    return NULL;
}

static void expect_same(const hpx_gc_result *a, const hpx_gc_result *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_memory_equal(&a->items[i].key, &b->items[i].key, sizeof a->items[i].key);
        assert_int_equal(a->items[i].epoch, b->items[i].epoch);
        assert_int_equal(a->items[i].reason, b->items[i].reason);
    }
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->live_after, b->live_after);
    assert_int_equal(a->strays.chunks, b->strays.chunks);
    assert_int_equal(a->macs, b->macs);
    assert_int_equal(a->reached, b->reached);
}

/* A dry run in READ mode, then the same for real; what both say. */
static hpx_gc_result collect(hpx_gc_options options)
{
    hpx_gc_result dry, real;
    hpx_buffer before = read_file(data_path);
    hpx_store *store = open_store(HPX_STORE_READ);
    options.dry = true;
    expect_ok(hpx_gc(&dry, store, &options, &error), &error);
    hpx_store_close(store);
    hpx_buffer after = read_file(data_path);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    hpx_buffer_free(&before);
    hpx_buffer_free(&after);
    store = open_store(HPX_STORE_WRITE);
    options.dry = false;
    expect_ok(hpx_gc(&real, store, &options, &error), &error);
    expect_same(&dry, &real);
    expect_sound(store);
    hpx_store_close(store);
    hpx_gc_result_free(&dry);
    return real;
}

static void test_superseded(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 3, 2 * CHUNK);
    put_all(store, 2, 1, CHUNK);
    put_all(store, 3, 2, CHUNK);
    put_all(store, 4, 5, CHUNK);
    pin(store, 4, true);
    hpx_store_close(store);
    hpx_gc_result result = collect((hpx_gc_options){0});
    assert_int_equal(result.count, 3);
    assert_true(result.reached);
    assert_int_equal(result.bytes, (8 + 8 + 4) * 4096);
    assert_int_equal(result.live_after, result.before.live_bytes - result.bytes);
    const hpx_gc_item *item = item_of(&result, 1, 2);
    assert_int_equal(item->reason, HPX_GC_SUPERSEDED);
    assert_int_equal(item->newer, 3);
    assert_int_equal(item->bytes, 8 * 4096);
    assert_string_equal(hpx_cell_value(&item->cell, "n"), "1");
    assert_int_equal(item->seed, 7);
    assert_int_equal(item->macs, macs_of(1, 2));
    assert_true(item->seconds == 4);
    assert_int_equal(item_of(&result, 1, 1)->macs, macs_of(1, 1));
    assert_int_equal(item_of(&result, 3, 1)->newer, 2);
    /* Epoch 1 is trained on the way to epoch 2. */
    assert_int_equal(result.macs, macs_of(1, 2) + macs_of(3, 1));
    assert_true(result.seconds == 4 + 2);
    hpx_gc_result_free(&result);

    store = open_store(HPX_STORE_WRITE);
    expect_epochs(store, 1, "3");
    expect_checkpoint(store, 1, 3, 2 * CHUNK);
    expect_epochs(store, 2, "1");
    expect_epochs(store, 3, "2");
    expect_epochs(store, 4, "1 2 3 4 5");
    for (uint64_t units = 1; units <= 4; units++)
        expect_results(store, units, units == 1 ? 3 : units == 2 ? 1 : units == 3 ? 2 : 5);
    hpx_store_close(store);
    result = collect((hpx_gc_options){0});
    assert_int_equal(result.count, 0);
    hpx_gc_result_free(&result);
}

/* A checkpoint that cannot be read takes nothing's place. */
static void test_damaged_newest(void **state)
{
    (void)state;
    size_t reports = 0;
    hpx_hash key = key_of(1);
    uint8_t name[24] = {0};
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 3, 2 * CHUNK);
    hpx_store_close(store);
    memcpy(name, key.bytes, sizeof key.bytes);
    name[19] = 3;
    name[23] = 1;
    put_raw("chunks", name, sizeof name, "damaged", 7);
    store = open_store(HPX_STORE_WRITE);
    hpx_store_on_damage(store, ignore_damage, &reports);
    hpx_gc_result result;
    expect_ok(hpx_gc(&result, store, &(hpx_gc_options){0}, &error), &error);
    assert_int_equal(result.count, 1);
    assert_int_equal(item_of(&result, 1, 1)->newer, 2);
    expect_epochs(store, 1, "2 3");
    expect_checkpoint(store, 1, 2, 2 * CHUNK);
    assert_true(reports > 0);
    hpx_gc_result_free(&result);
    hpx_store_close(store);
}

static void test_strays(void **state)
{
    (void)state;
    hpx_hash key = key_of(1), unknown = key_of(99);
    uint8_t name[24] = {0}, other[24] = {0};
    hpx_buffer bytes = checkpoint_of(1, 1, CHUNK);
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 1, 2 * CHUNK);
    hpx_store_close(store);
    memcpy(name, key.bytes, sizeof key.bytes);
    memcpy(other, unknown.bytes, sizeof unknown.bytes);
    name[19] = 1;
    name[23] = 2; /* behind its checkpoint's last */
    put_raw("chunks", name, sizeof name, bytes.data, bytes.size);
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn = open_raw(&env);
    assert_int_equal(mdb_dbi_open(txn, "chunks", 0, &dbi), 0);
    for (unsigned i = 0; i < 1500; i++) { /* more than one transaction's */
        MDB_val key_bytes = {.mv_size = sizeof other, .mv_data = other},
                value = {.mv_size = 1, .mv_data = "x"};
        other[22] = (uint8_t)(i >> 8);
        other[23] = (uint8_t)i;
        assert_int_equal(mdb_put(txn, dbi, &key_bytes, &value, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    hpx_gc_result result = collect((hpx_gc_options){0});
    assert_int_equal(result.strays.chunks, 1501);
    assert_int_equal(result.count, 0);
    assert_true(result.bytes >= 4 * 4096 && result.bytes < 5 * 4096 + 1500 * 40);
    hpx_gc_result_free(&result);
    store = open_store(HPX_STORE_READ);
    expect_checkpoint(store, 1, 1, 2 * CHUNK);
    hpx_store_close(store);
    hpx_buffer_free(&bytes);
}

/* A recipe's trial that is not stored is continued from below its last epoch, whatever is above. */
static void test_extends_of_recipe(void **state)
{
    (void)state;
    write_digits(folder);
    char *dataset = digits_dataset(folder);
    char *text = hpx_format("%s  validation = 10\nmodel mlp\n  hidden = 2\ntrain\n  epochs = 3\n", dataset);
    hpx_recipe *recipe;
    hpx_experiment *experiment;
    hpx_source_options source = {.folder = folder};
    hpx_buffer manifest = {0};
    struct walk walk = {{{0}}};
    expect_ok(hpx_recipe_parse(&recipe, "r.rcp", text, strlen(text), NULL, NULL, &error), &error);
    expect_ok(hpx_experiment_open(&experiment, recipe, &source, &error), &error);
    walk.key = hpx_experiment_manifest(&manifest, experiment, 0, 1, 1);
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 9, 2, CHUNK); /* not of the recipe */
    for (uint32_t epoch = 1; epoch <= 5; epoch++) {
        hpx_artifact artifact = {.key = walk.key, .epoch = epoch};
        if (epoch != 3)
            expect_ok(put_bytes(store, &manifest, &artifact, (const uint8_t *)"x", 1, &keep_all, &error),
                      &error);
    }
    const hpx_gc_options options = {
        .recipes = (const hpx_recipe *const *)&recipe, .recipe_count = 1, .folder = folder};
    hpx_gc_result result;
    expect_ok(hpx_gc(&result, store, &options, &error), &error);
    assert_int_equal(result.named, 1);
    assert_int_equal(item_of(&result, 9, 2)->reason, HPX_GC_NOT_NAMED);
    expect_epochs(store, 9, "");
    expect_ok(hpx_store_each_checkpoint(store, step, &walk, &error), &error);
    assert_string_equal(hpx_buffer_text(&walk.text), "2 5");
    hpx_store_close(store);
    hpx_gc_result_free(&result);
    hpx_buffer_free(&walk.text);
    hpx_buffer_free(&manifest);
    hpx_experiment_free(experiment);
    hpx_recipe_free(recipe);
    free(dataset);
    free(text);
}

/* To train again, the small ones with many bytes go first. */
static void test_size(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 1, 4 * CHUNK);   /* 14000 multiplications in 16 pages */
    put_all(store, 2, 1, 40 * CHUNK);  /* 28000 in 160: the cheapest for its size */
    put_all(store, 30, 1, 4 * CHUNK);  /* 420000 in 16 */
    put_all(store, 3, 1, 100 * CHUNK); /* cheaper still, but pinned */
    pin(store, 3, true);
    hpx_store_close(store);
    hpx_gc_options options = {.limited = true, .bytes_max = 1u << 30};
    hpx_gc_result result = collect(options);
    assert_int_equal(result.count, 0);
    assert_true(result.reached);

    options.bytes_max = result.before.live_bytes - 1;
    hpx_gc_result_free(&result);
    result = collect(options);
    assert_int_equal(result.count, 1);
    assert_int_equal(item_of(&result, 2, 1)->reason, HPX_GC_SIZE);
    assert_true(result.reached && result.live_after <= options.bytes_max);
    hpx_gc_result_free(&result);

    /* What was enough is enough the second time. */
    result = collect(options);
    assert_int_equal(result.count, 0);
    options.bytes_max = result.before.live_bytes - 1;
    hpx_gc_result_free(&result);
    result = collect(options);
    assert_int_equal(result.count, 1);
    assert_int_equal(item_of(&result, 1, 1)->reason, HPX_GC_SIZE);
    hpx_gc_result_free(&result);

    options.bytes_max = 100000;
    result = collect(options);
    assert_int_equal(result.count, 1);
    item_of(&result, 30, 1);
    assert_false(result.reached);
    hpx_gc_result_free(&result);
    store = open_store(HPX_STORE_READ);
    expect_epochs(store, 3, "1");
    for (uint64_t units = 1; units <= 3; units++)
        expect_results(store, units, 1);
    hpx_store_close(store);
}

/* What the cost is made of may be lost, or be nothing this trainer knows. It is not known then, and such a
 * checkpoint goes last. */
static void test_unknown_cost(void **state)
{
    (void)state;
    hpx_fields dataset = dataset_record();
    hpx_hash id = hpx_record_id(&dataset);
    hpx_fields_free(&dataset);
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 2, CHUNK);
    put_all(store, 0, 2, CHUNK);
    hpx_store_close(store);
    hpx_gc_options options = {.limited = true, .dry = true};
    store = open_store(HPX_STORE_WRITE);
    hpx_gc_result result;
    expect_ok(hpx_gc(&result, store, &options, &error), &error);
    assert_int_equal(result.count, 4);
    assert_int_equal(item_of(&result, 1, 1)->macs, macs_of(1, 1));
    assert_int_equal(item_of(&result, 0, 1)->macs, 0);
    options.bytes_max = result.before.live_bytes - 3 * 4 * 4096;
    hpx_gc_result_free(&result);
    expect_ok(hpx_gc(&result, store, &options, &error), &error);
    assert_int_equal(result.count, 3);
    item_of(&result, 1, 2);
    hpx_gc_result_free(&result);
    hpx_store_close(store);
    put_raw("datasets", id.bytes, sizeof id.bytes, "damaged", 7);
    store = open_store(HPX_STORE_READ);
    options = (hpx_gc_options){.dry = true};
    expect_ok(hpx_gc(&result, store, &options, &error), &error);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.macs, 0);
    assert_true(result.seconds == 4);
    hpx_gc_result_free(&result);
    hpx_store_close(store);
}

/* --- other processes ------------------------------------------------------------------------------------ */

/* A process that has opened the store, claimed a trajectory and waits to be told to end. The environment may
 * not be open here when it is started. */
struct other {
    pid_t pid;
    int to, from; /* pipes */
};

static struct other start_other(hpx_store_mode mode, uint64_t claim)
{
    int to[2], from[2];
    char byte = 0;
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    pid_t pid = fork();
    if (pid == 0) {
        hpx_store *store;
        bool claimed = true;
        hpx_hash key = key_of(claim);
        close(to[1]);
        if (hpx_store_open(&store, folder, mode, &error) ||
            (claim && (hpx_store_claim(&claimed, store, &key, &error) || !claimed)))
            _exit(1);
        if (write(from[1], "r", 1) != 1 || read(to[0], &byte, 1) != 0)
            _exit(1);
        hpx_store_close(store);
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    if (read(from[0], &byte, 1) != 1)
        fail_msg("the other process could not open the store");
    return (struct other){pid, to[1], from[0]};
}

static void end_other(struct other *other)
{
    int status;
    close(other->to);
    close(other->from);
    assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
    assert_int_equal(status, 0);
}

static void test_busy(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_all(store, 1, 3, CHUNK);
    put_all(store, 2, 3, CHUNK);
    hpx_store_close(store);
    struct other other = start_other(HPX_STORE_WRITE, 1);
    hpx_gc_result result = collect((hpx_gc_options){.limited = true, .bytes_max = 1});
    assert_int_equal(result.busy, 1);
    assert_int_equal(result.count, 3);
    assert_false(result.reached);
    hpx_gc_result_free(&result);
    store = open_store(HPX_STORE_READ);
    expect_epochs(store, 1, "1 2 3");
    expect_epochs(store, 2, "");
    hpx_store_close(store);
    end_other(&other);
    result = collect((hpx_gc_options){0});
    assert_int_equal(result.busy, 0);
    assert_int_equal(result.count, 2);
    hpx_gc_result_free(&result);
}

/* --- compaction ----------------------------------------------------------------------------------------- */

static void put_many(size_t size)
{
    hpx_store *store = open_store(HPX_STORE_WRITE);
    for (uint64_t units = 1; units <= 10; units++)
        put_all(store, units, 3, size);
    hpx_store_close(store);
}

static void expect_many(size_t size, const char *epochs)
{
    hpx_store *store = open_store(HPX_STORE_READ);
    for (uint64_t units = 1; units <= 10; units++) {
        expect_epochs(store, units, epochs);
        expect_results(store, units, 3);
        expect_checkpoint(store, units, 3, size);
    }
    expect_sound(store);
    hpx_store_close(store);
}

static bool exists(const char *name)
{
    char *path = hpx_path_join(folder, name);
    bool found = hpx_path_exists(path);
    free(path);
    return found;
}

static void test_compact(void **state)
{
    (void)state;
    uint64_t before, after;
    struct stat file;
    hpx_space space;
    put_many(5 * CHUNK);
    hpx_gc_result result = collect((hpx_gc_options){0});
    assert_int_equal(result.count, 20);
    hpx_gc_result_free(&result);
    assert_int_equal(chmod(data_path, 0640), 0);
    char *left_over = hpx_path_join(folder, "hpx.mdb.compact"); /* of a compaction that was killed */
    write_text(left_over, "half a store");
    free(left_over);
    expect_ok(hpx_store_compact(&before, &after, folder, &error), &error);
    assert_int_equal(stat(data_path, &file), 0);
    assert_int_equal(file.st_size, after);
    assert_int_equal(file.st_mode & 0777, 0640);
    assert_true(after < before / 2);
    assert_false(exists("hpx.mdb.compact"));
    assert_false(exists("hpx.mdb-lock"));
    expect_many(5 * CHUNK, "3");
    hpx_store *store = open_store(HPX_STORE_WRITE);
    expect_ok(hpx_store_space(&space, store, &error), &error);
    assert_true(space.file_bytes <= space.live_bytes + 4096);
    expect_ok(put_with(store, 1, 4, 5 * CHUNK, 0.5, NULL), &error);
    expect_checkpoint(store, 1, 4, 5 * CHUNK);
    hpx_store_close(store);
}

static void test_compact_nothing(void **state)
{
    (void)state;
    uint64_t before, after;
    assert_int_equal(hpx_store_compact(&before, &after, folder, &error), HPX_NOT_FOUND);
    assert_false(exists("hpx.mdb"));
    hpx_store_close(open_store(HPX_STORE_WRITE));
    expect_ok(hpx_store_compact(&before, &after, folder, &error), &error);
    hpx_store *store = open_store(HPX_STORE_WRITE);
    expect_sound(store);
    hpx_store_close(store);
}

/* Not even under a reader. */
static void test_compact_in_use(void **state)
{
    (void)state;
    uint64_t before, after;
    put_many(CHUNK);
    hpx_buffer bytes = read_file(data_path);
    struct other other = start_other(HPX_STORE_READ, 0);
    assert_int_equal(hpx_store_compact(&before, &after, folder, &error), HPX_FAILED);
    expect_contains(error.message, "the store is in use by test_gc (");
    end_other(&other);
    hpx_buffer same = read_file(data_path);
    assert_int_equal(same.size, bytes.size);
    assert_memory_equal(same.data, bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&same);
    expect_ok(hpx_store_compact(&before, &after, folder, &error), &error);
    expect_many(CHUNK, "1 2 3");
}

/* A copy that cannot be written, here for a limit on the size of files, as on a full disk. */
static void test_compact_no_room(void **state)
{
    (void)state;
    int status;
    put_many(5 * CHUNK);
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t before, after;
        struct rlimit limit = {1u << 20, 1u << 20};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        bool failed = hpx_store_compact(&before, &after, folder, &error) == HPX_FAILED;
        _exit(failed && strstr(error.message, "hpx.mdb") ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(exists("hpx.mdb.compact"));
    expect_many(5 * CHUNK, "1 2 3");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    unsetenv("HPX_MAP_SIZE");
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_keep),
        WITH_FOLDER(test_keep_below),
        WITH_FOLDER(test_pins),
        WITH_FOLDER(test_older_store),
        WITH_FOLDER(test_damaged_pin),
        WITH_FOLDER(test_space),
        WITH_FOLDER(test_checkpoint_bytes),
        WITH_FOLDER(test_superseded),
        WITH_FOLDER(test_damaged_newest),
        WITH_FOLDER(test_strays),
        WITH_FOLDER(test_extends_of_recipe),
        WITH_FOLDER(test_size),
        WITH_FOLDER(test_unknown_cost),
        WITH_FOLDER(test_busy),
        WITH_FOLDER(test_compact),
        WITH_FOLDER(test_compact_nothing),
        WITH_FOLDER(test_compact_in_use),
        WITH_FOLDER(test_compact_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
