/* A bundle that is read, from the inside: bundle_stream.c gives its entries, one after the other, each whole and as its hash
 * says; bundle_records.c and bundle_checkpoint.c put them into the store; bundle_read.c says which belongs where. */
#ifndef HPX_STORE_BUNDLE_READER_H
#define HPX_STORE_BUNDLE_READER_H

#include "bundle_format.h"

#include "base/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The place of an entry in the order of a bundle: compared as bytes, a prefix before what it begins. */
struct place {
    uint8_t bytes[2 + KEY_BYTES_MAX];
    size_t size;
};

/* The checkpoint whose pieces are coming. */
struct incoming {
    bool open, skipped;
    hpx_artifact artifact;
    struct checkpoint_entry entry;
    uint32_t next;
    hpx_hasher *whole, *output;
    struct staged staged; /* its blob has what has come: a large one in a file of the store, else in memory */
};

struct bundle_reader {
    hpx_store *store;
    MDB_txn *txn;
    const char *name;
    const hpx_bundle_origin *origin; /* of parts; NULL: a whole bundle */
    hpx_hash key_of_origin;
    hpx_read_fn *read;
    void *context;
    hpx_spool *spool;
    bool spooled; /* the bundle is read from there */
    uint32_t version;
    uint32_t piece_bytes; /* of a checkpoint; the last has fewer */
    uint64_t at;          /* bytes read */
    hpx_hasher *all;
    uint64_t entries;
    struct place last;
    struct incoming incoming;
    hpx_imported *done;
    hpx_fields mark;       /* of what is new */
    hpx_hash manifest_key; /* of the manifest below */
    hpx_fields manifest;   /* of the trajectory at hand */
    /* Key and epoch of the last replicate of what is stored: the rest of that run stays out. */
    hpx_artifact beside;
    /* The entry at hand. */
    uint64_t entry_at;
    enum bundle_kind kind;
    struct key key;
    hpx_buffer payload;
};

/* bundle_stream.c */

hpx_status hpx_bundle_refuse_at(const struct bundle_reader *reader, uint64_t offset, hpx_error *error,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The entry at hand is wrong: names it. */
hpx_status hpx_bundle_entry_failed(const struct bundle_reader *reader, hpx_status status, const char *what,
                                   hpx_error *error);
hpx_status hpx_bundle_refuse(const struct bundle_reader *reader, const char *what, hpx_error *error);
hpx_status hpx_bundle_read_some(struct bundle_reader *reader, void *bytes, size_t size, size_t *got,
                                hpx_error *error);
hpx_status hpx_bundle_read_header(struct bundle_reader *reader, hpx_error *error);
/* Makes the next entry the one at hand, and checks it against its hash. */
hpx_status hpx_bundle_read_entry(struct bundle_reader *reader, hpx_error *error);

/* bundle_records.c */

/* The entry at hand goes into the store; with the mark of an import of that epoch. */
hpx_status hpx_bundle_put(struct bundle_reader *reader, hpx_error *error);
hpx_status hpx_bundle_put_marked(struct bundle_reader *reader, uint32_t epoch, hpx_error *error);
/* What the store, or the bundle before, has under a hash. */
hpx_status hpx_bundle_find_fields(hpx_fields *out, struct bundle_reader *reader, enum database db,
                                  const hpx_hash *hash, hpx_error *error);
/* Whether a record is one that its manifest allows. */
hpx_status hpx_bundle_validate(struct bundle_reader *reader, const hpx_artifact *artifact, hpx_error *error);
/* Whether what is stored of the epoch is another run: what belongs to this one stays out. */
bool hpx_bundle_is_beside(const struct bundle_reader *reader, const hpx_hash *key, uint32_t epoch);
/* The entry at hand: a record, a later run of an epoch, a log. */
hpx_status hpx_bundle_take_record(struct bundle_reader *reader, hpx_error *error);
hpx_status hpx_bundle_take_conflict(struct bundle_reader *reader, hpx_error *error);
hpx_status hpx_bundle_take_log(struct bundle_reader *reader, hpx_error *error);

/* bundle_checkpoint.c: the entry at hand, and the pieces that follow it. */
hpx_status hpx_bundle_take_checkpoint(struct bundle_reader *reader, hpx_error *error);
hpx_status hpx_bundle_take_piece(struct bundle_reader *reader, hpx_error *error);

#endif
