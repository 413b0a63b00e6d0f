/* Where a program runs: in a private copy of exactly the bytes of its version, outside every work tree.
 *
 *     SCRATCH/snapshots/VERSION     the files of a version, read-only; complete, or not there
 *     SCRATCH/copies/NAME           a process's copy of one; NAME.lock beside it is locked while that lives
 *         up/../code                the files; below as many folders as data is linked above them
 *         tmp, out                  TMPDIR and HPX_OUT of the trial that runs there
 *
 * A program may do to its copy what it likes: nothing here follows a link that it has made. */
#ifndef HPX_PROGRAM_COPY_H
#define HPX_PROGRAM_COPY_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPX_SNAPSHOTS "snapshots"

/* The first of $HPX_SCRATCH, $XDG_CACHE_HOME/hpx, $HOME/.cache/hpx, ${TMPDIR:-/tmp}/hpx-UID that lies in no git work tree and
 * can be written; made with mode 0700. free() it. HPX_FAILED, with what is wrong with each, when there is none. Without `make`
 * HPX_NOT_FOUND when it is not there yet. */
hpx_status hpx_scratch_folder(char **out, bool make, hpx_error *error);

/* The same on a disk that is this machine's own: the first of $HPX_NODE_SCRATCH, $TMPDIR/hpx-node-UID, /tmp/hpx-node-UID. */
hpx_status hpx_scratch_on_node(char **out, hpx_error *error);

/* What a trial is run in, as the conditions of its job say (fields that are absent are as empty):
 *     run.in       "copy", or "worktree": then nothing is copied or linked, and the folder is the work tree's
 *     run.folder   the recipe's folder below the root of the files; it is made if no file is in it
 *     job.scratch  the scratch folder             job.snapshot  the folder of the version's files; empty: there are none
 *     job.root     the work tree's root           job.data      what is linked: bytes, of each a place below the root (which may
 *                                                               begin with "../") and the absolute path, both ended by NUL
 *     job.parcels  of each of these the hash that it has as a parcel (identity/parcel.h), for machines that do not see the path */
typedef struct hpx_copy hpx_copy;

/* Walks the pairs of job.data, from its first byte to `end`; false behind the last. */
bool hpx_copy_next_link(const char **place, const char **target, const uint8_t **at, const uint8_t *end);

/* A copy of this process's, as it was made: what programs have done to it since is undone. Its folders tmp and out are new and
 * empty. One that is released is used again; hpx_copies_remove, at the process's end, removes them all. What dead processes
 * have left is removed first. HPX_FAILED when a file cannot be made, HPX_NOT_FOUND when the snapshot is gone. */
hpx_status hpx_copy_take(hpx_copy **out, const hpx_fields *conditions, hpx_error *error);
void hpx_copy_release(hpx_copy *copy); /* NULL is fine */
void hpx_copies_remove(void);

/* Absolute paths: the folder to run in, HPX_OUT, TMPDIR. Borrowed. */
const char *hpx_copy_folder(const hpx_copy *copy);
const char *hpx_copy_out(const hpx_copy *copy);
const char *hpx_copy_tmp(const hpx_copy *copy);

/* Appends a line for each name in the end of a program's output that is missing in the copy and exists in the work tree:
 * "not declared: src/util.py exists in the work tree". Names are as the recipe would have them. Nothing with run-in =
 * worktree. */
void hpx_copy_undeclared(hpx_buffer *hint, hpx_copy *copy, const void *output, size_t size);

/* The name that such a line tells, as it is shown there; NULL: it is another line. free() it. */
char *hpx_undeclared_name(const char *line, size_t size);

/* Of a path below the scratch folder: what it is called below the root of the files, if it is in a copy that was made for these
 * conditions; else NULL. Borrowed from it. */
const char *hpx_copy_name_of(const hpx_fields *conditions, const char *path);

/* Makes snapshots. A file of `path` below the snapshot, to be copied from `source` (absolute; or NULL: of these bytes), that
 * must have this hash afterwards. */
typedef struct hpx_snapshot_file {
    const char *path, *source;
    const void *bytes;
    size_t size;
    uint32_t mode; /* as git has it: 0100644, 0100755, 0120000 (a link to what its bytes say) */
    hpx_hash hash; /* of its bytes */
} hpx_snapshot_file;

/* SCRATCH/snapshots/NAME, made unless it is there, and whole. *folder is free()d by the caller; while the descriptor *held is
 * open it is not collected. HPX_DIFFERS when a file no longer has the bytes of its hash: it names it, and nothing is made. */
hpx_status hpx_snapshot_make(char **folder, int *held, const char *scratch, const char *name,
                             const hpx_snapshot_file *files, size_t count, hpx_error *error);

/* What is in the scratch folder that no process uses: snapshots that nobody has used for `seconds`, and the copies of processes
 * that have ended. It goes, unless `keep`. */
typedef struct hpx_scratch_space {
    size_t snapshots, copies;
    uint64_t bytes;
} hpx_scratch_space;
void hpx_scratch_collect(hpx_scratch_space *out, const char *scratch, double seconds, bool keep);

#endif
