#include "hpx/buffer.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSED_ON_BYTES 65536
#define PRINT_BYTES     64 /* most of what is printed needs no more: it is not printed twice then */

void hpx_buffer_free(hpx_buffer *buffer)
{
    free(buffer->data);
    *buffer = (hpx_buffer){0};
}

void hpx_buffer_reserve(hpx_buffer *buffer, size_t more)
{
    buffer->data = hpx_grow(buffer->data, &buffer->capacity, buffer->size + more + 1, 1);
}

void hpx_buffer_add(hpx_buffer *buffer, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    hpx_buffer_reserve(buffer, size);
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
}

void hpx_buffer_puts(hpx_buffer *buffer, const char *text)
{
    hpx_buffer_add(buffer, text, strlen(text));
}

void hpx_buffer_vprintf(hpx_buffer *buffer, const char *format, va_list args)
{
    va_list again;
    hpx_buffer_reserve(buffer, PRINT_BYTES);
    va_copy(again, args);
    size_t room = buffer->capacity - buffer->size;
    size_t length = (size_t)hpx_vprint((char *)buffer->data + buffer->size, room, format, args);
    if (length >= room) {
        hpx_buffer_reserve(buffer, length);
        hpx_vprint((char *)buffer->data + buffer->size, length + 1, format, again);
    }
    va_end(again);
    buffer->size += length;
}

void hpx_buffer_printf(hpx_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    hpx_buffer_vprintf(buffer, format, args);
    va_end(args);
}

void hpx_buffer_pass_on(hpx_buffer *buffer)
{
    if (!buffer->sink || buffer->size < PASSED_ON_BYTES)
        return;
    buffer->sink(buffer->data, buffer->size);
    buffer->size = 0;
}

const char *hpx_buffer_text(hpx_buffer *buffer)
{
    hpx_buffer_reserve(buffer, 0);
    buffer->data[buffer->size] = 0;
    return (const char *)buffer->data;
}

static void add_integer(hpx_buffer *buffer, uint64_t value, size_t bytes)
{
    hpx_buffer_reserve(buffer, bytes);
    for (size_t i = 0; i < bytes; i++)
        buffer->data[buffer->size++] = (uint8_t)(value >> (8 * i));
}

static uint64_t load_integer(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

void hpx_buffer_u16(hpx_buffer *buffer, uint16_t value)
{
    add_integer(buffer, value, 2);
}

void hpx_buffer_u32(hpx_buffer *buffer, uint32_t value)
{
    add_integer(buffer, value, 4);
}

void hpx_buffer_u64(hpx_buffer *buffer, uint64_t value)
{
    add_integer(buffer, value, 8);
}

uint16_t hpx_load_u16(const uint8_t *bytes)
{
    return (uint16_t)load_integer(bytes, 2);
}

uint32_t hpx_load_u32(const uint8_t *bytes)
{
    return (uint32_t)load_integer(bytes, 4);
}

uint64_t hpx_load_u64(const uint8_t *bytes)
{
    return load_integer(bytes, 8);
}
