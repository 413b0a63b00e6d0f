/* Version and provenance of a source tree. The version is made of the bytes on disk alone; what git knows
 * beside them may fail in many ways, and is unknown then. */
#include "hpx/code.h"

#include "git.h"
#include "listing.h"
#include "record.h"
#include "tree.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PATCH_BYTES_MAX (16u << 20)

/* Fills the version with the id of the tree of these files. */
static hpx_status read_version(uint8_t out[HPX_CODE_BYTES], const char *root, const char *sources,
                               hpx_error *error)
{
    code_files files = {0};
    git_oid id;
    hpx_status status = hpx_code_files_read_trainer(&files, root, sources, error);
    if (!status && files.count == 0)
        status = hpx_error_set(error, HPX_FAILED, "%s: no source in it", root);
    if (!status) {
        hpx_code_files_hash(&files);
        status = hpx_code_tree_write(&id, &files, "", NULL, error);
    }
    if (!status)
        memcpy(out, id.id, HPX_CODE_BYTES);
    hpx_code_files_free(&files);
    return status;
}

/* A record's texts are UTF-8; file systems and git take any bytes. What is not is as unknown. */
static void set_text(char **text, const char *value)
{
    free(*text);
    *text = hpx_strdup(hpx_field_is_text(value, strlen(value)) ? value : "");
}

/* --- provenance ----------------------------------------------------------------------------------------- */

/* Where the source tree lies in its repository: root below the work tree. */
static hpx_status find_folder(char **out, git_repository *repository, const char *root, hpx_error *error)
{
    const char *work = hpx_git.repository_workdir(repository);
    char *real = hpx_path_real(root);
    const size_t length = work ? strlen(work) : 0; /* it ends in a slash */
    hpx_status status = HPX_OK;
    if (!work || !real || (strncmp(work, real, length) != 0 && strncmp(work, real, length - 1) != 0))
        status = hpx_error_set(error, HPX_FAILED, "the repository has no work tree around it");
    else
        *out = hpx_strdup(strlen(real) > length ? real + length : "");
    free(real);
    return status;
}

/* A detached HEAD names a commit, not a branch. */
static void read_branch(hpx_code *out, git_repository *repository)
{
    static const char prefix[] = "refs/heads/";
    git_reference *head = NULL;
    if (hpx_git.reference_lookup(&head, repository, "HEAD") != 0)
        return;
    const char *name = hpx_git.reference_symbolic_target(head);
    if (name && strncmp(name, prefix, strlen(prefix)) == 0)
        set_text(&out->branch, name + strlen(prefix));
    hpx_git.reference_free(head);
}

static void print_date(char out[HPX_CODE_DATE_BYTES], const git_time *time)
{
    const time_t local = time->time + time->offset * 60;
    const int minutes = abs(time->offset);
    struct tm parts;
    gmtime_r(&local, &parts);
    size_t length = strftime(out, HPX_CODE_DATE_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + length, HPX_CODE_DATE_BYTES - length, "%c%02d:%02d", time->offset < 0 ? '-' : '+',
             minutes / 60, minutes % 60);
}

/* As git describe --tags --always. libgit2 gives up in a shallow clone; the commit is a description, too. */
static void read_describe(hpx_code *out, git_commit *commit)
{
    git_describe_options options = GIT_DESCRIBE_OPTIONS_INIT;
    options.describe_strategy = GIT_DESCRIBE_TAGS;
    options.show_commit_oid_as_fallback = 1;
    git_describe_format_options format = GIT_DESCRIBE_FORMAT_OPTIONS_INIT;
    git_describe_result *described = NULL;
    git_buf text = {0};
    if (hpx_git.describe_commit(&described, (git_object *)commit, &options) == 0 &&
        hpx_git.describe_format(&text, described, &format) == 0)
        set_text(&out->describe, text.ptr);
    if (!*out->describe) {
        free(out->describe);
        out->describe = hpx_format("%.7s", out->commit);
    }
    hpx_git.buf_dispose(&text);
    hpx_git.describe_result_free(described);
}

/* HEAD's commit; NULL before the first one. */
static hpx_status find_commit(git_commit **out, git_repository *repository, hpx_error *error)
{
    git_oid head;
    const int code = hpx_git.reference_name_to_id(&head, repository, "HEAD");
    *out = NULL;
    if (code == GIT_ENOTFOUND || code == GIT_EUNBORNBRANCH)
        return HPX_OK;
    if (code != 0 || hpx_git.commit_lookup(out, repository, &head) != 0)
        return hpx_code_git_failed("HEAD", error);
    return HPX_OK;
}

