/* Bundles: what is written is what is read, and nothing else is let in. The bundles refused here are put
 * together by hand, from the description of the format and with hashes that are right wherever the test is
 * not about hashes. */
#include "store/bundle.h"

#include "base/memory.h"
#include "store/space.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"
#include "store/artifact.h"
#include "store/checkpoint.h"
#include "store/internal.h"
#include "store/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PIECE = 1 << 20 };

static hpx_error error;

/* A store in a folder of its own. */
struct place {
    char *folder;
    hpx_store *store;
};

static struct place open_place(void)
{
    struct place place = {.folder = make_folder()};
    expect_ok(hpx_store_open(&place.store, place.folder, HPX_STORE_WRITE, &error), &error);
    return place;
}

static void close_place(struct place *place)
{
    hpx_store_close(place->store);
    remove_folder(place->folder);
}

/* Every key and value of the databases from the first to the last named. */
static hpx_buffer dump(hpx_store *store, enum database first, enum database last)
{
    hpx_buffer out = {0};
    MDB_txn *txn;
    assert_int_equal(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn), 0);
    for (int db = (int)first; db <= (int)last; db++) {
        MDB_cursor *cursor;
        MDB_val key, value;
        assert_int_equal(mdb_cursor_open(txn, store->databases[db], &cursor), 0);
        hpx_buffer_printf(&out, "[%s]", hpx_database_names[db]);
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            hpx_buffer_u32(&out, (uint32_t)key.mv_size);
            hpx_buffer_add(&out, key.mv_data, key.mv_size);
            hpx_buffer_u32(&out, (uint32_t)value.mv_size);
            hpx_buffer_add(&out, value.mv_data, value.mv_size);
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return out;
}

static size_t count_values(hpx_store *store, enum database db)
{
    MDB_txn *txn;
    MDB_stat info;
    assert_int_equal(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_stat(txn, store->databases[db], &info), 0);
    mdb_txn_abort(txn);
    return info.ms_entries;
}

static void expect_same_dump(hpx_store *store, const hpx_buffer *before, const char *what)
{
    hpx_buffer now = dump(store, DB_META, DB_ADOPTIONS);
    if (now.size != before->size || memcmp(now.data, before->data, now.size) != 0)
        fail_msg("%s: the store has changed", what);
    hpx_buffer_free(&now);
}

static void count_fault(void *context, const char *what)
{
    (void)what;
    ++*(size_t *)context;
}

static void print_fault(void *context, const char *what)
{
    print_error("verify: %s\n", what);
    count_fault(context, what);
}

static void expect_clean(hpx_store *store)
{
    uint64_t checked;
    size_t faults = 0;
    expect_ok(hpx_store_verify(store, &checked, print_fault, &faults, &error), &error);
    assert_int_equal(faults, 0);
}

/* Stored results ----------------------------------------------------------------------------------------- */

static hpx_fields code_record(uint64_t number)
{
    hpx_fields fields = {0};
    hpx_fields_set_count(&fields, "tooling", number);
    hpx_fields_set_bytes(&fields, "patch", "a patch", 7);
    return fields;
}

static hpx_fields dataset_record(uint64_t number)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "name", "digits");
    hpx_fields_set_count(&fields, "number", number);
    return fields;
}

static hpx_hash id_of(hpx_fields fields)
{
    hpx_hash id = hpx_record_id(&fields);
    hpx_fields_free(&fields);
    return id;
}

static hpx_buffer bytes_of(hpx_fields fields)
{
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, &fields);
    hpx_fields_free(&fields);
    return bytes;
}

static hpx_buffer checkpoint_of(uint64_t number, uint32_t epoch, size_t size)
{
    hpx_buffer bytes = {0};
    draw_seed(number << 32 | epoch);
    hpx_buffer_reserve(&bytes, size);
    for (size_t i = 0; i < size; i++)
        bytes.data[i] = (uint8_t)draw(256);
    bytes.size = size;
    return bytes;
}

static hpx_artifact artifact_of(uint64_t number, uint32_t epoch, uint32_t parent,
                                const hpx_buffer *checkpoint)
{
    hpx_buffer manifest = numbered_manifest(number);
    hpx_artifact artifact = {.key = hpx_hash_of(manifest.data, manifest.size),
                             .epoch = epoch,
                             .parent = parent,
                             .metrics = made_metrics(1.0 / epoch, 0.5, NAN, NAN, 0.25, 0.75),
                             .code = id_of(code_record(number % 2)),
                             .dataset = id_of(dataset_record(number % 3)),
                             .cell = CELL("n1\0"
                                          "128\0"
                                          "n2\0"
                                          "64"),
                             .seed = number,
                             .host = "node",
                             .started_ns = 1700000000123456789,
                             .seconds = 1.5};
    artifact.output = hpx_output_hash(&artifact.metrics, checkpoint->data, checkpoint->size);
    hpx_buffer_free(&manifest);
    return artifact;
}

static const hpx_put_options *options; /* of what is stored from here on */

static const hpx_bundle_options WHOLE = {.checkpoints = true, .logs = true};

static void put_with(hpx_store *store, uint64_t number, const hpx_artifact *artifact,
                     const hpx_buffer *checkpoint)
{
    hpx_buffer manifest = numbered_manifest(number);
    hpx_fields code = code_record(number % 2), dataset = dataset_record(number % 3);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_CODE, &code, &error), &error);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_DATASET, &dataset, &error), &error);
    expect_ok(put_bytes(store, &manifest, artifact, checkpoint->data, checkpoint->size, options, &error),
              &error);
    hpx_fields_free(&code);
    hpx_fields_free(&dataset);
    hpx_buffer_free(&manifest);
}

static hpx_hash store_result(hpx_store *store, uint64_t number, uint32_t epoch, uint32_t parent, size_t size)
{
    hpx_buffer checkpoint = checkpoint_of(number, epoch, size);
    hpx_artifact artifact = artifact_of(number, epoch, parent, &checkpoint);
    put_with(store, number, &artifact, &checkpoint);
    hpx_buffer_free(&checkpoint);
    return artifact.key;
}

/* The same epoch with another output. */
static hpx_artifact second_output_of(uint64_t number, uint32_t epoch, uint32_t parent, size_t size)
{
    hpx_buffer checkpoint = checkpoint_of(number, epoch, size);
    hpx_artifact artifact = artifact_of(number, epoch, parent, &checkpoint);
    artifact.output.bytes[0] ^= 1;
    hpx_buffer_free(&checkpoint);
    return artifact;
}

static void store_conflict(hpx_store *store, const hpx_artifact *artifact)
{
    assert_int_equal(hpx_store_put_conflict(store, artifact, &error), HPX_DIFFERS);
}

/* Seven trajectories of up to three epochs, with checkpoints of no, one and several chunks, and in files. One
 * epoch has been trained again with another output. */
enum { TRAJECTORIES = 7, RESULTS = 1 + 2 + 3 + 1 + 2 + 3 + 1 };
static const size_t sizes[TRAJECTORIES] = {0,    1, CHUNK_BYTES - 1, CHUNK_BYTES, PIECE + 1, 2 * CHUNK_BYTES,
                                           PIECE};

static void fill(hpx_store *store)
{
    for (uint64_t i = 0; i < TRAJECTORIES; i++)
        for (uint32_t epoch = 1; epoch <= 1 + i % 3; epoch++)
            store_result(store, i, epoch, epoch == 3 ? 2 : 0, sizes[i]);
    const hpx_artifact second = second_output_of(2, 3, 2, sizes[2]);
    store_conflict(store, &second);
}

/* Export and import -------------------------------------------------------------------------------------- */

static hpx_status append(void *context, const void *bytes, size_t size, hpx_error *ignored)
{
    (void)ignored;
    hpx_buffer_add(context, bytes, size);
    return HPX_OK;
}

static hpx_buffer export_keys(hpx_exported *done, hpx_store *store, const hpx_hash *keys, size_t count,
                              bool checkpoints)
{
    hpx_buffer out = {0};
    expect_ok(hpx_bundle_write(done, store, keys, count,
                               &(hpx_bundle_options){.checkpoints = checkpoints, .logs = true}, append, &out,
                               &error),
              &error);
    assert_int_equal(done->bytes, out.size);
    return out;
}

static hpx_buffer export_all(hpx_store *store)
{
    hpx_exported done;
    return export_keys(&done, store, NULL, 0, true);
}

struct source {
    const uint8_t *bytes;
    size_t size, step;
    uint64_t fail_at; /* 0: never */
    uint64_t given;
};

