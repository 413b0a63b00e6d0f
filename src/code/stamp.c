/* What was stamped into this binary. */
#include "hpx/code.h"

#include "files.h"

#include "base/text.h"

#include <string.h>

static void set_visible(hpx_fields *out, const char *name, const char *text)
{
    hpx_buffer shown = {0};
    hpx_text_show(&shown, text, strlen(text), "");
    hpx_fields_set_text(out, name, hpx_buffer_text(&shown));
    hpx_buffer_free(&shown);
}

void hpx_code_summary(hpx_fields *out, const hpx_code_stamp *stamp, const hpx_sources *trainer)
{
    hpx_fields_set_bytes(out, "version", trainer->version, HPX_CODE_BYTES);
    set_visible(out, "commit", stamp->commit);
    set_visible(out, "describe", stamp->describe);
    set_visible(out, "branch", stamp->branch);
    set_visible(out, "author-date", stamp->author_date);
    set_visible(out, "folder", stamp->folder);
    hpx_fields_set_count(out, "dirty", stamp->dirty);
    hpx_fields_set_bytes(out, "patch", stamp->patch, stamp->patch_size);
}

void hpx_code_fields(hpx_fields *out, const hpx_code_stamp *stamp, const hpx_sources *trainer)
{
    hpx_code_summary(out, stamp, trainer);
    if (stamp->files_size > 0)
        hpx_fields_set_bytes(out, "files", stamp->files, stamp->files_size);
}

bool hpx_code_is_dirty(const hpx_fields *code)
{
    const hpx_field *dirty = hpx_fields_find(code, "dirty");
    return dirty && dirty->count;
}

hpx_status hpx_code_fingerprint(hpx_hash *out, const char *root, const char *sources, hpx_error *error)
{
    code_files files;
    hpx_buffer prints = {0}; /* of each file: path, NUL, mode, hash of its bytes */
    hpx_status status = hpx_code_files_read_trainer(&files, root, sources, error);
    if (status)
        return status;
    for (size_t i = 0; i < files.count; i++) {
        const code_file *file = &files.files[i];
        const hpx_hash hash = hpx_hash_of(file->bytes.data, file->bytes.size);
        hpx_buffer_add(&prints, file->path, strlen(file->path) + 1);
        hpx_buffer_u32(&prints, file->mode);
        hpx_buffer_add(&prints, hash.bytes, HPX_HASH_BYTES);
    }
    *out = hpx_hash_of(prints.data, prints.size);
    hpx_buffer_free(&prints);
    hpx_code_files_free(&files);
    return HPX_OK;
}

bool hpx_code_is_stale(uint8_t now[HPX_CODE_BYTES], const char *root, const hpx_sources *trainer)
{
    hpx_hash fingerprint;
    hpx_error error;
    if (hpx_code_fingerprint(&fingerprint, root, trainer->names, &error) != HPX_OK ||
        hpx_hash_equal(&fingerprint, &trainer->fingerprint))
        return false;
    return hpx_code_version(now, root, trainer->names, &error) == HPX_OK &&
           memcmp(now, trainer->version, HPX_CODE_BYTES) != 0;
}
