/* The store against an array: random operations, compared after every step. */
#include "hpx/store.h"

#include "base/memory.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 5, EPOCHS = 9, OPERATIONS = 2500 };

/* The model: which epochs are stored, which of them had a second output, and whose checkpoint is there (0:
 * none). */
struct model {
    hpx_hash keys[KEYS];
    hpx_buffer manifests[KEYS];
    bool stored[KEYS][EPOCHS + 1], contradicted[KEYS][EPOCHS + 1];
    uint32_t checkpoint[KEYS];
    hpx_store *store;
    char *folder;
};

static hpx_error error;

/* The last epoch of each trajectory: those of the last two fail there. */
static uint32_t last_of(size_t key)
{
    return key + 1 == KEYS ? 1 : key + 2 == KEYS ? EPOCHS / 2 : EPOCHS;
}

static bool fails(size_t key, uint32_t epoch)
{
    return key + 2 >= KEYS && epoch == last_of(key);
}

/* Of one to three chunks, told apart by key and epoch in every byte. */
static hpx_buffer checkpoint_of(size_t key, uint32_t epoch)
{
    hpx_buffer bytes = {0};
    size_t size = 1 + (key * 7919 + epoch * 10007) % 40000;
    hpx_buffer_reserve(&bytes, size);
    memset(bytes.data, (int)(key * 16 + epoch), size);
    bytes.size = size;
    return bytes;
}

static hpx_artifact artifact_of(const struct model *model, size_t key, uint32_t epoch,
                                const hpx_buffer *checkpoint)
{
    hpx_artifact artifact = {.key = model->keys[key], .epoch = epoch, .parent = epoch - 1, .seed = key};
    artifact.metrics = made_metrics(0, 0, 0, 0, 0, (double)epoch / 16);
    artifact.output = hpx_output_hash(&artifact.metrics, checkpoint->data, checkpoint->size);
    if (fails(key, epoch)) {
        artifact.metrics = (hpx_metrics){0};
        strcpy(artifact.failure, "reason");
        artifact.output = hpx_failure_hash("reason");
    }
    return artifact;
}

static void set_up_keys(struct model *model)
{
    for (size_t k = 0; k < KEYS; k++) {
        hpx_fields fields = {0};
        hpx_fields_set_count(&fields, "number", k);
        hpx_fields_encode(&model->manifests[k], &fields);
        hpx_fields_free(&fields);
        model->keys[k] = hpx_hash_of(model->manifests[k].data, model->manifests[k].size);
    }
}

static void put(struct model *model)
{
    size_t key = draw(KEYS);
    uint32_t epoch = 1 + (uint32_t)draw(last_of(key));
    hpx_buffer checkpoint = checkpoint_of(key, epoch);
    hpx_artifact artifact = artifact_of(model, key, epoch, &checkpoint);
    expect_ok(put_bytes(model->store, &model->manifests[key], &artifact, checkpoint.data, checkpoint.size,
                        NULL, &error),
              &error);
    model->stored[key][epoch] = true;
    if (epoch > model->checkpoint[key] && !fails(key, epoch))
        model->checkpoint[key] = epoch;
    hpx_buffer_free(&checkpoint);
}

/* Another output for an epoch that is stored is kept as a conflict, also of one that failed before; an
 * unstored one is not tried. */
static void put_other(struct model *model)
{
    size_t key = draw(KEYS);
    uint32_t epoch = 1 + (uint32_t)draw(EPOCHS);
    if (!model->stored[key][epoch])
        return;
    hpx_buffer checkpoint = checkpoint_of(key, epoch);
    checkpoint.data[0] ^= 1;
    model->contradicted[key][epoch] = true;
    hpx_artifact artifact = artifact_of(model, fails(key, epoch) ? 0 : key, epoch, &checkpoint);
    artifact.key = model->keys[key];
    artifact.seed = key;
    assert_int_equal(put_bytes(model->store, &model->manifests[key], &artifact, checkpoint.data,
                               checkpoint.size, NULL, &error),
                     HPX_DIFFERS);
    hpx_buffer_free(&checkpoint);
}

static void get(struct model *model)
{
    size_t key = draw(KEYS);
    uint32_t epoch = (uint32_t)draw(EPOCHS + 2);
    hpx_artifact artifact;
    bool stored = epoch >= 1 && epoch <= EPOCHS && model->stored[key][epoch];
    hpx_status status = hpx_store_get(&artifact, model->store, &model->keys[key], epoch,
                                      draw(2) ? &model->manifests[key] : NULL, &error);
    assert_int_equal(status, stored ? HPX_OK : HPX_NOT_FOUND);
    if (!stored)
        return;
    assert_int_equal(artifact.epoch, epoch);
    assert_int_equal(artifact.seed, key);
    assert_true(fails(key, epoch) ||
                hpx_metrics_value(&artifact.metrics, "test_accuracy") == (double)epoch / 16);
    hpx_artifact_free(&artifact);
}

/* As get, but a failure answers for all epochs after it. */
static void find(struct model *model)
{
    size_t key = draw(KEYS);
    uint32_t epochs = 1 + (uint32_t)draw(EPOCHS + 1), last = last_of(key);
    uint32_t expected = epochs > last && fails(key, last) ? last : epochs;
    hpx_artifact artifact;
    bool stored = expected <= EPOCHS && model->stored[key][expected];
    hpx_status status = hpx_store_find(&artifact, model->store, &model->keys[key], epochs,
                                       draw(2) ? &model->manifests[key] : NULL, &error);
    assert_int_equal(status, stored ? HPX_OK : HPX_NOT_FOUND);
    if (!stored)
        return;
    assert_int_equal(artifact.epoch, expected);
    assert_string_equal(artifact.failure, fails(key, expected) ? "reason" : "");
    hpx_artifact_free(&artifact);
}

