/* The shape of an IDX file as fields, for whoever has not got its bytes. */
#include "hpx/idx.h"

#include <string.h>

void hpx_idx_to_fields(hpx_fields *out, const hpx_idx *idx)
{
    uint64_t sizes[HPX_IDX_DIMENSIONS_MAX];
    for (uint32_t i = 0; i < idx->dimensions; i++)
        sizes[i] = idx->sizes[i];
    hpx_fields_set_count(out, "dimensions", idx->dimensions);
    hpx_fields_set_counts(out, "sizes", sizes, idx->dimensions);
    hpx_fields_set_count(out, "count", idx->count);
    hpx_fields_set_count(out, "item", idx->item_bytes);
    hpx_fields_set_count(out, "largest", idx->largest);
}

hpx_status hpx_idx_from_fields(hpx_idx *out, const hpx_fields *fields, hpx_error *error)
{
    uint64_t dimensions, count, item, largest;
    const hpx_field *sizes = hpx_fields_find(fields, "sizes");
    *out = (hpx_idx){.dimensions = 0};
    if (hpx_fields_count(&dimensions, fields, "dimensions", error) ||
        hpx_fields_count(&count, fields, "count", error) || hpx_fields_count(&item, fields, "item", error) ||
        hpx_fields_count(&largest, fields, "largest", error) || !sizes || sizes->type != HPX_FIELD_COUNTS ||
        sizes->count != dimensions || dimensions > HPX_IDX_DIMENSIONS_MAX)
        return hpx_error_set(error, HPX_NOT_FOUND, "the shape of the file is not known");
    *out = (hpx_idx){.dimensions = (uint32_t)dimensions,
                     .count = (uint32_t)count,
                     .item_bytes = (uint32_t)item,
                     .largest = (uint8_t)largest};
    for (uint32_t i = 0; i < out->dimensions; i++) {
        uint64_t size;
        memcpy(&size, sizes->bytes + i * sizeof size, sizeof size);
        out->sizes[i] = (uint32_t)size;
    }
    return HPX_OK;
}
