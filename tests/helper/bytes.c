#include "bytes.h"

#include "hpx/fields.h"

hpx_buffer numbered_manifest(uint64_t number)
{
    hpx_fields fields = {0};
    hpx_buffer manifest = {0};
    hpx_fields_set_count(&fields, "number", number);
    hpx_fields_encode(&manifest, &fields);
    hpx_fields_free(&fields);
    return manifest;
}

hpx_hash numbered_key(uint64_t number)
{
    hpx_buffer manifest = numbered_manifest(number);
    const hpx_hash key = hpx_hash_of(manifest.data, manifest.size);
    hpx_buffer_free(&manifest);
    return key;
}

hpx_status put_bytes(hpx_store *store, const hpx_buffer *manifest, const hpx_artifact *artifact,
                     const void *checkpoint, size_t size, const hpx_put_options *options, hpx_error *error)
{
    hpx_blob blob;
    hpx_status status = hpx_blob_from_bytes(&blob, checkpoint, size, error);
    if (status)
        return status;
    status = hpx_store_put(store, manifest, artifact, &blob, options, error);
    hpx_blob_close(&blob);
    return status;
}

static hpx_status append(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    hpx_buffer_add(context, bytes, size);
    return HPX_OK;
}

hpx_status get_newest_bytes(uint32_t *epoch, hpx_buffer *checkpoint, hpx_store *store, const hpx_hash *key,
                            uint32_t epoch_max, hpx_error *error)
{
    hpx_blob blob;
    hpx_status status = hpx_store_newest_checkpoint(epoch, &blob, store, key, epoch_max, error);
    if (status)
        return status;
    status = hpx_blob_each_piece(&blob, append, checkpoint, error);
    hpx_blob_close(&blob);
    return status;
}
