/* IDX parsing and gzip: what is accepted, and that everything else is refused with the reason. */
#include "data/gzip.h"
#include "hpx/idx.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static void add_size(hpx_buffer *out, uint32_t size)
{
    const uint8_t bytes[] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                             (uint8_t)size};
    hpx_buffer_add(out, bytes, sizeof bytes);
}

/* A header of up to five dimensions and `values` bytes 0, 1, 2, ... */
static hpx_buffer idx_file(uint8_t type, uint8_t dimensions, const uint32_t *sizes, size_t values)
{
    hpx_buffer out = {0};
    const uint8_t magic[] = {0, 0, type, dimensions};
    hpx_buffer_add(&out, magic, sizeof magic);
    for (size_t i = 0; i < dimensions; i++)
        add_size(&out, sizes[i]);
    for (size_t i = 0; i < values; i++) {
        uint8_t value = (uint8_t)i;
        hpx_buffer_add(&out, &value, 1);
    }
    return out;
}

static void add_gzip(hpx_buffer *out, const void *bytes, size_t size)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, size);
    hpx_buffer_reserve(out, room);
    stream.next_in = (uint8_t *)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = out->data + out->size;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->size += stream.total_out;
    deflateEnd(&stream);
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static void assert_refused(hpx_buffer file, const char *reason)
{
    hpx_idx idx;
    hpx_error error;
    /* A block of exactly that size, so that a sanitizer sees a read beyond it. */
    uint8_t *exact = hpx_alloc(file.size);
    if (file.size)
        memcpy(exact, file.data, file.size);
    assert_int_equal(hpx_idx_parse(&idx, exact, file.size, &error), HPX_FAILED);
    assert_contains(error.message, reason);
    free(exact);
    hpx_buffer_free(&file);
}

static void test_parse(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {3, 2, 4, 5};
    static const uint32_t item_bytes[] = {1, 2, 8, 40};
    for (uint8_t dimensions = 1; dimensions <= HPX_IDX_DIMENSIONS_MAX; dimensions++) {
        uint32_t items = item_bytes[dimensions - 1];
        hpx_buffer file = idx_file(8, dimensions, sizes, 3 * items);
        hpx_idx idx;
        hpx_error error;
        assert_int_equal(hpx_idx_parse(&idx, file.data, file.size, &error), HPX_OK);
        assert_int_equal(idx.dimensions, dimensions);
        assert_int_equal(idx.count, 3);
        assert_int_equal(idx.item_bytes, items);
        assert_memory_equal(idx.sizes, sizes, dimensions * sizeof *sizes);
        assert_ptr_equal(idx.values, file.data + 4 + 4 * dimensions);
        assert_int_equal(idx.values[3 * items - 1], 3 * items - 1);
        hpx_buffer_free(&file);
    }
}

static void test_refuse(void **state)
{
    (void)state;
    hpx_buffer png = {0}, empty = {0}, cut = {0};
    hpx_buffer_puts(&png, "\x89PNG\r\n\x1a\n");
    assert_refused(png, "not an IDX file: it begins with 89504e47, not 00000801 or 00000803");
    assert_refused(empty, "not an IDX file: it has 0 bytes");

    assert_refused(idx_file(0x0d, 1, (uint32_t[]){3}, 12), "of type float (0x0d), not unsigned byte");
    assert_refused(idx_file(0x0b, 1, (uint32_t[]){3}, 6), "of type 16-bit integer (0x0b)");
    assert_refused(idx_file(0x0a, 1, (uint32_t[]){3}, 3), "it begins with 00000a01");
    assert_refused(idx_file(8, 0, NULL, 1), "it has 0 dimensions, not 1 to 4");
    assert_refused(idx_file(8, 5, (uint32_t[]){1, 1, 1, 1, 1}, 1), "it has 5 dimensions, not 1 to 4");

    hpx_buffer_add(&cut, "\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0", 15);
    assert_refused(cut, "truncated: the header takes 16 bytes, the file has 15");
    assert_refused(idx_file(8, 3, (uint32_t[]){60000, 28, 28}, 984),
                   "truncated: the header says 47040016 bytes, the file has 1000");
    assert_refused(idx_file(8, 1, (uint32_t[]){3}, 2),
                   "truncated: the header says 11 bytes, the file has 10");
    assert_refused(idx_file(8, 1, (uint32_t[]){3}, 4),
                   "bytes left over: the header says 11 bytes, the file has 12");
    assert_refused(idx_file(8, 1, (uint32_t[]){0}, 0), "dimension 1 of 1 has size 0");
    assert_refused(idx_file(8, 3, (uint32_t[]){1, 28, 0}, 1), "dimension 3 of 3 has size 0");

    /* 65536 * 65536 is 0 in 32 bits: an item of no bytes would make the file look complete. */
    assert_refused(idx_file(8, 3, (uint32_t[]){7, 65536, 65536}, 0), "multiply to 4 GiB or more");
    /* (2^32 - 1)^2 does fit in 64 bits. */
    assert_refused(idx_file(8, 2, (uint32_t[]){UINT32_MAX, UINT32_MAX}, 5),
                   "the header says 18446744065119617037 bytes");
}

