#include "hpx/verdict.h"

const char *const hpx_verdict_names[HPX_VERDICTS] = {"hit", "extend", "train"};

hpx_status hpx_verdict_find(hpx_verdict *verdict, uint32_t *from, hpx_artifact *hit, hpx_store *store,
                            const hpx_hash *key, const hpx_buffer *manifest, uint32_t epochs,
                            hpx_error *error)
{
    *verdict = HPX_TRAIN;
    *from = 0;
    if (!store)
        return HPX_OK;
    hpx_status status = hpx_store_find(hit, store, key, epochs, manifest, error);
    if (status == HPX_OK)
        *verdict = HPX_HIT;
    if (status != HPX_NOT_FOUND)
        return status;
    status = hpx_store_newest_checkpoint_epoch(from, store, key, epochs - 1, error);
    if (status == HPX_OK && *from > 0)
        *verdict = HPX_EXTEND;
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}
