/* The store: what it keeps, what it refuses, and that no damage goes unseen. */
#include "hpx/store.h"

#include "base/memory.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <lmdb.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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

/* Every text of a report, one a line. */
struct reports {
    hpx_buffer text;
    size_t count;
};

static void report(void *context, const char *what)
{
    struct reports *reports = context;
    hpx_buffer_printf(&reports->text, "%s\n", what);
    reports->count++;
}

static void expect_reports(struct reports *reports, size_t count, const char *part)
{
    expect_contains(hpx_buffer_text(&reports->text), part);
    if (reports->count != count)
        fail_msg("%zu reports instead of %zu:\n%s", reports->count, count, hpx_buffer_text(&reports->text));
    hpx_buffer_free(&reports->text);
    *reports = (struct reports){0};
}

/* Something stored: a manifest that is known by a number, and what belongs to it. */
struct entry {
    hpx_buffer manifest, checkpoint;
    hpx_artifact artifact;
};

static hpx_fields code_record(void)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "describe", "v1-code-record");
    return fields;
}

static hpx_fields dataset_record(void)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "name", "digits-dataset-record");
    return fields;
}

static hpx_hash id_of(hpx_fields fields)
{
    hpx_hash id = hpx_record_id(&fields);
    hpx_fields_free(&fields);
    return id;
}

static struct entry make_entry(uint64_t number, uint32_t epoch, size_t checkpoint_size)
{
    struct entry entry = {.artifact = {.epoch = epoch,
                                       .metrics = made_metrics(1.0 / epoch, 0.5, NAN, NAN, 0.25, 0.75),
                                       .cell = CELL("n1\0"
                                                    "128\0"
                                                    "n2\0"
                                                    "64"),
                                       .seed = 7,
                                       .host = "node-of-the-test",
                                       .started_ns = 1700000000123456789,
                                       .seconds = 1.5,
                                       .total_seconds = 4.5}};
    hpx_fields fields = {0};
    hpx_fields_set_count(&fields, "number", number);
    hpx_fields_set_text(&fields, "text", "a manifest of the test");
    hpx_fields_encode(&entry.manifest, &fields);
    hpx_fields_free(&fields);
    entry.artifact.key = hpx_hash_of(entry.manifest.data, entry.manifest.size);
    draw_seed(number << 32 | epoch);
    for (size_t i = 0; i < checkpoint_size; i++) {
        uint8_t byte = (uint8_t)draw(256);
        hpx_buffer_add(&entry.checkpoint, &byte, 1);
    }
    entry.artifact.output = hpx_output_hash(&entry.artifact.metrics, entry.checkpoint.data, checkpoint_size);
    entry.artifact.code = id_of(code_record());
    entry.artifact.dataset = id_of(dataset_record());
    return entry;
}

static void free_entry(struct entry *entry)
{
    hpx_buffer_free(&entry->manifest);
    hpx_buffer_free(&entry->checkpoint);
}

static hpx_status put(hpx_store *store, const struct entry *entry)
{
    return put_bytes(store, &entry->manifest, &entry->artifact, entry->checkpoint.data,
                     entry->checkpoint.size, NULL, &error);
}

static void put_new(hpx_store *store, uint64_t number, uint32_t epoch, size_t checkpoint_size)
{
    struct entry entry = make_entry(number, epoch, checkpoint_size);
    expect_ok(put(store, &entry), &error);
    free_entry(&entry);
}

static void put_records(hpx_store *store)
{
    hpx_fields code = code_record(), dataset = dataset_record();
    expect_ok(hpx_store_put_record(store, HPX_RECORD_CODE, &code, &error), &error);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_DATASET, &dataset, &error), &error);
    hpx_fields_free(&code);
    hpx_fields_free(&dataset);
}

static void expect_stored(hpx_store *store, const struct entry *entry)
{
    hpx_artifact got;
    expect_ok(
        hpx_store_get(&got, store, &entry->artifact.key, entry->artifact.epoch, &entry->manifest, &error),
        &error);
    const hpx_artifact *put_in = &entry->artifact;
    assert_memory_equal(&got.key, &put_in->key, sizeof got.key);
    assert_int_equal(got.epoch, put_in->epoch);
    assert_int_equal(got.parent, put_in->parent);
    assert_string_equal(got.failure, put_in->failure);
    assert_true(hpx_metrics_same_names(&got.metrics, &put_in->metrics));
    for (size_t i = 0; i < got.metrics.count; i++) {
        const double value = got.metrics.list[i].value, right = put_in->metrics.list[i].value;
        assert_true(value == right || (isnan(value) && isnan(right)));
    }
    assert_memory_equal(&got.output, &put_in->output, sizeof got.output);
    assert_memory_equal(&got.code, &put_in->code, sizeof got.code);
    assert_memory_equal(&got.dataset, &put_in->dataset, sizeof got.dataset);
    assert_int_equal(got.cell.size, put_in->cell.size);
    assert_memory_equal(got.cell.pairs, put_in->cell.pairs, got.cell.size);
    assert_int_equal(got.seed, put_in->seed);
    assert_string_equal(got.host, put_in->host);
    assert_true(got.started_ns == put_in->started_ns);
    assert_true(got.seconds == put_in->seconds);
    assert_true(got.total_seconds == put_in->total_seconds);
    hpx_artifact_free(&got);
}

static void expect_checkpoint(hpx_store *store, const struct entry *entry, uint32_t epoch_max)
{
    hpx_buffer bytes = {0};
    uint32_t epoch = 0, again = 0;
    const hpx_hash *key = &entry->artifact.key;
    hpx_buffer_puts(&bytes, "<");
    expect_ok(get_newest_bytes(&epoch, &bytes, store, key, epoch_max, &error), &error);
    assert_int_equal(epoch, entry->artifact.epoch);
    assert_int_equal(bytes.size, 1 + entry->checkpoint.size);
    if (entry->checkpoint.size)
        assert_memory_equal(bytes.data + 1, entry->checkpoint.data, entry->checkpoint.size);
    expect_ok(hpx_store_newest_checkpoint_epoch(&again, store, key, epoch_max, &error), &error);
    assert_int_equal(again, epoch);
    hpx_buffer_free(&bytes);
}

static void expect_no_checkpoint(hpx_store *store, const hpx_hash *key, uint32_t epoch_max)
{
    hpx_buffer bytes = {0};
    uint32_t epoch = 77;
    assert_int_equal(get_newest_bytes(&epoch, &bytes, store, key, epoch_max, &error), HPX_NOT_FOUND);
    assert_int_equal(epoch, 77); /* as it was */
    assert_int_equal(bytes.size, 0);
    hpx_buffer_free(&bytes);
}

