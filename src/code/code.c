#include "hpx/code.h"

#include "git.h"
#include "record.h"

#include "hpx/file.h"
#include "hpx/hash.h"
#include "hpx/memory.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOURCE_BYTES_MAX (64u << 20)

/* A source tree opened for reading: in its repository, or in one that exists only in memory. Objects are
 * written while hashing: into a database in memory alone, since even an object that is there already gets a
 * new time on disk. */
struct tree {
    const char *root;
    git_repository *repository;
    git_odb *memory, *stored; /* stored: the repository's own, NULL without one */
    bool only_check;          /* add nothing */
    char *prefix;             /* of root below the work tree: "" or "sub/folder/" */
};

static hpx_status git_failed(hpx_error *error, const char *what)
{
    const git_error *last = git.error_last();
    return hpx_error_set(error, HPX_FAILED, "%s: %s", what, last ? last->message : "libgit2 failed");
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = hpx_strdup(value);
}

/* Words of a blank-separated list, as libgit2 takes them, each behind the prefix. */
static git_strarray split(const char *list, const char *prefix)
{
    git_strarray words = {0};
    size_t capacity = 0;
    for (const char *p = list; *p;) {
        size_t skip = strspn(p, " \t\n"), length = strcspn(p + skip, " \t\n");
        if (length > 0) {
            words.strings = hpx_grow(words.strings, &capacity, words.count + 1, sizeof(char *));
            words.strings[words.count++] = hpx_format("%s%.*s", prefix, (int)length, p + skip);
        }
        p += skip + length;
    }
    return words;
}

static void free_words(git_strarray *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->strings[i]);
    free(words->strings);
}

static hpx_status make_memory(struct tree *tree, hpx_error *error)
{
    git_odb_backend *backend = NULL;
    if (git.odb_new(&tree->memory) != 0 || git.mempack_new(&backend) != 0)
        return git_failed(error, tree->root);
    if (git.odb_add_backend(tree->memory, backend, 1) != 0) {
        backend->free(backend);
        return git_failed(error, tree->root);
    }
    return HPX_OK;
}

static hpx_status open_without_repository(struct tree *tree, hpx_error *error)
{
    tree->prefix = hpx_strdup("");
    if (git.repository_new(&tree->repository) != 0)
        return git_failed(error, tree->root);
    return make_memory(tree, error);
}

/* libgit2 answers GIT_ENOTFOUND both for "no repository" and for one owned by somebody else (there because no
 * safe.directory is found that would allow it); only the message tells. */
static bool is_foreign(void)
{
    const git_error *last = git.error_last();
    return last && !strstr(last->message, "could not find repository") &&
           !strstr(last->message, "failed to resolve");
}

static hpx_status open_tree(struct tree *tree, const char *root, hpx_error *error)
{
    *tree = (struct tree){.root = root};
    int code = git.repository_open_ext(&tree->repository, root, 0, NULL);
    if (code == GIT_ENOTFOUND && !is_foreign())
        return open_without_repository(tree, error);
    if (code == GIT_ENOTFOUND || code == GIT_EOWNER)
        return hpx_error_set(
            error, HPX_FAILED,
            "%s: its repository is owned by another user; if you trust it: git config --global --add "
            "safe.directory %s",
            root, root);
    if (code != 0)
        return git_failed(error, root);
    const char *work = git.repository_workdir(tree->repository);
    char *real = hpx_path_real(root);
    size_t length = work ? strlen(work) : 0;
    if (!work || !real || (strncmp(work, real, length) != 0 && strncmp(work, real, length - 1) != 0)) {
        free(real);
        return hpx_error_set(error, HPX_FAILED, "%s: its repository has no work tree around it", root);
    }
    tree->prefix = strlen(real) > length ? hpx_format("%s/", real + length) : hpx_strdup("");
    free(real);
    if (git.repository_odb(&tree->stored, tree->repository) != 0)
        return git_failed(error, root);
    return make_memory(tree, error);
}

static void close_tree(struct tree *tree)
{
    git.odb_free(tree->memory);
    git.odb_free(tree->stored);
    git.repository_free(tree->repository);
    free(tree->prefix);
}

/* A link is stored as the path it holds. */
static hpx_status read_link(hpx_buffer *out, const char *path, hpx_error *error)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target);
    if (length < 0)
        return hpx_error_errno(error, "%s", path);
    hpx_buffer_add(out, target, (size_t)length);
    return HPX_OK;
}

