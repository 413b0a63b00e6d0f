/* The files in the record of a program's data (HPX_RECORD_DATASET). However many they are, they are three fields:
 *
 *     files.names     each ended by NUL, in ascending order
 *     files.hashes    of their bytes, 16 bytes each, in the order of the names
 *     files.sizes     likewise */
#ifndef HPX_IDENTITY_DATA_FILES_H
#define HPX_IDENTITY_DATA_FILES_H

#include "hpx/buffer.h"
#include "hpx/fields.h"
#include "hpx/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_data_list {
    hpx_buffer names, hashes;
    uint64_t *sizes;
    size_t count, capacity;
} hpx_data_list;

/* In ascending order of the names. */
void hpx_data_list_add(hpx_data_list *list, const char *name, const hpx_hash *hash, uint64_t size);
/* Sets the three fields, and frees the list. */
void hpx_data_list_record(hpx_fields *record, hpx_data_list *list);

/* A walk through them, from {0}; false behind the last. A record that is not as above ends early. */
typedef struct hpx_data_walk {
    const char *name; /* borrowed from the record */
    hpx_hash hash;
    uint64_t size;
    size_t next, offset; /* the walk's own: the number of the next, and where its name is */
} hpx_data_walk;
bool hpx_data_next(hpx_data_walk *at, const hpx_fields *record);

/* Whether a field of that name is one of the three. */
bool hpx_data_has_field(const char *name);

#endif
