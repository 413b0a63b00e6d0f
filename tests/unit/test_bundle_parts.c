/* Bundles in parts, as a shared store keeps them: put together they are a bundle of the one trajectory that is asked for, or
 * nothing is taken; and what others need not know is left out. */
#include "hpx/store.h"
#include "store/bundle.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *folder, *other_folder;
static hpx_store *store, *other;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    other_folder = make_folder();
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    expect_ok(hpx_store_open(&other, other_folder, HPX_STORE_WRITE, &error), &error);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_store_close(store);
    hpx_store_close(other);
    remove_folder(folder);
    remove_folder(other_folder);
    return 0;
}

/* --- what is stored ---------------------------------------------------------------------------------------- */

static hpx_hash put_code(void)
{
    hpx_fields code = {0};
    hpx_fields_set_text(&code, "describe", "v1");
    hpx_fields_set_bytes(&code, "patch", "secret edit", 11);
    hpx_fields_set_bytes(&code, "files", "secret file", 11);
    const hpx_hash id = hpx_record_id(&code);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_CODE, &code, &error), &error);
    hpx_fields_free(&code);
    return id;
}

static hpx_hash put_dataset(void)
{
    hpx_fields data = {0};
    hpx_fields_set_text(&data, "name", "data");
    const hpx_hash id = hpx_record_id(&data);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_DATASET, &data, &error), &error);
    hpx_fields_free(&data);
    return id;
}

/* Epochs 1 to last, all with a checkpoint that is kept. */
static void put_epochs(uint64_t number, uint32_t last)
{
    hpx_buffer manifest = numbered_manifest(number);
    for (uint32_t epoch = 1; epoch <= last; epoch++) {
        char bytes[32];
        snprintf(bytes, sizeof bytes, "weights %u", epoch);
        hpx_artifact artifact = {.key = numbered_key(number),
                                 .epoch = epoch,
                                 .metrics = made_metrics(1, 0, 1, 0, 1, epoch / 100.0),
                                 .code = put_code(),
                                 .dataset = put_dataset(),
                                 .cell = CELL("n\0"
                                              "1"),
                                 .host = "hidden",
                                 .started_ns = 1700000000000000000 + epoch};
        hpx_blob checkpoint = blob_of(bytes, strlen(bytes));
        artifact.output = hpx_output_hash(&artifact.metrics, (const uint8_t *)bytes, strlen(bytes));
        expect_ok(hpx_store_put(store, &manifest, &artifact, &checkpoint,
                                &(hpx_put_options){.keep = HPX_KEEP_ALL}, &error),
                  &error);
        hpx_blob_close(&checkpoint);
    }
    hpx_buffer_free(&manifest);
}

/* --- parts ------------------------------------------------------------------------------------------------- */

struct parts {
    hpx_buffer part[HPX_BUNDLE_PARTS];
    hpx_exported done;
};

static hpx_status add_part(void *context, hpx_bundle_part part, const void *bytes, size_t size,
                           hpx_error *unused)
{
    struct parts *parts = context;
    (void)unused;
    hpx_buffer_add(&parts->part[part], bytes, size);
    return HPX_OK;
}

static struct parts export(uint64_t number, bool discreet)
{
    struct parts parts = {.done = {0}};
    const hpx_hash key = numbered_key(number);
    const hpx_bundle_options options = {.checkpoints = true, .discreet = discreet};
    expect_ok(hpx_bundle_write_parts(&parts.done, store, &key, &options, add_part, &parts, &error), &error);
    return parts;
}

static void free_parts(struct parts *parts)
{
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
        hpx_buffer_free(&parts->part[part]);
}

struct source {
    hpx_buffer bytes;
    size_t at;
};

static hpx_status give(void *context, void *bytes, size_t size, size_t *got, hpx_error *unused)
{
    struct source *source = context;
    const size_t left = source->bytes.size - source->at;
    (void)unused;
    *got = left < size ? left : size;
    if (*got > 0)
        memcpy(bytes, source->bytes.data + source->at, *got);
    source->at += *got;
    return HPX_OK;
}

