/* Memory, buffers, hashes, errors and metrics. */
#include "base/memory.h"
#include "hpx/buffer.h"
#include "hpx/hash.h"
#include "hpx/metrics.h"

#include "../helper/helper.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Known answers of XXH3-128 from its specification's test vectors and from xxhsum. */
static void test_hash_known(void **state)
{
    (void)state;
    char hex[HPX_HASH_HEX_BYTES];
    hpx_hash empty = hpx_hash_of("", 0);
    assert_string_equal(hpx_hash_hex(hex, &empty), "99aa06d3014798d86001c324468d497f");
    assert_false(hpx_hash_is_zero(&empty));
    assert_true(hpx_hash_is_zero(&(hpx_hash){{0}}));
}

static void test_hash_in_pieces(void **state)
{
    (void)state;
    uint8_t bytes[3000];
    draw_seed(1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)draw(256);
    hpx_hash whole = hpx_hash_of(bytes, sizeof bytes);
    for (int round = 0; round < 50; round++) {
        hpx_hasher *hasher = hpx_hasher_new();
        for (size_t at = 0; at < sizeof bytes;) {
            size_t size = draw(sizeof bytes - at + 1);
            hpx_hasher_add(hasher, bytes + at, size);
            at += size;
        }
        hpx_hash hash = hpx_hasher_finish(hasher);
        assert_true(hpx_hash_equal(&hash, &whole));
    }
    bytes[1500] ^= 1;
    hpx_hash other = hpx_hash_of(bytes, sizeof bytes);
    assert_false(hpx_hash_equal(&other, &whole));
}

