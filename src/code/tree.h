/* Lists of files as git trees, and git trees as lists of files. Between hpx_code_git_begin and hpx_code_git_end. */
#ifndef HPX_CODE_TREE_H
#define HPX_CODE_TREE_H

#include "files.h"
#include "git.h"

/* Fills the ids of files that have their bytes. */
void hpx_code_files_hash(code_files *files);

/* The id that `git write-tree` gives these files, in the folder `prefix` ("" or "sub/folder"); the trees
 * themselves are written to `odb`, unless that is NULL. The files need have only their ids. */
hpx_status hpx_code_tree_write(git_oid *out, const code_files *files, const char *prefix, git_odb *odb,
                               hpx_error *error);

/* The files at and below these blank-separated paths of a commit's tree (NULL: all of it), without their
 * bytes; none for a tree that is NULL. Submodules are left out, for a commit does not have their files, and
 * what is no source by its name. HPX_FAILED when the repository lacks a part of the tree. */
hpx_status hpx_code_tree_list(code_files *out, git_repository *repository, const git_tree *tree,
                              const char *paths, hpx_error *error);

/* Adds the files at and below one path ("": all), with those of submodules, as far as the commits that their repositories at
 * `work`, the work tree, have to be on are there. Nothing is added for a path that the tree has not. */
hpx_status hpx_code_tree_add_below(code_files *out, git_repository *repository, const git_tree *tree,
                                   const char *path, const char *work, hpx_error *error);

/* The submodule of a tree that a path leads into, by its own path: "" for none. free() it. */
char *hpx_code_submodule_of(const git_tree *tree, const char *path);

/* Gives a file its bytes out of the repository. HPX_NOT_FOUND when that lacks them. */
hpx_status hpx_code_file_load(code_file *file, git_repository *repository, hpx_error *error);

#endif
