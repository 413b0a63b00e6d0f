#include "hpx/code.h"

#include "base/memory.h"
#include "listing.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_file(hpx_code_change *change, size_t *capacity, const char *path, const code_file *before,
                     const code_file *after)
{
    change->files = hpx_grow(change->files, capacity, change->file_count + 1, sizeof *change->files);
    hpx_file_change *file = &change->files[change->file_count++];
    *file = (hpx_file_change){.path = hpx_strdup(path)};
    if (before)
        hpx_hex(file->from, before->id, HPX_CODE_BYTES);
    if (after)
        hpx_hex(file->to, after->id, HPX_CODE_BYTES);
}

static void compare_files(hpx_code_change *out, const code_files *before, const code_files *after,
                          const char *sources)
{
    const code_file *old, *new;
    size_t capacity = 0;
    for (code_walk at = {0}; hpx_code_files_next_difference(&at, before, after, &old, &new);) {
        const char *path = old ? old->path : new->path;
        if (!sources || hpx_code_path_is_below(path, sources))
            add_file(out, &capacity, path, old, new);
    }
}

/* How many commits lie between; none when no repository knows. */
static void compare_commits(hpx_code_change *out, const char *root, const hpx_fields *before,
                            const hpx_fields *after)
{
    git_repository *repository = NULL;
    git_oid from, to;
    hpx_error unknown;
    snprintf(out->from, sizeof out->from, "%s", hpx_fields_text_or_empty(before, "commit"));
    snprintf(out->to, sizeof out->to, "%s", hpx_fields_text_or_empty(after, "commit"));
    if (hpx_git.oid_fromstr(&from, out->from) == 0 && hpx_git.oid_fromstr(&to, out->to) == 0 &&
        hpx_code_record_repository(&repository, root, &unknown) == HPX_OK &&
        hpx_git.graph_ahead_behind(&out->ahead, &out->behind, repository, &to, &from) != 0)
        out->ahead = out->behind = 0;
    hpx_git.repository_free(repository);
}

hpx_status hpx_code_compare(hpx_code_change *out, const char *root, const char *sources,
                            const hpx_fields *before, const hpx_fields *after, hpx_error *error)
{
    *out = (hpx_code_change){0};
    hpx_status status = hpx_code_git_begin(error);
    if (status)
        return status;
    code_files old = {0}, new = {0};
    status = hpx_code_record_files(&old, root, before, error);
    if (!status)
        status = hpx_code_record_files(&new, root, after, error);
    if (!status) {
        compare_files(out, &old, &new, sources);
        compare_commits(out, root, before, after);
    }
    hpx_code_files_free(&old);
    hpx_code_files_free(&new);
    hpx_code_git_end();
    return status;
}

hpx_status hpx_code_compare_listed(hpx_code_change *out, const hpx_fields *before, const hpx_listing *after,
                                   hpx_error *error)
{
    const hpx_field *files = hpx_fields_find(before, "files");
    *out = (hpx_code_change){0};
    if (!files || files->size == 0)
        return hpx_error_set(error, HPX_NOT_FOUND, "the files of this code are not known");
    hpx_status status = hpx_code_git_begin(error);
    if (status)
        return status;
    code_files old = {0}, new = {0};
    hpx_listing_files(&new, after);
    status = hpx_code_record_files(&old, after->root, before, error);
    if (!status)
        compare_files(out, &old, &new, NULL);
    hpx_code_files_free(&old);
    hpx_code_files_free(&new);
    hpx_code_git_end();
    return status;
}

void hpx_code_change_free(hpx_code_change *change)
{
    for (size_t i = 0; i < change->file_count; i++)
        free(change->files[i].path);
    free(change->files);
    *change = (hpx_code_change){0};
}

struct references {
    git_oid *ids;
    size_t count, capacity;
};

static int add_reference(git_reference *reference, void *context)
{
    struct references *all = context;
    git_object *commit = NULL;
    if (hpx_git.reference_peel(&commit, reference, GIT_OBJECT_COMMIT) == 0) {
        all->ids = hpx_grow(all->ids, &all->capacity, all->count + 1, sizeof *all->ids);
        hpx_git.oid_cpy(&all->ids[all->count++], hpx_git.object_id(commit));
    }
    hpx_git.object_free(commit);
    hpx_git.reference_free(reference);
    return 0;
}

/* Of a commit that the repository lacks: in a shallow clone it may lie behind those that are there. */
static hpx_code_reach reach_of(git_repository *repository, const git_oid *id)
{
    struct references all = {0};
    git_reference *head = NULL;
    git_commit *commit = NULL;
    hpx_code_reach reach = hpx_git.repository_is_shallow(repository) ? HPX_REACH_UNKNOWN : HPX_UNREACHABLE;
    if (hpx_git.repository_head(&head, repository) == 0)
        add_reference(head, &all);
    hpx_git.reference_foreach(repository, add_reference, &all);
    bool found = false;
    for (size_t i = 0; i < all.count && !found; i++)
        found = hpx_git.oid_equal(&all.ids[i], id);
    if (found || (hpx_git.commit_lookup(&commit, repository, id) == 0 &&
                  hpx_git.graph_reachable_from_any(repository, id, all.ids, all.count) == 1))
        reach = HPX_REACHABLE;
    hpx_git.commit_free(commit);
    free(all.ids);
    return reach;
}

hpx_code_reach hpx_code_reach_of(const char *root, const hpx_fields *code)
{
    git_repository *repository = NULL;
    git_oid id;
    hpx_error error;
    hpx_code_reach reach = HPX_REACH_UNKNOWN;
    if (hpx_code_git_begin(&error))
        return reach;
    if (hpx_git.oid_fromstr(&id, hpx_fields_text_or_empty(code, "commit")) == 0 &&
        hpx_code_repository_open(&repository, root, &error) == HPX_OK)
        reach = reach_of(repository, &id);
    hpx_git.repository_free(repository);
    hpx_code_git_end();
    return reach;
}
