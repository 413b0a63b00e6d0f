#include "numbered.h"

#include "base/memory.h"

#include "../helper/bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const numbered_state_names[] = {"absent", "whole", "bare", "wrong", "failed"};

static hpx_fields record(const char *text)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "describe", text);
    return fields;
}

hpx_status numbered_records(hpx_store *store, hpx_error *error)
{
    hpx_fields code = record("code of the fault tests"), dataset = record("data of the fault tests");
    hpx_status status = hpx_store_put_record(store, HPX_RECORD_CODE, &code, error);
    if (!status)
        status = hpx_store_put_record(store, HPX_RECORD_DATASET, &dataset, error);
    hpx_fields_free(&code);
    hpx_fields_free(&dataset);
    return status;
}

/* SplitMix64: G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

struct numbered {
    hpx_buffer manifest;
    hpx_artifact artifact;
    uint8_t *checkpoint;
};

static hpx_hash id_of(const char *text)
{
    hpx_fields fields = record(text);
    hpx_hash id = hpx_record_id(&fields);
    hpx_fields_free(&fields);
    return id;
}

static uint8_t *make_checkpoint(uint64_t number, uint32_t epoch, size_t size)
{
    uint64_t *words = hpx_alloc(size + 8);
    for (size_t i = 0; i < size / 8 + 1; i++)
        words[i] = mix((number << 40) + ((uint64_t)epoch << 32) + i * 0x9e3779b97f4a7c15);
    return (uint8_t *)words;
}

static struct numbered make(uint64_t number, uint32_t epoch, size_t size)
{
    struct numbered made = {.checkpoint = make_checkpoint(number, epoch, size)};
    hpx_fields fields = {0};
    hpx_fields_set_count(&fields, "number", number);
    hpx_fields_encode(&made.manifest, &fields);
    hpx_fields_free(&fields);
    made.artifact = (hpx_artifact){
        .key = hpx_hash_of(made.manifest.data, made.manifest.size),
        .epoch = epoch,
        .code = id_of("code of the fault tests"),
        .dataset = id_of("data of the fault tests"),
        .cell = {"n1\0"
                 "128",
                 7},
        .seed = number,
        .host = "fault",
        .started_ns = 1700000000123456789,
        .seconds = 1.5,
    };
    hpx_metrics_set(&made.artifact.metrics, "loss", 1.0 / epoch);
    hpx_metrics_set(&made.artifact.metrics, "number", (double)number);
    hpx_metrics_set(&made.artifact.metrics, "nothing", NAN);
    made.artifact.output = hpx_output_hash(&made.artifact.metrics, made.checkpoint, size);
    return made;
}

static void unmake(struct numbered *made)
{
    hpx_buffer_free(&made->manifest);
    hpx_artifact_free(&made->artifact);
    free(made->checkpoint);
}

hpx_status numbered_put(hpx_store *store, uint64_t number, uint32_t epoch, size_t size, hpx_error *error)
{
    struct numbered made = make(number, epoch, size);
    hpx_status status = put_bytes(store, &made.manifest, &made.artifact, made.checkpoint, size, NULL, error);
    unmake(&made);
    return status;
}

static bool same(const hpx_artifact *a, const hpx_artifact *b)
{
    if (!hpx_artifact_same_output(a, b))
        return false;
    for (size_t i = 0; i < a->metrics.count; i++)
        if (!(a->metrics.list[i].value == b->metrics.list[i].value ||
              (isnan(a->metrics.list[i].value) && isnan(b->metrics.list[i].value))))
            return false;
    return hpx_hash_equal(&a->key, &b->key) && a->epoch == b->epoch && a->parent == b->parent &&
           hpx_hash_equal(&a->code, &b->code) && hpx_hash_equal(&a->dataset, &b->dataset) &&
           a->cell.size == b->cell.size && memcmp(a->cell.pairs, b->cell.pairs, a->cell.size) == 0 &&
           a->seed == b->seed && strcmp(a->host, b->host) == 0 && a->started_ns == b->started_ns &&
           a->seconds == b->seconds;
}

static numbered_state check_checkpoint(hpx_store *store, const struct numbered *made, uint64_t number,
                                       size_t size, hpx_error *error)
{
    uint32_t found;
    hpx_buffer bytes = {0};
    hpx_status status = get_newest_bytes(&found, &bytes, store, &made->artifact.key, UINT32_MAX, error);
    numbered_state state = NUMBERED_WHOLE;
    if (status)
        state = status == HPX_NOT_FOUND ? NUMBERED_BARE : NUMBERED_FAILED;
    else if (found < made->artifact.epoch)
        state = NUMBERED_BARE;
    if (!status) {
        uint8_t *right = make_checkpoint(number, found, size);
        if (bytes.size != size || memcmp(bytes.data, right, size) != 0)
            state = NUMBERED_WRONG;
        free(right);
    }
    hpx_buffer_free(&bytes);
    return state;
}

numbered_state numbered_check(hpx_store *store, uint64_t number, uint32_t epoch, size_t size,
                              hpx_error *error)
{
    struct numbered made = make(number, epoch, size);
    hpx_artifact got;
    numbered_state state;
    hpx_status status = hpx_store_get(&got, store, &made.artifact.key, epoch, &made.manifest, error);
    if (status)
        state = status == HPX_NOT_FOUND ? NUMBERED_ABSENT : NUMBERED_FAILED;
    else if (!same(&got, &made.artifact))
        state = NUMBERED_WRONG;
    else
        state = check_checkpoint(store, &made, number, size, error);
    if (!status)
        hpx_artifact_free(&got);
    unmake(&made);
    return state;
}

uint32_t numbered_newest(hpx_store *store, uint64_t number)
{
    uint32_t epoch = 0;
    hpx_error error;
    struct numbered made = make(number, 1, 0);
    if (hpx_store_newest_checkpoint_epoch(&epoch, store, &made.artifact.key, UINT32_MAX, &error) != HPX_OK)
        epoch = 0;
    unmake(&made);
    return epoch;
}