static void test_put_and_get(void **state)
{
    (void)state;
    /* Around the size of a chunk, and several of them. */
    static const size_t sizes[] = {0, 1, 16351, 16352, 16353, 32704, 100000};
    hpx_store *store = open_store(HPX_STORE_WRITE);
    assert_string_equal(hpx_store_directory(store), folder);
    for (size_t i = 0; i < COUNT(sizes); i++)
        put_new(store, i, 3, sizes[i]);
    for (int reopened = 0; reopened < 2; reopened++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct entry entry = make_entry(i, 3, sizes[i]);
            hpx_artifact artifact;
            hpx_fields manifest = {0};
            uint64_t number;
            expect_stored(store, &entry);
            expect_checkpoint(store, &entry, 3);
            expect_checkpoint(store, &entry, UINT32_MAX);
            expect_no_checkpoint(store, &entry.artifact.key, 2);
            assert_int_equal(hpx_store_get(&artifact, store, &entry.artifact.key, 2, NULL, &error),
                             HPX_NOT_FOUND);
            expect_ok(hpx_store_manifest(&manifest, store, &entry.artifact.key, &error), &error);
            expect_ok(hpx_fields_count(&number, &manifest, "number", &error), &error);
            assert_int_equal(number, i);
            hpx_fields_free(&manifest);
            free_entry(&entry);
        }
        hpx_store_close(store);
        store = open_store(HPX_STORE_READ);
    }
    hpx_fields none = {0};
    assert_int_equal(hpx_store_manifest(&none, store, &(hpx_hash){{1}}, &error), HPX_NOT_FOUND);
    hpx_store_close(store);
    hpx_store_close(NULL);
}

/* A database of the environment itself, read without the store. */
static size_t count_values(const char *database)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_stat info;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_open(env, data_path, MDB_NOSUBDIR | MDB_RDONLY, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, database, 0, &dbi), 0);
    assert_int_equal(mdb_stat(txn, dbi, &info), 0);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return info.ms_entries;
}

/* A newer checkpoint replaces the older ones with all their chunks; an older one does not replace a newer. */
static void test_checkpoints_superseded(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct entry first = make_entry(1, 1, 50000), third = make_entry(1, 3, 20000),
                 second = make_entry(1, 2, 9), other = make_entry(2, 1, 40000);
    expect_ok(put(store, &first), &error);
    expect_ok(put(store, &other), &error);
    expect_checkpoint(store, &first, 2);
    expect_ok(put(store, &third), &error);
    expect_checkpoint(store, &third, 5);
    expect_no_checkpoint(store, &first.artifact.key, 2);
    expect_ok(put(store, &second), &error);
    expect_checkpoint(store, &third, 5);
    expect_no_checkpoint(store, &first.artifact.key, 2);
    expect_checkpoint(store, &other, 9); /* another trajectory's is left alone */
    expect_stored(store, &first);        /* results are never dropped */
    expect_stored(store, &second);
    expect_stored(store, &third);
    hpx_store_close(store);
    assert_int_equal(count_values("checkpoints"), 2);
    assert_int_equal(count_values("chunks"), 2 + 3);
    assert_int_equal(count_values("records"), 4);
    assert_int_equal(count_values("manifests"), 2);
    free_entry(&first);
    free_entry(&second);
    free_entry(&third);
    free_entry(&other);
}

static uint64_t last_transaction(void)
{
    MDB_env *env;
    MDB_envinfo info;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, data_path, MDB_NOSUBDIR | MDB_RDONLY, 0666), 0);
    mdb_env_info(env, &info);
    mdb_env_close(env);
    return info.me_last_txnid;
}

static void test_put_twice(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct entry entry = make_entry(1, 2, 20000), again = make_entry(1, 2, 20000);
    put_records(store);
    expect_ok(put(store, &entry), &error);
    hpx_store_close(store);
    hpx_buffer before = read_file(data_path);
    uint64_t transaction = last_transaction();

    store = open_store(HPX_STORE_WRITE);
    again.artifact.seconds = 99; /* circumstances are not the output */
    strcpy(again.artifact.host, "elsewhere");
    expect_ok(put(store, &again), &error);
    put_records(store);
    expect_stored(store, &entry); /* the first one's circumstances */
    hpx_store_close(store);
    hpx_buffer after = read_file(data_path);
    assert_int_equal(last_transaction(), transaction);
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.data, before.data, before.size);
    hpx_buffer_free(&before);
    hpx_buffer_free(&after);
    free_entry(&entry);
    free_entry(&again);
}

/* Epochs that are put together are in one transaction; when one of them cannot be, none is. */
static void test_put_all(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct entry entries[8], other = make_entry(3, 1, 0);
    hpx_put puts[9];
    put_records(store);
    for (size_t i = 0; i < 8; i++) {
        entries[i] = make_entry(i / 2, (uint32_t)(i % 2) + 1, 0); /* two epochs of each of four */
        puts[i] = (hpx_put){&entries[i].manifest, &entries[i].artifact, NULL, NULL};
    }
    const uint64_t before = last_transaction();
    expect_ok(hpx_store_put_all(store, puts, 6, &error), &error);
    assert_int_equal(last_transaction(), before + 1);
    for (size_t i = 0; i < 6; i++)
        expect_stored(store, &entries[i]);

    hpx_artifact artifact;
    expect_ok(put(store, &entries[6]), &error);
    assert_true(hpx_metrics_set(&other.artifact.metrics, "test_accuracy", 0.76));
    other.artifact.output = hpx_output_hash(&other.artifact.metrics, NULL, 0);
    puts[8] = (hpx_put){&other.manifest, &other.artifact, NULL, NULL};
    const uint64_t between = last_transaction();
    assert_int_equal(hpx_store_put_all(store, &puts[7], 2, &error), HPX_DIFFERS);
    assert_int_equal(last_transaction(), between);
    assert_int_equal(hpx_store_get(&artifact, store, &entries[7].artifact.key, 2, NULL, &error),
                     HPX_NOT_FOUND);
    expect_ok(hpx_store_put_all(store, &puts[7], 1, &error), &error);
    assert_int_equal(hpx_store_put_all(store, &puts[8], 1, &error), HPX_DIFFERS);
    for (size_t i = 0; i < 8; i++) {
        expect_stored(store, &entries[i]);
        free_entry(&entries[i]);
    }
    hpx_store_close(store);
    free_entry(&other);
}

static struct entry make_failure(uint64_t number, uint32_t epoch)
{
    struct entry entry = make_entry(number, epoch, 0);
    strcpy(entry.artifact.failure, "the loss is no longer finite");
    entry.artifact.metrics = (hpx_metrics){0};
    entry.artifact.output = hpx_failure_hash(entry.artifact.failure);
    return entry;
}

static hpx_status find(hpx_artifact *out, hpx_store *store, const struct entry *entry, uint32_t epochs)
{
    return hpx_store_find(out, store, &entry->artifact.key, epochs, &entry->manifest, &error);
}

