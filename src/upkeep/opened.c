/* Whose a file is, is told by where it is, in this order: the copy's and the scratch folder's; declared data's; the work
 * tree's; an installation's; any other's. What the program has made itself is no input.
 *
 * An installation is what a folder of PATH belongs to, an environment of Python or conda, a folder of packages, a shared
 * library, and the system's folders. Its files are many, and are told apart by `version`. */
#include "opened.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/buffer.h"
#include "hpx/file.h"
#include "identity/data_files.h"
#include "program/copy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE_BYTES_MAX ((off_t)1 << 20) /* a larger file is data */
#define TEXT_BYTES     8000             /* that are looked at, as git does */
#define FOLDER_FILES   4                /* so many of one folder are the folder */

struct hpx_opened {
    const hpx_opened_options *options;
    char *scratch, *root, *home; /* without links; NULL: there is none */
    const char *folder;          /* the recipe's, below the root; "" is the root */
    bool in_copy;
    hpx_path_list prefixes;      /* of installations */
    hpx_path_list data;          /* declared: without links, sorted */
    hpx_path_list seen, written; /* sorted */
    hpx_path_list missed, made;  /* in the copy: names below the root, sorted */
    hpx_path_list own;           /* undeclared: below the root */
    hpx_path_list others;        /* undeclared: elsewhere, absolute */
    hpx_path_list in_place;      /* below the root */
    size_t installed;
    bool python;
};

/* --- paths ------------------------------------------------------------------------------------------------ */

/* What is behind the folder's name; NULL: the path is not below it. */
static const char *below(const char *folder, const char *path)
{
    const size_t length = folder ? strlen(folder) : 0;
    if (length == 0 || strncmp(path, folder, length) != 0 || path[length] != '/')
        return NULL;
    return path + length + 1;
}

/* Whether one of its parts is called so. */
static bool has_part(const char *path, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = path; (at = strstr(at, name)); at += length)
        if ((at == path || at[-1] == '/') && (at[length] == '/' || at[length] == 0))
            return true;
    return false;
}

/* Where it is in a sorted list, or belongs. */
static size_t place_of(const hpx_path_list *list, const char *path)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(list->paths[middle], path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const hpx_path_list *list, const char *path)
{
    const size_t at = place_of(list, path);
    return at < list->count && strcmp(list->paths[at], path) == 0;
}

/* False if it is there. */
static bool insert(hpx_path_list *list, const char *path)
{
    const size_t at = place_of(list, path);
    if (at < list->count && strcmp(list->paths[at], path) == 0)
        return false;
    hpx_path_list_add(list, path);
    char *added = list->paths[list->count - 1];
    memmove(&list->paths[at + 1], &list->paths[at], (list->count - 1 - at) * sizeof *list->paths);
    list->paths[at] = added;
    return true;
}

/* The source of what Python has compiled: D/__pycache__/N.cpython-311.pyc is D/N.py. free() it. */
static char *source_of(const char *path)
{
    static const char cache[] = "__pycache__/";
    const char *at = strstr(path, cache);
    if (!at || (at > path && at[-1] != '/') || strchr(at + strlen(cache), '/'))
        return hpx_strdup(path);
    const char *name = at + strlen(cache);
    return hpx_format("%.*s%.*s.py", (int)(at - path), path, (int)strcspn(name, "."), name);
}

/* --- what there is ---------------------------------------------------------------------------------------- */

/* The folder's path without links; the folder itself where there is none. */
static char *real(const char *folder)
{
    char *path = folder && *folder ? hpx_path_real(folder) : NULL;
    return path ? path : folder && *folder ? hpx_strdup(folder) : NULL;
}

/* PATH has X/bin: all of X. But not where people keep other things. */
static void add_prefixes(hpx_opened *opened, const char *path)
{
    for (const char *at = path; at && *at;) {
        const size_t length = strcspn(at, ":");
        char *entry = hpx_strndup(at, length), *whole = real(entry);
        char *prefix = whole ? hpx_path_directory(whole) : NULL;
        char *local = opened->home ? hpx_format("%s/.local", opened->home) : NULL;
        const bool apart = prefix && *prefix == '/' && prefix[1] &&
                           (!opened->home || strcmp(prefix, opened->home) != 0) &&
                           (!local || strcmp(prefix, local) != 0) && !below(prefix, opened->root) &&
                           !below(prefix, opened->home);
        if (apart)
            hpx_path_list_add(&opened->prefixes, prefix);
        if (whole && *whole == '/')
            hpx_path_list_add(&opened->prefixes, whole);
        free(local);
        free(prefix);
        free(whole);
        free(entry);
        at += length + (at[length] == ':');
    }
}