static hpx_status give(void *context, void *bytes, size_t size, size_t *got, hpx_error *failure)
{
    struct source *source = context;
    if (source->fail_at && source->given >= source->fail_at)
        return hpx_error_set(failure, HPX_INTERRUPTED, "no more");
    *got = size < source->size ? size : source->size;
    if (source->step && *got > source->step)
        *got = source->step;
    if (*got == 0)
        return HPX_OK;
    memcpy(bytes, source->bytes, *got);
    source->bytes += *got;
    source->size -= *got;
    source->given += *got;
    return HPX_OK;
}

static hpx_status import_bytes(hpx_imported *done, hpx_store *store, const void *bytes, size_t size)
{
    struct source source = {.bytes = bytes, .size = size};
    return hpx_bundle_read(done, store, "FILE", NULL, give, &source, &error);
}

static void expect_imported(hpx_store *store, const hpx_buffer *bundle, uint64_t artifacts_added,
                            uint64_t artifacts_known, uint64_t checkpoints_added, uint64_t checkpoints_known)
{
    hpx_imported done;
    expect_ok(import_bytes(&done, store, bundle->data, bundle->size), &error);
    assert_int_equal(done.artifacts.added, artifacts_added);
    assert_int_equal(done.artifacts.known, artifacts_known);
    assert_int_equal(done.checkpoints.added, checkpoints_added);
    assert_int_equal(done.checkpoints.known, checkpoints_known);
    expect_clean(store);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    fill(a.store);
    hpx_exported done;
    hpx_buffer bundle = export_keys(&done, a.store, NULL, 0, true);
    assert_int_equal(done.trajectories, TRAJECTORIES);
    assert_int_equal(done.artifacts, RESULTS);
    assert_int_equal(done.checkpoints, TRAJECTORIES);
    assert_int_equal(done.conflicts, 1);
    assert_int_equal(done.left_out, 0);
    expect_imported(b.store, &bundle, RESULTS, 0, TRAJECTORIES, 0);
    hpx_buffer from = dump(a.store, DB_META, DB_ADOPTIONS);
    expect_same_dump(b.store, &from, "the copy");
    /* Again: nothing new. And what the copy exports is the same bundle. */
    expect_imported(b.store, &bundle, 0, RESULTS, 0, TRAJECTORIES);
    expect_same_dump(b.store, &from, "imported twice");
    hpx_buffer again = export_all(b.store);
    assert_int_equal(again.size, bundle.size);
    assert_memory_equal(again.data, bundle.data, bundle.size);
    hpx_buffer_free(&from);
    hpx_buffer_free(&again);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    fill(a.store);
    hpx_buffer bundle = export_all(a.store), from = dump(a.store, DB_META, DB_ADOPTIONS);
    struct source source = {.bytes = bundle.data, .size = bundle.size, .step = 1};
    hpx_imported done;
    expect_ok(hpx_bundle_read(&done, b.store, "FILE", NULL, give, &source, &error), &error);
    expect_same_dump(b.store, &from, "read byte by byte");
    hpx_buffer_free(&from);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

static void test_selection(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    fill(a.store);
    hpx_hash keys[4];
    for (uint64_t i = 0; i < 3; i++) {
        hpx_buffer manifest = numbered_manifest(i);
        keys[i] = hpx_hash_of(manifest.data, manifest.size);
        hpx_buffer_free(&manifest);
    }
    hpx_exported done;
    hpx_buffer one = export_keys(&done, a.store, &keys[2], 1, true);
    assert_int_equal(done.trajectories, 1);
    assert_int_equal(done.artifacts, 3);
    expect_imported(b.store, &one, 3, 0, 1, 0);
    assert_int_equal(count_values(b.store, DB_MANIFESTS), 1);
    assert_int_equal(count_values(b.store, DB_CODES), 1); /* only what is referred to */
    assert_int_equal(count_values(b.store, DB_DATASETS), 1);
    /* The order of the keys, one named twice and one that is not there make no difference. */
    hpx_buffer two = export_keys(&done, a.store, keys + 1, 2, true);
    keys[3] = keys[1];
    keys[0] = (hpx_hash){{1}};
    hpx_buffer same = export_keys(&done, a.store, (hpx_hash[]){keys[0], keys[2], keys[3], keys[1]}, 4, true);
    assert_int_equal(done.trajectories, 2);
    assert_int_equal(same.size, two.size);
    assert_memory_equal(same.data, two.data, two.size);
    expect_imported(b.store, &two, 2, 3, 1, 1);
    hpx_buffer_free(&one);
    hpx_buffer_free(&two);
    hpx_buffer_free(&same);
    close_place(&a);
    close_place(&b);
}

static void test_without_checkpoints(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    fill(a.store);
    hpx_exported done;
    hpx_buffer light = export_keys(&done, a.store, NULL, 0, false), full = export_all(a.store);
    assert_int_equal(done.checkpoints, 0);
    expect_imported(b.store, &light, RESULTS, 0, 0, 0);
    assert_int_equal(count_values(b.store, DB_CHECKPOINTS), 0);
    assert_int_equal(count_values(b.store, DB_CHUNKS), 0);
    assert_int_equal(count_values(b.store, DB_BLOBS), 0);
    /* The checkpoints may follow. */
    expect_imported(b.store, &full, 0, RESULTS, TRAJECTORIES, 0);
    hpx_buffer from = dump(a.store, DB_META, DB_ADOPTIONS);
    expect_same_dump(b.store, &from, "completed");
    hpx_buffer_free(&from);
    hpx_buffer_free(&light);
    hpx_buffer_free(&full);
    close_place(&a);
    close_place(&b);
}

static void test_nothing_to_export(void **state)
{
    (void)state;
    struct place a = open_place();
    hpx_exported done;
    hpx_buffer out = {0};
    assert_int_equal(hpx_bundle_write(&done, a.store, NULL, 0, &WHOLE, append, &out, &error), HPX_NOT_FOUND);
    fill(a.store);
    assert_int_equal(hpx_bundle_write(&done, a.store, &(hpx_hash){{1}}, 1, &WHOLE, append, &out, &error),
                     HPX_NOT_FOUND);
    assert_int_equal(out.size, 0);
    close_place(&a);
}

/* Fails at the given byte. */
static hpx_status write_until(void *context, const void *bytes, size_t size, hpx_error *failure)
{
    (void)bytes;
    size_t *left = context;
    if (size > *left)
        return hpx_error_set(failure, HPX_FAILED, "full");
    *left -= size;
    return HPX_OK;
}

static void test_failing_streams(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    fill(a.store);
    hpx_buffer bundle = export_all(a.store), before = dump(b.store, DB_META, DB_ADOPTIONS);
    for (size_t room = 0; room < bundle.size; room += 1 + bundle.size / 50) {
        size_t left = room;
        hpx_exported written;
        assert_int_equal(hpx_bundle_write(&written, a.store, NULL, 0, &WHOLE, write_until, &left, &error),
                         HPX_FAILED);
        assert_string_equal(error.message, "full");
        struct source source = {.bytes = bundle.data, .size = bundle.size, .step = 500, .fail_at = room + 1};
        hpx_imported done = {{77, 77}, {77, 77}};
        assert_int_equal(hpx_bundle_read(&done, b.store, "FILE", NULL, give, &source, &error),
                         HPX_INTERRUPTED);
        assert_int_equal(done.artifacts.added, 0);
        expect_same_dump(b.store, &before, "a failing read");
    }
    expect_imported(b.store, &bundle, RESULTS, 0, TRAJECTORIES, 0); /* no transaction was left open */
    hpx_buffer_free(&before);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

/* Checkpoints that are superseded ------------------------------------------------------------------------ */

static void test_older_checkpoint_is_skipped(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    store_result(a.store, 1, 2, 0, 50000);
    hpx_buffer older = export_all(a.store);
    store_result(a.store, 1, 5, 2, 40000);
    hpx_buffer newer = export_all(a.store);
    expect_imported(b.store, &newer, 2, 0, 1, 0);
    hpx_buffer before = dump(b.store, DB_META, DB_ADOPTIONS);
    expect_imported(b.store, &older, 0, 1, 0, 1);
    expect_same_dump(b.store, &before, "an older checkpoint");
    hpx_buffer_free(&before);
    hpx_buffer_free(&older);
    hpx_buffer_free(&newer);
    close_place(&a);
    close_place(&b);
}

/* What a newer one supersedes may have been kept on purpose. */
static void test_newer_checkpoint_is_added(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    store_result(a.store, 1, 2, 0, 50000);
    store_result(b.store, 1, 2, 0, 50000);
    store_result(a.store, 1, 5, 2, 40000);
    hpx_buffer newer = export_all(a.store);
    expect_imported(b.store, &newer, 1, 1, 1, 0);
    assert_int_equal(count_values(b.store, DB_CHECKPOINTS), 2);
    uint32_t epoch;
    hpx_buffer manifest = numbered_manifest(1);
    hpx_hash key = hpx_hash_of(manifest.data, manifest.size);
    expect_ok(hpx_store_newest_checkpoint_epoch(&epoch, b.store, &key, UINT32_MAX, &error), &error);
    assert_int_equal(epoch, 5);
    hpx_buffer_free(&manifest);
    hpx_buffer_free(&newer);
    close_place(&a);
    close_place(&b);
}

/* Several checkpoints of a trajectory travel together; the rule is about those that the store had before. */
static void test_all_kept_checkpoints(void **state)
{
    (void)state;
    static const hpx_put_options all = {.keep = HPX_KEEP_ALL};
    struct place a = open_place(), b = open_place(), c = open_place();
    options = &all;
    for (uint32_t epoch = 1; epoch <= 4; epoch++)
        store_result(a.store, 1, epoch, 0, 100 * epoch);
    options = NULL;
    hpx_buffer bundle = export_all(a.store), from = dump(a.store, DB_META, DB_ADOPTIONS);
    expect_imported(b.store, &bundle, 4, 0, 4, 0);
    expect_same_dump(b.store, &from, "all kept");
    expect_imported(b.store, &bundle, 0, 4, 0, 4);
    expect_same_dump(b.store, &from, "all kept, twice");
    /* Epochs 1 and 2 are superseded by 3, which is there. */
    store_result(c.store, 1, 3, 0, 300);
    expect_imported(c.store, &bundle, 3, 1, 1, 3);
    assert_int_equal(count_values(c.store, DB_CHECKPOINTS), 2);
    hpx_buffer_free(&from);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
    close_place(&c);
}

static void test_pinned_takes_all(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    store_result(a.store, 1, 1, 0, 100);
    hpx_buffer older = export_all(a.store);
    hpx_hash key = store_result(b.store, 1, 3, 0, 300);
    expect_ok(hpx_store_pin(b.store, &key, true, &error), &error);
    expect_imported(b.store, &older, 1, 0, 1, 0);
    expect_imported(b.store, &older, 0, 1, 0, 1);
    assert_int_equal(count_values(b.store, DB_CHECKPOINTS), 2);
    hpx_buffer_free(&older);
    close_place(&a);
    close_place(&b);
}

/* Damage ------------------------------------------------------------------------------------------------- */

/* Flips a bit of one stored value; `at` counts the values of the database. */
static void damage(hpx_store *store, enum database db, size_t at)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    assert_int_equal(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_cursor_open(txn, store->databases[db], &cursor), 0);
    for (size_t i = 0; i <= at; i++)
        assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_NEXT), 0);
    hpx_buffer copy = {0};
    hpx_buffer_add(&copy, value.mv_data, value.mv_size);
    copy.data[copy.size / 2] ^= 4;
    value.mv_data = copy.data;
    assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_txn_commit(txn), 0);
    hpx_buffer_free(&copy);
}

