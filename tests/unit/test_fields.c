/* The codec of everything stored, sent or hashed: one encoding for a set, and no other is read. */
#include "hpx/fields.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hpx_buffer encode(const hpx_fields *fields)
{
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, fields);
    return bytes;
}

static void expect_same_bytes(const hpx_buffer *a, const hpx_buffer *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

/* One of each type. */
static hpx_fields sample(void)
{
    hpx_fields fields = {0};
    hpx_fields_set_count(&fields, "seed", 0x0102030405060708);
    hpx_fields_set_real(&fields, "train.rate", 0.001);
    hpx_fields_set_text(&fields, "model.kind", "m\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    hpx_fields_set_bytes(&fields, "code.version", "\0\xff", 2);
    hpx_fields_set_counts(&fields, "model.hidden", (const uint64_t[]){128, 64}, 2);
    return fields;
}

/* Identities depend on these bytes: they may never change. */
static void test_known_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        'H', 'P', 'X', 'F', 1,   0, 3, 0, /* header */
        1,   'a', 'U', 16,  0,   0, 0, 128, 0, 0,   0,   0, 0, 0,    0,    64, 0, 0, 0, 0, 0, 0, 0, /* list */
        1,   'b', 'f', 8,   0,   0, 0, 0,   0, 0,   0,   0, 0, 0xf0, 0x3f,                          /* 1.0 */
        3,   'b', '.', 'c', 's', 2, 0, 0,   0, 'x', 'y',                                            /* text */
    };
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "b.c", "xy");
    hpx_fields_set_real(&fields, "b", 1);
    hpx_fields_set_counts(&fields, "a", (const uint64_t[]){128, 64}, 2);
    hpx_buffer bytes = encode(&fields);
    assert_int_equal(bytes.size, sizeof expected);
    assert_memory_equal(bytes.data, expected, sizeof expected);
    hpx_hash hash = hpx_hash_of(bytes.data, bytes.size);
    char hex[HPX_HASH_HEX_BYTES];
    assert_string_equal(hpx_hash_hex(hex, &hash), "4a1662f7e21d6fc069596949177ff3db");
    hpx_buffer_free(&bytes);
    hpx_fields_free(&fields);
}

static double draw_real(void)
{
    static const double special[] = {0, -0.0, INFINITY, -INFINITY, NAN, 5e-324, 1e308, 0.1};
    uint64_t bits = draw(0);
    double value;
    memcpy(&value, &bits, sizeof value);
    return draw(2) ? special[draw(COUNT(special))] : value;
}

static void set_random(hpx_fields *fields, const char *name)
{
    static const char *const texts[] = {"", "relu", "\xc3\xa9t\xc3\xa9", "\xed\x9f\xbf\xee\x80\x80", "a b\n"};
    uint64_t values[4];
    for (size_t i = 0; i < COUNT(values); i++)
        values[i] = draw(0) >> draw(64);
    switch (draw(5)) {
    case 0:
        hpx_fields_set_count(fields, name, values[0]);
        break;
    case 1:
        hpx_fields_set_real(fields, name, draw_real());
        break;
    case 2:
        hpx_fields_set_text(fields, name, texts[draw(COUNT(texts))]);
        break;
    case 3:
        hpx_fields_set_bytes(fields, name, values, draw(sizeof values + 1));
        break;
    default:
        hpx_fields_set_counts(fields, name, values, draw(COUNT(values) + 1));
    }
}

static void random_name(char name[HPX_FIELD_NAME_MAX + 1])
{
    size_t length = draw(8) ? 1 + draw(3) : 1 + draw(HPX_FIELD_NAME_MAX);
    for (size_t i = 0; i < length; i++)
        name[i] = "ab.-"[draw(4)];
    name[length] = 0;
}

