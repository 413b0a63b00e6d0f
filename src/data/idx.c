/* The IDX format, from "THE MNIST DATABASE" (http://yann.lecun.com/exdb/mnist/), all integers big-endian:
 *
 *     0x00 0x00 TYPE DIMENSIONS        one byte each
 *     SIZE * DIMENSIONS                32 bits each
 *     VALUES                           the last dimension varies fastest
 */
#include "hpx/idx.h"

static const struct {
    uint8_t code;
    const char *name;
} element_types[] = {
    {0x08, "unsigned byte"},  {0x09, "signed byte"}, {0x0b, "16-bit integer"},
    {0x0c, "32-bit integer"}, {0x0d, "float"},       {0x0e, "double"},
};

#define UNSIGNED_BYTE 0x08

static const char *type_name(uint8_t code)
{
    for (size_t i = 0; i < sizeof element_types / sizeof *element_types; i++) {
        if (element_types[i].code == code)
            return element_types[i].name;
    }
    return NULL;
}

static uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static hpx_status check_magic(const uint8_t *bytes, size_t size, hpx_error *error)
{
    if (size < 4)
        return hpx_error_set(error, HPX_FAILED, "not an IDX file: it has %zu bytes", size);
    const char *type = type_name(bytes[2]);
    if (bytes[0] != 0 || bytes[1] != 0 || !type)
        return hpx_error_set(error, HPX_FAILED,
                             "not an IDX file: it begins with %08x, not 00000801 or 00000803",
                             load_big_endian(bytes));
    if (bytes[2] != UNSIGNED_BYTE)
        return hpx_error_set(error, HPX_FAILED,
                             "its elements are of type %s (0x%02x), not unsigned byte (0x08)", type,
                             bytes[2]);
    if (bytes[3] < 1 || bytes[3] > HPX_IDX_DIMENSIONS_MAX)
        return hpx_error_set(error, HPX_FAILED, "it has %u dimensions, not 1 to %d", bytes[3],
                             HPX_IDX_DIMENSIONS_MAX);
    return HPX_OK;
}

static size_t header_bytes(uint32_t dimensions)
{
    return 4 + 4 * (size_t)dimensions;
}

/* Fills all of `out` but the values. */
static hpx_status parse_header(hpx_idx *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    hpx_status status = check_magic(bytes, size, error);
    if (status)
        return status;
    hpx_idx idx = {.dimensions = bytes[3], .item_bytes = 1};
    if (size < header_bytes(idx.dimensions))
        return hpx_error_set(error, HPX_FAILED, "truncated: the header takes %zu bytes, the file has %zu",
                             header_bytes(idx.dimensions), size);
    for (uint32_t i = 0; i < idx.dimensions; i++) {
        idx.sizes[i] = load_big_endian(bytes + header_bytes(i));
        if (idx.sizes[i] == 0)
            return hpx_error_set(error, HPX_FAILED, "dimension %u of %u has size 0", i + 1, idx.dimensions);
        if (i > 0 && __builtin_mul_overflow(idx.item_bytes, idx.sizes[i], &idx.item_bytes))
            return hpx_error_set(error, HPX_FAILED, "the sizes of one item multiply to 4 GiB or more");
    }
    idx.count = idx.sizes[0];
    *out = idx;
    return HPX_OK;
}

/* Cannot overflow: both factors are below 2^32, and (2^32 - 1)^2 leaves room for the header. */
static uint64_t file_size(const hpx_idx *idx)
{
    return header_bytes(idx->dimensions) + (uint64_t)idx->count * idx->item_bytes;
}

hpx_status hpx_idx_file_size(uint64_t *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    hpx_idx idx;
    hpx_status status = parse_header(&idx, bytes, size, error);
    if (!status)
        *out = file_size(&idx);
    return status;
}

hpx_status hpx_idx_parse_header(hpx_idx *out, const uint8_t *bytes, size_t size, uint64_t file_bytes,
                                hpx_error *error)
{
    hpx_idx idx;
    hpx_status status = parse_header(&idx, bytes, size, error);
    if (status)
        return status;
    if (file_bytes != file_size(&idx))
        return hpx_error_set(error, HPX_FAILED, "%s: the header says %llu bytes, the file has %llu",
                             file_bytes < file_size(&idx) ? "truncated" : "bytes left over",
                             (unsigned long long)file_size(&idx), (unsigned long long)file_bytes);
    *out = idx;
    return HPX_OK;
}

size_t hpx_idx_header_bytes(const hpx_idx *idx)
{
    return header_bytes(idx->dimensions);
}

uint8_t hpx_idx_largest(const uint8_t *values, size_t count)
{
    uint8_t largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = values[i] > largest ? values[i] : largest;
    return largest;
}

hpx_status hpx_idx_parse(hpx_idx *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    hpx_status status = hpx_idx_parse_header(out, bytes, size, size, error);
    if (status)
        return status;
    out->values = bytes + header_bytes(out->dimensions);
    if (out->dimensions == 1)
        out->largest = hpx_idx_largest(out->values, out->count);
    return HPX_OK;
}
