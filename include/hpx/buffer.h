/* A growable run of bytes. A zeroed struct is an empty buffer, and one with a sink alone too: what writes a long
 * text line by line calls hpx_buffer_pass_on now and then, and the sink is given what there is by then. */
#ifndef HPX_BUFFER_H
#define HPX_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_buffer {
    uint8_t *data; /* hpx_buffer_text() keeps a NUL behind the last byte */
    size_t size, capacity;
    void (*sink)(const void *bytes, size_t size); /* NULL: all is kept */
} hpx_buffer;

void hpx_buffer_free(hpx_buffer *buffer); /* leaves it empty, without a sink */
void hpx_buffer_reserve(hpx_buffer *buffer, size_t more);
void hpx_buffer_add(hpx_buffer *buffer, const void *bytes, size_t size);
void hpx_buffer_puts(hpx_buffer *buffer, const char *text);
void hpx_buffer_printf(hpx_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

void hpx_buffer_vprintf(hpx_buffer *buffer, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Gives what is there to the sink, if there is one and it is much, and is empty then. */
void hpx_buffer_pass_on(hpx_buffer *buffer);

/* The content as a C string, borrowed until the buffer changes. */
const char *hpx_buffer_text(hpx_buffer *buffer);

/* Little-endian integers at any alignment. */
void hpx_buffer_u16(hpx_buffer *buffer, uint16_t value);
void hpx_buffer_u32(hpx_buffer *buffer, uint32_t value);
void hpx_buffer_u64(hpx_buffer *buffer, uint64_t value);
uint16_t hpx_load_u16(const uint8_t *bytes);
uint32_t hpx_load_u32(const uint8_t *bytes);
uint64_t hpx_load_u64(const uint8_t *bytes);

#endif
