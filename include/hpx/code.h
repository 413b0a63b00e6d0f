/* The code version of a trainer: the git tree id of its sources as they are on disk, uncommitted edits
 * included, so that a commit to the README costs nothing and an edit to the trainer always misses. It is made
 * of the bytes alone, whether there is a repository or none. What git knows beside them (commit, branch,
 * patch) is provenance: recorded, never needed. Nothing is ever written into the repository. The only user of
 * libgit2. */
#ifndef HPX_CODE_H
#define HPX_CODE_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/sources.h"

#include <stdbool.h>
#include <stdint.h>

#define HPX_CODE_DATE_BYTES 32 /* "2026-11-24T13:06:52+01:00" */

typedef struct hpx_code {
    char commit[HPX_CODE_HEX_BYTES];       /* of HEAD; empty when unknown, or before the first one */
    char author_date[HPX_CODE_DATE_BYTES]; /* of it, in the author's time zone; empty likewise */
    char *describe;                        /* as git describe --always, with -dirty; empty likewise */
    char *branch;     /* that HEAD is on, also before its first commit; empty when it is on none */
    char *folder;     /* of root below the work tree: "sub/folder"; empty when it is the work tree */
    bool dirty;       /* the build's sources differ from the commit */
    hpx_buffer patch; /* if dirty: from the commit to the sources as they are, as git diff prints it */
    hpx_buffer files; /* the build's sources themselves, for hpx_code_checkout; empty beyond 16 MiB of them */
    char *unknown;    /* what of this could not be found out, and why; NULL: nothing */
} hpx_code;

/* Reads what is known of the sources that a build is made of: files and folders below `root`, separated by
 * blanks; hidden files and what editors leave (".a.c.swp", "a.c~", "#a.c#") are no part of them. No
 * repository is needed, and whatever is wrong with one only makes `unknown`. HPX_FAILED when a source is
 * missing or cannot be read, or is a link to what is none of the sources. */
hpx_status hpx_code_read(hpx_code *out, const char *root, const char *sources, hpx_error *error);
void hpx_code_free(hpx_code *code);

/* The version of sources: the id that `git write-tree` gives the bytes on disk, without any filter: a file is
 * 100755 when its owner may execute it, else 100644, a link is the path that it holds. Errors likewise. */
hpx_status hpx_code_version(uint8_t out[HPX_CODE_BYTES], const char *root, const char *sources,
                            hpx_error *error);

/* A hash of the names, modes and bytes of these files, and of all those in these folders. While it is the
 * same the version is, and it takes a hundredth of the time. HPX_FAILED when one cannot be read. */
hpx_status hpx_code_fingerprint(hpx_hash *out, const char *root, const char *sources, hpx_error *error);

/* What was stamped into this binary when it was built, beside the version of each trainer (hpx/sources.h). */
typedef struct hpx_code_stamp {
    const char *commit, *describe, *branch, *author_date, *folder;
    bool dirty;
    const unsigned char *patch;
    uint64_t patch_size;
    const unsigned char *files;
    uint64_t files_size;
    const char *root; /* the source tree it was built from */
} hpx_code_stamp;

extern const hpx_code_stamp hpx_code_built;

/* What has been read, as a stamp that borrows it; `root` is NULL. */
hpx_code_stamp hpx_code_stamp_of(const hpx_code *code);

/* The stamp and a trainer's version as the fields of a code record: "version", "commit", "describe", "branch", "author-date",
 * "folder", "dirty", "patch", "files". Records of earlier versions lack "files", and perhaps "branch",
 * "author-date" and "folder". */
void hpx_code_fields(hpx_fields *out, const hpx_code_stamp *stamp, const hpx_sources *trainer);
/* All but "files", which are large. */
void hpx_code_summary(hpx_fields *out, const hpx_code_stamp *stamp, const hpx_sources *trainer);

/* Whether a code record is of sources with edits beyond its commit. */
bool hpx_code_is_dirty(const hpx_fields *code);

typedef struct hpx_file_change {
    char *path;
    char from[HPX_CODE_HEX_BYTES], to[HPX_CODE_HEX_BYTES]; /* ids of its bytes; empty: it is not there */
} hpx_file_change;

/* What lies between two code records. */
typedef struct hpx_code_change {
    hpx_file_change *files; /* those of `sources` that differ, by name */
    size_t file_count;
    char from[HPX_CODE_HEX_BYTES], to[HPX_CODE_HEX_BYTES]; /* commits; empty when unknown */
    size_t ahead,
        behind; /* commits that only the second, only the first has, as far as a repository knows: the
                   one at `root` or, where that cannot be read, the one around the current folder */
} hpx_code_change;

/* `sources`: as above; NULL: all files. HPX_NOT_FOUND when the files of a record are not known: one of an earlier version has a
 * commit in their place, and no repository has that. */
hpx_status hpx_code_compare(hpx_code_change *out, const char *root, const char *sources,
                            const hpx_fields *before, const hpx_fields *after, hpx_error *error);
void hpx_code_change_free(hpx_code_change *change);

/* Whether a branch, a tag or HEAD of the repository at `root` still leads to the commit of a code record.
 * Unknown: there is no repository, or the code was built outside of one. */
typedef enum hpx_code_reach { HPX_REACH_UNKNOWN, HPX_REACHABLE, HPX_UNREACHABLE } hpx_code_reach;
hpx_code_reach hpx_code_reach_of(const char *root, const hpx_fields *code);

/* Writes the sources of a code record into an empty folder, to the last byte. Records of earlier versions
 * have a commit and a patch in place of the files: then the repository (as above) must still have the commit.
 * HPX_NOT_FOUND when it does not; HPX_DAMAGED for a record that cannot be read, HPX_FAILED when the patch
 * does not apply or a file cannot be written. */
hpx_status hpx_code_checkout(const char *folder, const char *root, const hpx_fields *code, hpx_error *error);

/* Appends what hpx_code_checkout would write as a patch of the record's commit, where the repository has
 * that, else as new files: to be read before it is run. Errors likewise. */
hpx_status hpx_code_show(hpx_buffer *out, const char *root, const hpx_fields *code, hpx_error *error);

/* Whether the sources of a trainer have changed since this binary was built: true with their version now in
 * `now`. False when they have not, or cannot be read (a binary installed far from them). */
bool hpx_code_is_stale(uint8_t now[HPX_CODE_BYTES], const char *root, const hpx_sources *trainer);

#endif
