#include "listing.h"

#include "files.h"
#include "ignore.h"
#include "listing_memory.h"
#include "tree.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (64u << 20)
#define LINKS_MAX      32 /* one below the other */

bool hpx_listing_skips(const char *name)
{
    static const char *const patterns[] = {
        ".git",        "__pycache__",        "*.py[cod]", ".pytest_cache", ".mypy_cache",
        ".ruff_cache", ".ipynb_checkpoints", "*~",        "#*#",           ".#*",
        ".*.sw[a-p]",  ".DS_Store",          "*.rcp",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    return false;
}

/* --- the walk ------------------------------------------------------------------------------------------- */

/* The rules of a repository, and where it lies below the root. Those inside another one are kept in a list. */
struct repository {
    char *path; /* "" for the outermost one */
    code_rules *rules;
    struct repository *next;
};

struct walk {
    const hpx_listing_request *request;
    code_memory memory;     /* that is made */
    const code_memory *old; /* of before; NULL: none */
    struct repository *repositories;
    size_t links;
};

static void add_witness(void *context, const char *path)
{
    hpx_code_memory_add(&((struct walk *)context)->memory, path, WITNESS_CONTENT);
}

static bool is_left_out(const struct walk *walk, const char *full)
{
    const hpx_path_list *left_out = walk->request->left_out;
    for (size_t i = 0; i < left_out->count; i++) {
        const size_t length = strlen(left_out->paths[i]);
        if (strncmp(full, left_out->paths[i], length) == 0 && (full[length] == 0 || full[length] == '/'))
            return true;
    }
    return false;
}

static hpx_status usage(hpx_error *error, const char *path, const char *why)
{
    return hpx_error_set(error, HPX_USAGE, "%s %s", path, why);
}

/* The path below the root; NULL when it is not below it. "" for the root. */
static const char *below_root(const struct walk *walk, const char *full)
{
    const char *root = walk->memory.listing.root;
    const size_t length = strlen(root);
    if (strncmp(full, root, length) != 0)
        return NULL;
    return full[length] == '/' ? full + length + 1 : full[length] == 0 ? full + length : NULL;
}

static hpx_status enter_repository(struct walk *walk, const char *path, hpx_error *error)
{
    for (const struct repository *known = walk->repositories; known; known = known->next)
        if (strcmp(known->path, path) == 0)
            return HPX_OK;
    char *full = hpx_path_join(walk->memory.listing.root, *path ? path : ".");
    struct repository *repository = hpx_alloc(sizeof *repository);
    hpx_status status = hpx_code_rules_open(&repository->rules, full, add_witness, walk, error);
    free(full);
    if (status) {
        free(repository);
        return status;
    }
    repository->path = hpx_strdup(path);
    repository->next = walk->repositories;
    walk->repositories = repository;
    return HPX_OK;
}

/* The rules above a folder count in it, and those of every repository around it. */
static hpx_status enter_above(struct walk *walk, const char *real, hpx_error *error)
{
    hpx_status status = HPX_OK;
    char *at = hpx_strdup(walk->memory.listing.in_work_tree ? real : "");
    for (char *slash; !status && *at; *(slash ? slash : at) = 0) {
        char *full = hpx_path_join(walk->memory.listing.root, at), *git = hpx_path_join(full, ".git"),
             *rules = hpx_path_join(full, ".gitignore");
        hpx_code_memory_add(&walk->memory, git, WITNESS_EXISTS);
        add_witness(walk, rules);
        if (hpx_path_exists(git))
            status = enter_repository(walk, at, error);
        free(rules);
        free(git);
        free(full);
        slash = strrchr(at, '/');
    }
    free(at);
    return status;
}

/* The innermost repository around the path, which is behind its own path. */
static bool counts(struct walk *walk, const char *path, bool folder)
{
    struct repository *innermost = NULL;
    size_t skip = 0;
    for (struct repository *at = walk->repositories; at; at = at->next) {
        const size_t length = strlen(at->path);
        const bool around = length == 0 || (strncmp(path, at->path, length) == 0 && path[length] == '/');
        if (around && (!innermost || length > strlen(innermost->path))) {
            innermost = at;
            skip = length ? length + 1 : 0;
        }
    }
    return !innermost || hpx_code_rules_take(innermost->rules, path + skip, folder);
}

static const hpx_listed_file *find_file(const hpx_listing *listing, const char *path)
{
    size_t low = 0, high = listing->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(listing->files[middle].path, path);
        if (order == 0)
            return &listing->files[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The file is read, unless it is known as it is. Its stat is that of before it was read. */
static hpx_status add_file(struct walk *walk, const char *path, const char *real, const struct stat *info,
                           hpx_error *error)
{
    hpx_listing *listing = &walk->memory.listing;
    listing->files = hpx_grow(listing->files, &listing->capacity, listing->count + 1, sizeof *listing->files);
    hpx_listed_file *file = &listing->files[listing->count++];
    *file = (hpx_listed_file){.path = hpx_strdup(path), .real = hpx_strdup(real)};
    char *full = hpx_path_join(listing->root, real);
    hpx_code_stat(&file->stat, full);
    file->mode = info->st_mode & S_IXUSR ? CODE_MODE_EXECUTABLE : CODE_MODE_FILE;
    const hpx_listed_file *known = walk->old ? find_file(&walk->old->listing, path) : NULL;
    hpx_buffer bytes = {0};
    hpx_status status = HPX_OK;
    bool sure;
    if (known && strcmp(known->real, real) == 0 &&
        hpx_code_is_unchanged(&sure, listing->root, known, walk->old->listing.looked_ns)) {
        memcpy(file->id, known->id, HPX_CODE_BYTES);
        file->hash = known->hash;
    } else if (info->st_size > FILE_BYTES_MAX) {
        status = usage(error, real, "has more than 64 MiB: name it in `data` instead");
    } else {
        git_oid id;
        status = hpx_file_read(&bytes, full, FILE_BYTES_MAX, error);
        hpx_git.odb_hash(&id, bytes.data, bytes.size, GIT_OBJECT_BLOB);
        memcpy(file->id, id.id, HPX_CODE_BYTES);
        file->hash = hpx_hash_of(bytes.data, bytes.size);
    }
    hpx_buffer_free(&bytes);
    free(full);
    return status;
}

static hpx_status walk_path(struct walk *walk, const char *path, const char *real, bool named,
                            hpx_error *error);

static hpx_status walk_folder(struct walk *walk, const char *path, const char *real, hpx_error *error)
{
    char *full = hpx_path_join(walk->memory.listing.root, *real ? real : "."),
         *git = hpx_path_join(full, ".git"), *rules = hpx_path_join(full, ".gitignore");
    hpx_status status = HPX_OK;
    add_witness(walk, full);
    add_witness(walk, rules);
    if (walk->memory.listing.in_work_tree && hpx_path_exists(git))
        status = enter_repository(walk, real, error);
    DIR *entries = status ? NULL : opendir(full);
    if (!status && !entries)
        status = hpx_error_errno(error, "%s", full);
    for (const struct dirent *entry; !status && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            hpx_listing_skips(entry->d_name))
            continue;
        char *below = *path ? hpx_path_join(path, entry->d_name) : hpx_strdup(entry->d_name);
        char *real_below = *real ? hpx_path_join(real, entry->d_name) : hpx_strdup(entry->d_name);
        status = walk_path(walk, below, real_below, false, error);
        free(below);
        free(real_below);
    }
    if (entries)
        closedir(entries);
    free(rules);
    free(git);
    free(full);
    return status;
}

/* One that leads nowhere is no file. */
static hpx_status walk_link(struct walk *walk, const char *path, const char *real, bool named,
                            hpx_error *error)
{
    char *full = hpx_path_join(walk->memory.listing.root, real), *target = hpx_path_real(full);
    const char *inside = target ? below_root(walk, target) : NULL;
    hpx_status status = HPX_OK;
    add_witness(walk, full);
    if (!named && !counts(walk, real, false))
        status = HPX_OK;
    else if (!target && named)
        status = usage(error, real, "is a link to nowhere");
    else if (target && !inside)
        status = usage(error, real,
                       "is a link that leads out of the repository: copy the file in, or name it in `data`");
    else if (target && (walk->links == LINKS_MAX || strcmp(inside, "") == 0))
        status = usage(error, real, "is a link to a folder that it lies in");
    else if (target) {
        walk->links++;
        status = enter_above(walk, inside, error);
        if (!status)
            status = walk_path(walk, path, inside, true, error);
        walk->links--;
    }
    free(target);
    free(full);
    return status;
}

/* Everything at and below a path; `real` is the same without links on the way. What is named itself counts. */
static hpx_status walk_path(struct walk *walk, const char *path, const char *real, bool named,
                            hpx_error *error)
{
    char *full = hpx_path_join(walk->memory.listing.root, *real ? real : ".");
    struct stat info;
    hpx_status status = HPX_OK;
    if (is_left_out(walk, full))
        status = HPX_OK;
    else if (lstat(full, &info) != 0)
        status = errno == ENOENT && !named ? HPX_OK : hpx_error_errno(error, "%s", full);
    else if (S_ISLNK(info.st_mode))
        status = walk_link(walk, path, real, named, error);
    else if (S_ISDIR(info.st_mode) && (named || counts(walk, real, true)))
        status = walk_folder(walk, path, real, error);
    else if (S_ISREG(info.st_mode) && (named || counts(walk, real, false)))
        status = add_file(walk, path, real, &info, error);
    else if (named)
        status = usage(error, real, "is neither a file nor a folder");
    free(full);
    return status;
}

/* --- words ---------------------------------------------------------------------------------------------- */

/* A path of the word, as it is found from the recipe's folder. */
static hpx_status walk_name(struct walk *walk, const char *name, bool glob, hpx_error *error)
{
    char *joined = hpx_path_join(walk->request->folder, name);
    const char *slash = strrchr(joined, '/'), *last = slash + 1;
    const bool folder_itself = strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
    char *above = folder_itself ? hpx_strdup(joined) : hpx_path_directory(joined),
         *real_above = hpx_path_real(above);
    char *full = !real_above || folder_itself ? NULL : hpx_path_join(real_above, last);
    const char *real = real_above ? below_root(walk, full ? full : real_above) : NULL;
    const bool in_work_tree = walk->memory.listing.in_work_tree;
    struct stat info;
    hpx_status status = HPX_OK;
    if (!real_above || (full && lstat(full, &info) != 0))
        status = usage(error, name, "does not exist");
    else if (!real)
        status = usage(error, name,
                       in_work_tree ? "lies outside of the git repository"
                                    : "lies outside of the recipe's folder");
    else
        status = enter_above(walk, real, error);
    if (!status && real)
        status = walk_path(walk, real, real, !glob, error);
    free(full);
    free(real_above);
    free(above);
    free(joined);
    return status;
}

static void add_folder(void *context, const char *folder)
{
    add_witness(context, folder);
}

static hpx_status walk_word(struct walk *walk, const char *written, hpx_error *error)
{
    char *word = hpx_strdup(written);
    for (size_t length = strlen(word); length > 1 && word[length - 1] == '/'; length--)
        word[length - 1] = 0;
    hpx_path_list names = {0};
    const size_t before = walk->memory.listing.count;
    const bool glob = hpx_is_glob(word);
    if (glob)
        hpx_glob_expand(&names, walk->request->folder, word, add_folder, walk);
    else
        hpx_path_list_add(&names, word);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < names.count && !status; i++) {
        const char *last = strrchr(names.paths[i], '/');
        if (!glob || !hpx_listing_skips(last ? last + 1 : names.paths[i]))
            status = walk_name(walk, names.paths[i], glob, error);
    }
    if (!status && walk->memory.listing.count == before)
        status = usage(error, written,
                       glob ? "matches no file" : "has no file that is tracked or not ignored by git");
    hpx_path_list_free(&names);
    free(word);
    return status;
}

/* --- the listing ---------------------------------------------------------------------------------------- */

/* The nearest folder around the recipe's that is a work tree. Wherever a .git comes or goes on the way, it is another. */
static void find_root(struct walk *walk)
{
    hpx_listing *listing = &walk->memory.listing;
    const char *folder = walk->request->folder;
    char *at = hpx_strdup(folder);
    for (bool top = false; !top && !listing->root;) {
        char *git = hpx_path_join(at, ".git"), *above = hpx_path_directory(at);
        hpx_code_memory_add(&walk->memory, git, WITNESS_EXISTS);
        if (hpx_path_exists(git))
            listing->root = hpx_strdup(at);
        top = strcmp(above, at) == 0;
        free(git);
        free(at);
        at = above;
    }
    free(at);
    listing->in_work_tree = listing->root != NULL;
    if (!listing->root)
        listing->root = hpx_strdup(folder);
    listing->folder = hpx_strdup(below_root(walk, folder));
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const hpx_listed_file *)a)->path, ((const hpx_listed_file *)b)->path);
}