/* A failure answers for its epoch and all later ones, and for none before; the checkpoint before it stays. */
static void test_failure(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct entry first = make_entry(1, 1, 5000), second = make_entry(1, 2, 5000), third = make_failure(1, 3),
                 other = make_entry(2, 5, 5000), fine = make_entry(1, 3, 5000);
    hpx_artifact got;
    put_records(store);
    expect_ok(put(store, &first), &error);
    expect_ok(put(store, &second), &error);
    expect_ok(put(store, &other), &error);
    expect_ok(put(store, &third), &error);
    expect_ok(put(store, &third), &error);
    expect_stored(store, &third);
    expect_checkpoint(store, &second, 9);
    expect_ok(find(&got, store, &first, 2), &error);
    assert_int_equal(got.epoch, 2);
    assert_string_equal(got.failure, "");
    hpx_artifact_free(&got);
    for (uint32_t epochs = 3; epochs < 6; epochs++) {
        expect_ok(find(&got, store, &first, epochs), &error);
        assert_int_equal(got.epoch, 3);
        assert_string_equal(got.failure, third.artifact.failure);
        hpx_artifact_free(&got);
    }
    assert_int_equal(find(&got, store, &other, 6), HPX_NOT_FOUND); /* only to be continued */
    assert_int_equal(find(&got, store, &other, 4), HPX_NOT_FOUND);
    assert_int_equal(hpx_store_get(&got, store, &first.artifact.key, 4, NULL, &error), HPX_NOT_FOUND);
    assert_int_equal(put(store, &fine), HPX_DIFFERS); /* it cannot both have failed and not */
    hpx_store_close(store);

    /* Where none is kept behind the end, a failure is one. */
    const hpx_put_options none = {.keep = HPX_KEEP_NONE, .last = true};
    struct entry end = make_failure(2, 6);
    store = open_store(HPX_STORE_WRITE);
    expect_ok(put_bytes(store, &end.manifest, &end.artifact, NULL, 0, &none, &error), &error);
    expect_no_checkpoint(store, &end.artifact.key, 9);
    hpx_store_close(store);
    free_entry(&first);
    free_entry(&second);
    free_entry(&third);
    free_entry(&other);
    free_entry(&fine);
    free_entry(&end);
}

