/* The space a store takes: what its checkpoints occupy, which may not be collected, giving pages back, and
 * compaction. Results are never dropped but by hpx_store_forget. What to drop is decided in hpx/gc.h. */
#ifndef HPX_SPACE_H
#define HPX_SPACE_H

#include "hpx/error.h"
#include "hpx/hash.h"
#include "hpx/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the data file and of large checkpoints' files. LMDB reuses free pages, and only compaction gives them
 * back to the file system. */
typedef struct hpx_space {
    uint64_t file_bytes;
    uint64_t live_bytes; /* without free pages; those of the list of free ones count as free */
} hpx_space;

hpx_status hpx_store_space(hpx_space *out, hpx_store *store, hpx_error *error);

typedef struct hpx_stored_checkpoint {
    hpx_hash key;
    uint32_t epoch;
    uint64_t bytes;      /* that are free once it is dropped: whole pages of the data file, or its file */
    hpx_hash file;       /* zero: it has none */
    uint64_t references; /* checkpoints that share the file; 1 without one */
} hpx_stored_checkpoint;

/* Calls for every checkpoint, in order of key and epoch; damaged ones too. Ends with the first status that is
 * not HPX_OK. The store may not be changed meanwhile. */
typedef hpx_status hpx_checkpoint_fn(void *context, const hpx_stored_checkpoint *checkpoint,
                                     hpx_error *error);
hpx_status hpx_store_each_checkpoint(hpx_store *store, hpx_checkpoint_fn *each, void *context,
                                     hpx_error *error);

/* Drops these checkpoints of a trajectory in one transaction; those that are gone already are fine.
 * *dropped false, and nothing is changed, when the trajectory is pinned. The caller has claimed it. */
hpx_status hpx_store_drop_checkpoints(bool *dropped, hpx_store *store, const hpx_hash *key,
                                      const uint32_t *epochs, size_t count, hpx_error *error);

/* What no checkpoint refers to. */
typedef struct hpx_strays {
    uint64_t chunks;
    uint64_t files; /* left by a crash, or kept for who read them when they were dropped */
    uint64_t bytes;
} hpx_strays;

/* Counts it and, unless `dry`, drops it, in transactions of bounded size. */
hpx_status hpx_store_drop_strays(hpx_strays *out, hpx_store *store, bool dry, hpx_error *error);

/* Takes a trajectory out of the store, in one transaction: every epoch, second outputs and checkpoints
 * included, and its manifest. *forgotten false, and nothing is changed, when it is pinned. The caller has
 * claimed it. */
hpx_status hpx_store_forget(bool *forgotten, hpx_store *store, const hpx_hash *key, hpx_error *error);

/* Pins: the checkpoints of a pinned trajectory are all kept. Pinning again, and unpinning what is not pinned,
 * changes nothing. */
hpx_status hpx_store_pin(hpx_store *store, const hpx_hash *key, bool pinned, hpx_error *error);
hpx_status hpx_store_is_pinned(bool *pinned, hpx_store *store, const hpx_hash *key, hpx_error *error);

/* Rewrites the data file without its free pages. Waits a few seconds until no other process has the store
 * open, while those that want to open it wait in turn; HPX_FAILED if one still has, and when there is no room
 * for the new file. Nothing is changed then. A crash leaves the old file or the new one, and at most a
 * temporary file that the next compaction removes. This process may not have the store open. HPX_NOT_FOUND if
 * there is none. */
hpx_status hpx_store_compact(uint64_t *bytes_before, uint64_t *bytes_after, const char *directory,
                             hpx_error *error);

#endif