/* Whatever is damaged, the rest is exported, is a good bundle, and makes a store without a fault. */
static void test_export_leaves_out_damage(void **state)
{
    (void)state;
    static const enum database damaged[] = {DB_MANIFESTS, DB_RECORDS,  DB_CHECKPOINTS, DB_CHUNKS,
                                            DB_CODES,     DB_DATASETS, DB_CONFLICTS};
    for (size_t i = 0; i < COUNT(damaged); i++) {
        size_t at = 0, count;
        do {
            struct place a = open_place(), b = open_place();
            size_t reports = 0;
            fill(a.store);
            count = count_values(a.store, damaged[i]);
            hpx_store_on_damage(a.store, count_fault, &reports);
            damage(a.store, damaged[i], at);
            hpx_exported done;
            hpx_buffer bundle = export_keys(&done, a.store, NULL, 0, true);
            assert_true(done.left_out > 0);
            assert_true(reports > 0);
            assert_true(done.checkpoints < TRAJECTORIES || done.artifacts < RESULTS || done.conflicts < 1);
            assert_true(done.artifacts > 0);
            expect_imported(b.store, &bundle, done.artifacts, 0, done.checkpoints, 0);
            hpx_buffer_free(&bundle);
            close_place(&a);
            close_place(&b);
        } while (++at < count);
    }
}

static hpx_status pass_over(void *context, hpx_bundle_part part, const void *bytes, size_t size,
                            hpx_error *unused)
{
    (void)context, (void)part, (void)bytes, (void)size, (void)unused;
    return HPX_OK;
}

/* Parts of which none would have an epoch. */
static void test_parts_of_nothing(void **state)
{
    (void)state;
    static const enum database damaged[] = {DB_MANIFESTS, DB_RECORDS, DB_CODES, DB_DATASETS};
    static const hpx_bundle_options discreet = {.checkpoints = true, .discreet = true};
    for (size_t i = 0; i < COUNT(damaged); i++) {
        struct place a = open_place();
        hpx_exported done;
        const hpx_hash key = store_result(a.store, 1, 1, 0, 10);
        expect_ok(hpx_bundle_write_parts(&done, a.store, &key, &WHOLE, pass_over, NULL, &error), &error);
        damage(a.store, damaged[i], 0);
        assert_int_equal(hpx_bundle_write_parts(&done, a.store, &key, &WHOLE, pass_over, NULL, &error),
                         HPX_NOT_FOUND);
        assert_int_equal(hpx_bundle_write_parts(&done, a.store, &key, &discreet, pass_over, NULL, &error),
                         HPX_NOT_FOUND);
        expect_contains(error.message, "is whole in the store");
        close_place(&a);
    }
}