static void test_find_key(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    enum { KEYS = 60 };
    hpx_hash keys[KEYS], found;
    assert_int_equal(hpx_store_find_key(&found, store, "a", &error), HPX_NOT_FOUND);
    for (size_t i = 0; i < KEYS; i++) {
        struct entry entry = make_entry(i, 1, 0);
        keys[i] = entry.artifact.key;
        expect_ok(put(store, &entry), &error);
        free_entry(&entry);
    }
    for (size_t i = 0; i < KEYS; i++) {
        char hex[HPX_HASH_HEX_BYTES], other[HPX_HASH_HEX_BYTES];
        hpx_hash_hex(hex, &keys[i]);
        for (size_t digits = 32; digits > 0; digits--) {
            hex[digits] = 0;
            size_t matches = 0;
            for (size_t k = 0; k < KEYS; k++)
                matches += strncmp(hpx_hash_hex(other, &keys[k]), hex, digits) == 0;
            hpx_status status = hpx_store_find_key(&found, store, hex, &error);
            assert_int_equal(status, matches == 1 ? HPX_OK : HPX_USAGE);
            if (!status)
                assert_memory_equal(&found, &keys[i], sizeof found);
        }
        hpx_hash_hex(hex, &keys[i]);
        for (char *p = hex; *p; p++)
            *p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
        expect_ok(hpx_store_find_key(&found, store, hex, &error), &error);
        /* No other digit at the end is a key. */
        hex[31] = hex[31] == '0' ? '1' : '0';
        assert_int_equal(hpx_store_find_key(&found, store, hex, &error), HPX_NOT_FOUND);
    }
    static const char *const bad[] = {"", "x", "12 ", "0123456789abcdef0123456789abcdef0", "-1"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(hpx_store_find_key(&found, store, bad[i], &error), HPX_USAGE);
    hpx_store_close(store);
}

struct walk {
    size_t count, stop_at;
    hpx_artifact last;
};

static hpx_status step(void *context, const hpx_artifact *artifact, hpx_error *e)
{
    struct walk *walk = context;
    if (walk->count > 0) {
        int order = memcmp(&walk->last.key, &artifact->key, sizeof artifact->key);
        assert_true(order < 0 || (order == 0 && walk->last.epoch < artifact->epoch));
    }
    hpx_artifact_set(&walk->last, artifact);
    if (++walk->count == walk->stop_at)
        return hpx_error_set(e, HPX_INTERRUPTED, "enough");
    return HPX_OK;
}

static void test_differs(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct entry entry = make_entry(1, 2, 20000), other = make_entry(1, 2, 20000);
    expect_ok(put(store, &entry), &error);
    assert_true(hpx_metrics_set(&other.artifact.metrics, "test_accuracy", 0.76));
    other.artifact.output =
        hpx_output_hash(&other.artifact.metrics, other.checkpoint.data, other.checkpoint.size);
    assert_int_equal(put(store, &other), HPX_DIFFERS);
    char hex[HPX_HASH_HEX_BYTES];
    expect_contains(error.message, hpx_hash_hex(hex, &entry.artifact.key));
    expect_contains(error.message, "epoch 2");
    expect_stored(store, &entry);
    expect_checkpoint(store, &entry, 2);
    assert_int_equal(put(store, &other), HPX_DIFFERS); /* the same contradiction again */

    /* It is not forgotten. */
    struct walk walk = {0};
    expect_ok(hpx_store_each_conflict(store, NULL, step, &walk, &error), &error);
    assert_int_equal(walk.count, 1);
    assert_memory_equal(&walk.last.key, &other.artifact.key, sizeof(hpx_hash));
    assert_int_equal(walk.last.epoch, 2);
    assert_memory_equal(&walk.last.output, &other.artifact.output, sizeof(hpx_hash));
    assert_true(hpx_metrics_value(&walk.last.metrics, "test_accuracy") == 0.76);
    hpx_artifact_free(&walk.last);
    walk = (struct walk){0};
    expect_ok(hpx_store_each_conflict(store, &(hpx_hash){{1}}, step, &walk, &error), &error);
    assert_int_equal(walk.count, 0);

    /* A later epoch under a key that stands for another manifest. */
    struct entry colliding = make_entry(3, 5, 10);
    colliding.artifact.key = entry.artifact.key;
    hpx_artifact artifact;
    assert_int_equal(put(store, &colliding), HPX_DIFFERS);
    expect_contains(error.message, "collide");
    assert_int_equal(hpx_store_get(&artifact, store, &entry.artifact.key, 2, &colliding.manifest, &error),
                     HPX_DIFFERS);
    assert_int_equal(hpx_store_get(&artifact, store, &entry.artifact.key, 5, NULL, &error), HPX_NOT_FOUND);
    expect_stored(store, &entry);
    expect_checkpoint(store, &entry, 9);
    hpx_store_close(store);
    free_entry(&entry);
    free_entry(&other);
    free_entry(&colliding);
}

static void test_each(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct walk walk = {0};
    expect_ok(hpx_store_each(store, NULL, step, &walk, &error), &error);
    assert_int_equal(walk.count, 0);
    static const uint32_t epochs[] = {300, 1, 256, 2, 255};
    for (uint64_t number = 0; number < 5; number++)
        for (size_t i = 0; i < COUNT(epochs); i++)
            put_new(store, number, epochs[i], 10);
    expect_ok(hpx_store_each(store, NULL, step, &walk, &error), &error);
    assert_int_equal(walk.count, 25);
    struct entry entry = make_entry(3, 300, 10);
    hpx_artifact_free(&walk.last);
    walk = (struct walk){0};
    expect_ok(hpx_store_each(store, &entry.artifact.key, step, &walk, &error), &error);
    assert_int_equal(walk.count, 5);
    assert_int_equal(walk.last.epoch, 300);
    assert_memory_equal(&walk.last.key, &entry.artifact.key, sizeof(hpx_hash));
    hpx_artifact_free(&walk.last);
    walk = (struct walk){.stop_at = 7};
    assert_int_equal(hpx_store_each(store, NULL, step, &walk, &error), HPX_INTERRUPTED);
    assert_int_equal(walk.count, 7);
    hpx_artifact_free(&walk.last);
    walk = (struct walk){0};
    expect_ok(hpx_store_each(store, &(hpx_hash){{1}}, step, &walk, &error), &error);
    assert_int_equal(walk.count, 0);
    hpx_artifact_free(&walk.last);
    hpx_store_close(store);
    free_entry(&entry);
}

static void test_records(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    hpx_fields code = code_record(), read = {0};
    hpx_hash id = hpx_record_id(&code);
    const char *text;
    assert_int_equal(hpx_store_get_record(&read, store, HPX_RECORD_CODE, &id, &error), HPX_NOT_FOUND);
    put_records(store);
    put_records(store);
    expect_ok(hpx_store_get_record(&read, store, HPX_RECORD_CODE, &id, &error), &error);
    expect_ok(hpx_fields_text(&text, &read, "describe", &error), &error);
    assert_string_equal(text, "v1-code-record");
    hpx_fields_free(&read);
    assert_int_equal(hpx_store_get_record(&read, store, HPX_RECORD_DATASET, &id, &error), HPX_NOT_FOUND);
    hpx_store_close(store);
    assert_int_equal(count_values("codes"), 1);
    assert_int_equal(count_values("datasets"), 1);
    hpx_fields_free(&code);
}

static void test_files(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    hpx_known_bytes known = {.stat = {1, 2, 3, -4, INT64_MAX}, .hashed_ns = 6, .hash = {{7}}, .size = 8},
                    read;
    assert_int_equal(hpx_store_get_file(&read, store, "/data/a", &error), HPX_NOT_FOUND);
    expect_ok(hpx_store_put_file(store, "/data/a", &known, &error), &error);
    known.size = 9; /* replaced */
    known.packed = true;
    hpx_fields_set_count(&known.about, "dimensions", 1);
    hpx_fields_set_text(&known.about, "kind", "of its own");
    expect_ok(hpx_store_put_file(store, "/data/a", &known, &error), &error);
    expect_ok(hpx_store_put_file(store, "/data/\xff", &known, &error), &error); /* a name that is not UTF-8 */
    expect_ok(hpx_store_get_file(&read, store, "/data/a", &error), &error);
    assert_true(read.stat.device == 1 && read.stat.inode == 2 && read.stat.size == 3);
    assert_true(read.stat.modified_ns == -4 && read.stat.changed_ns == INT64_MAX && read.hashed_ns == 6);
    assert_true(read.hash.bytes[0] == 7 && read.size == 9 && read.packed);
    assert_int_equal(read.about.count, 2);
    assert_int_equal(hpx_fields_find(&read.about, "dimensions")->count, 1);
    assert_string_equal(hpx_fields_text_or_empty(&read.about, "kind"), "of its own");
    hpx_known_bytes_free(&read);
    expect_ok(hpx_store_get_file(&read, store, "/data/\xff", &error), &error);
    hpx_known_bytes_free(&read);
    hpx_known_bytes_free(&known);
    assert_int_equal(hpx_store_get_file(&read, store, "/data/b", &error), HPX_NOT_FOUND);
    hpx_store_close(store);
}

static hpx_hash first_hash = {{1}};

static void test_find_file(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    hpx_known_bytes known = {.hash = first_hash, .size = 8}, read;
    char *path, *gone = hpx_path_join(folder, "gone"), *here = hpx_path_join(folder, "here");
    write_text(here, "bytes");
    assert_int_equal(hpx_store_find_file(&path, &read, store, &first_hash, &error), HPX_NOT_FOUND);
    expect_ok(hpx_store_put_file(store, gone, &known, &error), &error);
    assert_int_equal(hpx_store_find_file(&path, &read, store, &first_hash, &error), HPX_NOT_FOUND);
    expect_ok(hpx_store_put_file(store, here, &known, &error), &error);
    expect_ok(hpx_store_find_file(&path, &read, store, &first_hash, &error), &error);
    assert_string_equal(path, here);
    assert_int_equal(read.size, 8);
    free(path);
    assert_int_equal(hpx_store_find_file(&path, &read, store, &(hpx_hash){{2}}, &error), HPX_NOT_FOUND);
    assert_null(path);
    free(gone);
    free(here);
    hpx_store_close(store);
}

/* A claim is for one process: another one is told no until it is released or its owner is gone. */
static void test_claims(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    bool claimed;
    int ready[2], finish[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(finish), 0);
    pid_t child = fork();
    if (child == 0) {
        /* An environment must not be used after a fork: the child opens its own. */
        hpx_store *own;
        if (hpx_store_open(&own, folder, HPX_STORE_WRITE, &error) ||
            hpx_store_claim(&claimed, own, &first_hash, &error) || !claimed)
            _exit(1);
        close(finish[1]);
        if (write(ready[1], "r", 1) == 1 && read(finish[0], &byte, 1) == 1)
            hpx_store_release(own, &first_hash);
        if (write(ready[1], "r", 1) == 1 && read(finish[0], &byte, 1) == 1 &&
            hpx_store_claim(&claimed, own, &first_hash, &error) == HPX_OK && claimed &&
            write(ready[1], "r", 1) == 1)
            pause();
        _exit(1);
    }
    close(finish[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    expect_ok(hpx_store_claim(&claimed, store, &first_hash, &error), &error);
    assert_false(claimed);
    expect_ok(hpx_store_claim(&claimed, store, &(hpx_hash){{2}}, &error), &error);
    assert_true(claimed);
    assert_int_equal(write(finish[1], "f", 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1); /* released */
    expect_ok(hpx_store_claim(&claimed, store, &first_hash, &error), &error);
    assert_true(claimed);
    hpx_store_release(store, &first_hash);
    assert_int_equal(write(finish[1], "f", 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1); /* claimed again, and then killed */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    expect_ok(hpx_store_claim(&claimed, store, &first_hash, &error), &error);
    assert_true(claimed);
    close(ready[0]);
    close(ready[1]);
    close(finish[1]);
    hpx_store_close(store);
}

/* Checks the entries of test_log, which have 0, 1, 2 ... spans. */
static hpx_status check_build(void *context, const hpx_fields *entry, const hpx_build_span *spans,
                              size_t span_count, hpx_error *ignored)
{
    (void)ignored;
    size_t *seen = context;
    const char *text;
    expect_ok(hpx_fields_text(&text, entry, "describe", &error), &error);
    assert_string_equal(text, "v1-code-record");
    assert_int_equal(span_count, *seen);
    for (size_t i = 0; i < span_count; i++) {
        assert_int_equal(spans[i].slot, i);
        assert_int_equal(spans[i].key.bytes[15], 7 + i);
        assert_int_equal(spans[i].from, 2);
        assert_int_equal(spans[i].to, 5 + i);
        assert_int_equal(spans[i].verdict, 1);
        assert_int_equal(spans[i].speculative, i == 1);
        assert_int_equal(spans[i].start_ns, 1700000000123456789);
        assert_int_equal(spans[i].end_ns, 1700000001123456789 + (int64_t)i);
    }
    ++*seen;
    return HPX_OK;
}

static void test_log(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    hpx_fields entry = code_record();
    hpx_build_span spans[4] = {{.slot = 0}};
    size_t seen = 0;
    for (size_t i = 0; i < COUNT(spans); i++) {
        spans[i] = (hpx_build_span){.slot = (uint32_t)i,
                                    .from = 2,
                                    .to = (uint32_t)(5 + i),
                                    .verdict = 1,
                                    .speculative = i == 1,
                                    .start_ns = 1700000000123456789,
                                    .end_ns = 1700000001123456789 + (int64_t)i};
        spans[i].key.bytes[15] = (uint8_t)(7 + i);
    }
    for (size_t i = 0; i < 3; i++)
        expect_ok(hpx_store_log_build(store, &entry, spans, i, &error), &error);
    hpx_store_close(store);
    store = open_store(HPX_STORE_WRITE);
    expect_ok(hpx_store_log_build(store, &entry, spans, 3, &error), &error);
    expect_ok(hpx_store_each_build(store, check_build, &seen, &error), &error);
    assert_int_equal(seen, 4);
    hpx_store_close(store);
    assert_int_equal(count_values("builds"), 4);
    hpx_fields_free(&entry);
}

static hpx_status count_begun(void *context, const hpx_fields *entry, const hpx_build_span *spans,
                              size_t span_count, hpx_error *ignored)
{
    uint64_t number;
    (void)spans;
    assert_int_equal(span_count, 0);
    expect_ok(hpx_fields_count(&number, entry, "number", ignored), ignored);
    assert_int_equal(number, *(size_t *)context);
    ++*(size_t *)context;
    return HPX_OK;
}

/* A build that has begun is apart from those that have ended, and its end takes its place. */
static void test_log_of_running(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    hpx_fields entry = code_record();
    size_t begun = 1;
    bool runs = true;
    expect_ok(hpx_store_log_build(store, &entry, NULL, 0, &error), &error);
    expect_ok(hpx_store_begin_build(store, &entry, &error), &error);
    expect_ok(hpx_store_each_begun(store, count_begun, &begun, &error), &error);
    assert_int_equal(begun, 2);
    assert_int_equal(count_values("builds"), 2);
    expect_ok(hpx_store_log_build(store, &entry, NULL, 0, &error), &error);
    assert_int_equal(count_values("builds"), 2);
    begun = 0;
    expect_ok(hpx_store_each_begun(store, count_begun, &begun, &error), &error);
    assert_int_equal(begun, 0);
    /* One that ends without a word runs no more, and is still there. */
    expect_ok(hpx_store_begin_build(store, &entry, &error), &error);
    hpx_store_close(store);
    store = open_store(HPX_STORE_READ);
    begun = 2;
    expect_ok(hpx_store_each_begun(store, count_begun, &begun, &error), &error);
    assert_int_equal(begun, 3);
    expect_ok(hpx_store_build_runs(&runs, store, 2, &error), &error);
    assert_false(runs);
    hpx_store_close(store);
    hpx_fields_free(&entry);
}

static void test_read_mode(void **state)
{
    (void)state;
    hpx_store *store;
    char *missing = hpx_path_join(folder, "missing");
    assert_int_equal(hpx_store_open(&store, missing, HPX_STORE_READ, &error), HPX_NOT_FOUND);
    assert_null(store);
    assert_false(hpx_path_exists(missing)); /* and nothing was made */
    assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_READ, &error), HPX_NOT_FOUND);
    assert_false(hpx_path_exists(data_path));
    hpx_store_close(open_store(HPX_STORE_WRITE));
    store = open_store(HPX_STORE_READ);
    struct entry entry = make_entry(1, 1, 10);
    assert_int_equal(put(store, &entry), HPX_FAILED);
    hpx_store_close(store);
    free_entry(&entry);
    free(missing);
}

static void test_open_refused(void **state)
{
    (void)state;
    hpx_store *store;
    char *file = hpx_path_join(folder, "file"), *below = hpx_path_join(folder, "file/store");
    write_text(file, "");
    assert_int_equal(hpx_store_open(&store, file, HPX_STORE_WRITE, &error), HPX_FAILED);
    expect_contains(error.message, "not a folder");
    assert_int_equal(hpx_store_open(&store, below, HPX_STORE_WRITE, &error), HPX_FAILED);
    assert_null(store);
    assert_int_equal(hpx_store_open(&store, "", HPX_STORE_WRITE, &error), HPX_FAILED);
    write_text(data_path, "this is not an environment of LMDB, whatever its name says");
    assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), HPX_DAMAGED);
    expect_contains(error.message, data_path);
    free(file);
    free(below);
}

static void test_map_size(void **state)
{
    (void)state;
    hpx_store *store;
    static const char *const bad[] = {"x", "-1", "1048575", "1e9", "64G"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        setenv("HPX_MAP_SIZE", bad[i], 1);
        assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), HPX_USAGE);
        expect_contains(error.message, bad[i]);
    }
    setenv("HPX_MAP_SIZE", "1048576", 1);
    store = open_store(HPX_STORE_WRITE);
    struct entry entry = make_entry(1, 1, 300000);
    expect_ok(put(store, &entry), &error);
    /* Full: said so, with nothing of it stored, and all else intact. */
    struct entry large = make_entry(2, 1, 1000000);
    assert_int_equal(put(store, &large), HPX_FAILED);
    expect_contains(error.message, "HPX_MAP_SIZE");
    hpx_artifact artifact;
    assert_int_equal(hpx_store_get(&artifact, store, &large.artifact.key, 1, NULL, &error), HPX_NOT_FOUND);
    expect_stored(store, &entry);
    expect_checkpoint(store, &entry, 1);
    hpx_store_close(store);
    unsetenv("HPX_MAP_SIZE");
    store = open_store(HPX_STORE_WRITE);
    expect_ok(put(store, &large), &error);
    expect_checkpoint(store, &large, 1);
    hpx_store_close(store);
    free_entry(&entry);
    free_entry(&large);
}

