/* What a listing was made from, so that it need not be made again. The layout is in listing_memory.c. */
#ifndef HPX_CODE_LISTING_MEMORY_H
#define HPX_CODE_LISTING_MEMORY_H

#include "listing.h"

/* A file or folder whose state decides which files there are. */
typedef struct code_witness {
    char *path; /* absolute */
    uint8_t kind;
    hpx_file_stat stat; /* zero when it is absent */
} code_witness;
enum { WITNESS_EXISTS = 1, WITNESS_CONTENT = 2 }; /* it is there or not; its entries or bytes */

typedef struct code_memory {
    hpx_hash request;
    code_witness *witnesses;
    size_t count, capacity;
    hpx_listing listing;
} code_memory;

void hpx_code_memory_free(code_memory *memory);
void hpx_code_memory_add(code_memory *memory, const char *path, uint8_t kind);

void hpx_code_memory_encode(hpx_buffer *out, const code_memory *memory);
bool hpx_code_memory_decode(code_memory *out, const hpx_buffer *bytes);

hpx_hash hpx_code_request_hash(const hpx_listing_request *request);

/* The stat of the path itself, a link included; zero where there is none. */
void hpx_code_stat(hpx_file_stat *out, const char *path);

/* Whether the file has the bytes that it was listed with; *sure: its stat alone says so. */
bool hpx_code_is_unchanged(bool *sure, const char *root, const hpx_listed_file *file, int64_t looked_ns);

#endif
