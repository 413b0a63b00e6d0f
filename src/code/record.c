#include "record.h"

static const char *text_of(const hpx_fields *code, const char *name)
{
    const hpx_field *field = hpx_fields_find(code, name);
    return field && field->type == HPX_FIELD_TEXT ? (const char *)field->bytes : "";
}

hpx_status code_record_open(code_record *out, git_repository *repository, const hpx_fields *code,
                            hpx_error *error)
{
    const char *name = text_of(code, "commit");
    const hpx_field *patch = hpx_fields_find(code, "patch");
    git_oid id;
    *out = (code_record){0};
    if (!*name)
        return hpx_error_set(error, HPX_NOT_FOUND,
                             "the code was built outside of a repository: no commit is known");
    if (git.oid_fromstr(&id, name) != 0 || git.commit_lookup(&out->commit, repository, &id) != 0 ||
        git.commit_tree(&out->tree, out->commit) != 0)
        return hpx_error_set(error, HPX_NOT_FOUND, "commit %s is not in the repository %s", name,
                             git.repository_path(repository));
    if (patch && patch->size > 0 &&
        git.diff_from_buffer(&out->patch, (const char *)patch->bytes, patch->size) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "the patch stored with commit %s cannot be read", name);
    return HPX_OK;
}

void code_record_close(code_record *record)
{
    git.diff_free(record->patch);
    git.tree_free(record->tree);
    git.commit_free(record->commit);
}