static hpx_status add_file(git_index *index, struct tree *tree, const char *path, mode_t mode,
                           hpx_error *error)
{
    char *full = hpx_path_join(tree->root, path);
    hpx_buffer bytes = {0};
    git_index_entry entry = {.path = path};
    bool link = S_ISLNK(mode);
    hpx_status status =
        link ? read_link(&bytes, full, error) : hpx_file_read(&bytes, full, SOURCE_BYTES_MAX, error);
    if (!status) {
        entry.mode = link             ? GIT_FILEMODE_LINK
                     : mode & S_IXUSR ? GIT_FILEMODE_BLOB_EXECUTABLE
                                      : GIT_FILEMODE_BLOB;
        if (git.odb_write(&entry.id, tree->memory, bytes.data, bytes.size, GIT_OBJECT_BLOB) != 0 ||
            git.index_add(index, &entry) != 0)
            status = git_failed(error, path);
    }
    hpx_buffer_free(&bytes);
    free(full);
    return status;
}

/* The files of a submodule are no part of the tree that git would make, only its commit: edits in it would be
 * missed. */
static hpx_status refuse_submodule(const char *path, hpx_error *error)
{
    return hpx_error_set(
        error, HPX_FAILED,
        "%s: a repository of its own under the code paths, whose files git does not see; copy them "
        "in, or take it out of the code paths",
        path);
}

static bool is_ignored(const struct tree *tree, const char *path)
{
    int ignored = 0;
    return tree->stored && git.ignore_path_is_ignored(&ignored, tree->repository, path) == 0 && ignored;
}

static hpx_status add_path(git_index *index, struct tree *tree, const char *path, hpx_error *error);

static hpx_status add_folder(git_index *index, struct tree *tree, const char *path, const char *full,
                             hpx_error *error)
{
    DIR *folder = opendir(full);
    if (!folder)
        return hpx_error_errno(error, "%s", full);
    hpx_status status = HPX_OK;
    for (struct dirent *entry; !status && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *child = hpx_path_join(path, entry->d_name);
        status = strcmp(entry->d_name, ".git") == 0 ? refuse_submodule(path, error)
                                                    : add_path(index, tree, child, error);
        free(child);
    }
    closedir(folder);
    return status;
}

/* A generated or private source that is compiled in, and that neither a commit nor a patch would have. */
static hpx_status refuse_compiled(const char *path, hpx_error *error)
{
    const char *dot = strrchr(path, '.');
    if (!dot || (strcmp(dot, ".c") != 0 && strcmp(dot, ".h") != 0))
        return HPX_OK;
    return hpx_error_set(error, HPX_FAILED,
                         "%s: a source under the code paths that git ignores, so that edits would be missed; "
                         "git add -f it, or take it out of the code paths",
                         path);
}

/* In a repository git itself says what a file would be in a commit: filters, modes, ignored files. Those that
 * are tracked are in the index already. */
static hpx_status add_path(git_index *index, struct tree *tree, const char *path, hpx_error *error)
{
    const git_index_entry *entry = git.index_get_bypath(index, path, 0);
    if (entry)
        return entry->mode == GIT_FILEMODE_COMMIT ? refuse_submodule(path, error) : HPX_OK;
    char *full = hpx_path_join(tree->stored ? git.repository_workdir(tree->repository) : tree->root, path);
    struct stat info;
    hpx_status status = HPX_OK;
    if (lstat(full, &info) != 0)
        status = hpx_error_errno(error, "%s", full);
    else if (S_ISDIR(info.st_mode))
        status = add_folder(index, tree, path, full, error);
    else if (is_ignored(tree, path))
        status = refuse_compiled(path, error);
    else if (!tree->stored)
        status = add_file(index, tree, path, info.st_mode, error);
    else if (!tree->only_check && git.index_add_bypath(index, path) != 0)
        status = git_failed(error, path);
    free(full);
    return status;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static hpx_status check_sources(const struct tree *tree, const git_strarray *paths, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < paths->count && !status; i++) {
        char *full = hpx_path_join(tree->root, paths->strings[i] + strlen(tree->prefix));
        if (!hpx_path_exists(full))
            status = hpx_error_set(error, HPX_FAILED, "%s: no such source", full);
        free(full);
    }
    return status;
}

/* The files below the path that git tracks, also those that are ignored: side by side in an index, but for
 * names like "path.c" among them. */
static hpx_status list_tracked(git_strarray *out, size_t *capacity, git_index *index, const char *path,
                               hpx_error *error)
{
    size_t position;
    if (git.index_find_prefix(&position, index, path) != 0)
        return HPX_OK;
    const git_index_entry *entry;
    for (; (entry = git.index_get_byindex(index, position)) && strncmp(entry->path, path, strlen(path)) == 0;
         position++) {
        if (!is_below(entry->path, path))
            continue;
        if (entry->mode == GIT_FILEMODE_COMMIT)
            return refuse_submodule(entry->path, error);
        out->strings = hpx_grow(out->strings, capacity, out->count + 1, sizeof(char *));
        out->strings[out->count++] = hpx_strdup(entry->path);
    }
    return HPX_OK;
}

