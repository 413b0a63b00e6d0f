#include "hpx/code.h"

#include "git.h"
#include "hpx/memory.h"
#include "record.h"

#include <stdlib.h>

/* Objects are written while a patch is applied: into memory, in front of the repository's own, which are only
 * read. */
static int write_to_memory(git_repository *repository)
{
    git_odb *odb = NULL;
    git_odb_backend *memory = NULL;
    char *objects = hpx_format("%sobjects", git.repository_commondir(repository));
    int code = git.odb_new(&odb);
    if (code == 0)
        code = git.odb_add_disk_alternate(odb, objects);
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

static hpx_status write_files(const char *folder, git_repository *repository, const code_record *record,
                              hpx_error *error)
{
    git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
    options.checkout_strategy =
        GIT_CHECKOUT_FORCE | GIT_CHECKOUT_DONT_UPDATE_INDEX | GIT_CHECKOUT_DONT_WRITE_INDEX;
    options.target_directory = folder;
    git_index *index = NULL;
    hpx_status status = HPX_OK;
    int code = 0;
    if (record->patch)
        code = git.apply_to_tree(&index, repository, record->tree, record->patch, NULL);
    else if ((code = git.index_new(&index)) == 0)
        code = git.index_read_tree(index, record->tree);
    if (code != 0)
        status = git_failed("the patch stored with this code does not apply to its commit", error);
    if (!status && git.checkout_index(repository, index, &options) != 0)
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
    code_record record = {0};
    if (git.repository_open_ext(&repository, root, 0, NULL) != 0)
        status =
            hpx_error_set(error, HPX_NOT_FOUND, "%s: no repository, and this code's commit is needed", root);
    else if (write_to_memory(repository) != 0)
        status = git_failed(root, error);
    if (!status)
        status = code_record_open(&record, repository, code, error);
    if (!status)
        status = write_files(folder, repository, &record, error);
    code_record_close(&record);
    git.repository_free(repository);
    code_git_end();
    return status;
}