static void test_round_trip(void **state)
{
    (void)state;
    draw_seed(7);
    for (int round = 0; round < 2000; round++) {
        hpx_fields fields = {0}, read = {0}, copy = {0};
        for (uint64_t i = draw(20); i > 0; i--) {
            char name[HPX_FIELD_NAME_MAX + 1];
            random_name(name);
            set_random(&fields, name); /* also names that are there */
        }
        for (size_t i = 1; i < fields.count; i++)
            assert_true(strcmp(fields.fields[i - 1].name, fields.fields[i].name) < 0);
        hpx_buffer bytes = encode(&fields);
        hpx_error error;
        expect_ok(hpx_fields_decode(&read, bytes.data, bytes.size, &error), &error);
        hpx_buffer again = encode(&read);
        expect_same_bytes(&bytes, &again);
        /* In the opposite order. */
        for (size_t i = fields.count; i-- > 0;)
            hpx_fields_set(&copy, &fields.fields[i]);
        hpx_buffer reversed = encode(&copy);
        expect_same_bytes(&bytes, &reversed);
        hpx_buffer_free(&bytes);
        hpx_buffer_free(&again);
        hpx_buffer_free(&reversed);
        hpx_fields_free(&fields);
        hpx_fields_free(&read);
        hpx_fields_free(&copy);
    }
}

static void test_set_again(void **state)
{
    (void)state;
    hpx_fields fields = {0};
    hpx_error error;
    uint64_t count;
    const char *text;
    hpx_fields_set_text(&fields, "a", "first");
    hpx_fields_set_text(&fields, "b", "other");
    hpx_fields_set_count(&fields, "a", 3);
    assert_int_equal(fields.count, 2);
    expect_ok(hpx_fields_count(&count, &fields, "a", &error), &error);
    assert_int_equal(count, 3);
    assert_int_equal(hpx_fields_count_or_zero(&fields, "a"), 3);
    expect_ok(hpx_fields_text(&text, &fields, "b", &error), &error);
    assert_string_equal(text, "other");
    assert_null(hpx_fields_find(&fields, "ab"));
    hpx_fields_remove(&fields, "ab");
    assert_int_equal(fields.count, 2);
    hpx_fields_remove(&fields, "a");
    assert_null(hpx_fields_find(&fields, "a"));
    assert_string_equal(hpx_fields_text_or_empty(&fields, "b"), "other");
    assert_int_equal(hpx_fields_count_or_zero(&fields, "b"), 0); /* a text */
    assert_int_equal(hpx_fields_count_or_zero(&fields, "a"), 0);
    hpx_fields_remove(&fields, "b");
    assert_int_equal(fields.count, 0);
    hpx_fields_free(&fields);
    assert_int_equal(fields.count, 0);
    hpx_fields_free(&fields);
}

/* Numbers have one form: two sets that mean the same are the same. */
static void test_canonical_reals(void **state)
{
    (void)state;
    const struct {
        double a, b;
    } same[] = {{0.0, -0.0}, {NAN, -NAN}, {0.001, 1e-3}};
    for (size_t i = 0; i < COUNT(same); i++) {
        hpx_fields a = {0}, b = {0};
        hpx_fields_set_real(&a, "x", same[i].a);
        hpx_fields_set_real(&b, "x", same[i].b);
        hpx_buffer bytes_a = encode(&a), bytes_b = encode(&b);
        expect_same_bytes(&bytes_a, &bytes_b);
        hpx_buffer_free(&bytes_a);
        hpx_buffer_free(&bytes_b);
        hpx_fields_free(&a);
        hpx_fields_free(&b);
    }
}

/* Bytes that are read must be what would be written; bytes that are not read leave nothing behind. A block of
 * exactly their size shows a sanitizer every read beyond it. */
static bool decodes(const void *bytes, size_t size)
{
    hpx_fields fields = {0};
    hpx_error error = {HPX_OK, ""};
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    hpx_status status = hpx_fields_decode(&fields, exact, size, &error);
    if (status) {
        assert_int_equal(status, HPX_DAMAGED);
        assert_int_equal(error.status, HPX_DAMAGED);
        assert_int_equal(fields.count, 0);
        assert_null(fields.arena);
    } else {
        hpx_buffer again = encode(&fields);
        assert_int_equal(again.size, size);
        assert_memory_equal(again.data, exact, size);
        hpx_buffer_free(&again);
        hpx_fields_free(&fields);
    }
    free(exact);
    return !status;
}

static void test_every_flip(void **state)
{
    (void)state;
    hpx_fields fields = sample();
    hpx_buffer bytes = encode(&fields);
    size_t read = 0, refused = 0;
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        *(decodes(bytes.data, bytes.size) ? &read : &refused) += 1;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(decodes(bytes.data, bytes.size));
    assert_true(read > 0 && refused > 200);
    for (size_t size = 0; size < bytes.size; size++)
        assert_false(decodes(bytes.data, size));
    hpx_buffer_add(&bytes, "", 1);
    assert_false(decodes(bytes.data, bytes.size));
    hpx_buffer_free(&bytes);
    hpx_fields_free(&fields);
}

