/* Pictures are PNG files that have the pixels that they were made of. */
#include "../helper/helper.h"
#include "page/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>
#include <zlib.h>

static uint32_t u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The bytes of the next chunk, which has this name and its CRC. */
static const uint8_t *take(const uint8_t **at, const uint8_t *end, const char *name, uint32_t *size)
{
    const uint8_t *bytes = *at + 8;
    assert_true(end - *at >= 12);
    *size = u32(*at);
    assert_true((size_t)(end - bytes) >= *size + 4);
    assert_memory_equal(*at + 4, name, 4);
    assert_int_equal(u32(bytes + *size), crc32(0, bytes - 4, *size + 4));
    *at = bytes + *size + 4;
    return bytes;
}

static void check(uint32_t width, uint32_t height, uint32_t channels)
{
    const size_t row = (size_t)width * channels;
    uint8_t *pixels = malloc(height * row), *rows = malloc(height * (row + 1));
    for (size_t i = 0; i < height * row; i++)
        pixels[i] = (uint8_t)draw(256);
    hpx_buffer png = {0};
    hpx_page_png(&png, &(struct picture){pixels, width, height, channels});
    const uint8_t *at = png.data + 8, *end = png.data + png.size;
    uint32_t size;
    assert_memory_equal(png.data, "\x89PNG\r\n\x1a\n", 8);
    const uint8_t *header = take(&at, end, "IHDR", &size);
    assert_int_equal(size, 13);
    assert_int_equal(u32(header), width);
    assert_int_equal(u32(header + 4), height);
    assert_memory_equal(header + 8, ((uint8_t[]){8, channels == 3 ? 2 : 0, 0, 0, 0}), 5);
    const uint8_t *packed = take(&at, end, "IDAT", &size);
    uLongf unpacked = height * (row + 1);
    assert_int_equal(uncompress(rows, &unpacked, packed, size), Z_OK);
    assert_int_equal(unpacked, height * (row + 1));
    for (size_t y = 0; y < height; y++) {
        assert_int_equal(rows[y * (row + 1)], 0);
        assert_memory_equal(rows + y * (row + 1) + 1, pixels + y * row, row);
    }
    take(&at, end, "IEND", &size);
    assert_int_equal(size, 0);
    assert_ptr_equal(at, end);
    hpx_buffer_free(&png);
    free(rows);
    free(pixels);
}

static void test_png(void **state)
{
    (void)state;
    draw_seed(5);
    check(1, 1, 1);
    check(28, 28, 1);
    check(280, 28, 1);
    check(7, 3, 3);
}

static void test_html(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_html_picture(&out, &(struct picture){(const uint8_t[]){0, 128, 255, 7, 8, 9}, 3, 2, 1}, 40,
                     "a \"<b>\"");
    expect_contains(hpx_buffer_text(&out),
                    "<img width=\"60\" height=\"40\" src=\"data:image/png;base64,iVBORw0KGgo");
    expect_contains(hpx_buffer_text(&out), "alt=\"a &quot;&lt;b&gt;&quot;\"/>");
    hpx_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_png), cmocka_unit_test(test_html)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