static void newest_checkpoint(struct model *model)
{
    size_t key = draw(KEYS);
    uint32_t epoch_max = (uint32_t)draw(EPOCHS + 2), epoch = 0;
    uint32_t expected = model->checkpoint[key] <= epoch_max ? model->checkpoint[key] : 0;
    hpx_buffer bytes = {0};
    hpx_status status = get_newest_bytes(&epoch, &bytes, model->store, &model->keys[key], epoch_max, &error);
    assert_int_equal(status, expected ? HPX_OK : HPX_NOT_FOUND);
    assert_int_equal(epoch, expected);
    if (expected) {
        hpx_buffer right = checkpoint_of(key, expected);
        assert_int_equal(bytes.size, right.size);
        assert_memory_equal(bytes.data, right.data, right.size);
        hpx_buffer_free(&right);
    }
    hpx_buffer_free(&bytes);
}

static bool is_known(const struct model *model, size_t key)
{
    bool known = false;
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
        known = known || model->stored[key][epoch];
    return known;
}

static void find_key(struct model *model)
{
    char prefix[HPX_HASH_HEX_BYTES], hex[HPX_HASH_HEX_BYTES];
    hpx_hash_hex(prefix, &model->keys[draw(KEYS)]);
    size_t digits = 1 + draw(3), matches = 0, match = 0;
    prefix[digits] = 0;
    for (size_t k = 0; k < KEYS; k++) {
        if (is_known(model, k) && strncmp(hpx_hash_hex(hex, &model->keys[k]), prefix, digits) == 0) {
            matches++;
            match = k;
        }
    }
    hpx_hash found;
    hpx_status status = hpx_store_find_key(&found, model->store, prefix, &error);
    assert_int_equal(status, matches == 0 ? HPX_NOT_FOUND : matches == 1 ? HPX_OK : HPX_USAGE);
    if (!status)
        assert_memory_equal(&found, &model->keys[match], sizeof found);
}

/* Ticks off what it is shown: anything twice, or not in the model, is wrong. */
struct seen {
    const struct model *model;
    bool epochs[KEYS][EPOCHS + 1];
};

static hpx_status tick(void *context, const hpx_artifact *artifact, hpx_error *e)
{
    (void)e;
    struct seen *seen = context;
    size_t key = (size_t)artifact->seed;
    assert_memory_equal(&artifact->key, &seen->model->keys[key], sizeof artifact->key);
    assert_false(seen->epochs[key][artifact->epoch]);
    seen->epochs[key][artifact->epoch] = true;
    return HPX_OK;
}

static void each(struct model *model)
{
    struct seen seen = {.model = model};
    expect_ok(hpx_store_each(model->store, NULL, tick, &seen, &error), &error);
    assert_memory_equal(seen.epochs, model->stored, sizeof seen.epochs);
    size_t only = draw(KEYS);
    seen = (struct seen){.model = model};
    expect_ok(hpx_store_each(model->store, &model->keys[only], tick, &seen, &error), &error);
    for (size_t k = 0; k < KEYS; k++)
        for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
            assert_int_equal(seen.epochs[k][epoch], k == only && model->stored[k][epoch]);
    seen = (struct seen){.model = model};
    expect_ok(hpx_store_each_conflict(model->store, NULL, tick, &seen, &error), &error);
    assert_memory_equal(seen.epochs, model->contradicted, sizeof seen.epochs);
}

static void reopen(struct model *model)
{
    hpx_store_close(model->store);
    expect_ok(hpx_store_open(&model->store, model->folder, HPX_STORE_WRITE, &error), &error);
}

static void ignore_record(void *context, const char *what)
{
    /* Records of the model name no code and no data set; nothing else may be wrong. */
    size_t *others = context;
    *others +=
        !strstr(what, "its code version is missing") && !strstr(what, "the epoch it continued is missing");
}

/* The environment is sound, too: no chunk too many or too few. */
static void verify(struct model *model)
{
    uint64_t checked;
    size_t others = 0, expected = 1;
    expect_ok(hpx_store_verify(model->store, &checked, ignore_record, &others, &error), &error);
    assert_int_equal(others, 0);
    for (size_t k = 0; k < KEYS; k++) {
        expected += is_known(model, k) + (model->checkpoint[k] > 0);
        for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
            expected += model->stored[k][epoch] + model->contradicted[k][epoch];
        if (model->checkpoint[k]) {
            hpx_buffer bytes = checkpoint_of(k, model->checkpoint[k]);
            expected += (bytes.size + 16351) / 16352;
            hpx_buffer_free(&bytes);
        }
    }
    assert_int_equal(checked, expected);
}

/* The same seed, the same operations. Starts again now and then, so that the early states are met often. */
static void test_random_operations(void **state)
{
    (void)state;
    static void (*const operations[])(struct model *) = {
        put,      put,  put,    put_other, get, get, find, find, newest_checkpoint, newest_checkpoint,
        find_key, each, reopen, verify,
    };
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct model model = {.folder = make_folder()};
        set_up_keys(&model);
        reopen(&model);
        draw_seed(seed);
        int steps = seed == 1 ? OPERATIONS : OPERATIONS / 10;
        for (int i = 0; i < steps; i++)
            operations[draw(COUNT(operations))](&model);
        hpx_store_close(model.store);
        for (size_t k = 0; k < KEYS; k++)
            hpx_buffer_free(&model.manifests[k]);
        remove_folder(model.folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_operations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