/* A value whose bytes are as they were put, but put under a name that is not theirs. */
static void test_export_leaves_out_misnamed(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    hpx_buffer none = {0};
    hpx_artifact artifact = artifact_of(1, 1, 0, &none);
    artifact.key.bytes[0] ^= 1;
    put_with(a.store, 1, &artifact, &none); /* the store trusts its caller with the key */
    store_result(a.store, 2, 1, 0, 10);
    hpx_exported done;
    hpx_buffer bundle = export_keys(&done, a.store, NULL, 0, true);
    assert_int_equal(done.left_out, 1);
    assert_int_equal(done.trajectories, 1);
    expect_imported(b.store, &bundle, 1, 0, 1, 0);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

static void test_import_repairs(void **state)
{
    (void)state;
    struct place a = open_place();
    fill(a.store);
    hpx_buffer bundle = export_all(a.store), good = dump(a.store, DB_META, DB_ADOPTIONS);
    static const enum database damaged[] = {DB_MANIFESTS, DB_RECORDS, DB_CHECKPOINTS,
                                            DB_CHUNKS,    DB_CODES,   DB_DATASETS};
    for (size_t i = 0; i < COUNT(damaged); i++)
        damage(a.store, damaged[i], 1);
    damage(a.store, DB_CONFLICTS, 0);
    hpx_imported done;
    expect_ok(import_bytes(&done, a.store, bundle.data, bundle.size), &error);
    assert_int_equal(done.artifacts.added, 1);
    assert_int_equal(done.artifacts.known, RESULTS - 1);
    assert_int_equal(done.conflicts.added, 1);
    expect_ok(import_bytes(&done, a.store, bundle.data, bundle.size), &error);
    assert_int_equal(done.conflicts.added, 0);
    assert_int_equal(done.conflicts.known, 1);
    expect_same_dump(a.store, &good, "repaired");
    expect_clean(a.store);
    hpx_buffer_free(&good);
    hpx_buffer_free(&bundle);
    close_place(&a);
}

/* A checkpoint that does not give its record's output would be refused, so it is not exported. */
static void test_export_checks_outputs(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    hpx_buffer checkpoint = checkpoint_of(1, 1, 100);
    hpx_artifact artifact = artifact_of(1, 1, 0, &checkpoint);
    artifact.output.bytes[0] ^= 1;
    put_with(a.store, 1, &artifact, &checkpoint);
    hpx_exported done;
    hpx_buffer bundle = export_keys(&done, a.store, NULL, 0, true);
    assert_int_equal(done.left_out, 1);
    assert_int_equal(done.checkpoints, 0);
    expect_imported(b.store, &bundle, 1, 0, 0, 0);
    hpx_buffer_free(&checkpoint);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

/* --- bundles put together by hand ------------------------------------------------------------------------- */

struct part {
    char kind;
    uint8_t key[36];
    size_t key_size;
    hpx_buffer payload;
};

struct parts {
    struct part items[96];
    size_t count;
};

/* The places of make_parts. */
enum { CODE, DATASET, MANIFEST, FIRST, SECOND, CONFLICT, CHECKPOINT, CHUNK_0, CHUNK_1, PARTS };
enum { CHECKPOINT_BYTES = PIECE + 3648 };

static void big_endian(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void add_part(struct parts *parts, char kind, const hpx_hash *key, int epoch, int index,
                     hpx_buffer payload)
{
    struct part *part = &parts->items[parts->count++];
    *part = (struct part){.kind = kind, .key_size = 16, .payload = payload};
    memcpy(part->key, key->bytes, 16);
    if (epoch >= 0) {
        big_endian(part->key + 16, (uint32_t)epoch);
        part->key_size = 20;
    }
    if (index >= 0) {
        big_endian(part->key + 20, (uint32_t)index);
        part->key_size = 24;
    }
}

static hpx_buffer record_bytes(const hpx_artifact *artifact)
{
    hpx_buffer bytes = {0};
    hpx_encode_artifact(&bytes, artifact);
    return bytes;
}

static hpx_buffer slice(const hpx_buffer *of, size_t from, size_t size)
{
    hpx_buffer out = {0};
    hpx_buffer_add(&out, of->data + from, size);
    return out;
}

static void add_conflict(struct parts *parts, const hpx_artifact *artifact)
{
    add_part(parts, 'X', &artifact->key, (int)artifact->epoch, -1, record_bytes(artifact));
    struct part *part = &parts->items[parts->count - 1];
    memcpy(part->key + part->key_size, artifact->output.bytes, 16);
    part->key_size += 16;
}

/* One trajectory: epochs 1 and 2, the second with another output too, and a checkpoint cut into pieces. */
static struct parts make_parts_of(size_t piece_bytes)
{
    struct parts parts = {.count = 0};
    hpx_buffer none = {0}, checkpoint = checkpoint_of(1, 2, CHECKPOINT_BYTES), entry = {0};
    hpx_artifact first = artifact_of(1, 1, 0, &none), second = artifact_of(1, 2, 1, &checkpoint),
                 conflict = second_output_of(1, 2, 1, CHECKPOINT_BYTES);
    hpx_hash whole = hpx_hash_of(checkpoint.data, checkpoint.size);
    hpx_buffer_u64(&entry, checkpoint.size);
    hpx_buffer_u32(&entry, (uint32_t)((CHECKPOINT_BYTES + piece_bytes - 1) / piece_bytes));
    hpx_buffer_add(&entry, whole.bytes, 16);
    add_part(&parts, 'C', &first.code, -1, -1, bytes_of(code_record(1)));
    add_part(&parts, 'D', &first.dataset, -1, -1, bytes_of(dataset_record(1)));
    add_part(&parts, 'M', &first.key, -1, -1, numbered_manifest(1));
    add_part(&parts, 'R', &first.key, 1, -1, record_bytes(&first));
    add_part(&parts, 'R', &first.key, 2, -1, record_bytes(&second));
    add_conflict(&parts, &conflict);
    add_part(&parts, 'P', &first.key, 2, -1, entry);
    for (size_t at = 0; at < checkpoint.size; at += piece_bytes) {
        size_t left = checkpoint.size - at;
        add_part(&parts, 'K', &first.key, 2, (int)(at / piece_bytes),
                 slice(&checkpoint, at, left < piece_bytes ? left : piece_bytes));
    }
    hpx_buffer_free(&checkpoint);
    return parts;
}

static struct parts make_parts(void)
{
    struct parts parts = make_parts_of(PIECE);
    assert_int_equal(parts.count, PARTS);
    return parts;
}

static void free_parts(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        hpx_buffer_free(&parts->items[i].payload);
    parts->count = 0;
}

static void remove_part(struct parts *parts, size_t at)
{
    hpx_buffer_free(&parts->items[at].payload);
    memmove(parts->items + at, parts->items + at + 1, (--parts->count - at) * sizeof(struct part));
}

/* A copy of a part behind place `behind`. */
static void repeat_part(struct parts *parts, size_t at, size_t behind)
{
    struct part copy = parts->items[at];
    copy.payload = slice(&parts->items[at].payload, 0, parts->items[at].payload.size);
    memmove(parts->items + behind + 2, parts->items + behind + 1,
            (parts->count++ - behind - 1) * sizeof(struct part));
    parts->items[behind + 1] = copy;
}

static void swap_parts(struct parts *parts, size_t a, size_t b)
{
    struct part kept = parts->items[a];
    parts->items[a] = parts->items[b];
    parts->items[b] = kept;
}

static void add_entry(hpx_buffer *out, const struct part *part)
{
    hpx_buffer hashed = {0};
    hpx_buffer_add(&hashed, &part->kind, 1);
    hpx_buffer_add(&hashed, part->key, part->key_size);
    hpx_buffer_add(out, hashed.data, hashed.size);
    hpx_buffer_u32(out, (uint32_t)part->payload.size);
    hpx_buffer_add(out, part->payload.data, part->payload.size);
    hpx_buffer_add(&hashed, part->payload.data, part->payload.size);
    hpx_hash hash = hpx_hash_of(hashed.data, hashed.size);
    hpx_buffer_add(out, hash.bytes, 16);
    hpx_buffer_free(&hashed);
}

static void add_end(hpx_buffer *out, uint64_t entries, uint8_t change)
{
    struct part end = {.kind = 'E'};
    hpx_hash all = hpx_hash_of(out->data, out->size);
    all.bytes[15] ^= change;
    hpx_buffer_u64(&end.payload, entries);
    hpx_buffer_add(&end.payload, all.bytes, 16);
    add_entry(out, &end);
    hpx_buffer_free(&end.payload);
}

static hpx_buffer assemble_without_end(const struct parts *parts)
{
    hpx_buffer out = {0};
    hpx_buffer_puts(&out, "HPXB");
    hpx_buffer_u32(&out, 3);
    for (size_t i = 0; i < parts->count; i++)
        add_entry(&out, &parts->items[i]);
    return out;
}

static hpx_buffer assemble(const struct parts *parts)
{
    hpx_buffer out = assemble_without_end(parts);
    add_end(&out, parts->count, 0);
    return out;
}

/* The store that hostile bundles are offered to: it holds something else. */
static struct place open_victim(void)
{
    struct place place = open_place();
    store_result(place.store, 6, 1, 0, 30000); /* of another code version and data set */
    return place;
}

static void expect_refused(struct place *victim, const hpx_buffer *before, const hpx_buffer *bundle,
                           const char *what)
{
    hpx_imported done;
    hpx_status status = import_bytes(&done, victim->store, bundle->data, bundle->size);
    if (status != HPX_FAILED)
        fail_msg("%s: status %d instead of refused", what, status);
    if (strncmp(error.message, "FILE: byte ", 11) != 0 || !strstr(error.message, what))
        fail_msg("\"%s\" instead of \"FILE: byte ...%s\"", error.message, what);
    expect_same_dump(victim->store, before, what);
}

/* What the builder by hand makes is what the program makes: the tests below are about this format. */
static void test_format(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    struct parts parts = make_parts();
    hpx_buffer by_hand = assemble(&parts);
    expect_imported(a.store, &by_hand, 2, 0, 1, 0);
    store_result(b.store, 1, 1, 0, 0);
    store_result(b.store, 1, 2, 1, CHECKPOINT_BYTES);
    const hpx_artifact conflict = second_output_of(1, 2, 1, CHECKPOINT_BYTES);
    store_conflict(b.store, &conflict);
    hpx_buffer from = dump(b.store, DB_META, DB_ADOPTIONS);
    expect_same_dump(a.store, &from, "by hand");
    hpx_buffer written = export_all(b.store);
    assert_int_equal(written.size, by_hand.size);
    assert_memory_equal(written.data, by_hand.data, written.size);
    hpx_buffer_free(&from);
    hpx_buffer_free(&written);
    hpx_buffer_free(&by_hand);
    free_parts(&parts);
    close_place(&a);
    close_place(&b);
}

/* Up to version 2 pieces were smaller; version 1 had no second outputs. */
static void test_older_versions(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        struct place a = open_place();
        struct parts parts = make_parts_of(CHUNK_BYTES);
        if (version == 1)
            remove_part(&parts, CONFLICT);
        hpx_buffer bundle = {0};
        hpx_buffer_puts(&bundle, "HPXB");
        hpx_buffer_u32(&bundle, version);
        for (size_t i = 0; i < parts.count; i++)
            add_entry(&bundle, &parts.items[i]);
        add_end(&bundle, parts.count, 0);
        expect_imported(a.store, &bundle, 2, 0, 1, 0);
        expect_clean(a.store);
        hpx_buffer_free(&bundle);
        free_parts(&parts);
        close_place(&a);
    }
}

/* Changes of a good bundle, and what is said of them. */
static void no_code(struct parts *parts)
{
    remove_part(parts, CODE);
}

static void no_dataset(struct parts *parts)
{
    remove_part(parts, DATASET);
}

static void no_manifest(struct parts *parts)
{
    remove_part(parts, MANIFEST);
}

static void no_first_record(struct parts *parts)
{
    remove_part(parts, FIRST);
}

static void no_second_record(struct parts *parts)
{
    remove_part(parts, SECOND);
}

static void no_second_record_nor_conflict(struct parts *parts)
{
    remove_part(parts, CONFLICT);
    remove_part(parts, SECOND);
}

static void conflict_without_conflict(struct parts *parts)
{
    struct part *conflict = &parts->items[CONFLICT];
    hpx_buffer same = slice(&parts->items[SECOND].payload, 0, parts->items[SECOND].payload.size);
    hpx_artifact artifact = {.epoch = 2};
    hpx_cell_set *cells = hpx_cell_set_new();
    expect_ok(hpx_decode_artifact(&artifact, cells, same.data, same.size, &error), &error);
    memcpy(conflict->key + 20, artifact.output.bytes, 16);
    hpx_artifact_free(&artifact);
    hpx_cell_set_free(cells);
    hpx_buffer_free(&conflict->payload);
    conflict->payload = same;
}

static void foreign_conflict(struct parts *parts)
{
    parts->items[CONFLICT].key[20] ^= 1;
}

static void conflict_of_no_fields(struct parts *parts)
{
    parts->items[CONFLICT].payload.size--;
}

static void conflict_before_record(struct parts *parts)
{
    swap_parts(parts, SECOND, CONFLICT);
}

static void conflict_behind_checkpoint(struct parts *parts)
{
    repeat_part(parts, CONFLICT, CHUNK_1);
    remove_part(parts, CONFLICT);
}

static void no_checkpoint(struct parts *parts)
{
    remove_part(parts, CHECKPOINT);
}

static void no_first_chunk(struct parts *parts)
{
    remove_part(parts, CHUNK_0);
}

static void no_last_chunk(struct parts *parts)
{
    remove_part(parts, CHUNK_1);
}

static void lacks_last_chunk_before_another(struct parts *parts)
{
    hpx_buffer other = numbered_manifest(99);
    hpx_hash key = {{0xff}};
    remove_part(parts, CHUNK_1);
    add_part(parts, 'M', &key, -1, -1, other);
}

static void one_chunk_more(struct parts *parts)
{
    repeat_part(parts, CHUNK_1, CHUNK_1);
    big_endian(parts->items[CHUNK_1 + 1].key + 20, 2);
}

static void chunk_of_another_epoch(struct parts *parts)
{
    big_endian(parts->items[CHUNK_1].key + 16, 3);
}

static void short_chunk(struct parts *parts)
{
    parts->items[CHUNK_1].payload.size--;
}

static void short_first_chunk(struct parts *parts)
{
    parts->items[CHUNK_0].payload.size--;
}

static void other_chunk(struct parts *parts)
{
    parts->items[CHUNK_1].payload.data[7] ^= 1;
}

/* A checkpoint that is whole in itself, but another one. */
static void other_checkpoint(struct parts *parts)
{
    hpx_buffer checkpoint = checkpoint_of(1, 3, CHECKPOINT_BYTES);
    hpx_hash whole = hpx_hash_of(checkpoint.data, checkpoint.size);
    memcpy(parts->items[CHECKPOINT].payload.data + 12, whole.bytes, 16);
    memcpy(parts->items[CHUNK_0].payload.data, checkpoint.data, PIECE);
    memcpy(parts->items[CHUNK_1].payload.data, checkpoint.data + PIECE, CHECKPOINT_BYTES - PIECE);
    hpx_buffer_free(&checkpoint);
}

static void other_count_of_chunks(struct parts *parts)
{
    parts->items[CHECKPOINT].payload.data[8]++;
}

static void huge_checkpoint(struct parts *parts)
{
    memset(parts->items[CHECKPOINT].payload.data, 0xff, 12);
}

static void checkpoint_of_another_epoch(struct parts *parts)
{
    for (size_t i = CHECKPOINT; i < PARTS; i++)
        big_endian(parts->items[i].key + 16, 3);
}

static void foreign_code(struct parts *parts)
{
    parts->items[CODE].key[0] ^= 1;
}

static void foreign_dataset(struct parts *parts)
{
    parts->items[DATASET].key[0] ^= 1;
}

static void foreign_manifest(struct parts *parts)
{
    for (size_t i = MANIFEST; i < PARTS; i++)
        parts->items[i].key[15] ^= 1;
}

static void replace_payload(struct part *part, hpx_buffer payload, bool named)
{
    hpx_buffer_free(&part->payload);
    part->payload = payload;
    hpx_hash hash = hpx_hash_of(payload.data, payload.size);
    if (named)
        memcpy(part->key, hash.bytes, 16);
}

static hpx_buffer text_bytes(const char *text)
{
    hpx_buffer bytes = {0};
    hpx_buffer_puts(&bytes, text);
    return bytes;
}

static void manifest_of_no_fields(struct parts *parts)
{
    replace_payload(&parts->items[MANIFEST], text_bytes("not fields"), true);
}

static void code_of_no_fields(struct parts *parts)
{
    replace_payload(&parts->items[CODE], text_bytes("not fields"), true);
}

static void record_of_no_fields(struct parts *parts)
{
    replace_payload(&parts->items[FIRST], text_bytes("not fields"), false);
}

/* Changes a record's artifact, or the fields behind the program's back. */
static void change_second(struct parts *parts, void (*change)(hpx_artifact *artifact),
                          void (*change_fields)(hpx_fields *fields))
{
    struct part *part = &parts->items[SECOND];
    hpx_artifact artifact = {.epoch = 2};
    memcpy(artifact.key.bytes, part->key, 16);
    hpx_cell_set *cells = hpx_cell_set_new();
    expect_ok(hpx_decode_artifact(&artifact, cells, part->payload.data, part->payload.size, &error), &error);
    if (change)
        change(&artifact);
    hpx_buffer bytes = record_bytes(&artifact);
    if (change_fields) {
        hpx_fields fields = {0};
        expect_ok(hpx_fields_decode(&fields, bytes.data, bytes.size, &error), &error);
        hpx_buffer_free(&bytes);
        change_fields(&fields);
        bytes = bytes_of(fields);
    }
    replace_payload(part, bytes, false);
    hpx_artifact_free(&artifact);
    hpx_cell_set_free(cells);
}

static void set_parent_2(hpx_artifact *artifact)
{
    artifact->parent = 2;
}

static void continues_itself(struct parts *parts)
{
    change_second(parts, set_parent_2, NULL);
}

static void change_metrics(hpx_artifact *artifact)
{
    assert_true(hpx_metrics_set(&artifact->metrics, "test_accuracy", 1));
}

static void better_metrics(struct parts *parts)
{
    change_second(parts, change_metrics, NULL);
}

static void change_output(hpx_artifact *artifact)
{
    artifact->output.bytes[3] ^= 8;
}

static void another_output(struct parts *parts)
{
    change_second(parts, change_output, NULL);
}

static void add_field(hpx_fields *fields)
{
    hpx_fields_set_text(fields, "zebra", "stripes");
}

static void one_field_more(struct parts *parts)
{
    change_second(parts, NULL, add_field);
}

static void halve_cell(hpx_fields *fields)
{
    hpx_fields_set_bytes(fields, "cell",
                         "n1\0"
                         "128\0"
                         "n2",
                         10);
}

static void cell_without_value(struct parts *parts)
{
    change_second(parts, NULL, halve_cell);
}

static void set_hidden_host(hpx_fields *fields)
{
    hpx_fields_set_text(fields, "host", "node\x1b[2J");
}

static void hidden_host(struct parts *parts)
{
    change_second(parts, NULL, set_hidden_host);
}

static void set_hidden_value(hpx_fields *fields)
{
    hpx_fields_set_bytes(fields, "cell",
                         "n1\0"
                         "\xe2\x80\xae",
                         7);
}

static void hidden_value(struct parts *parts)
{
    change_second(parts, NULL, set_hidden_value);
}

static void set_odd_axis(hpx_fields *fields)
{
    hpx_fields_set_bytes(fields, "cell",
                         "n 1\0"
                         "2",
                         6);
}

static void odd_axis(struct parts *parts)
{
    change_second(parts, NULL, set_odd_axis);
}

static void set_endless(hpx_fields *fields)
{
    hpx_fields_set_real(fields, "seconds", INFINITY);
}

static void endless(struct parts *parts)
{
    change_second(parts, NULL, set_endless);
}

static void repeat_axis(hpx_fields *fields)
{
    hpx_fields_set_bytes(fields, "cell",
                         "n1\0"
                         "128\0"
                         "n1\0"
                         "64",
                         13);
}

static void axis_twice(struct parts *parts)
{
    change_second(parts, NULL, repeat_axis);
}

static void huge_parent(hpx_fields *fields)
{
    hpx_fields_set_count(fields, "parent", ((uint64_t)1 << 32) + 1);
}

static void parent_beyond_32_bits(struct parts *parts)
{
    change_second(parts, NULL, huge_parent);
}

static void epoch_0(struct parts *parts)
{
    big_endian(parts->items[FIRST].key + 16, 0);
}

static void trailing_byte(struct parts *parts)
{
    hpx_buffer_add(&parts->items[SECOND].payload, "x", 1);
}

static void unknown_kind(struct parts *parts)
{
    parts->items[DATASET].kind = 'Z';
}

static void record_as_checkpoint(struct parts *parts)
{
    parts->items[FIRST].kind = 'P';
}

static void records_swapped(struct parts *parts)
{
    swap_parts(parts, FIRST, SECOND);
}

static void chunks_swapped(struct parts *parts)
{
    swap_parts(parts, CHUNK_0, CHUNK_1);
}

static void record_before_manifest(struct parts *parts)
{
    swap_parts(parts, MANIFEST, FIRST);
}

static void manifest_before_code(struct parts *parts)
{
    swap_parts(parts, MANIFEST, CODE);
}

static void code_after_dataset(struct parts *parts)
{
    swap_parts(parts, CODE, DATASET);
}

static void checkpoint_before_record(struct parts *parts)
{
    swap_parts(parts, SECOND, CHECKPOINT);
}

static void record_again_at_the_end(struct parts *parts)
{
    repeat_part(parts, SECOND, CHUNK_1);
}

static void manifest_again_at_the_end(struct parts *parts)
{
    repeat_part(parts, MANIFEST, CHUNK_1);
}

static void checkpoint_again_at_the_end(struct parts *parts)
{
    repeat_part(parts, CHECKPOINT, CHUNK_1);
}

static void empty_chunk(struct parts *parts)
{
    parts->items[CHUNK_0].payload.size = 0;
}

static void test_hostile_entries(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct parts *parts);
        const char *message;
    } cases[] = {
        {no_code, "its code version is missing"},
        {no_dataset, "its data set entry is missing"},
        {no_manifest, "its manifest is missing"},
        {no_first_record, "the epoch it continued is missing"},
        {no_second_record, "the first output is missing"},
        {no_second_record_nor_conflict, "its record is missing"},
        {conflict_without_conflict, "no other output than the first"},
        {foreign_conflict, "a foreign key: it is not the record's output"},
        {conflict_of_no_fields, "malformed"},
        {conflict_before_record, "the first output is missing"},
        {conflict_behind_checkpoint, "not in its place"},
        {no_checkpoint, "no checkpoint that it belongs to"},
        {no_first_chunk, "not the checkpoint's next chunk"},
        {no_last_chunk, "the checkpoint before it lacks chunks"},
        {lacks_last_chunk_before_another, "the checkpoint before it lacks chunks"},
        {one_chunk_more, "or one that is complete"},
        {chunk_of_another_epoch, "not the checkpoint's next chunk"},
        {short_chunk, "not of the size that its checkpoint says"},
        {short_first_chunk, "not of the size that its checkpoint says"},
        {other_chunk, "the checkpoint's chunks do not have its hash"},
        {other_checkpoint, "do not give the record's output"},
        {better_metrics, "do not give the record's output"},
        {another_output, "do not give the record's output"},
        {other_count_of_chunks, "malformed"},
        {huge_checkpoint, "malformed"},
        {checkpoint_of_another_epoch, "its record is missing"},
        {foreign_code, "a foreign key"},
        {foreign_dataset, "a foreign key"},
        {foreign_manifest, "a foreign key"},
        {manifest_of_no_fields, "malformed"},
        {code_of_no_fields, "malformed"},
        {record_of_no_fields, "malformed"},
        {one_field_more, "malformed"},
        {cell_without_value, "malformed"},
        {axis_twice, "malformed"},
        {hidden_host, "characters that are not visible"},
        {hidden_value, "characters that are not visible"},
        {odd_axis, "an axis whose name is no name"},
        {endless, "a time that is none"},
        {parent_beyond_32_bits, "malformed"},
        {trailing_byte, "malformed"},
        {continues_itself, "no epoch can continue"},
        {epoch_0, "no epoch can continue"},
        {unknown_kind, "an entry of unknown kind 0x5a"},
        {record_as_checkpoint, "a checkpoint of "},
        {records_swapped, "the epoch it continued is missing"},
        {chunks_swapped, "not the checkpoint's next chunk"},
        {record_before_manifest, "its manifest is missing"},
        {manifest_before_code, "not in its place"},
        {code_after_dataset, "not in its place"},
        {checkpoint_before_record, "its record is missing"},
        {record_again_at_the_end, "not in its place"},
        {manifest_again_at_the_end, "not in its place"},
        {checkpoint_again_at_the_end, "not in its place"},
        {empty_chunk, "a piece of a checkpoint of 0 bytes"},
    };
    struct place victim = open_victim();
    hpx_buffer before = dump(victim.store, DB_META, DB_ADOPTIONS);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct parts parts = make_parts();
        cases[i].change(&parts);
        hpx_buffer bundle = assemble(&parts);
        expect_refused(&victim, &before, &bundle, cases[i].message);
        hpx_buffer_free(&bundle);
        free_parts(&parts);
    }
    /* Every entry twice. */
    for (size_t i = 0; i < PARTS; i++) {
        struct parts parts = make_parts();
        repeat_part(&parts, i, i);
        hpx_buffer bundle = assemble(&parts);
        expect_refused(&victim, &before, &bundle,
                       i == CHECKPOINT ? "a second entry"
                       : i == CHUNK_1  ? "a second entry"
                                       : "second");
        hpx_buffer_free(&bundle);
        free_parts(&parts);
    }
    hpx_buffer_free(&before);
    close_place(&victim);
}

