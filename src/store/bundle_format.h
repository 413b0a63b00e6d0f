/* Inside bundles: what writer and reader share. The format is described in bundle.c. */
#ifndef HPX_STORE_BUNDLE_FORMAT_H
#define HPX_STORE_BUNDLE_FORMAT_H

#include "artifact.h"
#include "blobs.h"
#include "checkpoint.h"
#include "internal.h"
#include "record.h"
#include "sealed.h"
#include "transaction.h"

#include "store/bundle.h"

#define BUNDLE_MAGIC        "HPXB"
#define BUNDLE_VERSION      4
#define BUNDLE_MODELS       3 /* of one without results of programs */
#define BUNDLE_PIECE_BYTES  HPX_PIECE_BYTES
#define BUNDLE_HEADER_BYTES 8
#define BUNDLE_END_BYTES    (8 + HPX_HASH_BYTES)

enum bundle_kind {
    BUNDLE_CODE,
    BUNDLE_DATASET,
    BUNDLE_CONDITIONS,
    BUNDLE_MANIFEST,
    BUNDLE_RECORD,
    BUNDLE_CONFLICT,
    BUNDLE_LOG,
    BUNDLE_CHECKPOINT,
    BUNDLE_PIECE,
    BUNDLE_END,
    BUNDLE_KINDS,
};

/* By kind. An entry's key is the one its value has in the store. */
struct bundle_rule {
    char letter;
    enum database db; /* none for the end */
    uint8_t key_bytes;
    uint32_t payload_min, payload_max;
    const char *name;
};
extern const struct bundle_rule hpx_bundle_rules[BUNDLE_KINDS];

/* Of kind, key and payload. */
hpx_hash hpx_bundle_entry_hash(enum bundle_kind kind, const struct key *key, const void *payload,
                               size_t size);

#endif
