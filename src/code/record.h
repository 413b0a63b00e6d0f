/* The files of a code record. */
#ifndef HPX_CODE_RECORD_H
#define HPX_CODE_RECORD_H

#include "files.h"
#include "git.h"

#include "hpx/error.h"
#include "hpx/fields.h"

/* The files that a code record was built from, all with their bytes and ids: out of the record itself. Those
 * of earlier versions have a commit and a patch instead: they need the repository around `root` or, where
 * that cannot be read any more, around the current folder, for a clone has the commits too. HPX_NOT_FOUND
 * when neither has the commit, HPX_DAMAGED for a record that cannot be read, HPX_FAILED when its patch does
 * not apply. */
hpx_status hpx_code_record_files(code_files *out, const char *root, const hpx_fields *code, hpx_error *error);

/* Opens one of these two repositories. */
hpx_status hpx_code_record_repository(git_repository **out, const char *root, hpx_error *error);

/* The commit of a record; HPX_NOT_FOUND when it has none, or the repository lacks it. */
hpx_status hpx_code_record_commit(git_commit **out, git_repository *repository, const hpx_fields *code,
                                  hpx_error *error);

/* A folder ("": all) of a tree, as a tree; NULL, with HPX_OK, where there is none. */
hpx_status hpx_code_tree_below(git_tree **out, git_repository *repository, const git_oid *id,
                               const char *folder, hpx_error *error);

/* Appends what leads from the one list to the other, as git diff prints it, with the paths behind `folder`.
 * Files of `new` that differ must have their bytes, those of `old` be in the repository (NULL: there are
 * none). */
hpx_status hpx_code_patch(hpx_buffer *out, git_repository *repository, const code_files *old,
                          const code_files *new, const char *folder, hpx_error *error);

#endif
