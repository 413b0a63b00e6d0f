#include "hpx/code.h"

#include "git.h"
#include "hpx/memory.h"
#include "record.h"

#include <stdlib.h>

/* Objects are written while a patch is applied: into memory, in front of the repository's own, which are only
 * read. To write what they have already would give that a new time (freshen), unless they cannot. */
static int write_to_memory(git_repository *repository)
{
    git_odb *odb = NULL;
    git_odb_backend *memory = NULL, *stored;
    char *objects = hpx_format("%sobjects", git.repository_commondir(repository));
    int code = git.odb_new(&odb);
    if (code == 0)
        code = git.odb_add_disk_alternate(odb, objects);
    for (size_t i = 0; code == 0 && i < git.odb_num_backends(odb); i++) {
        code = git.odb_get_backend(&stored, odb, i);
        if (code == 0)
            stored->freshen = NULL;
    }
    if (code == 0)
        code = git.mempack_new(&memory);
    if (code == 0)
        code = git.odb_add_backend(odb, memory, 999);
    if (code == 0)
        code = git.repository_set_odb(repository, odb);
    git.odb_free(odb);
    free(objects);
    return code;
}

static hpx_status git_failed(const char *what, hpx_error *error)
{
    const git_error *last = git.error_last();
    return hpx_error_set(error, HPX_FAILED, "%s: %s", what, last ? last->message : "libgit2 failed");
}

static int commit_or_empty_tree(git_tree **out, git_repository *repository, git_commit *commit)
{
    git_index *empty = NULL;
    git_oid id;
    if (commit)
        return git.commit_tree(out, commit);
    int code = git.index_new(&empty);
    if (code == 0)
        code = git.index_write_tree_to(&id, empty, repository);
    if (code == 0)
        code = git.tree_lookup(out, repository, &id);
    git.index_free(empty);
    return code;
}

/* The record's sources with its patch applied. */
static hpx_status patched_sources(git_tree **out, git_repository *repository, const code_record *record,
                                  hpx_error *error)
{
    git_index *index = NULL;
    git_tree *whole = NULL;
    git_oid id;
    hpx_status status = HPX_OK;
    if (commit_or_empty_tree(&whole, repository, record->commit) != 0 ||
        git.apply_to_tree(&index, repository, whole, record->patch, NULL) != 0 ||
        git.index_write_tree_to(&id, index, repository) != 0)
        status = git_failed("the patch stored with this code does not apply to its commit", error);
    if (!status)
        status = code_tree_below(out, repository, &id, record->folder, error);
    git.index_free(index);
    git.tree_free(whole);
    return status;
}

/* The bytes are written as git stores them: their version is that of the tree, whatever line endings the
 * repository's configuration asks for. */
static hpx_status write_files(const char *folder, git_repository *repository, git_tree *sources,
                              hpx_error *error)
{
    git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
    options.checkout_strategy =
        GIT_CHECKOUT_FORCE | GIT_CHECKOUT_DONT_UPDATE_INDEX | GIT_CHECKOUT_DONT_WRITE_INDEX;
    options.disable_filters = 1;
    options.target_directory = folder;
    git_index *index = NULL;
    hpx_status status = HPX_OK;
    if (git.index_new(&index) != 0 || git.index_read_tree(index, sources) != 0 ||
        git.checkout_index(repository, index, &options) != 0)
        status = git_failed(folder, error);
    git.index_free(index);
    return status;
}

hpx_status hpx_code_checkout(const char *folder, const char *root, const hpx_fields *code, hpx_error *error)
{
    hpx_status status = code_git_begin(error);
    if (status)
        return status;
    git_repository *repository = NULL;
    git_tree *patched = NULL;
    code_record record = {0};
    status = code_repository_open(&repository, root, error);
    if (!status && write_to_memory(repository) != 0)
        status = git_failed(root, error);
    if (!status)
        status = code_record_open(&record, repository, code, error);
    if (!status && record.patch)
        status = patched_sources(&patched, repository, &record, error);
    git_tree *sources = record.patch ? patched : record.sources;
    if (!status && !sources)
        status = hpx_error_set(error, HPX_NOT_FOUND, "the code's commit has no folder '%s'", record.folder);
    if (!status)
        status = write_files(folder, repository, sources, error);
    git.tree_free(patched);
    code_record_close(&record);
    git.repository_free(repository);
    code_git_end();
    return status;
}