static void add_header(hpx_buffer *out, uint16_t count)
{
    hpx_buffer_puts(out, "HPXF");
    hpx_buffer_u16(out, 1);
    hpx_buffer_u16(out, count);
}

static void add_field(hpx_buffer *out, const char *name, size_t length, char type, const void *payload,
                      size_t size)
{
    uint8_t byte = (uint8_t)length;
    hpx_buffer_add(out, &byte, 1);
    hpx_buffer_add(out, name, length);
    hpx_buffer_add(out, &type, 1);
    hpx_buffer_u32(out, (uint32_t)size);
    hpx_buffer_add(out, payload, size);
}

static bool field_decodes(const char *name, size_t length, char type, const void *payload, size_t size)
{
    hpx_buffer bytes = {0};
    add_header(&bytes, 1);
    add_field(&bytes, name, length, type, payload, size);
    bool good = decodes(bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    return good;
}

static void test_malformed_values(void **state)
{
    (void)state;
    static const uint8_t zeros[24];
    assert_true(field_decodes("n", 1, 'u', zeros, 8));
    assert_false(field_decodes("n", 1, 'u', zeros, 7));
    assert_false(field_decodes("n", 1, 'u', zeros, 9));
    assert_false(field_decodes("n", 1, 'u', zeros, 0));
    assert_true(field_decodes("n", 1, 'f', zeros, 8));
    assert_false(field_decodes("n", 1, 'f', zeros, 4));
    assert_false(field_decodes("n", 1, 'f', "\0\0\0\0\0\0\0\x80", 8));   /* -0 */
    assert_true(field_decodes("n", 1, 'f', "\0\0\0\0\0\0\xf8\x7f", 8));  /* the NaN */
    assert_false(field_decodes("n", 1, 'f', "\1\0\0\0\0\0\xf8\x7f", 8)); /* another */
    assert_false(field_decodes("n", 1, 'f', "\0\0\0\0\0\0\xf8\xff", 8)); /* its negative */
    assert_true(field_decodes("n", 1, 'U', zeros, 0));
    assert_true(field_decodes("n", 1, 'U', zeros, 24));
    assert_false(field_decodes("n", 1, 'U', zeros, 12));
    assert_true(field_decodes("n", 1, 'b', zeros, 0));
    assert_false(field_decodes("n", 1, 'x', zeros, 8));
    assert_false(field_decodes("n", 1, 0, zeros, 0));
}

static void test_text_is_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",             /* a continuation alone */
                                      "\xc2",             /* cut */
                                      "\xe2\x82",         /* cut */
                                      "\xf0\x9f\x98",     /* cut */
                                      "\xc2z",            /* no continuation */
                                      "\xc0\x80",         /* overlong */
                                      "\xc1\xbf",         /* overlong */
                                      "\xe0\x9f\xbf",     /* overlong */
                                      "\xf0\x8f\xbf\xbf", /* overlong */
                                      "\xed\xa0\x80",     /* a surrogate */
                                      "\xf4\x90\x80\x80", /* above U+10FFFF */
                                      "\xf5\x80\x80\x80",
                                      "\xff"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(field_decodes("n", 1, 's', good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(field_decodes("n", 1, 's', bad[i], strlen(bad[i])));
    assert_false(field_decodes("n", 1, 's', "a\0b", 3));
}

static void test_names(void **state)
{
    (void)state;
    char name[HPX_FIELD_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    assert_true(field_decodes(name, HPX_FIELD_NAME_MAX, 'b', "", 0));
    assert_false(field_decodes(name, HPX_FIELD_NAME_MAX + 1, 'b', "", 0));
    assert_false(field_decodes("", 0, 'b', "", 0));
    assert_false(field_decodes("a\0b", 3, 'b', "", 0));
    assert_false(field_decodes("\xff", 1, 'b', "", 0));

    static const struct {
        const char *first, *second;
        bool good;
    } pairs[] = {
        {"a", "b", true}, {"b", "a", false}, {"a", "a", false}, {"a", "ab", true}, {"ab", "a", false}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        hpx_buffer bytes = {0};
        add_header(&bytes, 2);
        add_field(&bytes, pairs[i].first, strlen(pairs[i].first), 'b', "", 0);
        add_field(&bytes, pairs[i].second, strlen(pairs[i].second), 'b', "", 0);
        assert_int_equal(decodes(bytes.data, bytes.size), pairs[i].good);
        hpx_buffer_free(&bytes);
    }
}

static void test_header(void **state)
{
    (void)state;
    assert_true(decodes("HPXF\1\0\0\0", 8));
    assert_false(decodes("HPXG\1\0\0\0", 8));
    assert_false(decodes("HPXF\2\0\0\0", 8));
    assert_false(decodes("HPXF\1\0\1\0", 8)); /* one field, which is not there */
    assert_false(decodes("", 0));
    hpx_fields fields = {0};
    hpx_error error;
    assert_int_equal(hpx_fields_decode(&fields, (const uint8_t *)"HPXF\2\0\0\0", 8, &error), HPX_DAMAGED);
    expect_contains(error.message, "version 2");

    /* As many fields as are allowed, and one more. */
    for (uint16_t count = 4096; count <= 4097; count++) {
        hpx_buffer bytes = {0};
        add_header(&bytes, count);
        for (int i = 0; i < count; i++) {
            char name[12];
            snprintf(name, sizeof name, "%04d", i);
            add_field(&bytes, name, 4, 'b', "", 0);
        }
        assert_int_equal(decodes(bytes.data, bytes.size), count == 4096);
        hpx_buffer_free(&bytes);
    }
    /* A payload said to be longer than all there is. */
    hpx_buffer bytes = {0};
    add_header(&bytes, 1);
    hpx_buffer_add(&bytes, "\1ab\xff\xff\xff\xff", 7);
    assert_false(decodes(bytes.data, bytes.size));
    hpx_buffer_free(&bytes);
}

static void test_wrong_type(void **state)
{
    (void)state;
    hpx_fields fields = sample();
    hpx_error error;
    uint64_t count;
    double real;
    const char *text;
    hpx_hash hash;
    const uint8_t *bytes;
    const uint64_t *counts;
    size_t size;
    assert_int_equal(hpx_fields_count(&count, &fields, "train.rate", &error), HPX_DAMAGED);
    assert_string_equal(error.message, "field 'train.rate' has type 'f' instead of 'u'");
    assert_int_equal(hpx_fields_count(&count, &fields, "absent", &error), HPX_DAMAGED);
    assert_string_equal(error.message, "field 'absent' is missing");
    assert_int_equal(hpx_fields_real(&real, &fields, "seed", &error), HPX_DAMAGED);
    assert_int_equal(hpx_fields_text(&text, &fields, "seed", &error), HPX_DAMAGED);
    assert_int_equal(hpx_fields_bytes(&bytes, &size, &fields, "model.kind", &error), HPX_DAMAGED);
    assert_int_equal(hpx_fields_counts(&counts, &size, &fields, "seed", &error), HPX_DAMAGED);
    assert_int_equal(hpx_fields_hash(&hash, &fields, "code.version", &error), HPX_DAMAGED);
    assert_string_equal(error.message, "field 'code.version' is not a hash");
    expect_ok(hpx_fields_counts(&counts, &size, &fields, "model.hidden", &error), &error);
    assert_int_equal(size, 2);
    assert_int_equal(counts[1], 64);
    hpx_fields_free(&fields);
}

static void test_print(void **state)
{
    (void)state;
    hpx_fields fields = sample();
    hpx_buffer out = {0};
    for (size_t i = 0; i < fields.count; i++) {
        hpx_buffer_printf(&out, "%s=", fields.fields[i].name);
        hpx_field_print(&out, &fields.fields[i]);
        hpx_buffer_puts(&out, ";");
    }
    assert_string_equal(
        hpx_buffer_text(&out),
        "code.version=00ff;model.hidden=128 64;model.kind=m\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80;"
        "seed=72623859790382856;train.rate=0.001;");
    hpx_buffer_free(&out);
    hpx_fields_free(&fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bytes),  cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_set_again),    cmocka_unit_test(test_canonical_reals),
        cmocka_unit_test(test_every_flip),   cmocka_unit_test(test_malformed_values),
        cmocka_unit_test(test_text_is_utf8), cmocka_unit_test(test_names),
        cmocka_unit_test(test_header),       cmocka_unit_test(test_wrong_type),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
