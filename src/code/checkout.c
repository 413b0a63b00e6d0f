#include "hpx/code.h"

#include "base/memory.h"
#include "record.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>

hpx_status hpx_code_checkout(const char *folder, const char *root, const hpx_fields *code, hpx_error *error)
{
    code_files files = {0};
    hpx_status status = hpx_code_git_begin(error);
    if (status)
        return status;
    status = hpx_code_record_files(&files, root, code, error);
    if (!status)
        status = hpx_code_files_write(folder, &files, error);
    hpx_code_files_free(&files);
    hpx_code_git_end();
    return status;
}

/* The first parts of the files' paths: a record has the sources of a build, not all that its commit has. */
static char *top_paths(const code_files *files)
{
    hpx_buffer paths = {0};
    const char *last = "";
    for (size_t i = 0; i < files->count; i++) {
        const char *path = files->files[i].path;
        const size_t length = strcspn(path, "/");
        if (strncmp(path, last, length) != 0 || (last[length] != '/' && last[length] != 0))
            hpx_buffer_printf(&paths, "%.*s ", (int)length, path);
        last = path;
    }
    char *copy = hpx_strdup(paths.size ? hpx_buffer_text(&paths) : "");
    hpx_buffer_free(&paths);
    return copy;
}

/* The same files in the record's commit; none when they cannot be had. */
static void list_committed(code_files *out, git_repository *repository, const hpx_fields *code,
                           const code_files *files)
{
    git_commit *commit = NULL;
    git_tree *tree = NULL;
    hpx_error unknown;
    char *paths = top_paths(files);
    if (hpx_code_record_commit(&commit, repository, code, &unknown) == HPX_OK &&
        hpx_code_tree_below(&tree, repository, hpx_git.commit_tree_id(commit),
                            hpx_fields_text_or_empty(code, "folder"), &unknown) == HPX_OK)
        hpx_code_tree_list(out, repository, tree, paths, &unknown);
    hpx_git.tree_free(tree);
    hpx_git.commit_free(commit);
    free(paths);
}

hpx_status hpx_code_show(hpx_buffer *out, const char *root, const hpx_fields *code, hpx_error *error)
{
    code_files files = {0}, committed = {0};
    git_repository *repository = NULL;
    hpx_error unknown;
    hpx_status status = hpx_code_git_begin(error);
    if (status)
        return status;
    status = hpx_code_record_files(&files, root, code, error);
    if (!status && hpx_code_record_repository(&repository, root, &unknown) == HPX_OK)
        list_committed(&committed, repository, code, &files);
    if (!status)
        status = hpx_code_patch(out, repository, &committed, &files, "", error);
    hpx_code_files_free(&committed);
    hpx_code_files_free(&files);
    hpx_git.repository_free(repository);
    hpx_code_git_end();
    return status;
}