static void set_commit(hpx_code *out, git_commit *commit)
{
    hpx_git.oid_tostr(out->commit, sizeof out->commit, hpx_git.commit_id(commit));
    print_date(out->author_date, &hpx_git.commit_author(commit)->when);
    read_describe(out, commit);
    if (out->dirty) {
        char *clean = out->describe;
        out->describe = hpx_format("%s-dirty", clean);
        free(clean);
    }
}

/* The patch is for reading: without it nothing is lost. */
static void read_patch(hpx_code *out, git_repository *repository, const code_files *committed,
                       const code_files *built)
{
    hpx_error error;
    if (hpx_code_patch(&out->patch, repository, committed, built, out->folder, &error) != HPX_OK)
        out->unknown = hpx_format("the patch: %s", error.message);
    else if (out->patch.size > PATCH_BYTES_MAX)
        out->unknown = hpx_format("the patch: it has more than %u MiB", PATCH_BYTES_MAX >> 20);
    if (out->unknown)
        hpx_buffer_free(&out->patch);
}

/* HEAD, and what differs from its commit: the lists have all that differs. Git's own notes of what has changed (index, flags,
 * times) are not asked: the files on disk are compared with the commit's. */
static void set_provenance(hpx_code *out, git_repository *repository, git_commit *commit,
                           const code_files *committed, const code_files *built)
{
    const code_file *old, *new;
    code_walk at = {0};
    out->dirty = hpx_code_files_next_difference(&at, committed, built, &old, &new);
    read_branch(out, repository);
    if (commit)
        set_commit(out, commit);
    if (out->dirty)
        read_patch(out, repository, committed, built);
}

static hpx_status read_provenance(hpx_code *out, git_repository *repository, const char *root,
                                  const code_files *built, const char *sources, hpx_error *error)
{
    code_files committed = {0};
    git_commit *commit = NULL;
    git_tree *tree = NULL;
    char *folder = NULL;
    hpx_status status = find_folder(&folder, repository, root, error);
    if (!status)
        status = find_commit(&commit, repository, error);
    if (!status && commit)
        status = hpx_code_tree_below(&tree, repository, hpx_git.commit_tree_id(commit), folder, error);
    if (!status)
        status = hpx_code_tree_list(&committed, repository, tree, sources, error);
    if (!status) {
        set_text(&out->folder, folder);
        set_provenance(out, repository, commit, &committed, built);
    }
    hpx_code_files_free(&committed);
    hpx_git.tree_free(tree);
    hpx_git.commit_free(commit);
    free(folder);
    return status;
}

static void keep_files(hpx_code *out, const code_files *built)
{
    size_t size = 0;
    for (size_t i = 0; i < built->count; i++)
        size += strlen(built->files[i].path) + built->files[i].bytes.size;
    const bool all = built->count == 0 || built->files[0].has_bytes;
    if (all && size <= CODE_FILES_BYTES_MAX)
        hpx_code_files_pack(&out->files, built);
    else if (!out->unknown)
        out->unknown = hpx_format("the sources: more than %u MiB are not kept", CODE_FILES_BYTES_MAX >> 20);
}

/* What is being read of a source tree. */
struct reading {
    code_files files;
    git_repository *repository; /* NULL: none is open */
};

static hpx_status begin(hpx_code *out, hpx_error *error)
{
    hpx_status status = hpx_code_git_begin(error);
    *out = (hpx_code){0};
    if (status)
        return status;
    out->describe = hpx_strdup("");
    out->branch = hpx_strdup("");
    out->folder = hpx_strdup("");
    return HPX_OK;
}

static hpx_status end(hpx_code *out, struct reading *reading, hpx_status status)
{
    hpx_code_files_free(&reading->files);
    hpx_git.repository_free(reading->repository);
    hpx_code_git_end();
    if (status)
        hpx_code_free(out);
    return status;
}

hpx_status hpx_code_read(hpx_code *out, const char *root, const char *sources, hpx_error *error)
{
    struct reading built = {0};
    hpx_error unknown;
    hpx_status status = begin(out, error);
    if (status)
        return status;
    status = hpx_code_files_read(&built.files, root, sources, error);
    if (!status) {
        hpx_code_files_hash(&built.files);
        if (hpx_code_repository_open(&built.repository, root, &unknown) != HPX_OK ||
            read_provenance(out, built.repository, root, &built.files, sources, &unknown) != HPX_OK)
            out->unknown = hpx_format("the commit: %s", unknown.message);
        keep_files(out, &built.files);
    }
    return end(out, &built, status);
}

