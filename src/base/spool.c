#include "base/spool.h"

#include "base/memory.h"
#include "hpx/blob.h"

#include <stdio.h>
#include <stdlib.h>

struct hpx_spool {
    FILE *file;
};

static hpx_status spool_failed(hpx_error *error)
{
    return hpx_error_errno(error, "cannot keep bytes meanwhile; set TMPDIR to a folder with room");
}

hpx_status hpx_spool_new(hpx_spool **out, hpx_error *error)
{
    hpx_blob blob;
    *out = NULL;
    hpx_status status = hpx_blob_new_file(&blob, error);
    if (status)
        return status;
    FILE *file = fdopen(blob.fd, "w+b");
    if (!file) {
        status = spool_failed(error);
        hpx_blob_close(&blob);
        return status;
    }
    *out = hpx_alloc(sizeof **out);
    (*out)->file = file;
    return HPX_OK;
}

void hpx_spool_free(hpx_spool *spool)
{
    if (spool)
        fclose(spool->file);
    free(spool);
}

hpx_status hpx_spool_add(hpx_spool *spool, const void *bytes, size_t size, hpx_error *error)
{
    return fwrite(bytes, 1, size, spool->file) == size ? HPX_OK : spool_failed(error);
}

hpx_status hpx_spool_rewind(hpx_spool *spool, hpx_error *error)
{
    return fseek(spool->file, 0, SEEK_SET) == 0 ? HPX_OK : spool_failed(error);
}

hpx_status hpx_spool_read(hpx_spool *spool, void *bytes, size_t size, size_t *got, hpx_error *error)
{
    *got = fread(bytes, 1, size, spool->file);
    return *got == 0 && ferror(spool->file) ? spool_failed(error) : HPX_OK;
}
