#include "hpx/code.h"

#include "git.h"
#include "hpx/memory.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

/* A path of a patch, which begins at the work tree, below the record's folder; NULL: it lies elsewhere. */
static const char *below(const code_record *record, const char *path)
{
    const size_t length = strlen(record->folder);
    if (length == 0)
        return path;
    return strncmp(path, record->folder, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

/* Whether a path is one of the blank-separated sources, or below one. */
static bool is_source(const char *path, const char *sources)
{
    for (const char *at = sources; *at; at += strspn(at, " \t\n")) {
        const size_t length = strcspn(at, " \t\n");
        if (length > 0 && strncmp(path, at, length) == 0 && (path[length] == 0 || path[length] == '/'))
            return true;
        at += length;
    }
    return false;
}

static void add_file(hpx_code_change *change, const char *path)
{
    for (size_t i = 0; i < change->file_count; i++)
        if (strcmp(change->files[i], path) == 0)
            return;
    char **files = hpx_alloc((change->file_count + 1) * sizeof *files);
    if (change->file_count > 0)
        memcpy(files, change->files, change->file_count * sizeof *files);
    files[change->file_count++] = hpx_strdup(path);
    free(change->files);
    change->files = files;
}

static const char *path_of(const git_diff *diff, size_t i)
{
    const git_diff_delta *delta = git.diff_get_delta(diff, i);
    return delta->status == GIT_DELTA_DELETED ? delta->old_file.path : delta->new_file.path;
}

/* A source's part of a record's patch as text; empty where the patch does not have it. */
static hpx_buffer part_of(const code_record *record, const char *path)
{
    git_diff *diff = record->patch;
    hpx_buffer text = {0};
    for (size_t i = 0; diff && i < git.diff_num_deltas(diff); i++) {
        git_patch *patch = NULL;
        git_buf bytes = {0};
        const char *name = below(record, path_of(diff, i));
        if (name && strcmp(name, path) == 0 && git.patch_from_diff(&patch, diff, i) == 0 &&
            git.patch_to_buf(&bytes, patch) == 0)
            hpx_buffer_add(&text, bytes.ptr, bytes.size);
        git.buf_dispose(&bytes);
        git.patch_free(patch);
    }
    return text;
}

/* Files whose part of the one patch is not that of the other. */
static void add_patched(hpx_code_change *change, const code_record *record, const code_record *other,
                        const char *sources)
{
    for (size_t i = 0; record->patch && i < git.diff_num_deltas(record->patch); i++) {
        const char *path = below(record, path_of(record->patch, i));
        if (!path || !is_source(path, sources))
            continue;
        hpx_buffer mine = part_of(record, path), theirs = part_of(other, path);
        if (mine.size != theirs.size || memcmp(mine.data, theirs.data, mine.size) != 0)
            add_file(change, path);
        hpx_buffer_free(&mine);
        hpx_buffer_free(&theirs);
    }
}

static hpx_status compare(hpx_code_change *out, git_repository *repository, const char *sources,
                          const code_record *before, const code_record *after, hpx_error *error)
{
    git_diff *diff = NULL;
    const git_oid *from = git.commit_id(before->commit), *to = git.commit_id(after->commit);
    if (git.diff_tree_to_tree(&diff, repository, before->sources, after->sources, NULL) != 0 ||
        git.graph_ahead_behind(&out->ahead, &out->behind, repository, to, from) != 0) {
        git.diff_free(diff);
        return hpx_error_set(error, HPX_FAILED, "%s: %s", git.repository_path(repository),
                             git.error_last()->message);
    }
    for (size_t i = 0; i < git.diff_num_deltas(diff); i++)
        if (is_source(path_of(diff, i), sources))
            add_file(out, path_of(diff, i));
    add_patched(out, before, after, sources);
    add_patched(out, after, before, sources);
    git.oid_tostr(out->from, sizeof out->from, from);
    git.oid_tostr(out->to, sizeof out->to, to);
    git.diff_free(diff);
    return HPX_OK;
}

hpx_status hpx_code_compare(hpx_code_change *out, const char *root, const char *sources,
                            const hpx_fields *before, const hpx_fields *after, hpx_error *error)
{
    *out = (hpx_code_change){0};
    hpx_status status = code_git_begin(error);
    if (status)
        return status;
    git_repository *repository = NULL;
    code_record old = {0}, new = {0};
    status = code_repository_open(&repository, root, error);
    if (!status)
        status = code_record_open(&old, repository, before, error);
    if (!status)
        status = code_record_open(&new, repository, after, error);
    if (!status && (!old.commit || !new.commit))
        status = hpx_error_set(error, HPX_NOT_FOUND, "built before the first commit");
    if (!status)
        status = compare(out, repository, sources, &old, &new, error);
    code_record_close(&old);
    code_record_close(&new);
    git.repository_free(repository);
    code_git_end();
    return status;
}

void hpx_code_change_free(hpx_code_change *change)
{
    for (size_t i = 0; i < change->file_count; i++)
        free(change->files[i]);
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
    if (git.reference_peel(&commit, reference, GIT_OBJECT_COMMIT) == 0) {
        all->ids = hpx_grow(all->ids, &all->capacity, all->count + 1, sizeof *all->ids);
        git.oid_cpy(&all->ids[all->count++], git.object_id(commit));
    }
    git.object_free(commit);
    git.reference_free(reference);
    return 0;
}

hpx_code_reach hpx_code_reach_of(const char *root, const hpx_fields *code)
{
    git_repository *repository = NULL;
    git_reference *head = NULL;
    struct references all = {0};
    const char *name;
    git_oid id;
    hpx_error error;
    hpx_code_reach reach = HPX_REACH_UNKNOWN;
    if (code_git_begin(&error))
        return reach;
    if (hpx_fields_text(&name, code, "commit", &error) == HPX_OK && git.oid_fromstr(&id, name) == 0 &&
        git.repository_open_ext(&repository, root, 0, NULL) == 0) {
        if (git.repository_head(&head, repository) == 0)
            add_reference(head, &all);
        git.reference_foreach(repository, add_reference, &all);
        /* An error is a commit that is not there at all. */
        reach = git.graph_reachable_from_any(repository, &id, all.ids, all.count) == 1 ? HPX_REACHABLE
                                                                                       : HPX_UNREACHABLE;
    }
    free(all.ids);
    git.repository_free(repository);
    code_git_end();
    return reach;
}