static void test_truncated(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_new(store, 1, 1, 200000);
    hpx_store_close(store);
    struct stat info;
    assert_int_equal(stat(data_path, &info), 0);
    static const hpx_store_mode modes[] = {HPX_STORE_READ, HPX_STORE_WRITE};
    for (off_t size = info.st_size - 4096; size >= 4 * 4096; size /= 2) {
        assert_int_equal(truncate(data_path, size), 0);
        for (size_t i = 0; i < COUNT(modes); i++) {
            assert_int_equal(hpx_store_open(&store, folder, modes[i], &error), HPX_DAMAGED);
            expect_contains(error.message, "truncated");
        }
    }
}

/* Puts, replaces or deletes (payload NULL) a value behind the store's back. With `seal`, it is sealed as the
 * store would; without, only `payload` is written. */
static void meddle(const char *database, const void *key, size_t key_size, const void *payload, size_t size,
                   bool seal)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    hpx_buffer sealed = {0}, value = {0};
    MDB_val name = {.mv_size = key_size, .mv_data = (void *)key};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_set_mapsize(env, 1u << 24), 0);
    assert_int_equal(mdb_env_open(env, data_path, MDB_NOSUBDIR, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, database, 0, &dbi), 0);
    if (payload) {
        hpx_buffer_puts(&sealed, database);
        hpx_buffer_add(&sealed, key, key_size);
        hpx_buffer_add(&sealed, payload, size);
        hpx_hash hash = hpx_hash_of(sealed.data, sealed.size);
        hpx_buffer_add(&value, payload, size);
        if (seal)
            hpx_buffer_add(&value, hash.bytes, HPX_HASH_BYTES);
        MDB_val bytes = {.mv_size = value.size, .mv_data = value.data};
        assert_int_equal(mdb_put(txn, dbi, &name, &bytes, 0), 0);
    } else {
        assert_int_equal(mdb_del(txn, dbi, &name, NULL), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    hpx_buffer_free(&sealed);
    hpx_buffer_free(&value);
}

/* A value as it stands, with its seal. */
static hpx_buffer raw_value(const char *database, const void *key, size_t key_size)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val name = {.mv_size = key_size, .mv_data = (void *)key}, value;
    hpx_buffer copy = {0};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_open(env, data_path, MDB_NOSUBDIR | MDB_RDONLY, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, database, 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &name, &value), 0);
    hpx_buffer_add(&copy, value.mv_data, value.mv_size);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return copy;
}

