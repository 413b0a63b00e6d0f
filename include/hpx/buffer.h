/* A growable run of bytes. A zeroed struct is an empty buffer. */
#ifndef HPX_BUFFER_H
#define HPX_BUFFER_H

#include <stddef.h>
#include <stdint.h>

typedef struct hpx_buffer {
    uint8_t *data; /* hpx_buffer_text() keeps a NUL behind the last byte */
    size_t size, capacity;
} hpx_buffer;

void hpx_buffer_free(hpx_buffer *buffer); /* leaves it empty */
void hpx_buffer_reserve(hpx_buffer *buffer, size_t more);
void hpx_buffer_add(hpx_buffer *buffer, const void *bytes, size_t size);
void hpx_buffer_puts(hpx_buffer *buffer, const char *text);
void hpx_buffer_printf(hpx_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

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