static void test_hostile_ends(void **state)
{
    (void)state;
    struct place victim = open_victim();
    hpx_buffer before = dump(victim.store, DB_META, DB_ADOPTIONS);
    struct parts parts = make_parts();
    hpx_buffer good = assemble(&parts), bundle = assemble_without_end(&parts);
    size_t end = bundle.size;
    expect_refused(&victim, &before, &bundle, "the bundle ends here");
    add_end(&bundle, PARTS + 1, 0);
    expect_refused(&victim, &before, &bundle, "it counts other entries");
    bundle.size = end;
    add_end(&bundle, PARTS, 1);
    expect_refused(&victim, &before, &bundle, "its hash is not that of the bytes before it");
    bundle.size = end;
    add_end(&bundle, PARTS, 0);
    hpx_buffer_add(&bundle, "", 1);
    expect_refused(&victim, &before, &bundle, "bytes after the end");
    bundle.size--;
    hpx_buffer_add(&bundle, good.data, good.size);
    expect_refused(&victim, &before, &bundle, "bytes after the end");
    bundle.size -= good.size;
    expect_imported(victim.store, &bundle, 2, 0, 1, 0); /* all the time it was only the end */
    hpx_buffer_free(&bundle);
    hpx_buffer_free(&good);
    hpx_buffer_free(&before);
    free_parts(&parts);
    close_place(&victim);
}

