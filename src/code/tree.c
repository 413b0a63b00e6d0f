#include "tree.h"

#include "base/memory.h"
#include "hpx/file.h"

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

static char *join(const char *folder, const char *name)
{
    return *folder ? hpx_format("%s/%s", folder, name) : hpx_strdup(name);
}

/* The tree of the commit that a submodule has to be on; NULL: the work tree has not its repository, or that not the commit. */
static git_tree *open_submodule(git_repository **out, const char *work, const char *path, const git_oid *id)
{
    char *folder = hpx_path_join(work, path);
    git_commit *commit = NULL;
    git_tree *tree = NULL;
    hpx_error unknown;
    *out = NULL;
    if (hpx_code_repository_open(out, folder, &unknown) == HPX_OK &&
        hpx_git.commit_lookup(&commit, *out, id) == 0)
        hpx_git.tree_lookup(&tree, *out, hpx_git.commit_tree_id(commit));
    hpx_git.commit_free(commit);
    free(folder);
    return tree;
}

static hpx_status list_entry(code_files *out, git_repository *repository, const git_tree_entry *entry,
                             const char *path, const char *rest, const char *work, hpx_error *error);

/* The entries of a tree, which is at `path` ("": at the top): those that `rest`, a path below it, leads to, or all; but what is
 * no source by its name is left out where there is no `work`. */
static hpx_status list_tree(code_files *out, git_repository *repository, const git_tree *tree,
                            const char *path, const char *rest, const char *work, hpx_error *error)
{
    const size_t first = strcspn(rest, "/");
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < hpx_git.tree_entrycount(tree) && !status; i++) {
        const git_tree_entry *entry = hpx_git.tree_entry_byindex(tree, i);
        const char *name = hpx_git.tree_entry_name(entry);
        if (first > 0 ? strncmp(name, rest, first) != 0 || name[first] : !work && !hpx_code_name_counts(name))
            continue;
        char *below = join(path, name);
        status = list_entry(out, repository, entry, below, rest + first + (rest[first] == '/'), work, error);
        free(below);
    }
    return status;
}

static hpx_status list_folder(code_files *out, git_repository *repository, const git_oid *id,
                              const char *path, const char *rest, const char *work, hpx_error *error)
{
    git_tree *tree = NULL;
    if (hpx_git.tree_lookup(&tree, repository, id) != 0)
        return hpx_code_git_failed(path, error);
    hpx_status status = list_tree(out, repository, tree, path, rest, work, error);
    hpx_git.tree_free(tree);
    return status;
}

static hpx_status list_submodule(code_files *out, const git_oid *id, const char *path, const char *rest,
                                 const char *work, hpx_error *error)
{
    git_repository *repository;
    git_tree *tree = open_submodule(&repository, work, path, id);
    hpx_status status = tree ? list_tree(out, repository, tree, path, rest, work, error) : HPX_OK;
    hpx_git.tree_free(tree);
    hpx_git.repository_free(repository);
    return status;
}

static hpx_status list_entry(code_files *out, git_repository *repository, const git_tree_entry *entry,
                             const char *path, const char *rest, const char *work, hpx_error *error)
{
    const git_filemode_t mode = hpx_git.tree_entry_filemode(entry);
    const git_oid *id = hpx_git.tree_entry_id(entry);
    if (mode == GIT_FILEMODE_TREE)
        return list_folder(out, repository, id, path, rest, work, error);
    if (mode == GIT_FILEMODE_COMMIT)
        return work ? list_submodule(out, id, path, rest, work, error) : HPX_OK;
    if (!*rest)
        memcpy(hpx_code_files_add(out, hpx_strdup(path), mode)->id, id->id, HPX_CODE_BYTES);
    return HPX_OK;
}

hpx_status hpx_code_tree_list(code_files *out, git_repository *repository, const git_tree *tree,
                              const char *paths, hpx_error *error)
{
    hpx_status status = HPX_OK;
    *out = (code_files){0};
    if (tree && !paths)
        status = list_tree(out, repository, tree, "", "", NULL, error);
    for (const char *at = paths; tree && paths && *at && !status;) {
        const size_t skip = strspn(at, " \t\n"), length = strcspn(at + skip, " \t\n");
        char *path = hpx_strndup(at + skip, length);
        if (length > 0)
            status = list_tree(out, repository, tree, "", path, NULL, error);
        free(path);
        at += skip + length;
    }
    hpx_code_files_sort(out);
    if (status)
        hpx_code_files_free(out);
    return status;
}

hpx_status hpx_code_tree_add_below(code_files *out, git_repository *repository, const git_tree *tree,
                                   const char *path, const char *work, hpx_error *error)
{
    return list_tree(out, repository, tree, "", path, work, error);
}

char *hpx_code_submodule_of(const git_tree *tree, const char *path)
{
    for (const char *at = path; (at = strchr(at, '/')); at++) {
        char *folder = hpx_strndup(path, (size_t)(at - path));
        git_tree_entry *entry = NULL;
        const bool found = hpx_git.tree_entry_bypath(&entry, tree, folder) == 0 &&
                           hpx_git.tree_entry_filemode(entry) == GIT_FILEMODE_COMMIT;
        hpx_git.tree_entry_free(entry);
        if (found)
            return folder;
        free(folder);
    }
    return hpx_strdup("");
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
