#include "identity/trained.h"

hpx_status hpx_trained_checkpoint(uint32_t *epoch, hpx_blob *checkpoint, hpx_store *store,
                                  const hpx_hash *key, uint32_t epoch_max, hpx_error *error)
{
    const hpx_status status = hpx_store_newest_checkpoint(epoch, checkpoint, store, key, epoch_max, error);
    if (status == HPX_NOT_FOUND)
        hpx_error_set(
            error, HPX_NOT_FOUND,
            "no checkpoint of it is stored; `hpx build -B` trains it again, and `keep` in the recipe says "
            "what stays");
    return status;
}

/* Whether the training has failed, after whichever epoch. */
static hpx_status check_success(hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    hpx_artifact last = {.epoch = 0};
    hpx_error none;
    hpx_status status = HPX_OK;
    if (hpx_store_find(&last, store, key, UINT32_MAX, NULL, &none) == HPX_OK && *last.failure)
        status =
            hpx_error_set(error, HPX_FAILED, "its training failed in epoch %u (%s), so there is no network",
                          last.epoch, last.failure);
    hpx_artifact_free(&last);
    return status;
}

static hpx_status open_network(hpx_trained *out, hpx_store *store, const hpx_hash *key, uint32_t epoch_max,
                               hpx_error *error)
{
    uint32_t epoch;
    hpx_error none;
    hpx_blob checkpoint = HPX_NO_BLOB;
    hpx_status status = hpx_trained_checkpoint(&epoch, &checkpoint, store, key, epoch_max, error);
    if (!status)
        status = hpx_store_get(&out->artifact, store, key, epoch, NULL, error);
    if (!status)
        status =
            hpx_store_get_record(&out->dataset, store, HPX_RECORD_DATASET, &out->artifact.dataset, error);
    if (!status)
        status = hpx_network_open(&out->network, &out->manifest, &out->dataset, epoch, &checkpoint, error);
    if (!status)
        (void)hpx_store_get_record(&out->code, store, HPX_RECORD_CODE, &out->artifact.code, &none);
    hpx_blob_close(&checkpoint);
    return status;
}

hpx_status hpx_trained_open(hpx_trained *out, hpx_store *store, const hpx_hash *key, uint32_t epoch_max,
                            hpx_error *error)
{
    *out = (hpx_trained){.artifact = {.epoch = 0}};
    hpx_status status = hpx_store_manifest(&out->manifest, store, key, error);
    if (!status && !hpx_network_kind_of(&out->manifest))
        status = hpx_error_set(
            error, HPX_USAGE,
            "hpx reads no network from checkpoints of '%s'; `hpx export --checkpoint` writes their "
            "files",
            hpx_fields_text_or_empty(&out->manifest, "model.kind"));
    if (!status)
        status = check_success(store, key, error);
    if (!status)
        status = open_network(out, store, key, epoch_max, error);
    if (status)
        hpx_trained_close(out);
    return status;
}

hpx_status hpx_trained_find(hpx_trained *out, hpx_store *store, const char *prefix, hpx_error *error)
{
    hpx_hash key;
    *out = (hpx_trained){.artifact = {.epoch = 0}};
    if (!store)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key; the store is empty", prefix);
    hpx_status status = hpx_store_find_key(&key, store, prefix, error);
    if (status)
        return status;
    status = hpx_trained_open(out, store, &key, UINT32_MAX, error);
    return status ? hpx_error_prefix(error, "%s", prefix) : HPX_OK;
}

void hpx_trained_close(hpx_trained *trained)
{
    hpx_network_close(&trained->network);
    hpx_artifact_free(&trained->artifact);
    hpx_fields_free(&trained->manifest);
    hpx_fields_free(&trained->code);
    hpx_fields_free(&trained->dataset);
}
