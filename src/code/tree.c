#include "tree.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void hpx_code_files_hash(code_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        code_file *file = &files->files[i];
        git_oid id;
        hpx_git.odb_hash(&id, file->bytes.data, file->bytes.size, GIT_OBJECT_BLOB);
        memcpy(file->id, id.id, HPX_CODE_BYTES);
    }
}

/* An entry of a tree object: mode, name and id. */
static void add_entry(hpx_buffer *tree, uint32_t mode, const char *name, size_t length, const uint8_t *id)
{
    hpx_buffer_printf(tree, "%o ", mode);
    hpx_buffer_add(tree, name, length);
    hpx_buffer_add(tree, "", 1);
    hpx_buffer_add(tree, id, HPX_CODE_BYTES);
}

static hpx_status write_object(git_oid *out, git_odb *odb, const hpx_buffer *tree, hpx_error *error)
{
    const int code = odb ? hpx_git.odb_write(out, odb, tree->data, tree->size, GIT_OBJECT_TREE)
                         : hpx_git.odb_hash(out, tree->data, tree->size, GIT_OBJECT_TREE);
    return code == 0 ? HPX_OK : hpx_code_git_failed("the tree of the sources", error);
}

/* The tree of the files from *at on that share the first `depth` bytes of their paths. Sorted by path they
 * stand side by side, and entries in git's order. */
static hpx_status write_tree(git_oid *out, size_t *at, const code_files *files, size_t depth, git_odb *odb,
                             hpx_error *error)
{
    hpx_buffer tree = {0};
    const char *folder = *at < files->count ? files->files[*at].path : "";
    hpx_status status = HPX_OK;
    while (!status && *at < files->count && strncmp(files->files[*at].path, folder, depth) == 0) {
        const code_file *file = &files->files[*at];
        const char *name = file->path + depth;
        const size_t length = strcspn(name, "/");
        git_oid id;
        if (name[length] == 0) {
            add_entry(&tree, file->mode, name, length, file->id);
            ++*at;
            continue;
        }
        status = write_tree(&id, at, files, depth + length + 1, odb, error);
        add_entry(&tree, GIT_FILEMODE_TREE, name, length, id.id);
    }
    if (!status)
        status = write_object(out, odb, &tree, error);
    hpx_buffer_free(&tree);
    return status;
}

hpx_status hpx_code_tree_write(git_oid *out, const code_files *files, const char *prefix, git_odb *odb,
                               hpx_error *error)
{
    size_t at = 0, end = strlen(prefix);
    hpx_status status = write_tree(out, &at, files, 0, odb, error);
    while (!status && end > 0) {
        hpx_buffer tree = {0};
        size_t start = end;
        while (start > 0 && prefix[start - 1] != '/')
            start--;
        add_entry(&tree, GIT_FILEMODE_TREE, prefix + start, end - start, out->id);
        status = write_object(out, odb, &tree, error);
        hpx_buffer_free(&tree);
        end = start > 0 ? start - 1 : 0;
    }
    return status;
}

static hpx_status list_entry(code_files *out, git_repository *repository, const git_tree_entry *entry,
                             char *path, hpx_error *error);

/* All entries of a tree, below the path ("": at the top). */
static hpx_status list_tree(code_files *out, git_repository *repository, const git_tree *tree,
                            const char *path, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < hpx_git.tree_entrycount(tree) && !status; i++) {
        const git_tree_entry *entry = hpx_git.tree_entry_byindex(tree, i);
        const char *name = hpx_git.tree_entry_name(entry);
        if (hpx_code_name_counts(name))
            status = list_entry(out, repository, entry,
                                *path ? hpx_format("%s/%s", path, name) : hpx_strdup(name), error);
    }
    return status;
}

static hpx_status list_folder(code_files *out, git_repository *repository, const git_oid *id,
                              const char *path, hpx_error *error)
{
    git_tree *tree = NULL;
    if (hpx_git.tree_lookup(&tree, repository, id) != 0)
        return hpx_code_git_failed(path, error);
    hpx_status status = list_tree(out, repository, tree, path, error);
    hpx_git.tree_free(tree);
    return status;
}

/* Takes the path over. */
static hpx_status list_entry(code_files *out, git_repository *repository, const git_tree_entry *entry,
                             char *path, hpx_error *error)
{
    const git_filemode_t mode = hpx_git.tree_entry_filemode(entry);
    hpx_status status = HPX_OK;
    if (mode == GIT_FILEMODE_TREE) {
        status = list_folder(out, repository, hpx_git.tree_entry_id(entry), path, error);
    } else if (mode != GIT_FILEMODE_COMMIT) {
        code_file *file = hpx_code_files_add(out, hpx_strdup(path), mode);
        memcpy(file->id, hpx_git.tree_entry_id(entry)->id, HPX_CODE_BYTES);
    }
    free(path);
    return status;
}

hpx_status hpx_code_tree_list(code_files *out, git_repository *repository, const git_tree *tree,
                              const char *paths, hpx_error *error)
{
    hpx_status status = HPX_OK;
    *out = (code_files){0};
    if (tree && !paths)
        status = list_tree(out, repository, tree, "", error);
    for (const char *at = paths; tree && paths && *at && !status;) {
        const size_t skip = strspn(at, " \t\n"), length = strcspn(at + skip, " \t\n");
        char *path = hpx_strndup(at + skip, length);
        git_tree_entry *entry = NULL;
        const int code = length > 0 ? hpx_git.tree_entry_bypath(&entry, tree, path) : GIT_ENOTFOUND;
        if (code == 0)
            status = list_entry(out, repository, entry, hpx_strdup(path), error);
        else if (code != GIT_ENOTFOUND)
            status = hpx_code_git_failed(path, error);
        hpx_git.tree_entry_free(entry);
        free(path);
        at += skip + length;
    }
    hpx_code_files_sort(out);
    if (status)
        hpx_code_files_free(out);
    return status;
}

hpx_status hpx_code_file_load(code_file *file, git_repository *repository, hpx_error *error)
{
    git_odb *odb = NULL;
    git_odb_object *object = NULL;
    git_oid id;
    memcpy(id.id, file->id, HPX_CODE_BYTES);
    hpx_status status = HPX_OK;
    if (hpx_git.repository_odb(&odb, repository) != 0 || hpx_git.odb_read(&object, odb, &id) != 0)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s is not in the repository", file->path);
    else
        hpx_buffer_add(&file->bytes, hpx_git.odb_object_data(object), hpx_git.odb_object_size(object));
    file->has_bytes = !status;
    hpx_git.odb_object_free(object);
    hpx_git.odb_free(odb);
    return status;
}