static void add_data(hpx_opened *opened, const char *recipe_folder)
{
    for (hpx_data_walk file = {0}; hpx_data_next(&file, opened->options->data);) {
        char *path = hpx_path_join(recipe_folder, file.name), *whole = real(path);
        hpx_path_list_add(&opened->data, whole);
        free(whole);
        free(path);
    }
    hpx_path_list_sort(&opened->data);
}

hpx_opened *hpx_opened_new(const hpx_opened_options *options)
{
    hpx_opened *opened = hpx_alloc(sizeof *opened);
    const hpx_fields *conditions = options->conditions;
    *opened = (hpx_opened){
        .options = options,
        .scratch = real(hpx_fields_text_or_empty(conditions, "job.scratch")),
        .root = real(hpx_fields_text_or_empty(conditions, "job.root")),
        .home = real(options->home),
        .folder = hpx_fields_text_or_empty(conditions, "run.folder"),
        .in_copy = strcmp(hpx_fields_text_or_empty(conditions, "run.in"), "worktree") != 0,
    };
    char *recipe_folder = hpx_path_join(opened->root ? opened->root : "/", opened->folder);
    add_prefixes(opened, options->path);
    add_data(opened, recipe_folder);
    free(recipe_folder);
    return opened;
}

void hpx_opened_free(hpx_opened *opened)
{
    if (!opened)
        return;
    hpx_path_list *lists[] = {&opened->prefixes, &opened->data,   &opened->seen,
                              &opened->written,  &opened->own,    &opened->others,
                              &opened->in_place, &opened->missed, &opened->made};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        hpx_path_list_free(lists[i]);
    free(opened->scratch);
    free(opened->root);
    free(opened->home);
    free(opened);
}

/* --- whose a file is -------------------------------------------------------------------------------------- */

static bool is_library(const char *path)
{
    const char *name = strrchr(path, '/'), *ending = name ? strstr(name, ".so") : NULL;
    return ending && (ending[3] == 0 || ending[3] == '.');
}

/* In an environment, which has its mark in some folder above. */
static bool is_in_environment(const char *path)
{
    static const char *const marks[] = {"pyvenv.cfg", "conda-meta"};
    bool found = has_part(path, "site-packages") || has_part(path, "dist-packages");
    char *folder = hpx_path_directory(path);
    while (!found && strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0) {
        for (size_t i = 0; i < sizeof marks / sizeof *marks && !found; i++) {
            char *mark = hpx_path_join(folder, marks[i]);
            found = hpx_path_exists(mark);
            free(mark);
        }
        char *above = hpx_path_directory(folder);
        free(folder);
        folder = above;
    }
    free(folder);
    return found;
}

static bool is_of_system(const char *path)
{
    static const char *const folders[] = {"/usr", "/lib",  "/lib32",   "/lib64",    "/bin", "/sbin",
                                          "/etc", "/proc", "/dev",     "/sys",      "/run", "/opt",
                                          "/nix", "/snap", "/var/lib", "/var/cache"};
    static const char *const users[] = {"/dev/shm", "/run/media", "/run/user"};
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        if (below(users[i], path))
            return false;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (below(folders[i], path))
            return true;
    return false;
}

static bool is_installed(const hpx_opened *opened, const char *path)
{
    const bool mine = below(opened->home, path);
    for (size_t i = 0; i < opened->prefixes.count; i++)
        if (below(opened->prefixes.paths[i], path))
            return true;
    return is_library(path) || strstr(path, "/lib/python") || is_in_environment(path) ||
           (!mine && is_of_system(path));
}

static bool is_in_snapshot(const hpx_opened *opened, const char *name)
{
    const char *snapshot = hpx_fields_text_or_empty(opened->options->conditions, "job.snapshot");
    char *path = hpx_path_join(snapshot, name);
    const bool found = *snapshot && hpx_path_exists(path);
    free(path);
    return found;
}