struct raw_key {
    uint8_t bytes[24];
};

static struct raw_key raw_key(const hpx_hash *key, uint32_t epoch, uint32_t chunk)
{
    struct raw_key out;
    memcpy(out.bytes, key->bytes, HPX_HASH_BYTES);
    for (int i = 0; i < 4; i++) {
        out.bytes[16 + i] = (uint8_t)(epoch >> (24 - 8 * i));
        out.bytes[20 + i] = (uint8_t)(chunk >> (24 - 8 * i));
    }
    return out;
}

static void test_format(void **state)
{
    (void)state;
    hpx_store *store;
    hpx_store_close(open_store(HPX_STORE_WRITE));
    meddle("meta", "format", 6, "\4\0\0\0", 4, true);
    static const hpx_store_mode modes[] = {HPX_STORE_READ, HPX_STORE_WRITE};
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(hpx_store_open(&store, folder, modes[i], &error), HPX_USAGE);
        expect_contains(error.message, "newer hpx (format 4, this one knows up to 3)");
    }
    meddle("meta", "format", 6, "\2\0\0\0", 4, false);
    assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), HPX_DAMAGED);
    expect_contains(error.message, "format version is damaged");
    meddle("meta", "format", 6, NULL, 0, false);
    assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), HPX_DAMAGED);
    meddle("meta", "format", 6, "\2\0\0\0", 4, true);
    hpx_store_close(open_store(HPX_STORE_WRITE));
}

/* Flips a bit of the file, wherever these bytes stand in it. Old pages of LMDB may hold them, too. */
static void flip(const void *bytes, size_t size, size_t at)
{
    hpx_buffer file = read_file(data_path);
    size_t found = 0;
    for (uint8_t *p = file.data; p + size <= file.data + file.size; p++) {
        p = memmem(p, (size_t)(file.data + file.size - p), bytes, size);
        if (!p)
            break;
        p[at] ^= 0x10;
        found++;
    }
    assert_true(found > 0);
    write_file(data_path, file.data, file.size);
    hpx_buffer_free(&file);
}

/* A flipped bit in a result: reported once and by name, treated as missing, and healed by putting it
 * again. */
static void test_flipped_result(void **state)
{
    (void)state;
    static const struct {
        const char *database, *name;
        size_t key_bytes;
    } places[] = {{"manifests", "manifest", 16},
                  {"records", "record", 20},
                  {"checkpoints", "checkpoint", 20},
                  {"chunks", "chunk", 24}};
    struct entry entry = make_entry(1, 4, 40000), other = make_entry(2, 4, 40000);
    hpx_store *store = open_store(HPX_STORE_WRITE);
    put_records(store);
    expect_ok(put(store, &entry), &error);
    expect_ok(put(store, &other), &error);
    hpx_store_close(store);
    struct raw_key key = raw_key(&entry.artifact.key, 4, 1);
    char hex[HPX_HASH_HEX_BYTES];
    hpx_hash_hex(hex, &entry.artifact.key);
    for (size_t i = 0; i < COUNT(places); i++) {
        hpx_buffer value = raw_value(places[i].database, key.bytes, places[i].key_bytes);
        /* The first byte, the last one of the payload, and both ends of the seal. */
        const size_t offsets[] = {0, value.size / 2, value.size - 17, value.size - 16, value.size - 1};
        for (size_t k = 0; k < COUNT(offsets); k++) {
            flip(value.data, value.size, offsets[k]);
            struct reports reports = {0}, faults = {0};
            hpx_artifact artifact;
            uint64_t checked;
            hpx_buffer bytes = {0};
            uint32_t epoch = 0;
            store = open_store(HPX_STORE_WRITE);
            hpx_store_on_damage(store, report, &reports);
            expect_ok(hpx_store_verify(store, &checked, report, &faults, &error), &error);
            assert_true(faults.count > 0);
            expect_contains(hpx_buffer_text(&faults.text), hex);
            hpx_buffer_free(&faults.text);
            faults = (struct reports){0};
            for (int again = 0; again < 2; again++) {
                assert_int_equal(
                    hpx_store_get(&artifact, store, &entry.artifact.key, 4, &entry.manifest, &error),
                    i < 2 ? HPX_NOT_FOUND : HPX_OK);
                if (i >= 2)
                    hpx_artifact_free(&artifact);
                assert_int_equal(get_newest_bytes(&epoch, &bytes, store, &entry.artifact.key, 9, &error),
                                 i < 2 ? HPX_OK : HPX_NOT_FOUND);
            }
            hpx_buffer_free(&bytes);
            expect_stored(store, &other);
            expect_checkpoint(store, &other, 4);
            expect_ok(put(store, &entry), &error);
            expect_stored(store, &entry);
            expect_checkpoint(store, &entry, 4);
            expect_contains(hpx_buffer_text(&reports.text), hex);
            expect_reports(&reports, 1, places[i].name);
            expect_ok(hpx_store_verify(store, &checked, report, &faults, &error), &error);
            assert_int_equal(faults.count, 0);
            hpx_store_close(store);
        }
        hpx_buffer_free(&value);
    }
    free_entry(&entry);
    free_entry(&other);
}

static void expect_newest(hpx_store *store, const hpx_hash *key, uint32_t epoch_max, uint32_t epoch)
{
    hpx_artifact artifact;
    const hpx_status status = hpx_store_newest(&artifact, store, key, epoch_max, &error);
    assert_int_equal(status, epoch ? HPX_OK : HPX_NOT_FOUND);
    if (status)
        return;
    assert_int_equal(artifact.epoch, epoch);
    assert_memory_equal(&artifact.key, key, sizeof *key);
    hpx_artifact_free(&artifact);
}

