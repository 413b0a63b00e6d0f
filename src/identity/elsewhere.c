#include "identity/elsewhere.h"

#include "hpx/buffer.h"
#include "hpx/file.h"
#include "identity/manifest.h"

#include <stdlib.h>

#define BYTES_MAX ((size_t)1 << 20)

/* None where there is no such file, or it is damaged. */
static void read_all(hpx_fields *out, const char *path)
{
    hpx_buffer bytes = {0};
    hpx_error unknown;
    *out = (hpx_fields){0};
    if (hpx_file_read(&bytes, path, BYTES_MAX, &unknown) == HPX_OK)
        (void)hpx_fields_decode(out, bytes.data, bytes.size, &unknown);
    hpx_buffer_free(&bytes);
}

bool hpx_elsewhere_recall(hpx_fields *binary, const char *path, const char *trainer)
{
    hpx_fields all, seen = {0};
    hpx_error unknown;
    const uint8_t *bytes;
    size_t size;
    read_all(&all, path);
    const bool known = hpx_fields_find(&all, trainer) &&
                       hpx_fields_bytes(&bytes, &size, &all, trainer, &unknown) == HPX_OK &&
                       hpx_fields_decode(&seen, bytes, size, &unknown) == HPX_OK;
    if (known)
        hpx_manifest_set_numerics(binary, &seen);
    hpx_fields_free(&seen);
    hpx_fields_free(&all);
    return known;
}

void hpx_elsewhere_remember(const char *path, const char *trainer, const hpx_fields *binary)
{
    hpx_fields all, numerics = {0};
    hpx_buffer bytes = {0};
    hpx_error unknown;
    char *folder = hpx_path_directory(path);
    read_all(&all, path);
    hpx_manifest_add_numerics(&numerics, binary);
    hpx_fields_encode(&bytes, &numerics);
    hpx_fields_set_bytes(&all, trainer, bytes.data, bytes.size);
    bytes.size = 0;
    hpx_fields_encode(&bytes, &all);
    if (hpx_make_directories(folder, &unknown) == HPX_OK)
        (void)hpx_file_write(path, bytes.data, bytes.size, &unknown);
    hpx_buffer_free(&bytes);
    hpx_fields_free(&numerics);
    hpx_fields_free(&all);
    free(folder);
}