/* Of the work tree. What git keeps tells where the code comes from, and an environment in it is one like others. */
static void note_own(hpx_opened *opened, const char *path, const char *name, bool missed)
{
    char *source = source_of(name);
    if (has_part(name, ".git")) {
        ;
    } else if (is_in_snapshot(opened, source)) {
        if (opened->in_copy && !missed)
            insert(&opened->in_place, source);
    } else if (is_in_environment(path)) {
        opened->installed += !missed;
    } else {
        insert(&opened->own, source);
    }
    free(source);
}

static void note_read(hpx_opened *opened, const char *asked, const char *found)
{
    struct stat info;
    const char *name;
    if (below(opened->scratch, asked) || below(opened->scratch, found) || has(&opened->written, asked) ||
        has(&opened->written, found) || !insert(&opened->seen, found) || has(&opened->data, found) ||
        stat(found, &info) != 0 || !S_ISREG(info.st_mode))
        return;
    if ((name = below(opened->root, found))) {
        note_own(opened, found, name, false);
    } else if (is_installed(opened, asked) || is_installed(opened, found)) {
        opened->installed++;
        opened->python = opened->python || strstr(found, "/lib/python");
    } else {
        insert(&opened->others, *asked == '/' ? asked : found);
    }
}

static char *in_root(const hpx_opened *opened, const char *name)
{
    return hpx_path_join(opened->root ? opened->root : "/", name);
}

static bool is_file_or_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
}

/* What a path in a copy is called below the root; NULL: it is in none. Borrowed. */
static const char *name_in_copy(const hpx_opened *opened, const char *path)
{
    const char *rest = below(opened->scratch, path);
    const char *name = rest ? hpx_copy_name_of(opened->options->conditions, rest) : NULL;
    return name && *name ? name : NULL;
}

static void note_written(hpx_opened *opened, const char *path)
{
    const char *name = name_in_copy(opened, path);
    insert(&opened->written, path);
    if (name)
        insert(&opened->made, name);
}

void hpx_opened_note(void *context, hpx_access access, const char *asked, const char *found)
{
    hpx_opened *opened = context;
    const char *name = access == HPX_ACCESS_MISSED ? name_in_copy(opened, asked) : NULL;
    if (access == HPX_ACCESS_READ)
        note_read(opened, asked, found);
    if (access == HPX_ACCESS_WRITTEN) {
        note_written(opened, asked);
        note_written(opened, found);
    }
    if (name)
        insert(&opened->missed, name);
}

void hpx_opened_note_missing(hpx_opened *opened, const char *name)
{
    char *path = hpx_path_normal(opened->folder, name);
    if (path && *path)
        insert(&opened->missed, path);
    free(path);
}

/* Whether the program has made it later, or something in it: then it is an output. */
static bool is_made(const hpx_opened *opened, const char *name)
{
    for (size_t i = 0; i < opened->made.count; i++)
        if (strcmp(opened->made.paths[i], name) == 0 || below(name, opened->made.paths[i]))
            return true;
    return false;
}

/* Of what is missing in the copy, what there is in the work tree. */
static void sum_up_missed(hpx_opened *opened)
{
    for (size_t i = 0; i < opened->missed.count; i++) {
        const char *name = opened->missed.paths[i];
        char *path = in_root(opened, name);
        if (is_file_or_folder(path) && !is_made(opened, name))
            note_own(opened, path, name, true);
        free(path);
    }
}

/* --- what it comes to ------------------------------------------------------------------------------------- */

/* As the recipe, in its folder, names what is below the root. free() it. */
static char *recipe_name(const hpx_opened *opened, const char *name)
{
    hpx_buffer out = {0};
    const char *folder = opened->folder;
    while (*folder) {
        const size_t length = strcspn(folder, "/");
        if (out.size == 0 && strncmp(folder, name, length) == 0 && (name[length] == '/' || name[length] == 0))
            name += length + (name[length] == '/');
        else
            hpx_buffer_puts(&out, "../");
        folder += length + (folder[length] == '/');
    }
    hpx_buffer_puts(&out, name);
    char *copy = hpx_strdup(out.size ? hpx_buffer_text(&out) : ".");
    hpx_buffer_free(&out);
    return copy;
}