static void test_hostile_headers(void **state)
{
    (void)state;
    struct place victim = open_victim();
    hpx_buffer before = dump(victim.store, DB_META, DB_ADOPTIONS), bundle = {0};
    expect_refused(&victim, &before, &bundle, "byte 0: not a bundle");
    hpx_buffer_puts(&bundle, "n1,n2,test_accuracy\n16,16,0.9\n");
    expect_refused(&victim, &before, &bundle, "byte 0: not a bundle");
    struct parts parts = make_parts();
    hpx_buffer_free(&bundle);
    bundle = assemble(&parts);
    bundle.data[4] = 0;
    expect_refused(&victim, &before, &bundle, "byte 0: not a bundle");
    bundle.data[4] = 5;
    expect_refused(&victim, &before, &bundle, "byte 4: written by a newer hpx (bundle version 5");
    hpx_buffer_free(&bundle);
    hpx_buffer_free(&before);
    free_parts(&parts);
    close_place(&victim);
}

/* A length that is out of bounds is refused before a byte of the payload is read; one within bounds is not
 * believed: no more is read than there is. */
static void test_hostile_lengths(void **state)
{
    (void)state;
    static const struct {
        char kind;
        size_t key_size;
        uint32_t most;
    } kinds[] = {
        {'C', 16, 64 << 20}, {'D', 16, 16 << 20}, {'M', 16, 1 << 20}, {'R', 20, 128 << 10},
        {'P', 20, 28},       {'K', 24, PIECE},    {'E', 0, 24},
    };
    struct place victim = open_victim();
    hpx_buffer before = dump(victim.store, DB_META, DB_ADOPTIONS);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const uint32_t lengths[] = {0, kinds[i].most, kinds[i].most + 1, UINT32_MAX / 2, UINT32_MAX};
        for (size_t k = 0; k < COUNT(lengths); k++) {
            static const uint8_t zeros[64];
            hpx_buffer bundle = {0};
            hpx_buffer_puts(&bundle, "HPXB");
            hpx_buffer_u32(&bundle, 3);
            hpx_buffer_add(&bundle, &kinds[i].kind, 1);
            hpx_buffer_add(&bundle, zeros, kinds[i].key_size);
            hpx_buffer_u32(&bundle, lengths[k]);
            size_t head = bundle.size;
            hpx_buffer_add(&bundle, zeros, 20);
            struct source source = {.bytes = bundle.data, .size = bundle.size, .step = 7};
            hpx_imported done;
            assert_int_equal(hpx_bundle_read(&done, victim.store, "FILE", NULL, give, &source, &error),
                             HPX_FAILED);
            bool fits = lengths[k] == kinds[i].most;
            expect_contains(error.message, fits ? "the bundle ends here" : "FILE: byte 8: a ");
            assert_int_equal(source.given, fits ? bundle.size : head);
            expect_same_dump(victim.store, &before, "a length");
            hpx_buffer_free(&bundle);
        }
    }
    hpx_buffer_free(&before);
    close_place(&victim);
}

