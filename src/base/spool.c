#include "base/spool.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct hpx_spool {
    FILE *file;
    const char *folder;
};

/* Not all file systems make files without a name. */
static int open_nameless(const char *folder)
{
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0)
        return file;
    char *path = hpx_format("%s/hpx-spool-XXXXXX", folder);
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    free(path);
    return file;
}

static hpx_status spool_failed(const hpx_spool *spool, hpx_error *error)
{
    return hpx_error_errno(error, "%s: cannot keep bytes there meanwhile; set TMPDIR to a folder with room",
                           spool->folder);
}

hpx_status hpx_spool_new(hpx_spool **out, hpx_error *error)
{
    const char *variable = getenv("TMPDIR");
    hpx_spool *spool = hpx_alloc(sizeof *spool);
    *out = spool;
    spool->folder = variable && *variable ? variable : access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
    int file = open_nameless(spool->folder);
    spool->file = file < 0 ? NULL : fdopen(file, "w+b");
    if (spool->file)
        return HPX_OK;
    hpx_status status = spool_failed(spool, error);
    if (file >= 0)
        close(file);
    hpx_spool_free(spool);
    *out = NULL;
    return status;
}

void hpx_spool_free(hpx_spool *spool)
{
    if (spool && spool->file)
        fclose(spool->file);
    free(spool);
}

hpx_status hpx_spool_add(hpx_spool *spool, const void *bytes, size_t size, hpx_error *error)
{
    return fwrite(bytes, 1, size, spool->file) == size ? HPX_OK : spool_failed(spool, error);
}

hpx_status hpx_spool_rewind(hpx_spool *spool, hpx_error *error)
{
    return fseek(spool->file, 0, SEEK_SET) == 0 ? HPX_OK : spool_failed(spool, error);
}

hpx_status hpx_spool_read(hpx_spool *spool, void *bytes, size_t size, size_t *got, hpx_error *error)
{
    *got = fread(bytes, 1, size, spool->file);
    return *got == 0 && ferror(spool->file) ? spool_failed(spool, error) : HPX_OK;
}