/* --- a program's code ----------------------------------------------------------------------------------- */

/* The files of a snapshot; without bytes when they are too many to be kept. */
static hpx_status read_snapshot(code_files *out, const hpx_listing *listing, const char *snapshot,
                                hpx_error *error)
{
    uint64_t size = 0;
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < listing->count; i++)
        size += strlen(listing->files[i].path) + listing->files[i].stat.size;
    hpx_listing_files(out, listing);
    for (size_t i = 0; i < out->count && !status && size <= CODE_FILES_BYTES_MAX; i++) {
        code_file *file = &out->files[i];
        char *path = hpx_path_join(snapshot, file->path);
        file->has_bytes = true;
        status = hpx_file_read(&file->bytes, path, CODE_FILES_BYTES_MAX, error);
        free(path);
    }
    return status;
}

/* What is being listed of a commit: at the paths that the program's files have, and what a submodule has, by its own paths. */
struct committed {
    git_repository *repository;
    git_tree *tree;
    const char *work;
    const code_files *built;
    code_files files, submodule;
    char *submodule_path; /* of the one that was listed last; NULL: none */
};

/* Gives it the bytes that a submodule has for it: the repository around has them not, and a patch needs them. */
static void load_from_submodule(code_file *file, const struct committed *committed, const char *submodule)
{
    char *folder = hpx_path_join(committed->work, submodule);
    git_repository *repository = NULL;
    hpx_error unknown;
    if (hpx_code_repository_open(&repository, folder, &unknown) == HPX_OK)
        hpx_code_file_load(file, repository, &unknown);
    hpx_git.repository_free(repository);
    free(folder);
}

/* Of the submodule at a path, unless that is empty. */
static void add_committed_file(struct committed *committed, const char *path, uint32_t mode,
                               const uint8_t *id, const char *submodule)
{
    code_file *file = hpx_code_files_add(&committed->files, hpx_strdup(path), mode);
    memcpy(file->id, id, HPX_CODE_BYTES);
    if (*submodule && !hpx_code_file_equal(file, hpx_code_files_find(committed->built, path)))
        load_from_submodule(file, committed, submodule);
}

/* What the submodule at this path has there; NULL: nothing. */
static const code_file *find_in_submodule(struct committed *committed, const char *submodule,
                                          const char *path)
{
    hpx_error unknown;
    if (!committed->submodule_path || strcmp(committed->submodule_path, submodule) != 0) {
        free(committed->submodule_path);
        committed->submodule_path = hpx_strdup(submodule);
        hpx_code_files_free(&committed->submodule);
        hpx_code_tree_add_below(&committed->submodule, committed->repository, committed->tree, submodule,
                                committed->work, &unknown);
        hpx_code_files_sort(&committed->submodule);
    }
    return hpx_code_files_find(&committed->submodule, path);
}

/* What the commit has at the path of a file, links on the way followed. */
static void add_committed(struct committed *committed, const hpx_listed_file *file)
{
    git_tree_entry *entry = NULL;
    if (hpx_git.tree_entry_bypath(&entry, committed->tree, file->real) == 0) {
        add_committed_file(committed, file->path, hpx_git.tree_entry_filemode(entry),
                           hpx_git.tree_entry_id(entry)->id, "");
    } else {
        char *submodule = hpx_code_submodule_of(committed->tree, file->real);
        const code_file *old = *submodule ? find_in_submodule(committed, submodule, file->real) : NULL;
        if (old)
            add_committed_file(committed, file->path, old->mode, old->id, submodule);
        free(submodule);
    }
    hpx_git.tree_entry_free(entry);
}

/* The folder of a word that all it names is in: what stands before the first part that is a glob. */
static char *fixed_part(const char *word)
{
    size_t length = strcspn(word, "*?[");
    while (word[length] && length > 0 && word[length - 1] != '/')
        length--;
    return hpx_strndup(word, length);
}

