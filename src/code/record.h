/* A code record in the repository that it was read from. */
#ifndef HPX_CODE_RECORD_H
#define HPX_CODE_RECORD_H

#include "git.h"

#include "hpx/error.h"
#include "hpx/fields.h"

typedef struct code_record {
    const char *folder; /* of the source tree below the work tree: "" or "sub/folder"; of the record */
    git_commit *commit; /* NULL: before the first one, and all is in the patch */
    git_tree *sources;  /* the commit's files in that folder; NULL: none */
    git_diff *patch;    /* of the whole work tree; NULL: none */
} code_record;

/* Opens the repository at `root` or, where there is none any more, the one around the current folder: a clone
 * has the commits too. HPX_NOT_FOUND when neither can be opened. */
hpx_status code_repository_open(git_repository **out, const char *root, hpx_error *error);

/* HPX_NOT_FOUND when the repository lacks the commit, HPX_DAMAGED for a patch that cannot be read. Close it
 * in any case, before `code` is freed. */
hpx_status code_record_open(code_record *out, git_repository *repository, const hpx_fields *code,
                            hpx_error *error);
void code_record_close(code_record *record);

/* The tree of a folder ("": all) in the tree of this id; NULL, with HPX_OK, where it has none. */
hpx_status code_tree_below(git_tree **out, git_repository *repository, const git_oid *id, const char *folder,
                           hpx_error *error);

#endif
