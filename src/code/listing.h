/* The code of a user's program: which files a recipe's words name, as they are on disk, and the version that they make.
 *
 * A word is a file, a folder or a glob, relative to the recipe's folder, anywhere in the git repository around it (or, without
 * one, in the folder). Of folders and globs those files count that git tracks or does not ignore; a file that is named itself
 * always does. Repositories inside it (submodules) count by their own rules. Symbolic links are followed inside the
 * repository, and the files that they lead to count as plain files. Never counted: .git, what Python, notebooks and editors
 * leave beside files, recipes that are not named themselves, and what is left out by the caller. */
#ifndef HPX_CODE_LISTING_H
#define HPX_CODE_LISTING_H

#include "base/glob.h"
#include "hpx/buffer.h"
#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/file.h"
#include "hpx/hash.h"
#include "hpx/sources.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code_files;

typedef struct hpx_listed_file {
    char *path; /* below the root */
    char *real; /* the same without links: where it is read */
    uint32_t mode;
    uint8_t id[HPX_CODE_BYTES]; /* of its bytes, as a git blob */
    hpx_hash hash;              /* of its bytes */
    hpx_file_stat stat;
} hpx_listed_file;

/* A zeroed struct is an empty listing. */
typedef struct hpx_listing {
    char *root; /* absolute, without links: of the work tree or, outside of every one, the recipe's folder */
    char *folder; /* the recipe's folder below it; "" when it is the root */
    bool in_work_tree;
    int64_t looked_ns;      /* before anything of it was looked at */
    hpx_listed_file *files; /* sorted by path */
    size_t count, capacity;
    uint8_t version[HPX_CODE_BYTES]; /* of the tree of these files */
    char *warning;                   /* NULL: there is none */
    hpx_buffer memory; /* what hpx_listing_recall takes next time; empty: what was given to it still does */
} hpx_listing;
void hpx_listing_free(hpx_listing *listing);

typedef struct hpx_listing_request {
    const char *folder; /* the recipe's; absolute, without links */
    const char *const *words;
    size_t word_count;
    const hpx_path_list *left_out; /* files and folders, absolute, without links; sorted */
} hpx_listing_request;

/* HPX_USAGE when a word names no file, leads out of the repository, or to what is no file: *word is its number. HPX_FAILED
 * when a file cannot be read. `memory` (NULL: none) is that of a listing made before: a file that it knows and that has not
 * changed is not hashed again. */
hpx_status hpx_listing_make(hpx_listing *out, size_t *word, const hpx_listing_request *request,
                            const hpx_buffer *memory, hpx_error *error);

/* The listing made before, if nothing that it was made from has changed: then libgit2 is not even loaded. */
bool hpx_listing_recall(hpx_listing *out, const hpx_listing_request *request, const hpx_buffer *memory);

/* Appends its files, with ids and without bytes. */
void hpx_listing_files(struct code_files *out, const hpx_listing *listing);

/* Names the first file that is not on disk as it was listed; HPX_OK when all are. */
hpx_status hpx_listing_check(const hpx_listing *listing, hpx_error *error);

/* What lies between the code of a record and a listing: files alone. Errors as of hpx_code_compare. */
hpx_status hpx_code_compare_listed(hpx_code_change *out, const hpx_fields *before, const hpx_listing *after,
                                   hpx_error *error);

/* What hpx_code_read has of a program's code, whose files are in the snapshot; NULL: there are none. "Dirty" is a file that is
 * not in the commit as it is, and one of the commit that the words name and that is gone. */
hpx_status hpx_code_read_listed(hpx_code *out, const hpx_listing *listing, const char *const *words,
                                size_t word_count, const char *snapshot, hpx_error *error);

/* Whether a name is one of those that are never counted. */
bool hpx_listing_skips(const char *name);

#endif