/* Takes the first `count` parts for the trajectory of this number. */
static hpx_status import(hpx_imported *done, const struct parts *parts, size_t count, uint64_t number)
{
    hpx_buffer manifest = numbered_manifest(number);
    const hpx_bundle_origin origin = {.manifest = &manifest, .signer = "somebody"};
    struct source source = {.at = 0};
    for (size_t part = 0; part < count; part++)
        hpx_buffer_add(&source.bytes, parts->part[part].data, parts->part[part].size);
    const hpx_status status = hpx_bundle_read(done, other, "SHARED", &origin, give, &source, &error);
    hpx_buffer_free(&source.bytes);
    hpx_buffer_free(&manifest);
    return status;
}

static uint32_t newest_checkpoint(uint64_t number)
{
    const hpx_hash key = numbered_key(number);
    uint32_t epoch = 0;
    hpx_store_newest_checkpoint_epoch(&epoch, other, &key, 100, &error);
    return epoch;
}

static size_t count_results(void)
{
    size_t count = 0;
    for (uint64_t number = 0; number < 10; number++) {
        const hpx_hash key = numbered_key(number);
        for (uint32_t epoch = 1; epoch < 10; epoch++) {
            hpx_artifact artifact;
            if (hpx_store_get(&artifact, other, &key, epoch, NULL, &error) == HPX_OK) {
                count++;
                hpx_artifact_free(&artifact);
            }
        }
    }
    return count;
}

static void test_parts(void **state)
{
    (void)state;
    hpx_imported done;
    hpx_fields mark = {0};
    const hpx_hash key = numbered_key(1);
    put_epochs(1, 3);
    put_epochs(2, 2);
    struct parts parts = export(1, false);
    assert_int_equal(parts.done.epoch, 3);
    assert_int_equal(parts.done.checkpoint_epoch, 3);
    assert_int_equal(parts.done.checkpoints, 1);
    expect_ok(import(&done, &parts, HPX_BUNDLE_CHECKPOINT, 1), &error);
    assert_int_equal(done.artifacts.added, 3);
    assert_int_equal(newest_checkpoint(1), 0);
    expect_ok(import(&done, &parts, HPX_BUNDLE_PARTS, 1), &error);
    assert_int_equal(done.artifacts.known, 3);
    assert_int_equal(done.checkpoints.added, 1);
    assert_int_equal(newest_checkpoint(1), 3);
    assert_int_equal(count_results(), 3);
    expect_ok(hpx_store_find_import(&mark, other, &key, 3, &error), &error);
    assert_string_equal(hpx_fields_text_or_empty(&mark, "signer"), "somebody");
    assert_string_equal(hpx_fields_text_or_empty(&mark, "from"), "SHARED");
    hpx_fields_free(&mark);
    free_parts(&parts);
}

static void test_asked_for_another(void **state)
{
    (void)state;
    hpx_imported done;
    put_epochs(1, 2);
    put_epochs(2, 2);
    struct parts one = export(1, true), two = export(2, true);
    assert_int_equal(import(&done, &one, HPX_BUNDLE_CHECKPOINT, 2), HPX_FAILED);
    expect_contains(error.message, "another trajectory");
    assert_int_equal(count_results(), 0);
    expect_ok(import(&done, &two, HPX_BUNDLE_CHECKPOINT, 2), &error);
    /* Its metrics, where the store knows the other manifest, too. */
    struct parts mixed = {.part = {one.part[HPX_BUNDLE_RECORD], two.part[HPX_BUNDLE_METRICS]}};
    expect_ok(import(&done, &one, HPX_BUNDLE_CHECKPOINT, 1), &error);
    assert_int_equal(import(&done, &mixed, HPX_BUNDLE_CHECKPOINT, 1), HPX_FAILED);
    expect_contains(error.message, "another trajectory");
    free_parts(&one);
    free_parts(&two);
}

