/* Data on its way to machines that do not see it: a file, or a folder with what is in it, as a snapshot (program/copy.h):
 *
 *     SCRATCH/snapshots/HASH/data      the file, or the folder
 *     SCRATCH/snapshots/HASH/index     of its files: names, "data" or "data/...", and hashes (identity/data_files.h), encoded
 *
 * HASH is that of the file's bytes; of a folder, that of its names and hashes. */
#ifndef HPX_PARCEL_H
#define HPX_PARCEL_H

#include "hpx/error.h"
#include "hpx/hash.h"
#include "program/copy.h"

#include <stddef.h>

/* A file of one: its name is to begin with "data". */
hpx_snapshot_file hpx_parcel_file(const char *name, const char *source, const hpx_hash *hash);

/* Of files in ascending order of their names. */
hpx_hash hpx_parcel_hash(const hpx_snapshot_file *files, size_t count);

/* Makes one for others, unless it is there, and whole. HPX_FAILED for a file that has not its hash, too. */
hpx_status hpx_parcel_hand_over(const char *scratch, const hpx_snapshot_file *files, size_t count,
                                hpx_error *error);

/* Copies one from another scratch folder, unless it is there, and whole; others who want it wait meanwhile. *path is that of the
 * data, free() it. While *held is open it is not collected (hpx_scratch_collect). HPX_NOT_FOUND: the other folder has none. */
hpx_status hpx_parcel_copy(char **path, int *held, const char *scratch, const char *from,
                           const hpx_hash *hash, hpx_error *error);

#endif