/* The newest epoch of a trajectory, among others; where it is damaged, the one before it. */
static void test_newest(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    for (uint64_t number = 0; number < 3; number++) {
        put_new(store, number, 2, 10);
        put_new(store, number, 300, 10);
    }
    struct entry entry = make_entry(1, 300, 10);
    const hpx_hash *key = &entry.artifact.key;
    expect_newest(store, key, UINT32_MAX, 300);
    expect_newest(store, key, 300, 300);
    expect_newest(store, key, 299, 2);
    expect_newest(store, key, 1, 0);
    expect_newest(store, &(hpx_hash){{1}}, UINT32_MAX, 0);
    hpx_store_close(store);
    struct raw_key name = raw_key(key, 300, 0);
    hpx_buffer value = raw_value("records", name.bytes, 20);
    flip(value.data, value.size, 0);
    struct reports reports = {0};
    store = open_store(HPX_STORE_READ);
    hpx_store_on_damage(store, report, &reports);
    expect_newest(store, key, UINT32_MAX, 2);
    expect_reports(&reports, 1, "record");
    hpx_store_close(store);
    hpx_buffer_free(&value);
    free_entry(&entry);
}

/* A flipped bit in a small value: a damaged one is missing, and each leaves it out. */
static void test_flipped_small(void **state)
{
    (void)state;
    struct reports reports = {0};
    hpx_store *store = open_store(HPX_STORE_WRITE);
    hpx_known_bytes known = {.size = 5, .stat = {.size = 5}}, read;
    hpx_fields fields = {0};
    hpx_hash code = id_of(code_record()), dataset = id_of(dataset_record()),
             path = hpx_hash_of("/data/file", 10);
    put_records(store);
    put_new(store, 1, 1, 0);
    put_new(store, 1, 2, 0);
    expect_ok(hpx_store_put_file(store, "/data/file", &known, &error), &error);
    hpx_store_close(store);

    struct entry entry = make_entry(1, 1, 0);
    struct raw_key record = raw_key(&entry.artifact.key, 1, 0);
    const struct {
        const char *database;
        const void *key;
        size_t key_size;
    } places[] = {{"codes", code.bytes, 16},
                  {"datasets", dataset.bytes, 16},
                  {"files", path.bytes, 16},
                  {"records", record.bytes, 20}};
    for (size_t i = 0; i < COUNT(places); i++) {
        hpx_buffer value = raw_value(places[i].database, places[i].key, places[i].key_size);
        flip(value.data, value.size, value.size - 20);
        hpx_buffer_free(&value);
    }
    store = open_store(HPX_STORE_WRITE);
    hpx_store_on_damage(store, report, &reports);
    assert_int_equal(hpx_store_get_record(&fields, store, HPX_RECORD_CODE, &code, &error), HPX_NOT_FOUND);
    expect_reports(&reports, 1, "code version");
    assert_int_equal(hpx_store_get_record(&fields, store, HPX_RECORD_DATASET, &dataset, &error),
                     HPX_NOT_FOUND);
    expect_reports(&reports, 1, "data set");
    assert_int_equal(hpx_store_get_file(&read, store, "/data/file", &error), HPX_NOT_FOUND);
    expect_reports(&reports, 1, "file entry");
    struct walk walk = {0};
    expect_ok(hpx_store_each(store, NULL, step, &walk, &error), &error);
    assert_int_equal(walk.count, 1);
    assert_int_equal(walk.last.epoch, 2);
    hpx_artifact_free(&walk.last);
    expect_reports(&reports, 1, "epoch 1");
    put_records(store);
    expect_ok(hpx_store_put_file(store, "/data/file", &known, &error), &error);
    expect_ok(hpx_store_get_record(&fields, store, HPX_RECORD_CODE, &code, &error), &error);
    hpx_fields_free(&fields);
    expect_ok(hpx_store_get_file(&read, store, "/data/file", &error), &error);
    assert_int_equal(reports.count, 0);
    hpx_store_close(store);
    free_entry(&entry);
}

/* A checkpoint that cannot be read is no obstacle to one of an earlier epoch. */
static void test_damaged_newer_checkpoint(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct entry fifth = make_entry(1, 5, 40000), second = make_entry(1, 2, 40000);
    expect_ok(put(store, &fifth), &error);
    hpx_store_close(store);
    flip(fifth.checkpoint.data + 20000, 100, 50);
    struct reports reports = {0};
    store = open_store(HPX_STORE_WRITE);
    hpx_store_on_damage(store, report, &reports);
    expect_no_checkpoint(store, &fifth.artifact.key, 9);
    expect_ok(put(store, &second), &error);
    expect_checkpoint(store, &second, 9);
    expect_stored(store, &fifth);
    expect_reports(&reports, 1, "epoch 5 chunk 1");
    hpx_store_close(store);
    assert_int_equal(count_values("chunks"), 3);
    free_entry(&fifth);
    free_entry(&second);
}

static void expect_fault(const char *part)
{
    struct reports faults = {0};
    uint64_t checked;
    hpx_store *store = open_store(HPX_STORE_READ);
    expect_ok(hpx_store_verify(store, &checked, report, &faults, &error), &error);
    expect_reports(&faults, 1, part);
    hpx_store_close(store);
}

static void expect_sound(uint64_t values)
{
    struct reports faults = {0};
    uint64_t checked;
    hpx_store *store = open_store(HPX_STORE_READ);
    expect_ok(hpx_store_verify(store, &checked, report, &faults, &error), &error);
    if (faults.count)
        fail_msg("%s", hpx_buffer_text(&faults.text));
    assert_int_equal(checked, values);
    hpx_store_close(store);
}

/* Takes a value away, expects the fault and puts it back. */
static void expect_missed(const char *database, const void *key, size_t key_size, const char *part)
{
    hpx_buffer value = raw_value(database, key, key_size);
    meddle(database, key, key_size, NULL, 0, false);
    expect_fault(part);
    meddle(database, key, key_size, value.data, value.size, false);
    hpx_buffer_free(&value);
}

/* Puts another value in its place, expects the fault and puts the right one back. */
static void expect_noticed(const char *database, const void *key, size_t key_size, const void *payload,
                           size_t size, bool seal, const char *part)
{
    hpx_buffer value = raw_value(database, key, key_size);
    meddle(database, key, key_size, payload, size, seal);
    expect_fault(part);
    meddle(database, key, key_size, value.data, value.size, false);
    hpx_buffer_free(&value);
}

/* Adds a value, expects the fault and takes it away. */
static void expect_left_over(const char *database, const void *key, size_t key_size, const void *payload,
                             size_t size, const char *part)
{
    meddle(database, key, key_size, payload, size, true);
    expect_fault(part);
    meddle(database, key, key_size, NULL, 0, false);
}