static void test_gunzip(void **state)
{
    (void)state;
    hpx_buffer file = idx_file(8, 3, (uint32_t[]){500, 28, 28}, 500 * 28 * 28), packed = {0}, out = {0};
    hpx_error error;
    add_gzip(&packed, file.data, file.size);
    assert_true(hpx_is_gzip(packed.data, packed.size));
    assert_false(hpx_is_gzip(file.data, file.size));
    assert_false(hpx_is_gzip(packed.data, 1));

    hpx_buffer_puts(&out, "kept");
    assert_int_equal(hpx_idx_gunzip(&out, packed.data, packed.size, &error), HPX_OK);
    assert_int_equal(out.size, 4 + file.size);
    assert_memory_equal(out.data, "kept", 4);
    assert_memory_equal(out.data + 4, file.data, file.size);

    /* Files of several members, one of them empty, split at awkward places. */
    for (size_t split = 0; split <= 24; split += 3) {
        packed.size = out.size = 0;
        add_gzip(&packed, file.data, split);
        add_gzip(&packed, NULL, 0);
        add_gzip(&packed, file.data + split, file.size - split);
        assert_int_equal(hpx_idx_gunzip(&out, packed.data, packed.size, &error), HPX_OK);
        assert_int_equal(out.size, file.size);
        assert_memory_equal(out.data, file.data, file.size);
    }
    hpx_buffer_free(&file);
    hpx_buffer_free(&packed);
    hpx_buffer_free(&out);
}

/* Also that a failure leaves what the buffer held before. */
static void assert_gunzip_refused(hpx_buffer packed, const char *reason)
{
    hpx_buffer out = {0};
    hpx_error error;
    uint8_t *exact = hpx_alloc(packed.size);
    if (packed.size)
        memcpy(exact, packed.data, packed.size);
    hpx_buffer_puts(&out, "kept");
    assert_int_equal(hpx_idx_gunzip(&out, exact, packed.size, &error), HPX_FAILED);
    assert_contains(error.message, reason);
    assert_string_equal(hpx_buffer_text(&out), "kept");
    hpx_buffer_free(&out);
    hpx_buffer_free(&packed);
    free(exact);
}

static hpx_buffer packed_file(uint32_t count, size_t values)
{
    hpx_buffer file = idx_file(8, 1, &count, values), packed = {0};
    add_gzip(&packed, file.data, file.size);
    hpx_buffer_free(&file);
    return packed;
}