static void test_pieces(void **state)
{
    (void)state;
    hpx_imported done;
    put_epochs(1, 2);
    struct parts parts = export(1, false);
    struct parts wrong = {.part = {parts.part[HPX_BUNDLE_METRICS]}};
    assert_int_equal(import(&done, &wrong, 1, 1), HPX_FAILED); /* no header */
    wrong.part[0] = parts.part[HPX_BUNDLE_RECORD];
    wrong.part[1] = parts.part[HPX_BUNDLE_CHECKPOINT];
    assert_int_equal(import(&done, &wrong, 2, 1), HPX_FAILED); /* no epochs */
    for (size_t cut = 1; cut < parts.part[HPX_BUNDLE_METRICS].size; cut += 7) {
        wrong.part[1] = parts.part[HPX_BUNDLE_METRICS];
        wrong.part[1].size -= cut;
        if (import(&done, &wrong, 2, 1) == HPX_OK)
            assert_int_equal(done.artifacts.added + done.artifacts.known, 1); /* cut where an epoch ends */
    }
    assert_in_range(count_results(), 0, 1);
    free_parts(&parts);
}

static bool contains(const struct parts *parts, const char *text)
{
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
        if (memmem(parts->part[part].data, parts->part[part].size, text, strlen(text)))
            return true;
    return false;
}

static void test_discreet(void **state)
{
    (void)state;
    hpx_imported done;
    hpx_artifact artifact;
    hpx_fields code = {0};
    const hpx_hash key = numbered_key(1);
    put_epochs(1, 2);
    struct parts open = export(1, false), parts = export(1, true);
    assert_true(contains(&open, "secret edit") && contains(&open, "secret file") &&
                contains(&open, "hidden"));
    assert_false(contains(&parts, "secret") || contains(&parts, "hidden"));
    expect_ok(import(&done, &parts, HPX_BUNDLE_PARTS, 1), &error);
    expect_ok(hpx_store_get(&artifact, other, &key, 2, NULL, &error), &error);
    assert_string_equal(artifact.host, "");
    expect_ok(hpx_store_get_record(&code, other, HPX_RECORD_CODE, &artifact.code, &error), &error);
    assert_string_equal(hpx_fields_text_or_empty(&code, "describe"), "v1");
    hpx_fields_free(&code);
    hpx_artifact_free(&artifact);
    /* The same run with what was left out is the same run. */
    expect_ok(import(&done, &open, HPX_BUNDLE_PARTS, 1), &error);
    assert_int_equal(done.artifacts.known, 2);
    assert_int_equal(done.conflicts.added, 0);
    free_parts(&open);
    free_parts(&parts);
}

static void test_several(void **state)
{
    (void)state;
    hpx_buffer manifests[2] = {numbered_manifest(1), numbered_manifest(2)};
    struct source sources[2] = {{.at = 0}, {.at = 0}};
    hpx_bundle_origin origins[2];
    hpx_bundle_input inputs[2];
    put_epochs(1, 2);
    put_epochs(2, 2);
    for (size_t i = 0; i < 2; i++) {
        struct parts parts = export(i + 1, true);
        for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
            hpx_buffer_add(&sources[i].bytes, parts.part[part].data, parts.part[part].size);
        free_parts(&parts);
        origins[i] = (hpx_bundle_origin){.manifest = &manifests[i], .signer = "somebody"};
        inputs[i] =
            (hpx_bundle_input){.name = "SHARED", .origin = &origins[i], .read = give, .context = &sources[i]};
    }
    /* One that is wrong keeps the other out; then nothing is said to have been added. */
    origins[1].manifest = &manifests[0];
    assert_int_equal(hpx_bundle_read_all(other, inputs, 2, &error), HPX_FAILED);
    assert_int_equal(inputs[0].done.artifacts.added, 0);
    assert_int_equal(count_results(), 0);
    origins[1].manifest = &manifests[1];
    sources[0].at = sources[1].at = 0;
    expect_ok(hpx_bundle_read_all(other, inputs, 2, &error), &error);
    assert_int_equal(inputs[0].done.artifacts.added + inputs[1].done.artifacts.added, 4);
    assert_int_equal(count_results(), 4);
    for (size_t i = 0; i < 2; i++) {
        hpx_buffer_free(&manifests[i]);
        hpx_buffer_free(&sources[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_asked_for_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_discreet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
