#include "record.h"

#include "base/memory.h"
#include "tree.h"

#include <string.h>

hpx_status hpx_code_record_repository(git_repository **out, const char *root, hpx_error *error)
{
    hpx_error elsewhere;
    if (hpx_code_repository_open(out, root, error) == HPX_OK ||
        hpx_code_repository_open(out, ".", &elsewhere) == HPX_OK)
        return HPX_OK;
    return hpx_error_set(error, HPX_NOT_FOUND, "%s; run this in a clone of the repository of hpx's sources",
                         error->message);
}

hpx_status hpx_code_record_commit(git_commit **out, git_repository *repository, const hpx_fields *code,
                                  hpx_error *error)
{
    const char *name = hpx_fields_text_or_empty(code, "commit");
    git_oid id;
    if (!*name)
        return hpx_error_set(error, HPX_NOT_FOUND, "no commit is known of this code");
    if (hpx_git.oid_fromstr(&id, name) != 0 || hpx_git.commit_lookup(out, repository, &id) != 0)
        return hpx_error_set(error, HPX_NOT_FOUND, "commit %s is not in the repository %s", name,
                             hpx_git.repository_path(repository));
    return HPX_OK;
}

hpx_status hpx_code_tree_below(git_tree **out, git_repository *repository, const git_oid *id,
                               const char *folder, hpx_error *error)
{
    git_tree *whole = NULL;
    git_tree_entry *entry = NULL;
    int code = hpx_git.tree_lookup(&whole, repository, id);
    *out = NULL;
    if (code == 0 && *folder) {
        code = hpx_git.tree_entry_bypath(&entry, whole, folder);
        if (code == 0)
            code = hpx_git.tree_lookup(out, repository, hpx_git.tree_entry_id(entry));
        hpx_git.tree_entry_free(entry);
        hpx_git.tree_free(whole);
    } else {
        *out = whole;
    }
    return code == 0 || code == GIT_ENOTFOUND ? HPX_OK : hpx_code_git_failed("the tree of a commit", error);
}

/* --- patches -------------------------------------------------------------------------------------------- */

/* Writes a tree of files, and those bytes that there are and the other list has not, to the repository. */
static hpx_status write_tree(git_tree **out, git_repository *repository, const code_files *files,
                             const code_files *other, const char *folder, hpx_error *error)
{
    git_odb *odb = NULL;
    git_oid id;
    hpx_status status = HPX_OK;
    if (hpx_git.repository_odb(&odb, repository) != 0)
        return hpx_code_git_failed("objects in memory", error);
    for (size_t i = 0; i < files->count && !status; i++) {
        const code_file *file = &files->files[i];
        if (file->has_bytes && !hpx_code_file_equal(file, hpx_code_files_find(other, file->path)) &&
            hpx_git.odb_write(&id, odb, file->bytes.data, file->bytes.size, GIT_OBJECT_BLOB) != 0)
            status = hpx_code_git_failed(file->path, error);
    }
    if (!status)
        status = hpx_code_tree_write(&id, files, folder, odb, error);
    if (!status && hpx_git.tree_lookup(out, repository, &id) != 0)
        status = hpx_code_git_failed("a tree in memory", error);
    hpx_git.odb_free(odb);
    return status;
}

hpx_status hpx_code_patch(hpx_buffer *out, git_repository *repository, const code_files *old,
                          const code_files *new, const char *folder, hpx_error *error)
{
    git_diff_options options = GIT_DIFF_OPTIONS_INIT;
    options.flags = GIT_DIFF_SHOW_BINARY;
    git_repository *memory = NULL;
    git_tree *from = NULL, *to = NULL;
    git_diff *diff = NULL;
    git_buf text = {0};
    hpx_status status = hpx_code_repository_in_memory(&memory, repository, error);
    if (!status)
        status = write_tree(&from, memory, old, new, folder, error);
    if (!status)
        status = write_tree(&to, memory, new, old, folder, error);
    if (!status && (hpx_git.diff_tree_to_tree(&diff, memory, from, to, &options) != 0 ||
                    hpx_git.diff_to_buf(&text, diff, GIT_DIFF_FORMAT_PATCH) != 0))
        status = hpx_code_git_failed("what is written of it", error);
    if (!status)
        hpx_buffer_add(out, text.ptr, text.size);
    hpx_git.buf_dispose(&text);
    hpx_git.diff_free(diff);
    hpx_git.tree_free(from);
    hpx_git.tree_free(to);
    hpx_git.repository_free(memory);
    return status;
}

