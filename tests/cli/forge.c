/* Copies a store as a machine that miscomputes might have filled it: in every epoch of one trajectory the
 * test loss is a little off. All of it is well-formed, so only a second training can tell. Every epoch must
 * have its checkpoint.
 *
 *     forge FROM TO KEY */
#include "hpx/store.h"

#include "../helper/bytes.h"

#include <math.h>
#include <stdio.h>

struct forge {
    hpx_store *from, *to;
    hpx_hash key;
};

static hpx_status copy_record(struct forge *forge, hpx_record_kind kind, const hpx_hash *id, hpx_error *error)
{
    hpx_fields fields = {0};
    hpx_status status = hpx_store_get_record(&fields, forge->from, kind, id, error);
    if (!status)
        status = hpx_store_put_record(forge->to, kind, &fields, error);
    hpx_fields_free(&fields);
    return status;
}

static hpx_status copy(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct forge *forge = context;
    hpx_artifact made = hpx_artifact_copy(artifact);
    hpx_fields manifest = {0};
    hpx_buffer encoded = {0}, checkpoint = {0};
    uint32_t epoch = 0;
    hpx_status status = hpx_store_manifest(&manifest, forge->from, &made.key, error);
    if (!status)
        status = copy_record(forge, HPX_RECORD_CODE, &made.code, error);
    if (!status)
        status = copy_record(forge, HPX_RECORD_DATASET, &made.dataset, error);
    if (!status)
        status = get_newest_bytes(&epoch, &checkpoint, forge->from, &made.key, made.epoch, error);
    if (!status && hpx_hash_equal(&made.key, &forge->key)) {
        const double loss = hpx_metrics_value(&made.metrics, "test_loss");
        hpx_metrics_set(&made.metrics, "test_loss", nextafter(loss, INFINITY));
        made.output = hpx_output_hash(&made.metrics, checkpoint.data, checkpoint.size);
    }
    hpx_fields_encode(&encoded, &manifest);
    if (!status)
        status = put_bytes(forge->to, &encoded, &made, checkpoint.data, checkpoint.size, NULL, error);
    hpx_buffer_free(&encoded);
    hpx_buffer_free(&checkpoint);
    hpx_fields_free(&manifest);
    hpx_artifact_free(&made);
    return status;
}

int main(int argc, char **argv)
{
    struct forge forge = {0};
    hpx_error error;
    if (argc != 4)
        return 2;
    hpx_status status = hpx_store_open(&forge.from, argv[1], HPX_STORE_READ, &error);
    if (!status)
        status = hpx_store_find_key(&forge.key, forge.from, argv[3], &error);
    if (!status)
        status = hpx_store_open(&forge.to, argv[2], HPX_STORE_WRITE, &error);
    if (!status)
        status = hpx_store_each(forge.from, NULL, copy, &forge, &error);
    if (status)
        fprintf(stderr, "forge: %s\n", error.message);
    hpx_store_close(forge.to);
    hpx_store_close(forge.from);
    return status != HPX_OK;
}