/* A file that is tracked although it is ignored would be in a commit. */
static hpx_status add_tracked(git_index *index, const struct tree *tree, const git_strarray *tracked,
                              hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < tracked->count && !status; i++) {
        const char *path = tracked->strings[i];
        char *full = hpx_path_join(git.repository_workdir(tree->repository), path);
        struct stat info;
        if (lstat(full, &info) == 0 && !S_ISDIR(info.st_mode) && git.index_add_bypath(index, path) != 0)
            status = git_failed(error, path);
        free(full);
    }
    return status;
}

/* The user's index is only read. It is not git_index_add_all that finds the files: that looks at the whole
 * work tree, whatever the paths. */
static hpx_status add_from_work_tree(git_index *index, git_index *users, struct tree *tree,
                                     const git_strarray *paths, hpx_error *error)
{
    git_strarray tracked = {0};
    size_t capacity = 0;
    hpx_status status = check_sources(tree, paths, error);
    for (size_t i = 0; i < paths->count && !status; i++)
        status = list_tracked(&tracked, &capacity, users, paths->strings[i], error);
    if (!status)
        status = add_tracked(index, tree, &tracked, error);
    for (size_t i = 0; i < paths->count && !status; i++)
        status = add_path(index, tree, paths->strings[i], error);
    free_words(&tracked);
    return status;
}

/* Refuses what could not be built again from commit and patch. */
static hpx_status check_build_sources(struct tree *tree, const char *build_sources, hpx_error *error)
{
    git_strarray paths = split(build_sources, tree->prefix);
    git_index *users = NULL;
    hpx_status status = HPX_OK;
    if (git.repository_index(&users, tree->repository) != 0)
        status = git_failed(error, tree->root);
    tree->only_check = true;
    for (size_t i = 0; i < paths.count && !status; i++)
        status = add_path(users, tree, paths.strings[i], error);
    tree->only_check = false;
    git.index_free(users);
    free_words(&paths);
    return status;
}

static char *folder_of(const struct tree *tree)
{
    const size_t length = strlen(tree->prefix);
    return hpx_strndup(tree->prefix, length ? length - 1 : 0);
}

/* The tree of the sources, without the folders above root. */
static hpx_status below_prefix(git_oid *id, struct tree *tree, hpx_error *error)
{
    git_tree *sources = NULL;
    char *folder = folder_of(tree);
    hpx_status status = code_tree_below(&sources, tree->repository, id, folder, error);
    if (!status && !sources)
        status = hpx_error_set(error, HPX_FAILED, "%s: no source in it that git does not ignore", tree->root);
    if (!status)
        git.oid_cpy(id, git.tree_id(sources));
    git.tree_free(sources);
    free(folder);
    return status;
}

static hpx_status tree_version(uint8_t out[HPX_CODE_BYTES], struct tree *tree, const char *sources,
                               hpx_error *error)
{
    git_strarray paths = split(sources, tree->prefix);
    git_index *index = NULL, *users = NULL;
    git_oid id;
    hpx_status status = HPX_OK;
    /* For the time being the repository has another index, in memory, and other objects. */
    if (git.index_new(&index) != 0 || (tree->stored && git.repository_index(&users, tree->repository) != 0) ||
        git.repository_set_index(tree->repository, index) != 0 ||
        git.repository_set_odb(tree->repository, tree->memory) != 0) {
        status = git_failed(error, tree->root);
    } else if (tree->stored) {
        status = add_from_work_tree(index, users, tree, &paths, error);
    } else {
        for (size_t i = 0; i < paths.count && !status; i++)
            status = add_path(index, tree, paths.strings[i], error);
    }
    if (!status && git.index_write_tree_to(&id, index, tree->repository) != 0)
        status = git_failed(error, tree->root);
    if (!status)
        status = below_prefix(&id, tree, error);
    if (!status)
        memcpy(out, id.id, HPX_CODE_BYTES);
    if (users) {
        git.repository_set_index(tree->repository, users);
        git.repository_set_odb(tree->repository, tree->stored);
    }
    git.index_free(index);
    git.index_free(users);
    free_words(&paths);
    return status;
}