/* --- records of earlier versions ------------------------------------------------------------------------ */

/* The tree of a commit (NULL: the empty one) with the patch applied. */
static hpx_status apply_patch(git_oid *out, git_repository *repository, git_commit *commit,
                              const hpx_field *patch, hpx_error *error)
{
    const code_files nothing = {0};
    git_tree *whole = NULL;
    git_diff *diff = NULL;
    git_index *index = NULL;
    hpx_status status = HPX_OK;
    if (hpx_git.diff_from_buffer(&diff, (const char *)patch->bytes, patch->size) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "the patch stored with this code cannot be read");
    if (!commit)
        status = write_tree(&whole, repository, &nothing, &nothing, "", error);
    else if (hpx_git.tree_lookup(&whole, repository, hpx_git.commit_tree_id(commit)) != 0)
        status = hpx_code_git_failed("the tree of the code's commit", error);
    if (!status && (hpx_git.apply_to_tree(&index, repository, whole, diff, NULL) != 0 ||
                    hpx_git.index_write_tree_to(out, index, repository) != 0))
        status = hpx_code_git_failed("the patch stored with this code does not apply to its commit", error);
    hpx_git.index_free(index);
    hpx_git.diff_free(diff);
    hpx_git.tree_free(whole);
    return status;
}

static hpx_status list_with_bytes(code_files *out, git_repository *repository, const git_oid *id,
                                  const char *folder, hpx_error *error)
{
    git_tree *tree = NULL;
    hpx_status status = hpx_code_tree_below(&tree, repository, id, folder, error);
    if (!status && !tree)
        status = hpx_error_set(error, HPX_NOT_FOUND, "the code's commit has no folder '%s'", folder);
    if (!status)
        status = hpx_code_tree_list(out, repository, tree, NULL, error);
    for (size_t i = 0; i < out->count && !status; i++)
        status = hpx_code_file_load(&out->files[i], repository, error);
    hpx_git.tree_free(tree);
    return status;
}

static hpx_status files_of_commit(code_files *out, const char *root, const hpx_fields *code, hpx_error *error)
{
    const hpx_field *patch = hpx_fields_find(code, "patch");
    const bool patched = patch && patch->type == HPX_FIELD_BYTES && patch->size > 0;
    const bool unborn = patched && !*hpx_fields_text_or_empty(code, "commit"); /* all is in the patch */
    git_repository *repository = NULL, *memory = NULL;
    git_commit *commit = NULL;
    git_oid id;
    hpx_status status = hpx_code_record_repository(&repository, root, error);
    if (!status && !unborn)
        status = hpx_code_record_commit(&commit, repository, code, error);
    if (!status)
        status = hpx_code_repository_in_memory(&memory, repository, error);
    if (!status && patched)
        status = apply_patch(&id, memory, commit, patch, error);
    else if (!status)
        hpx_git.oid_cpy(&id, hpx_git.commit_tree_id(commit));
    if (!status)
        status = list_with_bytes(out, memory, &id, hpx_fields_text_or_empty(code, "folder"), error);
    hpx_git.commit_free(commit);
    hpx_git.repository_free(memory);
    hpx_git.repository_free(repository);
    return status;
}

hpx_status hpx_code_record_files(code_files *out, const char *root, const hpx_fields *code, hpx_error *error)
{
    const hpx_field *files = hpx_fields_find(code, "files");
    *out = (code_files){0};
    hpx_status status;
    if (files && files->type == HPX_FIELD_BYTES && files->size > 0)
        status = hpx_code_files_unpack(out, files->bytes, files->size, error);
    else
        status = files_of_commit(out, root, code, error);
    if (status)
        hpx_code_files_free(out);
    else
        hpx_code_files_hash(out);
    return status;
}
