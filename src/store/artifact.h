/* What stands around an artifact: its manifest, second outputs, marks, pins, and what is valid. */
#ifndef HPX_STORE_ARTIFACT_H
#define HPX_STORE_ARTIFACT_H

#include "internal.h"

/* The one name in a database that begins with these hexadecimal digits, as hpx_store_find_key. */
hpx_status hpx_find_name(hpx_hash *out, hpx_store *store, enum database db, const char *prefix,
                         hpx_error *error);

/* Calls for every value of a database of fields under hashes. */
hpx_status hpx_each_fields(hpx_store *store, enum database db, hpx_manifest_fn *each, void *context,
                           hpx_error *error);
/* What a put has met. */
enum put_outcome {
    PUT_NEW,
    PUT_KNOWN,       /* a run that is alike is stored */
    PUT_BESIDE,      /* it was put beside the stored one, as a replicate */
    PUT_CONTRADICTS, /* the stored one, and was not put */
};

/* Puts manifest and record where they are missing or damaged, or a replicate. HPX_DIFFERS when another manifest has
 * the key, and with PUT_CONTRADICTS. */
hpx_status hpx_put_artifact(enum put_outcome *out, hpx_store *store, MDB_txn *txn, const hpx_buffer *manifest,
                            const hpx_artifact *artifact, const hpx_comparison *comparison, hpx_error *error);

/* imports.c: the mark of a record, or with epoch 0 of a code version. */
hpx_status hpx_mark_import(hpx_store *store, MDB_txn *txn, const hpx_hash *key, uint32_t epoch,
                           const hpx_fields *mark, hpx_error *error);
hpx_status hpx_copy_import(hpx_store *store, MDB_txn *txn, const hpx_hash *from, const hpx_hash *to,
                           uint32_t epoch, hpx_error *error);

/* In a transaction of its own; nothing happens if there is no mark. */
hpx_status hpx_unmark_import(hpx_store *store, const hpx_hash *key, uint32_t epoch, hpx_error *error);

/* validate.c */
/* HPX_DAMAGED with what is wrong with a manifest, a code version or a data set. */
hpx_status hpx_validate_fields(const hpx_store *store, enum database db, const hpx_fields *fields,
                               hpx_error *error);
/* What is wrong with a record, whose manifest this is; NULL: nothing. */
const char *hpx_validate_artifact(const hpx_artifact *artifact, const hpx_fields *manifest);

/* space.c */
hpx_status hpx_find_pin(bool *pinned, hpx_store *store, MDB_txn *txn, const hpx_hash *key, hpx_error *error);

/* conflict.c: a later run of an epoch that has one. */
struct key hpx_key_of_later(const hpx_artifact *later);
hpx_status hpx_put_later(hpx_store *store, MDB_txn *txn, const hpx_artifact *later, hpx_error *error);
/* hpx_store_each_conflict within a transaction. *damaged: how many could not be read, which were reported. */
hpx_status hpx_each_conflict(uint64_t *damaged, hpx_store *store, MDB_txn *txn, const hpx_hash *only,
                             hpx_artifact_fn *each, void *context, hpx_error *error);

#endif
