/* libgit2, loaded when it is first needed: it brings fifteen libraries with it, and loading them takes longer
 * than most commands, which need none of it. Its functions are members of `git`, by their names without
 * git_. */
#ifndef HPX_CODE_GIT_H
#define HPX_CODE_GIT_H

#include "hpx/error.h"

#include <git2.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

// clang-format off
#define GIT_FUNCTIONS(use) \
    use(apply_to_tree) use(buf_dispose) use(commit_author) use(commit_free) use(commit_id) \
    use(commit_lookup) use(commit_tree_id) use(config_free) use(config_get_multivar_foreach) use(config_get_path) \
    use(config_open_default) use(describe_commit) use(describe_format) use(describe_result_free) \
    use(diff_free) use(diff_from_buffer) use(diff_to_buf) use(diff_tree_to_tree) use(error_last) \
    use(graph_ahead_behind) use(graph_reachable_from_any) use(ignore_path_is_ignored) use(index_find_prefix) use(index_free) use(index_get_bypath) use(index_open) \
    use(index_write_tree_to) use(libgit2_init) use(libgit2_opts) use(libgit2_shutdown) use(mempack_new) \
    use(object_free) use(object_id) use(odb_add_backend) use(odb_add_disk_alternate) use(odb_free) \
    use(odb_get_backend) use(odb_hash) use(odb_new) use(odb_num_backends) use(odb_object_data) \
    use(odb_object_free) use(odb_object_size) use(odb_read) use(odb_write) use(oid_cpy) use(oid_equal) \
    use(oid_fromstr) use(oid_tostr) use(reference_foreach) use(reference_free) use(reference_lookup) \
    use(reference_name_to_id) use(reference_peel) use(reference_symbolic_target) use(repository_commondir) use(repository_config_snapshot) \
    use(repository_free) use(repository_head) use(repository_is_shallow) use(repository_new) use(repository_odb) \
    use(repository_open_ext) use(repository_path) use(repository_set_odb) use(repository_set_workdir) use(repository_workdir) \
    use(tree_entry_byindex) use(tree_entry_bypath) use(tree_entry_filemode) use(tree_entry_free) \
    use(tree_entry_id) use(tree_entry_name) use(tree_entrycount) use(tree_free) use(tree_lookup)
// clang-format on

struct libgit2 {
#define DECLARE(name) __typeof__(git_##name) *name;
    GIT_FUNCTIONS(DECLARE)
#undef DECLARE
};

extern struct libgit2 hpx_git;

/* Before anything else of `git` is called, and after: other threads wait meanwhile. HPX_FAILED when libgit2 cannot be
 * loaded: there is nothing to end then. Memory that runs out in libgit2 ends the process as everywhere (base/memory.h). */
hpx_status hpx_code_git_begin(hpx_error *error);
void hpx_code_git_end(void);

/* HPX_FAILED with "WHAT: " and what libgit2 says was wrong. */
hpx_status hpx_code_git_failed(const char *what, hpx_error *error);

/* Opens the repository around a folder: also one that git would open and libgit2 by itself would not, if what
 * it has more is of no matter for reading commits. HPX_NOT_FOUND when there is none, HPX_FAILED when it
 * cannot be read. */
hpx_status hpx_code_repository_open(git_repository **out, const char *folder, hpx_error *error);

/* Opens the repository whose work tree is `root` to read its ignore rules, whoever owns it and whatever else it has that
 * libgit2 does not know: failing all, one in memory that has the work tree alone. */
hpx_status hpx_code_work_tree_open(git_repository **out, const char *root, hpx_error *error);

/* A repository in memory that has the objects of another (NULL: none), and nothing else of it: no index, no
 * settings, no attributes. What is written to it stays in memory. */
hpx_status hpx_code_repository_in_memory(git_repository **out, git_repository *repository, hpx_error *error);

#endif
