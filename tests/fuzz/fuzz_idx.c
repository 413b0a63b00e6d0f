/* IDX files as a stranger may give them. The first byte chooses the way in: a file, a gzip'ed file, or the
 * four files of a data set, of which 16-bit sizes, little-endian, come first for all but the last. */
#include "fuzz.h"

#include "data/gzip.h"
#include "hpx/dataset.h"

#include <stdlib.h>

/* What every caller relies on: the values lie within the bytes and fill them to the end. */
static void check_idx(const hpx_idx *idx, const uint8_t *bytes, size_t size)
{
    uint64_t values = (uint64_t)idx->count * idx->item_bytes;
    if (values == 0 || idx->values != bytes + 4 + 4 * idx->dimensions || idx->values + values != bytes + size)
        abort();
}

static void parse(const uint8_t *bytes, size_t size)
{
    hpx_idx idx;
    hpx_error error;
    if (hpx_idx_parse(&idx, bytes, size, &error) == HPX_OK)
        check_idx(&idx, bytes, size);
}

static void gunzip(const uint8_t *bytes, size_t size)
{
    hpx_buffer out = {0};
    hpx_error error;
    hpx_idx idx;
    if (hpx_idx_gunzip(&out, bytes, size, &error) == HPX_OK) {
        if (hpx_idx_parse(&idx, out.data, out.size, &error) != HPX_OK)
            abort();
        check_idx(&idx, out.data, out.size);
    } else if (out.size != 0) {
        abort();
    }
    hpx_buffer_free(&out);
}

static void parse_dataset(const uint8_t *bytes, size_t size)
{
    hpx_buffer files[HPX_ROLES];
    hpx_dataset dataset;
    hpx_error error;
    if (size < 2 * (HPX_ROLES - 1))
        return;
    const uint8_t *sizes = bytes;
    bytes += 2 * (HPX_ROLES - 1);
    size -= 2 * (HPX_ROLES - 1);
    for (size_t role = 0; role < HPX_ROLES; role++) {
        size_t wanted = role == HPX_ROLES - 1 ? size : hpx_load_u16(sizes + 2 * role);
        files[role] = (hpx_buffer){.data = (uint8_t *)bytes, .size = wanted < size ? wanted : size};
        bytes += files[role].size;
        size -= files[role].size;
    }
    if (hpx_dataset_parse(&dataset, hpx_role_names, files, &error))
        return;
    for (size_t role = 0; role < HPX_ROLES; role++)
        check_idx(&dataset.files[role], files[role].data, files[role].size);
    if (dataset.classes < 1 || dataset.classes > 256 ||
        dataset.files[HPX_TRAIN_IMAGES].count != dataset.files[HPX_TRAIN_LABELS].count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ways[])(const uint8_t *, size_t) = {parse, gunzip, parse_dataset};
    if (size > 0)
        ways[data[0] % 3](data + 1, size - 1);
    return 0;
}