static void test_gunzip_refuse(void **state)
{
    (void)state;
    hpx_buffer packed = packed_file(100, 100);
    packed.data[packed.size - 8] ^= 1;
    assert_gunzip_refused(packed, "corrupt gzip: incorrect data check");
    packed = packed_file(100, 100);
    packed.data[packed.size - 1] ^= 1;
    assert_gunzip_refused(packed, "corrupt gzip: incorrect length check");
    packed = packed_file(100, 100);
    packed.data[2] = 9;
    assert_gunzip_refused(packed, "corrupt gzip: unknown compression method");

    packed = packed_file(100, 100);
    hpx_buffer_puts(&packed, "more");
    assert_gunzip_refused(packed, "4 bytes of something else follow the gzip data");
    packed = packed_file(100, 100);
    hpx_buffer_puts(&packed, "\x1f");
    assert_gunzip_refused(packed, "1 bytes of something else follow the gzip data");

    assert_gunzip_refused(packed_file(100, 99),
                          "truncated: the header says 108 bytes, the file has 107 when uncompressed");
    assert_gunzip_refused(packed_file(100, 101), "bytes left over: the header says 108");
    assert_gunzip_refused(packed_file(1, 100), "bytes left over: the header says 9");
    packed = packed_file(100, 100);
    add_gzip(&packed, "x", 1);
    assert_gunzip_refused(packed, "bytes left over: the header says 108");

    packed = (hpx_buffer){0};
    add_gzip(&packed, "hello", 5);
    assert_gunzip_refused(packed, "not an IDX file: it begins with 68656c6c");
    packed = (hpx_buffer){0};
    hpx_buffer_puts(&packed, "hello, this is plain");
    assert_gunzip_refused(packed, "corrupt gzip: incorrect header check");
    assert_gunzip_refused((hpx_buffer){0}, "corrupt gzip: truncated");
}

static void test_gunzip_truncated_anywhere(void **state)
{
    (void)state;
    hpx_buffer packed = packed_file(100, 100);
    for (size_t size = 1; size < packed.size; size++) {
        hpx_buffer cut = {0};
        hpx_buffer_add(&cut, packed.data, size);
        assert_gunzip_refused(cut, "corrupt gzip: truncated");
    }
    hpx_buffer_free(&packed);
}

/* The output grows with what is there: neither a header's claim nor a bomb behind an honest header fills the
 * memory. */
static void test_gunzip_bounded(void **state)
{
    (void)state;
    hpx_buffer packed = packed_file(UINT32_MAX, 1000), out = {0};
    hpx_error error;
    assert_int_equal(hpx_idx_gunzip(&out, packed.data, packed.size, &error), HPX_FAILED);
    assert_contains(error.message, "the header says 4294967303 bytes, the file has 1008 when uncompressed");
    assert_true(out.capacity < 1 << 18);

    hpx_buffer_free(&packed);
    packed = packed_file(1000, 8 << 20);
    assert_int_equal(hpx_idx_gunzip(&out, packed.data, packed.size, &error), HPX_FAILED);
    assert_contains(error.message, "bytes left over");
    assert_true(out.capacity < 1 << 18);

    assert_int_equal(hpx_gunzip(&out, packed.data, packed.size, 100000, &error), HPX_FAILED);
    assert_contains(error.message, "more than 100000 bytes when uncompressed");
    assert_true(out.capacity < 1 << 18);
    hpx_buffer_free(&packed);
    hpx_buffer_free(&out);
}

static void test_gunzip_any_bytes(void **state)
{
    (void)state;
    uint8_t bytes[50000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i >> 7 ^ i);
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537};
    hpx_buffer plain = {0}, packed = {0}, out = {0};
    hpx_error error;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        plain.size = packed.size = out.size = 0;
        while (plain.size < sizes[i]) {
            size_t left = sizes[i] - plain.size;
            hpx_buffer_add(&plain, bytes, left < sizeof bytes ? left : sizeof bytes);
        }
        add_gzip(&packed, plain.data, plain.size);
        assert_int_equal(hpx_gunzip(&out, packed.data, packed.size, sizes[i], &error), HPX_OK);
        assert_int_equal(out.size, sizes[i]);
        assert_true(sizes[i] == 0 || memcmp(out.data, plain.data, sizes[i]) == 0);
        if (sizes[i])
            assert_int_equal(hpx_gunzip(&out, packed.data, packed.size, sizes[i] - 1, &error), HPX_FAILED);
    }
    hpx_buffer_free(&plain);
    hpx_buffer_free(&packed);
    hpx_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_gunzip),
        cmocka_unit_test(test_gunzip_refuse),
        cmocka_unit_test(test_gunzip_truncated_anywhere),
        cmocka_unit_test(test_gunzip_bounded),
        cmocka_unit_test(test_gunzip_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