static void sort_files(hpx_listing *listing)
{
    size_t kept = 0;
    if (listing->count > 1)
        qsort(listing->files, listing->count, sizeof *listing->files, by_path);
    for (size_t i = 0; i < listing->count; i++) {
        if (kept > 0 && strcmp(listing->files[kept - 1].path, listing->files[i].path) == 0) {
            free(listing->files[i].path);
            free(listing->files[i].real);
        } else {
            listing->files[kept++] = listing->files[i];
        }
    }
    listing->count = kept;
}

void hpx_listing_files(code_files *out, const hpx_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        const hpx_listed_file *listed = &listing->files[i];
        code_file *file = hpx_code_files_add(out, hpx_strdup(listed->path), listed->mode);
        memcpy(file->id, listed->id, HPX_CODE_BYTES);
    }
}

static hpx_status make_version(hpx_listing *listing, hpx_error *error)
{
    code_files files = {0};
    git_oid id;
    hpx_listing_files(&files, listing);
    hpx_status status = hpx_code_tree_write(&id, &files, "", NULL, error);
    if (!status)
        memcpy(listing->version, id.id, HPX_CODE_BYTES);
    hpx_code_files_free(&files);
    return status;
}

static void end_walk(struct walk *walk)
{
    for (struct repository *next, *at = walk->repositories; at; at = next) {
        const char *warning = hpx_code_rules_warning(at->rules);
        if (warning && !walk->memory.listing.warning)
            walk->memory.listing.warning = hpx_strdup(warning);
        next = at->next;
        hpx_code_rules_free(at->rules);
        free(at->path);
        free(at);
    }
    walk->repositories = NULL;
}