/* A bundle as small as can be, for what is tried at every byte: one epoch, a checkpoint of nine bytes. */
static hpx_buffer small_bundle(void)
{
    struct place place = open_place();
    store_result(place.store, 1, 1, 0, 9);
    hpx_buffer bundle = export_all(place.store);
    close_place(&place);
    return bundle;
}

static void test_every_truncation(void **state)
{
    (void)state;
    struct place victim = open_victim();
    hpx_buffer before = dump(victim.store, DB_META, DB_ADOPTIONS), bundle = small_bundle();
    for (size_t size = 0; size < bundle.size; size++) {
        hpx_imported done;
        assert_int_equal(import_bytes(&done, victim.store, bundle.data, size), HPX_FAILED);
        char *expected = size < 8 ? hpx_strdup("FILE: byte 0: not a bundle")
                                  : hpx_format("FILE: byte %zu: the bundle ends here", size);
        expect_contains(error.message, expected);
        free(expected);
        expect_same_dump(victim.store, &before, "a truncation");
    }
    expect_imported(victim.store, &bundle, 1, 0, 1, 0);
    hpx_buffer_free(&bundle);
    hpx_buffer_free(&before);
    close_place(&victim);
}

static void test_every_bit(void **state)
{
    (void)state;
    struct place victim = open_victim();
    hpx_buffer before = dump(victim.store, DB_META, DB_ADOPTIONS), bundle = small_bundle();
    for (size_t bit = 0; bit < 8 * bundle.size; bit++) {
        hpx_imported done;
        bundle.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        hpx_status status = import_bytes(&done, victim.store, bundle.data, bundle.size);
        if (status != HPX_FAILED)
            fail_msg("bit %zu of byte %zu: status %d", bit % 8, bit / 8, status);
        expect_same_dump(victim.store, &before, "a flipped bit");
        bundle.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    expect_imported(victim.store, &bundle, 1, 0, 1, 0);
    hpx_buffer_free(&bundle);
    hpx_buffer_free(&before);
    close_place(&victim);
}

static void test_random_bytes(void **state)
{
    (void)state;
    struct place victim = open_victim();
    hpx_buffer before = dump(victim.store, DB_META, DB_ADOPTIONS);
    draw_seed(3);
    for (size_t i = 0; i < 3000; i++) {
        uint8_t bytes[600];
        size_t size = draw(sizeof bytes);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)draw(256);
        if (i % 3 != 0)
            memcpy(bytes, "HPXB\1\0\0", 8);
        if (i % 3 == 2 && size > 8)
            bytes[8] = (uint8_t) "CDMRPKE"[draw(7)];
        hpx_imported done;
        assert_int_equal(import_bytes(&done, victim.store, bytes, size), HPX_FAILED);
    }
    expect_same_dump(victim.store, &before, "random bytes");
    hpx_buffer_free(&before);
    close_place(&victim);
}

/* What a bundle refers to may be in the store. */
static void test_references_into_the_store(void **state)
{
    (void)state;
    struct place a = open_place();
    store_result(a.store, 1, 1, 0, 0);
    struct parts parts = make_parts();
    for (int i = 0; i <= FIRST; i++)
        remove_part(&parts, 0);
    hpx_buffer bundle = assemble(&parts);
    expect_imported(a.store, &bundle, 1, 0, 1, 0);
    hpx_buffer_free(&bundle);
    /* The checkpoint alone, of a record that is there. */
    remove_part(&parts, 0);
    bundle = assemble(&parts);
    expect_imported(a.store, &bundle, 0, 0, 0, 1);
    hpx_buffer_free(&bundle);
    free_parts(&parts);
    close_place(&a);
}

static void test_no_entries(void **state)
{
    (void)state;
    struct place a = open_place();
    struct parts none = {.count = 0};
    hpx_buffer bundle = assemble(&none);
    expect_imported(a.store, &bundle, 0, 0, 0, 0);
    hpx_buffer_free(&bundle);
    close_place(&a);
}

static void test_contradictions(void **state)
{
    (void)state;
    struct place a = open_place();
    hpx_imported done;
    store_result(a.store, 1, 1, 0, 0);
    store_result(a.store, 1, 2, 1, CHECKPOINT_BYTES);
    hpx_buffer before = dump(a.store, DB_META, DB_ADOPTIONS);
    /* Another output, with all that belongs to it: new results before it are not taken in either. */
    struct place b = open_place();
    store_result(b.store, 4, 1, 0, 10);
    store_result(b.store, 1, 1, 0, 0);
    hpx_buffer checkpoint = checkpoint_of(1, 77, 500);
    hpx_artifact other = artifact_of(1, 2, 1, &checkpoint);
    put_with(b.store, 1, &other, &checkpoint);
    hpx_buffer bundle = export_all(b.store);
    assert_int_equal(import_bytes(&done, a.store, bundle.data, bundle.size), HPX_DIFFERS);
    expect_contains(error.message, "FILE: byte ");
    expect_contains(error.message, " epoch 2: another output");
    assert_int_equal(error.status, HPX_DIFFERS);
    expect_same_dump(a.store, &before, "another output");
    hpx_buffer_free(&bundle);
    /* The same output, said to be of other metrics. */
    struct parts parts = make_parts();
    better_metrics(&parts);
    bundle = assemble(&parts);
    struct place same = {.store = a.store};
    expect_refused(&same, &before, &bundle, "the stored output, but other metrics");
    hpx_buffer_free(&bundle);
    free_parts(&parts);
    hpx_buffer_free(&checkpoint);
    hpx_buffer_free(&before);
    close_place(&b);
    close_place(&a);
}

