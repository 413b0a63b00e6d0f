/* Records as format 1 has them: each of the six metrics that there were is a field of its own, and a failure has
 * them too, as NaN, which its output takes in. The first writer that finds a store of format 1 upgrades it, in
 * one transaction; readers take such records as they are. */
#include "internal.h"
#include "record.h"
#include "sealed.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"train_loss",          "train_accuracy", "validation_loss",
                                    "validation_accuracy", "test_loss",      "test_accuracy"};
#define NAMES (sizeof names / sizeof *names)

static bool is_metric(const char *name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The metrics of a failure are none, and its output is the hash of the reason alone. */
static hpx_status read_failure(hpx_hash *output, hpx_metrics *metrics, const hpx_fields *fields,
                               hpx_error *error)
{
    const char *reason;
    hpx_hash stored;
    hpx_status status = hpx_fields_text(&reason, fields, "failure", error);
    if (!status)
        status = hpx_fields_hash(&stored, fields, "output", error);
    if (status)
        return status;
    const hpx_hash hash = hpx_output_hash(metrics, (const uint8_t *)reason, strlen(reason));
    for (size_t i = 0; i < metrics->count; i++)
        if (!isnan(metrics->list[i].value))
            return hpx_error_set(error, HPX_DAMAGED, "a failure with metrics");
    if (!hpx_hash_equal(&hash, &stored))
        return hpx_error_set(error, HPX_DAMAGED, "a failure with the output of another one");
    hpx_metrics_free(metrics);
    *output = hpx_failure_hash(reason);
    return HPX_OK;
}

bool hpx_is_format_1_record(const hpx_fields *fields)
{
    return hpx_fields_find(fields, names[0]) != NULL;
}

hpx_status hpx_upgrade_record(hpx_fields *fields, hpx_error *error)
{
    const bool failed = hpx_fields_find(fields, "failure") != NULL;
    hpx_metrics metrics = {0};
    hpx_hash output;
    hpx_status status = HPX_OK;
    if (hpx_fields_find(fields, "metric.names") || hpx_fields_find(fields, "metric.values"))
        return hpx_error_set(error, HPX_DAMAGED, "metrics as of two formats");
    for (size_t i = 0; i < NAMES && !status; i++) {
        double value = NAN;
        status = hpx_fields_real(&value, fields, names[i], error);
        hpx_metrics_set(&metrics, names[i], value);
    }
    if (!status && failed)
        status = read_failure(&output, &metrics, fields, error);
    if (!status) {
        hpx_fields upgraded = {0};
        for (size_t i = 0; i < fields->count; i++)
            if (!is_metric(fields->fields[i].name))
                hpx_fields_set(&upgraded, &fields->fields[i]);
        hpx_metrics_to_fields(&upgraded, &metrics);
        if (failed)
            hpx_fields_set_hash(&upgraded, "output", &output);
        hpx_fields_free(fields);
        *fields = upgraded;
    }
    hpx_metrics_free(&metrics);
    return status;
}

/* --- a whole store --- */

/* Moves `key` to the first key that is above it or, if it is empty, to the first of all. */
static int find_next(MDB_val *value, struct key *key, MDB_cursor *cursor)
{
    MDB_val name = {.mv_size = key->size, .mv_data = key->bytes};
    int code = mdb_cursor_get(cursor, &name, value, key->size > 0 ? MDB_SET_RANGE : MDB_FIRST);
    if (code == 0 && name.mv_size == key->size && memcmp(name.mv_data, key->bytes, key->size) == 0)
        code = mdb_cursor_get(cursor, &name, value, MDB_NEXT);
    if (code == 0 && name.mv_size > sizeof key->bytes)
        return MDB_BAD_VALSIZE;
    if (code == 0) {
        key->size = name.mv_size;
        memcpy(key->bytes, name.mv_data, name.mv_size);
    }
    return code;
}

/* A second output stands under its hash, which of a failure is another one now. */
static hpx_status put_upgraded(struct key *key, hpx_store *store, MDB_txn *txn, enum database db,
                               const hpx_fields *fields, hpx_error *error)
{
    hpx_hash output;
    hpx_buffer record = {0};
    struct key before = *key;
    hpx_status status = hpx_fields_hash(&output, fields, "output", error);
    if (!status && db == DB_CONFLICTS)
        memcpy(key->bytes + HPX_HASH_BYTES + 4, output.bytes, HPX_HASH_BYTES);
    if (!status && memcmp(before.bytes, key->bytes, key->size) != 0)
        status = hpx_delete_key(store, txn, db, &before, error);
    hpx_fields_encode(&record, fields);
    if (!status)
        status = hpx_put_sealed(store, txn, db, key, record.data, record.size, error);
    hpx_buffer_free(&record);
    return status;
}

/* A damaged record stays what it is, for verify to report. */
static hpx_status upgrade_value(hpx_store *store, MDB_txn *txn, enum database db, const struct key *at,
                                const MDB_val *value, hpx_error *error)
{
    struct key key = *at;
    hpx_error damage;
    hpx_fields fields = {0};
    const MDB_val name = {.mv_size = key.size, .mv_data = key.bytes};
    const bool whole =
        hpx_is_sealed(db, &name, value) &&
        hpx_fields_decode(&fields, value->mv_data, value->mv_size - SEAL_BYTES, &damage) == HPX_OK &&
        hpx_is_format_1_record(&fields) && hpx_upgrade_record(&fields, &damage) == HPX_OK;
    hpx_status status = whole ? put_upgraded(&key, store, txn, db, &fields, error) : HPX_OK;
    hpx_fields_free(&fields);
    return status;
}

static hpx_status upgrade_database(hpx_store *store, MDB_txn *txn, enum database db, hpx_error *error)
{
    MDB_cursor *cursor;
    MDB_val value;
    struct key at = {.size = 0};
    hpx_status status = HPX_OK;
    int code = mdb_cursor_open(txn, store->databases[db], &cursor);
    if (code != 0)
        return hpx_lmdb_failed(store, code, error);
    while (!status && (code = find_next(&value, &at, cursor)) == 0)
        status = upgrade_value(store, txn, db, &at, &value, error);
    mdb_cursor_close(cursor);
    return status || code == MDB_NOTFOUND ? status : hpx_lmdb_failed(store, code, error);
}

hpx_status hpx_upgrade_format_1(hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    hpx_status status = upgrade_database(store, txn, DB_RECORDS, error);
    return status ? status : upgrade_database(store, txn, DB_CONFLICTS, error);
}