/* A listing leaves out the path, which is at or below what a word names: a part of what is below is no code. */
static bool is_skipped(const char *path, const char *word)
{
    const size_t length = strlen(word);
    const bool is_below =
        strncmp(path, word, length) == 0 && (length == 0 || path[length] == '/' || !path[length]);
    char *rest = hpx_strdup(is_below ? path + length : path);
    bool skipped = false;
    for (char *at = rest, *part; !skipped && (part = strsep(&at, "/"));)
        skipped = hpx_listing_skips(part);
    free(rest);
    return skipped;
}

/* Files of the commit that a word names, a path below the root, and that are not on disk any more. */
static void add_deleted(struct committed *committed, const char *word)
{
    code_files all = {0};
    hpx_error unknown;
    char *part = fixed_part(word), *folder = hpx_path_normal("", part), *inside = hpx_format("%s/**", word);
    hpx_code_tree_add_below(&all, committed->repository, committed->tree, folder, committed->work, &unknown);
    for (size_t i = 0; i < all.count; i++) {
        const code_file *old = &all.files[i];
        char *full = hpx_path_join(committed->work, old->path);
        struct stat info;
        if (lstat(full, &info) != 0 && !is_skipped(old->path, word) &&
            (!hpx_is_glob(word) || hpx_glob_matches(word, old->path) ||
             hpx_glob_matches(inside, old->path))) {
            char *submodule = hpx_code_submodule_of(committed->tree, old->path);
            add_committed_file(committed, old->path, old->mode, old->id, submodule);
            free(submodule);
        }
        free(full);
    }
    hpx_code_files_free(&all);
    free(inside);
    free(folder);
    free(part);
}

static hpx_status read_listed(hpx_code *out, git_repository *repository, const code_files *files,
                              const hpx_listing *listing, const char *const *words, size_t word_count,
                              hpx_error *error)
{
    struct committed committed = {.repository = repository, .work = listing->root, .built = files};
    git_commit *commit = NULL;
    hpx_status status = find_commit(&commit, repository, error);
    if (!status && commit)
        status = hpx_code_tree_below(&committed.tree, repository, hpx_git.commit_tree_id(commit), "", error);
    for (size_t i = 0; i < listing->count && committed.tree && !status; i++)
        add_committed(&committed, &listing->files[i]);
    for (size_t i = 0; i < word_count && committed.tree && !status; i++) {
        char *word = hpx_path_normal(listing->folder, words[i]);
        add_deleted(&committed, word);
        free(word);
    }
    hpx_code_files_sort(&committed.files);
    if (!status)
        set_provenance(out, repository, commit, &committed.files, files);
    hpx_code_files_free(&committed.files);
    hpx_code_files_free(&committed.submodule);
    free(committed.submodule_path);
    hpx_git.tree_free(committed.tree);
    hpx_git.commit_free(commit);
    return status;
}

hpx_status hpx_code_read_listed(hpx_code *out, const hpx_listing *listing, const char *const *words,
                                size_t word_count, const char *snapshot, hpx_error *error)
{
    struct reading listed = {0};
    hpx_error unknown;
    hpx_status status = begin(out, error);
    if (status)
        return status;
    if (snapshot)
        status = read_snapshot(&listed.files, listing, snapshot, error);
    if (!status && listing->in_work_tree &&
        (hpx_code_repository_open(&listed.repository, listing->root, &unknown) != HPX_OK ||
         read_listed(out, listed.repository, &listed.files, listing, words, word_count, &unknown) != HPX_OK))
        out->unknown = hpx_format("the commit: %s", unknown.message);
    if (!status && snapshot)
        keep_files(out, &listed.files);
    return end(out, &listed, status);
}

hpx_code_stamp hpx_code_stamp_of(const hpx_code *code)
{
    return (hpx_code_stamp){
        .commit = code->commit,
        .describe = code->describe,
        .branch = code->branch,
        .author_date = code->author_date,
        .folder = code->folder,
        .dirty = code->dirty,
        .patch = code->patch.data,
        .patch_size = code->patch.size,
        .files = code->files.data,
        .files_size = code->files.size,
    };
}

void hpx_code_free(hpx_code *code)
{
    hpx_buffer_free(&code->patch);
    hpx_buffer_free(&code->files);
    free(code->describe);
    free(code->branch);
    free(code->folder);
    free(code->unknown);
    *code = (hpx_code){0};
}

hpx_status hpx_code_version(uint8_t out[HPX_CODE_BYTES], const char *root, const char *sources,
                            hpx_error *error)
{
    hpx_status status = hpx_code_git_begin(error);
    if (status)
        return status;
    status = read_version(out, root, sources, error);
    hpx_code_git_end();
    return status;
}