hpx_status hpx_listing_make(hpx_listing *out, size_t *word, const hpx_listing_request *request,
                            const hpx_buffer *memory, hpx_error *error)
{
    code_memory old;
    const bool known = memory && hpx_code_memory_decode(&old, memory);
    struct walk walk = {.request = request, .old = known ? &old : NULL};
    *out = (hpx_listing){0};
    *word = 0;
    walk.memory.listing.looked_ns = hpx_clock_ns();
    walk.memory.request = hpx_code_request_hash(request);
    find_root(&walk);
    hpx_status status = hpx_code_git_begin(error);
    const bool begun = !status;
    if (!status && walk.memory.listing.in_work_tree)
        status = enter_repository(&walk, "", error);
    if (walk.memory.listing.in_work_tree) {
        char *rules = hpx_path_join(walk.memory.listing.root, ".gitignore");
        add_witness(&walk, rules);
        free(rules);
    }
    for (size_t i = 0; i < request->word_count && !status; i++) {
        *word = i;
        status = walk_word(&walk, request->words[i], error);
    }
    sort_files(&walk.memory.listing);
    if (!status)
        status = make_version(&walk.memory.listing, error);
    end_walk(&walk);
    if (begun)
        hpx_code_git_end();
    if (!status) {
        hpx_buffer bytes = {0};
        hpx_code_memory_encode(&bytes, &walk.memory);
        *out = walk.memory.listing;
        out->memory = bytes;
        walk.memory.listing = (hpx_listing){0};
    }
    hpx_code_memory_free(&walk.memory);
    if (known)
        hpx_code_memory_free(&old);
    return status;
}

