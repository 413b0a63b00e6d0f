#include "bytes.h"

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
