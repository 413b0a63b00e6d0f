#include "identity/data_files.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define NAMES  "files.names"
#define HASHES "files.hashes"
#define SIZES  "files.sizes"

void hpx_data_list_add(hpx_data_list *list, const char *name, const hpx_hash *hash, uint64_t size)
{
    hpx_buffer_add(&list->names, name, strlen(name) + 1);
    hpx_buffer_add(&list->hashes, hash->bytes, HPX_HASH_BYTES);
    list->sizes = hpx_grow(list->sizes, &list->capacity, list->count + 1, sizeof *list->sizes);
    list->sizes[list->count++] = size;
}

void hpx_data_list_record(hpx_fields *record, hpx_data_list *list)
{
    hpx_fields_set_bytes(record, NAMES, list->names.data, list->names.size);
    hpx_fields_set_bytes(record, HASHES, list->hashes.data, list->hashes.size);
    hpx_fields_set_counts(record, SIZES, list->sizes, list->count);
    hpx_buffer_free(&list->names);
    hpx_buffer_free(&list->hashes);
    free(list->sizes);
    *list = (hpx_data_list){0};
}

bool hpx_data_has_field(const char *name)
{
    return strcmp(name, NAMES) == 0 || strcmp(name, HASHES) == 0 || strcmp(name, SIZES) == 0;
}

bool hpx_data_next(hpx_data_walk *at, const hpx_fields *record)
{
    const uint8_t *names, *hashes;
    const uint64_t *sizes;
    size_t name_bytes, hash_bytes, count;
    hpx_error none;
    if (hpx_fields_bytes(&names, &name_bytes, record, NAMES, &none) != HPX_OK ||
        hpx_fields_bytes(&hashes, &hash_bytes, record, HASHES, &none) != HPX_OK ||
        hpx_fields_counts(&sizes, &count, record, SIZES, &none) != HPX_OK)
        return false;
    const uint8_t *name = names + at->offset,
                  *end = at->offset < name_bytes ? memchr(name, 0, name_bytes - at->offset) : NULL;
    if (!end || at->next >= count || at->next >= hash_bytes / HPX_HASH_BYTES)
        return false;
    at->name = (const char *)name;
    memcpy(at->hash.bytes, hashes + HPX_HASH_BYTES * at->next, HPX_HASH_BYTES);
    at->size = sizes[at->next++];
    at->offset += (size_t)(end - name) + 1;
    return true;
}
