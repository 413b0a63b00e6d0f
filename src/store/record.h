/* Records of artifacts: fields, bytes, and what they were in format 1 (format_1.c). */
#ifndef HPX_STORE_RECORD_H
#define HPX_STORE_RECORD_H

#include "internal.h"

void hpx_artifact_fields(hpx_fields *out, const hpx_artifact *artifact);
void hpx_encode_artifact(hpx_buffer *out, const hpx_artifact *artifact);

/* What `output` of a record has to be, with the hasher of its checkpoint, which is freed; NULL: without one. */
hpx_hash hpx_artifact_output(const hpx_artifact *artifact, hpx_hasher *checkpoint);

/* format_1.c: whether the fields of a record are as format 1 has them, and to make them what hpx_encode_artifact
 * writes. HPX_DAMAGED, with the fields as they were, where they contradict each other. */
bool hpx_is_format_1_record(const hpx_fields *fields);
hpx_status hpx_upgrade_record(hpx_fields *fields, hpx_error *error);
/* All records of a store. */
hpx_status hpx_upgrade_format_1(hpx_store *store, MDB_txn *txn, hpx_error *error);

/* The cell is one of the set. */
hpx_status hpx_decode_artifact(hpx_artifact *out, hpx_cell_set *cells, const uint8_t *bytes, size_t size,
                               hpx_error *error);
/* HPX_NOT_FOUND when there is none; when it is damaged also, after reporting it. */
hpx_status hpx_get_artifact(hpx_artifact *out, hpx_store *store, MDB_txn *txn, const hpx_hash *key,
                            uint32_t epoch, hpx_error *error);

#endif