/* A small file of text, as git tells it. */
static bool is_code(const char *path)
{
    char bytes[TEXT_BYTES];
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool small =
        fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= CODE_BYTES_MAX;
    const ssize_t got = small ? read(fd, bytes, sizeof bytes) : -1;
    if (fd >= 0)
        close(fd);
    return got >= 0 && !memchr(bytes, 0, (size_t)got);
}

/* Adds the name there with all others of its folder, as "FOLDER/" if they are many; then *at is behind them. */
static void add_next(hpx_path_list *out, const hpx_path_list *names, size_t *at)
{
    const char *first = names->paths[*at], *slash = strrchr(first, '/');
    const size_t length = slash ? (size_t)(slash - first) + 1 : 0;
    size_t end = *at;
    for (; end < names->count; end++) {
        const char *name = names->paths[end], *other = strrchr(name, '/');
        if (strncmp(name, first, length) != 0 || (other ? (size_t)(other - name) + 1 : 0) != length)
            break;
    }
    if (length > 1 && end - *at >= FOLDER_FILES) {
        char *folder = hpx_strndup(first, length);
        hpx_path_list_add(out, folder);
        free(folder);
        *at = end;
        return;
    }
    while (*at < end)
        hpx_path_list_add(out, names->paths[(*at)++]);
}

static void add_all(hpx_path_list *out, hpx_path_list *names)
{
    hpx_path_list_sort(names);
    for (size_t at = 0; at < names->count;)
        add_next(out, names, &at);
    hpx_path_list_sort(out);
}

/* The folder that Python is to be given so that it finds a module: the first above it that is no package. */
static char *import_folder(const hpx_opened *opened, const char *name)
{
    const size_t length = strlen(name);
    if (length < 3 || strcmp(name + length - 3, ".py") != 0)
        return NULL;
    char *folder = hpx_path_directory(name);
    for (bool package = true; package && strcmp(folder, ".") != 0;) {
        char *mark = hpx_format("%s/%s/__init__.py", opened->root, folder);
        package = hpx_path_exists(mark);
        free(mark);
        if (package) {
            char *above = hpx_path_directory(folder);
            free(folder);
            folder = above;
        }
    }
    char *relative = recipe_name(opened, strcmp(folder, ".") == 0 ? "" : folder);
    free(folder);
    return relative;
}

void hpx_opened_sum_up(hpx_undeclared *out, hpx_opened *opened)
{
    hpx_path_list code = {0}, data = {0};
    sum_up_missed(opened);
    *out = (hpx_undeclared){.installed = opened->installed, .python = opened->python};
    for (size_t i = 0; i < opened->own.count; i++) {
        char *path = in_root(opened, opened->own.paths[i]);
        char *name = recipe_name(opened, opened->own.paths[i]);
        hpx_path_list_add(is_code(path) ? &code : &data, name);
        free(name);
        free(path);
    }
    for (size_t i = 0; i < opened->others.count; i++)
        hpx_path_list_add(&data, opened->others.paths[i]);
    add_all(&out->code, &code);
    add_all(&out->data, &data);
    for (size_t i = 0; i < out->data.count; i++)
        if (below(opened->home, out->data.paths[i]) || below(opened->options->home, out->data.paths[i]))
            hpx_path_list_add(&out->in_home, out->data.paths[i]);
    for (size_t i = 0; i < opened->in_place.count; i++) {
        char *name = recipe_name(opened, opened->in_place.paths[i]);
        hpx_path_list_add(&out->in_place, name);
        free(name);
        if (!out->import_folder)
            out->import_folder = import_folder(opened, opened->in_place.paths[i]);
    }
    hpx_path_list_free(&code);
    hpx_path_list_free(&data);
}

void hpx_undeclared_free(hpx_undeclared *undeclared)
{
    hpx_path_list *lists[] = {&undeclared->code, &undeclared->data, &undeclared->in_home,
                              &undeclared->in_place};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        hpx_path_list_free(lists[i]);
    free(undeclared->import_folder);
    *undeclared = (hpx_undeclared){.installed = 0};
}
