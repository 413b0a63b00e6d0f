/* Bundles: results in one stream of bytes, to be carried from one store to another. Written and read front to
 * back without seeking, a chunk of a checkpoint at a time. A bundle is checked for damage and for
 * consistency, not for honesty: its hashes do not stop someone who wants to deceive. The bytes are described
 * in src/store/bundle.c. */
#ifndef HPX_BUNDLE_H
#define HPX_BUNDLE_H

#include "hpx/error.h"
#include "hpx/hash.h"
#include "hpx/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes all the bytes; the store is being read meanwhile, so it may not wait for others (hpx/spool.h). What
 * is not HPX_OK ends the export with that status. */
typedef hpx_status hpx_write_fn(void *context, const void *bytes, size_t size, hpx_error *error);
/* Puts up to `size` bytes (more than none) there and says how many; none: the end. */
typedef hpx_status hpx_read_fn(void *context, void *bytes, size_t size, size_t *got, hpx_error *error);

typedef struct hpx_exported {
    uint64_t trajectories, artifacts, checkpoints;
    uint64_t conflicts; /* later runs that contradict an artifact */
    uint64_t replicates, logs;
    uint64_t left_out; /* damaged, or without what they refer to; reported as damage */
    uint64_t bytes;
    uint32_t epoch, checkpoint_epoch; /* the newest of the last trajectory; 0: there is none */
} hpx_exported;

/* What goes into a bundle beside results. */
typedef struct hpx_bundle_options {
    bool checkpoints;
    bool logs;     /* what programs have printed may say more than its reader should know */
    bool discreet; /* without names of hosts, and without patches and sources, which may say more, too */
} hpx_bundle_options;

/* Writes every stored epoch of these trajectories, or of all when `keys` is NULL, with their later runs, manifests,
 * code versions, data set entries and conditions and, as the options say, checkpoints and logs. What is written is
 * the store at one moment, and the same bytes whatever the order of the keys. HPX_NOT_FOUND, before the first
 * byte, when there is nothing of them. */
hpx_status hpx_bundle_write(hpx_exported *out, hpx_store *store, const hpx_hash *keys, size_t key_count,
                            const hpx_bundle_options *options, hpx_write_fn *write, void *context,
                            hpx_error *error);

/* A bundle of one trajectory can be kept in parts, which make one again when they are put together in this order, with or
 * without a checkpoint: what it is (code version, data, conditions, manifest), its epochs, its checkpoint. */
typedef enum hpx_bundle_part {
    HPX_BUNDLE_RECORD,
    HPX_BUNDLE_METRICS, /* of every epoch, and logs */
    HPX_BUNDLE_CHECKPOINT,
    HPX_BUNDLE_PARTS
} hpx_bundle_part;
typedef hpx_status hpx_part_fn(void *context, hpx_bundle_part part, const void *bytes, size_t size,
                               hpx_error *error);

/* Writes a trajectory so: its first runs, and the newest checkpoint that is whole. HPX_NOT_FOUND, perhaps behind a part of it,
 * when no epoch of it is whole. */
hpx_status hpx_bundle_write_parts(hpx_exported *out, hpx_store *store, const hpx_hash *key,
                                  const hpx_bundle_options *options, hpx_part_fn *write, void *context,
                                  hpx_error *error);

/* Of parts that are put together: whose trajectory they must be, byte for byte, and who has signed them, for the mark. */
typedef struct hpx_bundle_origin {
    const hpx_buffer *manifest;
    const char *signer;
} hpx_bundle_origin;

typedef struct hpx_imported {
    struct {
        uint64_t added, known; /* known: already in the store, or a checkpoint older than the one there */
    } artifacts, checkpoints, conflicts, logs;
} hpx_imported;

/* Puts a bundle into a store, in one transaction: all of it or, at the first thing wrong, nothing. HPX_FAILED
 * with "NAME: byte OFFSET: what" for a bundle that is not right to the last byte, HPX_DIFFERS for one that
 * contradicts the store (another output for an epoch, another manifest for a key). Where runs need not be
 * alike, another run of a stored epoch becomes its replicate. Importing it again changes nothing. Checkpoints
 * older than the newest that the store has are skipped, unless the trajectory is pinned; none that is whole is
 * dropped. The bundle is spooled before the transaction begins: other writers of the store wait only while it is
 * put there, and LMDB holds up to about 2 GiB of what is new in memory before it goes to the file. `origin`: of parts; NULL: it
 * is a whole bundle. */
hpx_status hpx_bundle_read(hpx_imported *out, hpx_store *store, const char *name,
                           const hpx_bundle_origin *origin, hpx_read_fn *read, void *context,
                           hpx_error *error);

/* What hpx_bundle_read takes, and gives. */
typedef struct hpx_bundle_input {
    const char *name;
    const hpx_bundle_origin *origin;
    hpx_read_fn *read;
    void *context;
    hpx_imported done;
} hpx_bundle_input;

/* The same for several, in one transaction: all of them or, when something is wrong with one, nothing. Alone, each says what.
 * Each is spooled in a file that is open meanwhile. */
hpx_status hpx_bundle_read_all(hpx_store *store, hpx_bundle_input *inputs, size_t count, hpx_error *error);

#endif
