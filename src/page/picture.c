/* Pictures as images of HTML, in the format PNG (W3C, "Portable Network Graphics (PNG) Specification", second edition):
 * a signature, then chunks of a length, a name, bytes and their CRC-32, all numbers big-endian. IHDR has the size, 8 bits a
 * channel, grey (0) or red, green and blue (2); IDAT the rows, each behind the number of its filter (0: none), compressed. */
#include "inside.h"

#include "base/memory.h"

#include <sodium/utils.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void put_u32(hpx_buffer *out, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    hpx_buffer_add(out, bytes, sizeof bytes);
}

static void put_chunk(hpx_buffer *out, const char name[4], const void *bytes, size_t size)
{
    put_u32(out, (uint32_t)size);
    const size_t from = out->size;
    hpx_buffer_add(out, name, 4);
    hpx_buffer_add(out, bytes, size);
    put_u32(out, (uint32_t)crc32(0, out->data + from, (uInt)(size + 4)));
}

static void put_pixels(hpx_buffer *out, const struct picture *picture)
{
    const size_t row = (size_t)picture->width * picture->channels;
    hpx_buffer rows = {0};
    for (uint32_t y = 0; y < picture->height; y++) {
        hpx_buffer_add(&rows, "", 1);
        hpx_buffer_add(&rows, picture->pixels + y * row, row);
    }
    uLongf size = compressBound(rows.size);
    uint8_t *packed = hpx_alloc(size);
    if (compress2(packed, &size, rows.data, rows.size, Z_BEST_COMPRESSION) != Z_OK)
        hpx_out_of_memory(rows.size);
    put_chunk(out, "IDAT", packed, size);
    free(packed);
    hpx_buffer_free(&rows);
}

void hpx_page_png(hpx_buffer *out, const struct picture *picture)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    const uint8_t format[] = {8, picture->channels == 3 ? 2 : 0, 0, 0, 0};
    hpx_buffer header = {0};
    put_u32(&header, picture->width);
    put_u32(&header, picture->height);
    hpx_buffer_add(&header, format, sizeof format);
    hpx_buffer_add(out, signature, sizeof signature);
    put_chunk(out, "IHDR", header.data, header.size);
    put_pixels(out, picture);
    put_chunk(out, "IEND", "", 0);
    hpx_buffer_free(&header);
}

void hpx_page_picture_url(hpx_buffer *out, const struct picture *picture)
{
    hpx_buffer png = {0};
    hpx_page_png(&png, picture);
    const size_t room = sodium_base64_ENCODED_LEN(png.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = hpx_alloc(room);
    hpx_buffer_puts(out, "data:image/png;base64,");
    hpx_buffer_puts(out, sodium_bin2base64(text, room, png.data, png.size, sodium_base64_VARIANT_ORIGINAL));
    free(text);
    hpx_buffer_free(&png);
}

void hpx_html_picture(hpx_buffer *out, const struct picture *picture, uint32_t height, const char *words)
{
    hpx_buffer_printf(out, "<img width=\"%u\" height=\"%u\" src=\"",
                      (uint32_t)((uint64_t)picture->width * height / picture->height), height);
    hpx_page_picture_url(out, picture);
    hpx_buffer_puts(out, "\" alt=\"");
    hpx_html_text(out, words);
    hpx_buffer_puts(out, "\"/>");
}

void hpx_figure_put_picture(struct figure *figure, hpx_svg *svg, double left, double top,
                            const struct picture *picture, uint32_t height, const char *words)
{
    hpx_buffer url = {0};
    hpx_html_picture(&figure->body, picture, height, words);
    hpx_page_picture_url(&url, picture);
    hpx_svg_image(svg, left, top, (double)picture->width * height / picture->height, height,
                  hpx_buffer_text(&url));
    hpx_buffer_free(&url);
}