/* A detached HEAD names a commit, not a branch. */
static hpx_status read_branch(hpx_code *out, struct tree *tree, hpx_error *error)
{
    static const char prefix[] = "refs/heads/";
    git_reference *head = NULL;
    if (git.reference_lookup(&head, tree->repository, "HEAD") != 0)
        return git_failed(error, tree->root);
    const char *name = git.reference_symbolic_target(head);
    if (name && strncmp(name, prefix, strlen(prefix)) == 0)
        set_text(&out->branch, name + strlen(prefix));
    git.reference_free(head);
    return HPX_OK;
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

static hpx_status read_commit(hpx_code *out, git_commit **commit, struct tree *tree, hpx_error *error)
{
    git_oid head;
    int code = git.reference_name_to_id(&head, tree->repository, "HEAD");
    if (code == GIT_ENOTFOUND || code == GIT_EUNBORNBRANCH)
        return HPX_OK;
    if (code != 0 || git.commit_lookup(commit, tree->repository, &head) != 0)
        return git_failed(error, tree->root);
    git.oid_tostr(out->commit, sizeof out->commit, &head);
    print_date(out->author_date, &git.commit_author(*commit)->when);

    git_describe_options options = GIT_DESCRIBE_OPTIONS_INIT;
    options.describe_strategy = GIT_DESCRIBE_TAGS;
    options.show_commit_oid_as_fallback = 1;
    git_describe_format_options format = GIT_DESCRIBE_FORMAT_OPTIONS_INIT;
    git_describe_result *described = NULL;
    git_buf text = {0};
    hpx_status status = HPX_OK;
    if (git.describe_commit(&described, (git_object *)*commit, &options) != 0 ||
        git.describe_format(&text, described, &format) != 0)
        status = git_failed(error, tree->root);
    else
        set_text(&out->describe, text.ptr);
    git.buf_dispose(&text);
    git.describe_result_free(described);
    return status;
}

static hpx_status read_patch(hpx_code *out, struct tree *tree, git_commit *commit, const char *build_sources,
                             hpx_error *error)
{
    git_diff_options options = GIT_DIFF_OPTIONS_INIT;
    options.flags = GIT_DIFF_INCLUDE_UNTRACKED | GIT_DIFF_RECURSE_UNTRACKED_DIRS |
                    GIT_DIFF_SHOW_UNTRACKED_CONTENT | GIT_DIFF_SHOW_BINARY | GIT_DIFF_DISABLE_PATHSPEC_MATCH;
    options.pathspec = split(build_sources, tree->prefix);
    git_tree *head = NULL;
    git_diff *diff = NULL;
    git_buf text = {0};
    hpx_status status = HPX_OK;
    if ((commit && git.commit_tree(&head, commit) != 0) ||
        git.diff_tree_to_workdir_with_index(&diff, tree->repository, head, &options) != 0 ||
        git.diff_to_buf(&text, diff, GIT_DIFF_FORMAT_PATCH) != 0) {
        status = git_failed(error, tree->root);
    } else {
        out->dirty = git.diff_num_deltas(diff) > 0;
        hpx_buffer_add(&out->patch, text.ptr, text.size);
        if (out->dirty && *out->describe) {
            char *clean = out->describe;
            out->describe = hpx_format("%s-dirty", clean);
            free(clean);
        }
    }
    git.buf_dispose(&text);
    git.diff_free(diff);
    git.tree_free(head);
    free_words(&options.pathspec);
    return status;
}

/* A record's texts are UTF-8; file systems and git take any bytes. */
static hpx_status check_names(const hpx_code *code, hpx_error *error)
{
    const char *const names[] = {code->describe, code->branch, code->folder};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!hpx_field_is_text(names[i], strlen(names[i])))
            return hpx_error_set(error, HPX_FAILED, "'%s' is not UTF-8: rename the tag, branch or folder",
                                 names[i]);
    return HPX_OK;
}

hpx_status hpx_code_read(hpx_code *out, const char *root, const char *sources, const char *build_sources,
                         hpx_error *error)
{
    *out = (hpx_code){0};
    hpx_status status = code_git_begin(error);
    if (status)
        return status;
    struct tree tree;
    git_commit *commit = NULL;
    status = open_tree(&tree, root, error);
    out->describe = hpx_strdup("");
    out->branch = hpx_strdup("");
    out->folder = status ? hpx_strdup("") : folder_of(&tree);
    if (!status)
        status = tree_version(out->version, &tree, sources, error);
    if (!status && tree.stored)
        status = check_build_sources(&tree, build_sources, error);
    if (!status && tree.stored)
        status = read_branch(out, &tree, error);
    if (!status && tree.stored)
        status = read_commit(out, &commit, &tree, error);
    if (!status && tree.stored)
        status = read_patch(out, &tree, commit, build_sources, error);
    if (!status)
        status = check_names(out, error);
    git.commit_free(commit);
    close_tree(&tree);
    code_git_end();
    if (status)
        hpx_code_free(out);
    return status;
}

void hpx_code_free(hpx_code *code)
{
    hpx_buffer_free(&code->patch);
    free(code->describe);
    free(code->branch);
    free(code->folder);
    *code = (hpx_code){0};
}

hpx_status hpx_code_version(uint8_t out[HPX_CODE_BYTES], const char *root, const char *sources,
                            hpx_error *error)
{
    hpx_status status = code_git_begin(error);
    if (status)
        return status;
    struct tree tree;
    status = open_tree(&tree, root, error);
    if (!status)
        status = tree_version(out, &tree, sources, error);
    close_tree(&tree);
    code_git_end();
    return status;
}