static bool is_as_witnessed(const code_witness *witness, int64_t looked_ns)
{
    hpx_file_stat now;
    hpx_code_stat(&now, witness->path);
    if (witness->kind == WITNESS_EXISTS || now.inode == 0)
        return now.inode == witness->stat.inode && now.device == witness->stat.device;
    now.untimed = false;
    return hpx_file_stat_equal(&now, &witness->stat) && hpx_file_stat_tells(&now, looked_ns);
}

/* A memory in which a file's stat did not tell yet is made again, and soon does. */
bool hpx_listing_recall(hpx_listing *out, const hpx_listing_request *request, const hpx_buffer *memory)
{
    code_memory old;
    *out = (hpx_listing){0};
    if (!hpx_code_memory_decode(&old, memory))
        return false;
    const int64_t now_ns = hpx_clock_ns();
    const hpx_hash hash = hpx_code_request_hash(request);
    bool same = hpx_hash_equal(&hash, &old.request), all_sure = true;
    for (size_t i = 0; i < old.count && same; i++)
        same = is_as_witnessed(&old.witnesses[i], old.listing.looked_ns);
    for (size_t i = 0; i < old.listing.count && same; i++) {
        bool sure;
        same = hpx_code_is_unchanged(&sure, old.listing.root, &old.listing.files[i], old.listing.looked_ns);
        all_sure = all_sure && (sure || old.listing.files[i].stat.untimed);
    }
    if (same && !all_sure) {
        old.listing.looked_ns = now_ns;
        hpx_buffer bytes = {0};
        hpx_code_memory_encode(&bytes, &old);
        old.listing.memory = bytes;
    }
    if (same) {
        *out = old.listing;
        old.listing = (hpx_listing){0};
    }
    hpx_code_memory_free(&old);
    return same;
}

hpx_status hpx_listing_check(const hpx_listing *listing, hpx_error *error)
{
    for (size_t i = 0; i < listing->count; i++) {
        bool sure;
        if (!hpx_code_is_unchanged(&sure, listing->root, &listing->files[i], listing->looked_ns))
            return hpx_error_set(error, HPX_DIFFERS, "%s has changed", listing->files[i].path);
    }
    return HPX_OK;
}