/* Who made it and when is not part of a result: the stored record stays. */
static void test_made_elsewhere(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    hpx_buffer checkpoint = checkpoint_of(1, 2, 100);
    hpx_artifact other = artifact_of(1, 2, 0, &checkpoint);
    strcpy(other.host, "elsewhere");
    other.seconds = 99;
    put_with(a.store, 1, &other, &checkpoint);
    store_result(b.store, 1, 2, 0, 100);
    hpx_buffer before = dump(a.store, DB_META, DB_ADOPTIONS), bundle = export_all(b.store);
    expect_imported(a.store, &bundle, 0, 1, 0, 1);
    expect_same_dump(a.store, &before, "made elsewhere");
    hpx_buffer_free(&checkpoint);
    hpx_buffer_free(&before);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

/* What named values may say, whatever their hashes. */
static void test_fields_that_make_sense(void **state)
{
    (void)state;
    static const hpx_field good[] = {
        {"code.version", HPX_FIELD_BYTES, 0, 0, (const uint8_t *)"01234567890123456789", 20},
        {"seed", HPX_FIELD_COUNT, UINT32_MAX, 0, NULL, 0},
        {"model.activation", HPX_FIELD_TEXT, 0, 0, (const uint8_t *)"relu \xc3\xa9", 7},
        {"train.rate", HPX_FIELD_COUNT, 1, 0, NULL, 0}, /* a trainer's word */
    };
    static const hpx_store nobody = {.judge = NULL};
    static const hpx_field bad[] = {
        {"code.version", HPX_FIELD_TEXT, 0, 0, (const uint8_t *)"v1", 2},
        {"code.version", HPX_FIELD_BYTES, 0, 0, (const uint8_t *)"short", 5},
        {"seed", HPX_FIELD_COUNT, (uint64_t)UINT32_MAX + 1, 0, NULL, 0},
        {"seed", HPX_FIELD_REAL, 0, 1, NULL, 0},
        {"last-epoch", HPX_FIELD_COUNT, 0, 0, NULL, 0},
        {"dataset.train-images", HPX_FIELD_BYTES, 0, 0, (const uint8_t *)"short", 5},
        {"numerics.kernel", HPX_FIELD_TEXT, 0, 0, (const uint8_t *)"Zen\n", 4},
        {"numerics.other", HPX_FIELD_TEXT, 0, 0,
         (const uint8_t *)"\xc2\x9b"
                          "2J",
         4},
        {"a\x1b[2J", HPX_FIELD_COUNT, 1, 0, NULL, 0},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        hpx_fields fields = {0};
        hpx_fields_set(&fields, &good[i]);
        expect_ok(hpx_validate_fields(&nobody, DB_MANIFESTS, &fields, &error), &error);
        hpx_fields_free(&fields);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        hpx_fields fields = {0};
        hpx_fields_set(&fields, &bad[i]);
        assert_int_equal(hpx_validate_fields(&nobody, DB_MANIFESTS, &fields, &error), HPX_DAMAGED);
        hpx_fields_free(&fields);
    }
}

static void test_records_that_make_sense(void **state)
{
    (void)state;
    hpx_fields manifest = {0};
    hpx_buffer none = {0};
    const hpx_artifact good = artifact_of(7, 3, 2, &none);
    hpx_artifact bad[7] = {good, good, good, good, good, good, good};
    hpx_fields_set_count(&manifest, "seed", 7);
    hpx_fields_set_count(&manifest, "last-epoch", 3);
    assert_null(hpx_validate_artifact(&good, &manifest));
    bad[0].seed = 8;
    bad[1].epoch = 4;
    bad[2].parent = 3;
    bad[3].seconds = INFINITY;
    bad[4].total_seconds = NAN;
    bad[5].seconds = -1;
    memcpy(bad[6].host, "a\x7f", 3);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_non_null(hpx_validate_artifact(&bad[i], &manifest));
    hpx_fields_free(&manifest);
}

static hpx_status refuse_checkpoints(const hpx_fields *manifest, const hpx_fields *dataset, uint32_t epoch,
                                     const hpx_blob *checkpoint, hpx_error *why)
{
    (void)manifest, (void)dataset, (void)epoch;
    return checkpoint->size > 0 ? hpx_error_set(why, HPX_DAMAGED, "no checkpoint of mine") : HPX_OK;
}

static hpx_status take_manifests(const hpx_fields *manifest, hpx_error *why)
{
    (void)manifest, (void)why;
    return HPX_OK;
}

static const hpx_store_judge refuses_checkpoints = {take_manifests, refuse_checkpoints};

static void count_faults(void *context, const char *what)
{
    *(size_t *)context += strstr(what, "no checkpoint of mine") != NULL;
}

/* The trainer's word on a checkpoint counts for an import and for verify. */
static void test_checkpoints_that_make_sense(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    store_result(a.store, 1, 1, 0, 3 * CHUNK_BYTES);
    hpx_buffer bundle = export_all(a.store);
    hpx_imported done;
    uint64_t checked;
    size_t faults = 0;
    hpx_store_set_judge(b.store, &refuses_checkpoints);
    assert_int_equal(import_bytes(&done, b.store, bundle.data, bundle.size), HPX_FAILED);
    expect_contains(error.message, "epoch 1 chunk 0: no checkpoint of mine");
    hpx_store_set_judge(a.store, &refuses_checkpoints);
    expect_ok(hpx_store_verify(a.store, &checked, count_faults, &faults, &error), &error);
    assert_int_equal(faults, 1);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

/* What came by an import says so, and what was stored here before does not; a code version that this store's
 * own binary has is known here from then on. */
static void test_marks(void **state)
{
    (void)state;
    struct place a = open_place(), b = open_place();
    fill(a.store);
    store_result(b.store, 0, 1, 0, sizes[0]);
    hpx_imported done;
    hpx_buffer bundle = export_all(a.store), none = {0};
    expect_ok(import_bytes(&done, b.store, bundle.data, bundle.size), &error);
    const hpx_artifact mine = artifact_of(0, 1, 0, &none), theirs = artifact_of(1, 1, 0, &none);
    hpx_fields mark = {0}, code = code_record(1);
    const hpx_hash id = hpx_record_id(&code);
    assert_int_equal(hpx_store_find_import(&mark, b.store, &mine.key, 1, &error), HPX_NOT_FOUND);
    assert_int_equal(hpx_store_find_import(&mark, b.store, &mine.code, 0, &error), HPX_NOT_FOUND);
    expect_ok(hpx_store_find_import(&mark, b.store, &theirs.key, 1, &error), &error);
    assert_string_equal(hpx_fields_text_or_empty(&mark, "from"), "FILE");
    hpx_fields_free(&mark);
    expect_ok(hpx_store_find_import(&mark, b.store, &id, 0, &error), &error);
    hpx_fields_free(&mark);
    expect_ok(hpx_store_put_record(b.store, HPX_RECORD_CODE, &code, &error), &error);
    assert_int_equal(hpx_store_find_import(&mark, b.store, &id, 0, &error), HPX_NOT_FOUND);
    hpx_fields_free(&code);
    hpx_buffer_free(&bundle);
    close_place(&a);
    close_place(&b);
}

/* Records once had the printed cell, cut off at 255 bytes: its axes are read, but none that may have been
 * cut. */
static void test_printed_cell(void **state)
{
    (void)state;
    static const struct {
        size_t first; /* bytes of the first value */
        const char *second;
    } cases[] = {{3, "64 32"}, {3, "a=b"}, {230, "12"}, {240, "12"}, {241, NULL}, {243, NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char value[256] = {0}, printed[512];
        hpx_cell_set *cells = hpx_cell_set_new();
        hpx_fields fields = {0};
        hpx_buffer record = {0};
        hpx_artifact artifact = artifact_of(0, 1, 0, &record);
        memset(value, '1', cases[i].first);
        snprintf(printed, sizeof printed, "n1=%s n2=\"%s\"", value, cases[i].second ? cases[i].second : "12");
        printed[255] = 0;
        hpx_artifact_fields(&fields, &artifact);
        hpx_fields_set_text(&fields, "cell", printed);
        hpx_fields_encode(&record, &fields);
        expect_ok(hpx_decode_artifact(&artifact, cells, record.data, record.size, &error), &error);
        assert_string_equal(hpx_cell_value(&artifact.cell, "n1"), value);
        if (cases[i].second)
            assert_string_equal(hpx_cell_value(&artifact.cell, "n2"), cases[i].second);
        else
            assert_null(hpx_cell_value(&artifact.cell, "n2"));
        hpx_artifact_free(&artifact);
        hpx_fields_free(&fields);
        hpx_buffer_free(&record);
        hpx_cell_set_free(cells);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_without_checkpoints),
        cmocka_unit_test(test_nothing_to_export),
        cmocka_unit_test(test_failing_streams),
        cmocka_unit_test(test_older_checkpoint_is_skipped),
        cmocka_unit_test(test_newer_checkpoint_is_added),
        cmocka_unit_test(test_all_kept_checkpoints),
        cmocka_unit_test(test_pinned_takes_all),
        cmocka_unit_test(test_export_leaves_out_damage),
        cmocka_unit_test(test_parts_of_nothing),
        cmocka_unit_test(test_export_leaves_out_misnamed),
        cmocka_unit_test(test_import_repairs),
        cmocka_unit_test(test_export_checks_outputs),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_older_versions),
        cmocka_unit_test(test_hostile_entries),
        cmocka_unit_test(test_hostile_ends),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_hostile_lengths),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_references_into_the_store),
        cmocka_unit_test(test_no_entries),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_made_elsewhere),
        cmocka_unit_test(test_fields_that_make_sense),
        cmocka_unit_test(test_records_that_make_sense),
        cmocka_unit_test(test_checkpoints_that_make_sense),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_printed_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
