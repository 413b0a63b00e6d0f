#include "record.h"

#include <stdbool.h>

hpx_status code_repository_open(git_repository **out, const char *root, hpx_error *error)
{
    if (git.repository_open_ext(out, root, 0, NULL) == 0)
        return HPX_OK;
    hpx_error_set(error, HPX_NOT_FOUND, "%s; run this in a clone of the repository of hpx's sources",
                  git.error_last()->message);
    return git.repository_open_ext(out, ".", 0, NULL) == 0 ? HPX_OK : HPX_NOT_FOUND;
}

hpx_status code_tree_below(git_tree **out, git_repository *repository, const git_oid *id, const char *folder,
                           hpx_error *error)
{
    git_tree *whole = NULL;
    git_tree_entry *entry = NULL;
    int code = git.tree_lookup(&whole, repository, id);
    *out = NULL;
    if (code == 0 && *folder) {
        code = git.tree_entry_bypath(&entry, whole, folder);
        if (code == 0)
            code = git.tree_lookup(out, repository, git.tree_entry_id(entry));
        git.tree_entry_free(entry);
        git.tree_free(whole);
    } else {
        *out = whole;
    }
    if (code == 0 || code == GIT_ENOTFOUND)
        return HPX_OK;
    return hpx_error_set(error, HPX_FAILED, "%s: %s", git.repository_path(repository),
                         git.error_last()->message);
}

hpx_status code_record_open(code_record *out, git_repository *repository, const hpx_fields *code,
                            hpx_error *error)
{
    const char *name = hpx_fields_text_or_empty(code, "commit");
    const hpx_field *patch = hpx_fields_find(code, "patch");
    git_oid id;
    *out = (code_record){.folder = hpx_fields_text_or_empty(code, "folder")};
    const bool patched = patch && patch->size > 0;
    if (!*name && !patched)
        return hpx_error_set(error, HPX_NOT_FOUND,
                             "the code was built outside of a repository: no commit is known");
    if (*name && (git.oid_fromstr(&id, name) != 0 || git.commit_lookup(&out->commit, repository, &id) != 0))
        return hpx_error_set(error, HPX_NOT_FOUND, "commit %s is not in the repository %s", name,
                             git.repository_path(repository));
    if (patched && git.diff_from_buffer(&out->patch, (const char *)patch->bytes, patch->size) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "the patch stored with commit '%s' cannot be read", name);
    if (!out->commit)
        return HPX_OK;
    return code_tree_below(&out->sources, repository, git.commit_tree_id(out->commit), out->folder, error);
}

void code_record_close(code_record *record)
{
    git.diff_free(record->patch);
    git.tree_free(record->sources);
    git.commit_free(record->commit);
}