static void test_hex(void **state)
{
    (void)state;
    uint8_t bytes[3];
    char hex[7];
    assert_true(hpx_unhex(bytes, 3, "00aBfF"));
    assert_memory_equal(bytes, "\x00\xab\xff", 3);
    hpx_hex(hex, bytes, 3);
    assert_string_equal(hex, "00abff");
    static const char *const bad[] = {"", "00abf", "00abff0", "00abfg", "00 bff", "0xabff", "00ab:f"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(hpx_unhex(bytes, 3, bad[i]));
}

static void test_buffer(void **state)
{
    (void)state;
    hpx_buffer buffer = {0};
    assert_string_equal(hpx_buffer_text(&buffer), "");
    hpx_buffer_add(&buffer, NULL, 0);
    hpx_buffer_puts(&buffer, "a");
    hpx_buffer_printf(&buffer, "%s%d", "b", 12);
    assert_string_equal(hpx_buffer_text(&buffer), "ab12");
    assert_int_equal(buffer.size, 4);
    /* Text in the middle of growth, again and again. */
    for (int i = 0; i < 1000; i++) {
        hpx_buffer_printf(&buffer, "%d,", i);
        assert_int_equal(strlen(hpx_buffer_text(&buffer)), buffer.size);
    }
    hpx_buffer_free(&buffer);
    assert_null(buffer.data);
    hpx_buffer_u16(&buffer, 0x0102);
    hpx_buffer_u32(&buffer, 0x03040506);
    hpx_buffer_u64(&buffer, 0x0708090a0b0c0d0e);
    assert_memory_equal(buffer.data, "\x02\x01\x06\x05\x04\x03\x0e\x0d\x0c\x0b\x0a\x09\x08\x07", 14);
    assert_int_equal(hpx_load_u16(buffer.data), 0x0102);
    assert_int_equal(hpx_load_u32(buffer.data + 2), 0x03040506);
    assert_true(hpx_load_u64(buffer.data + 6) == 0x0708090a0b0c0d0e);
    hpx_buffer_free(&buffer);
}

static void test_arena(void **state)
{
    (void)state;
    hpx_arena *arena = hpx_arena_new();
    enum { BLOCKS = 500 };
    uint8_t *blocks[BLOCKS];
    size_t sizes[BLOCKS];
    draw_seed(2);
    for (size_t i = 0; i < BLOCKS; i++) {
        sizes[i] = draw(10) ? draw(200) : draw(100000);
        blocks[i] = hpx_arena_alloc(arena, sizes[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)(i % 255) + 1, sizes[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++) /* no two overlap */
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(blocks[i][k], i % 255 + 1);
    assert_string_equal(hpx_arena_strndup(arena, "epochs", 5), "epoch");
    assert_string_equal(hpx_arena_format(arena, "%s=%d", "n1", 16), "n1=16");
    hpx_arena_free(arena);
    hpx_arena_free(NULL);
}

static void test_alloc(void **state)
{
    (void)state;
    float *block = hpx_try_alloc(1001, sizeof *block);
    assert_int_equal((uintptr_t)block % 64, 0);
    for (int i = 0; i < 1001; i++)
        assert_true(block[i] == 0);
    free(block);
    block = hpx_try_alloc(0, 4);
    assert_non_null(block);
    free(block);
    assert_null(hpx_try_alloc(SIZE_MAX / 2, 4)); /* overflows */
    size_t capacity = 0;
    uint32_t *array = NULL;
    for (uint32_t i = 0; i < 1000; i++) {
        array = hpx_grow(array, &capacity, i + 1, sizeof *array);
        assert_true(capacity > i && capacity <= 2 * i + 8);
        array[i] = i;
    }
    assert_int_equal(array[999], 999);
    free(array);
    char *text = hpx_strndup("abc", 2);
    assert_string_equal(text, "ab");
    free(text);
    text = hpx_format("%05d", 42);
    assert_string_equal(text, "00042");
    free(text);
}

static jmp_buf escape;
static size_t wanted;

static void out_of_memory(size_t bytes)
{
    wanted = bytes;
    longjmp(escape, 1);
}

/* What cannot fail asks the handler, which does not return. */
static void test_out_of_memory(void **state)
{
    (void)state;
    hpx_memory_on_failure(out_of_memory);
    if (setjmp(escape) == 0) {
        hpx_realloc(NULL, SIZE_MAX / 2, 4);
        fail_msg("an overflowing size was allocated");
    }
    assert_true(wanted == SIZE_MAX);
}

static void test_error(void **state)
{
    (void)state;
    hpx_error error;
    assert_int_equal(hpx_error_set(&error, HPX_USAGE, "%s %d", "line", 3), HPX_USAGE);
    assert_string_equal(error.message, "line 3");
    assert_int_equal(hpx_error_set(&error, HPX_FAILED, "<%s>", error.message), HPX_FAILED);
    assert_string_equal(error.message, "<line 3>");
    assert_int_equal(hpx_error_prefix(&error, "%s.rcp", "a"), HPX_FAILED);
    assert_string_equal(error.message, "a.rcp: <line 3>");
    errno = ENOENT;
    assert_int_equal(hpx_error_errno(&error, "%s", "data"), HPX_FAILED);
    assert_string_equal(error.message, "data: No such file or directory");
    /* Cut, not overrun. */
    char text[2 * HPX_ERROR_BYTES];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    hpx_error_set(&error, HPX_USAGE, "%s", text);
    assert_int_equal(strlen(error.message), HPX_ERROR_BYTES - 1);
    hpx_error_prefix(&error, "%s", "file");
    assert_int_equal(strlen(error.message), HPX_ERROR_BYTES - 1);
    assert_memory_equal(error.message, "file: xxx", 9);
}

static void test_metric_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "loss/train", "F1@10%", "metric.x", "=-'\\"};
    static const char *const bad[] = {"", " ", "a b", "a,b", "\"a\"", "a\n", "\x7f", "\xc3\xa9"};
    char name[HPX_METRIC_NAME_MAX + 2] = {0};
    hpx_metrics metrics = {0};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(hpx_metric_is_name(good[i]) && hpx_metrics_set(&metrics, good[i], 1));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(hpx_metric_is_name(bad[i]) || hpx_metrics_set(&metrics, bad[i], 1));
    assert_int_equal(metrics.count, COUNT(good));
    memset(name, 'x', HPX_METRIC_NAME_MAX);
    assert_true(hpx_metric_is_name(name));
    name[HPX_METRIC_NAME_MAX] = 'x';
    assert_false(hpx_metric_is_name(name));
    hpx_metrics_free(&metrics);
}

static void test_metrics_of_test(void **state)
{
    (void)state;
    char name[HPX_METRIC_NAME_MAX + 1] = "";
    assert_true(hpx_metric_is_of_test("test_loss"));
    assert_false(hpx_metric_is_of_test("validation_loss") || hpx_metric_is_of_test("test"));
    assert_false(hpx_metric_of_test(name, "test_loss") || hpx_metric_of_test(name, "loss") || *name);
    assert_true(hpx_metric_of_test(name, "validation_loss"));
    assert_string_equal(name, "test_loss");
}

static void test_metrics(void **state)
{
    (void)state;
    hpx_metrics metrics = {0};
    assert_true(hpx_metrics_set(&metrics, "loss", 0.5) && hpx_metrics_set(&metrics, "f1", 0.25));
    assert_true(hpx_metrics_set(&metrics, "loss", 0.75));
    assert_int_equal(metrics.count, 2);
    assert_string_equal(metrics.list[0].name, "loss");
    assert_true(hpx_metrics_value(&metrics, "loss") == 0.75 && hpx_metrics_value(&metrics, "f1") == 0.25);
    assert_true(isnan(hpx_metrics_value(&metrics, "f")));
    hpx_metrics copy = hpx_metrics_copy(&metrics), none = hpx_metrics_copy(&(hpx_metrics){0});
    assert_true(hpx_metrics_same_names(&copy, &metrics) && copy.list[1].name != metrics.list[1].name);
    assert_true(hpx_metrics_set(&copy, "time", 1));
    assert_false(hpx_metrics_same_names(&copy, &metrics) || hpx_metrics_same_names(&none, &metrics));
    hpx_metrics_free(&copy);
    for (char name[16]; metrics.count < HPX_METRICS_MAX;) {
        snprintf(name, sizeof name, "m%zu", metrics.count);
        assert_true(hpx_metrics_set(&metrics, name, NAN));
    }
    assert_false(hpx_metrics_set(&metrics, "more", 1));
    assert_true(hpx_metrics_set(&metrics, "loss", 1));
    assert_true(hpx_metrics_value(&metrics, "f1") == 0.25);
    hpx_metrics_free(&metrics);
}

static void expect_read(const hpx_metrics *metrics)
{
    hpx_metrics read;
    hpx_fields fields = {0};
    hpx_error error;
    hpx_metrics_to_fields(&fields, metrics);
    expect_ok(hpx_metrics_from_fields(&read, &fields, &error), &error);
    const hpx_hash before = hpx_output_hash(metrics, NULL, 0), after = hpx_output_hash(&read, NULL, 0);
    assert_true(hpx_metrics_same_names(&read, metrics) && hpx_hash_equal(&before, &after));
    hpx_metrics_free(&read);
    hpx_fields_free(&fields);
}

static void expect_not_read(const char *names, size_t count)
{
    double values[HPX_METRICS_MAX + 1] = {0};
    hpx_metrics read;
    hpx_fields fields = {0};
    hpx_error error;
    if (names)
        hpx_fields_set_text(&fields, "metric.names", names);
    if (count != SIZE_MAX)
        hpx_fields_set_reals(&fields, "metric.values", values, count);
    assert_int_equal(hpx_metrics_from_fields(&read, &fields, &error), HPX_DAMAGED);
    expect_contains(error.message, "metric.");
    assert_int_equal(read.count, 0);
    hpx_fields_free(&fields);
}

static void test_metrics_as_fields(void **state)
{
    (void)state;
    const hpx_metrics metrics = made_metrics(0.5, 0.9, NAN, INFINITY, 0.25, 0);
    hpx_metrics many = {0};
    expect_read(&(hpx_metrics){0});
    expect_read(&metrics);
    for (char name[HPX_METRIC_NAME_MAX + 1]; many.count < HPX_METRICS_MAX;) {
        snprintf(name, sizeof name, "%064zu", many.count);
        assert_true(hpx_metrics_set(&many, name, (double)many.count));
    }
    expect_read(&many);
    hpx_metrics_free(&many);
    expect_not_read("a b", 1);
    expect_not_read("a b", 3);
    expect_not_read("a  b", 3);
    expect_not_read("a b ", 2);
    expect_not_read(" a b", 2);
    expect_not_read("b a b", 3);
    expect_not_read("a,b", 1);
    expect_not_read("", 1);
    expect_not_read("", 0);
    expect_not_read("a", SIZE_MAX);
    expect_not_read(NULL, 1);
    hpx_buffer names = {0};
    for (int i = 0; i <= HPX_METRICS_MAX; i++)
        hpx_buffer_printf(&names, "%s%d", i ? " " : "", i);
    expect_not_read(hpx_buffer_text(&names), HPX_METRICS_MAX + 1);
    hpx_buffer_free(&names);
}

static void test_objectives(void **state)
{
    (void)state;
    bool minimised;
    assert_true(hpx_objective_guess(&minimised, "top5_accuracy") && !minimised);
    assert_true(hpx_objective_guess(&minimised, "loss") && minimised);
    assert_true(hpx_objective_guess(&minimised, "squared-error") && minimised);
    assert_false(hpx_objective_guess(&minimised, "losses") || hpx_objective_guess(&minimised, "f1"));
    const hpx_objective more = {.name = "a"}, less = {.name = "a", .minimised = true};
    assert_true(hpx_objective_better(&more, 2, 1) && hpx_objective_better(&less, 1, 2));
    assert_false(hpx_objective_better(&more, 1, 1) || hpx_objective_better(&less, 1, 1));
    assert_true(hpx_objective_better(&more, -1, NAN) && hpx_objective_better(&less, 1, NAN));
    assert_false(hpx_objective_better(&more, NAN, 1) || hpx_objective_better(&less, NAN, NAN));
}

/* All of an output counts, and every NaN alike. */
static void test_output_hash(void **state)
{
    (void)state;
    const uint8_t checkpoint[] = {1, 2, 3};
    const hpx_metrics metrics = made_metrics(0.5, 0.9, NAN, NAN, 0.25, 0.75);
    hpx_hash hash = hpx_output_hash(&metrics, checkpoint, 3), other;
    metrics.list[2].value = -NAN;
    other = hpx_output_hash(&metrics, checkpoint, 3);
    assert_true(hpx_hash_equal(&hash, &other));
    other = hpx_output_hash(&metrics, checkpoint, 2);
    assert_false(hpx_hash_equal(&hash, &other));
    for (size_t i = 0; i < metrics.count; i++) {
        const double value = metrics.list[i].value;
        metrics.list[i].value = 0.125;
        other = hpx_output_hash(&metrics, checkpoint, 3);
        assert_false(hpx_hash_equal(&hash, &other));
        metrics.list[i].value = value;
    }
    /* As it has always been: what earlier versions stored keeps its hash. */
    char hex[HPX_HASH_HEX_BYTES];
    assert_string_equal(hpx_hash_hex(hex, &hash), "3d6ef67e1854e93a80f362a224e57cfd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_known),
        cmocka_unit_test(test_hash_in_pieces),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_metric_names),
        cmocka_unit_test(test_metrics_of_test),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_metrics_as_fields),
        cmocka_unit_test(test_objectives),
        cmocka_unit_test(test_output_hash),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