static void test_verify(void **state)
{
    (void)state;
    hpx_store *store = open_store(HPX_STORE_WRITE);
    struct entry a = make_entry(1, 1, 0), b = make_entry(1, 2, 40000), c = make_entry(2, 1, 20000);
    hpx_fields code = code_record();
    b.artifact.parent = 1;
    put_records(store);
    expect_ok(put(store, &a), &error);
    expect_ok(put(store, &b), &error);
    expect_ok(put(store, &c), &error);
    expect_ok(hpx_store_log_build(store, &code, NULL, 0, &error), &error);
    expect_ok(hpx_store_put_file(store, "/data/a", &(hpx_known_bytes){0}, &error), &error);
    hpx_store_close(store);
    const uint64_t values = 1 + 2 + 3 + 2 + (3 + 2) + 1 + 1 + 1 + 1;
    expect_sound(values);

    struct raw_key ka = raw_key(&a.artifact.key, 1, 0), kb = raw_key(&b.artifact.key, 2, 1),
                   kc = raw_key(&c.artifact.key, 1, 0), beyond = raw_key(&b.artifact.key, 2, 3),
                   stray = raw_key(&b.artifact.key, 7, 0);
    expect_missed("manifests", kc.bytes, 16, "its manifest is missing");
    expect_missed("records", kc.bytes, 20, "its record is missing");
    expect_missed("chunks", kb.bytes, 24, "a chunk is missing");
    expect_missed("records", ka.bytes, 20, "the epoch it continued is missing");
    expect_sound(values);
    expect_left_over("chunks", stray.bytes, 24, "stray", 5, "left over: no checkpoint refers to it");
    expect_left_over("chunks", beyond.bytes, 24, "stray", 5, "left over: its checkpoint is shorter");
    expect_left_over("records", "short key", 9, "x", 1, "a key of the wrong size");
    expect_noticed("records", kc.bytes, 20, "not fields", 10, true, "malformed");
    expect_noticed("codes", a.artifact.code.bytes, 16, "not fields", 10, true,
                   "do not have the hash that names them");
    expect_noticed("builds", "\0\0\0\0\0\0\0\0", 8, "not fields", 10, true, "malformed");
    expect_noticed("checkpoints", kc.bytes, 20, "short", 5, true, "malformed");
    expect_noticed("manifests", kc.bytes, 16, a.manifest.data, a.manifest.size, true,
                   "do not have the hash that names them");
    expect_noticed("chunks", kb.bytes, 24, c.checkpoint.data, 16352, true, "the chunks do not have its hash");
    expect_noticed("builds", "\0\0\0\0\0\0\0\0", 8, "", 0, false, "do not match their hash");
    expect_sound(values);

    /* Well-formed and sealed, but not what was trained. */
    hpx_fields record = {0};
    hpx_buffer value = raw_value("records", kc.bytes, 20), changed = {0};
    expect_ok(hpx_fields_decode(&record, value.data, value.size - 16, &error), &error);
    hpx_fields_set_reals(&record, "metric.values", (const double[]){1, 1, 1, 1, 0.125, 1}, 6);
    hpx_fields_encode(&changed, &record);
    expect_noticed("records", kc.bytes, 20, changed.data, changed.size, true,
                   "it is not the output of its record");
    hpx_fields_free(&record);
    hpx_buffer_free(&changed);
    hpx_buffer_free(&value);

    /* A value under another's key, seal and all. */
    value = raw_value("records", kc.bytes, 20);
    expect_noticed("records", ka.bytes, 20, value.data, value.size, false, "do not match their hash");
    hpx_buffer_free(&value);

    hpx_hash code_id = hpx_record_id(&code), dataset_id = id_of(dataset_record());
    struct reports faults = {0};
    uint64_t checked;
    meddle("codes", code_id.bytes, 16, NULL, 0, false);
    meddle("datasets", dataset_id.bytes, 16, NULL, 0, false);
    store = open_store(HPX_STORE_READ);
    expect_ok(hpx_store_verify(store, &checked, report, &faults, &error), &error);
    hpx_store_close(store);
    expect_reports(&faults, 3, "its code version is missing");
    free_entry(&a);
    free_entry(&b);
    free_entry(&c);
    hpx_fields_free(&code);
}

/* Two keys of one page in the wrong order, in each page in turn that has two: verify sees it, and nothing is
 * written where it would do harm. */
static void test_damaged_pages(void **state)
{
    (void)state;
    enum { ENTRIES = 60, PAGE = 4096, HEAD = 16, LEAF = 2 };
    hpx_store *store = open_store(HPX_STORE_WRITE);
    for (uint64_t i = 0; i < ENTRIES; i++)
        put_new(store, i, 1, 0);
    put_records(store);
    hpx_store_close(store);
    hpx_buffer file = {0};
    struct reports reports = {0};
    uint64_t checked;
    size_t seen = 0, refused = 0;
    expect_ok(hpx_file_read(&file, data_path, SIZE_MAX, &error), &error);
    for (size_t page = 2; page < file.size / PAGE; page++) {
        uint8_t *bytes = file.data + page * PAGE, table[4];
        if (hpx_load_u64(bytes) != page || bytes[10] != LEAF || hpx_load_u32(bytes + 12) % 65536 < HEAD + 4)
            continue;
        memcpy(table, bytes + HEAD, 4);
        memcpy(bytes + HEAD, table + 2, 2);
        memcpy(bytes + HEAD + 2, table, 2);
        write_file(data_path, file.data, file.size);
        /* A database whose entry is out of order may not be found at all. */
        if (hpx_store_open(&store, folder, HPX_STORE_WRITE, &error) == HPX_OK) {
            expect_ok(hpx_store_verify(store, &checked, report, &reports, &error), &error);
            struct entry entry = make_entry(ENTRIES, 1, 0);
            hpx_status status = put(store, &entry);
            if (status) {
                assert_int_equal(status, HPX_DAMAGED);
                expect_contains(error.message, "so nothing is written");
                expect_contains(hpx_buffer_text(&reports.text), "keys are out of order");
            }
            seen += reports.count > 0;
            refused += status != HPX_OK;
            hpx_buffer_free(&reports.text);
            reports = (struct reports){0};
            free_entry(&entry);
            hpx_store_close(store);
        }
        memcpy(bytes + HEAD, table, 4);
    }
    assert_true(seen > 10);
    assert_true(refused > 2 && refused < seen);
    write_file(data_path, file.data, file.size);
    store = open_store(HPX_STORE_WRITE);
    put_new(store, ENTRIES, 1, 0);
    expect_ok(hpx_store_verify(store, &checked, report, &reports, &error), &error);
    assert_int_equal(reports.count, 0);
    hpx_store_close(store);
    hpx_buffer_free(&file);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    unsetenv("HPX_MAP_SIZE");
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_put_and_get),   WITH_FOLDER(test_checkpoints_superseded),
        WITH_FOLDER(test_put_twice),     WITH_FOLDER(test_put_all),
        WITH_FOLDER(test_failure),       WITH_FOLDER(test_differs),
        WITH_FOLDER(test_find_key),      WITH_FOLDER(test_each),
        WITH_FOLDER(test_records),       WITH_FOLDER(test_files),
        WITH_FOLDER(test_find_file),     WITH_FOLDER(test_claims),
        WITH_FOLDER(test_log),           WITH_FOLDER(test_log_of_running),
        WITH_FOLDER(test_read_mode),     WITH_FOLDER(test_open_refused),
        WITH_FOLDER(test_map_size),      WITH_FOLDER(test_truncated),
        WITH_FOLDER(test_format),        WITH_FOLDER(test_flipped_result),
        WITH_FOLDER(test_flipped_small), WITH_FOLDER(test_damaged_newer_checkpoint),
        WITH_FOLDER(test_verify),        WITH_FOLDER(test_damaged_pages),
        WITH_FOLDER(test_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
