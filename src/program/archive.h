/* A checkpoint, which a program has written as a file or a folder, as one blob and back again. */
#ifndef HPX_PROGRAM_ARCHIVE_H
#define HPX_PROGRAM_ARCHIVE_H

#include "hpx/blob.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether this may be the name of a checkpoint: relative, of parts that are neither empty nor "." nor "..". */
bool hpx_archive_is_name(const char *name);

/* What stat(2) says of a file, or of a folder with all that it holds. */
typedef struct hpx_archive_state {
    uint64_t bytes;     /* in its files */
    int64_t changed_ns; /* when anything of it changed last, nanoseconds since 1970 */
    bool is_folder;
    hpx_hash hash; /* of names, sizes and times: equal as long as nothing changes */
} hpx_archive_state;

/* Gives no notices (inotify) for files. HPX_NOT_FOUND, with the reason, when there is no file or folder of that name below
 * `folder`, or when it is or holds anything else: a link, a pipe. */
hpx_status hpx_archive_look(hpx_archive_state *out, const char *folder, const char *name, hpx_error *error);

/* Packs it into an empty blob that can be written to. HPX_NOT_FOUND as above, and when it changes meanwhile so that it cannot be
 * read; HPX_FAILED when the blob cannot be written. */
hpx_status hpx_archive_pack(hpx_blob *out, const char *folder, const char *name, hpx_error *error);

/* Writes it out below `folder`, which exists, under its old name. HPX_DAMAGED, and nothing is written, when the blob is no
 * archive. */
hpx_status hpx_archive_unpack(const char *folder, const hpx_blob *archive, hpx_error *error);

/* HPX_DAMAGED when the blob is no archive. Its index is read, not the files. */
hpx_status hpx_archive_check(const hpx_blob *archive, hpx_error *error);

#endif
