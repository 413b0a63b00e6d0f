#include "git.h"

#include "base/memory.h"

#include <dlfcn.h>
#include <git2/sys/alloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The very version whose headers are used: its structures differ from those of others. */
#define SONAME "libgit2.so." LIBGIT2_SOVERSION

struct libgit2 hpx_git;

/* Its options are the process's: one thread uses it at a time, from begin to end. */
static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* Later versions have another list of functions; they keep their own. */
#if LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR <= 5

static void *allocate(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return hpx_realloc(NULL, size, 1);
}

static void *allocate_zeroed(size_t count, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    void *block = hpx_realloc(NULL, count, size);
    memset(block, 0, count * size);
    return block;
}

static char *copy(const char *text, const char *file, int line)
{
    (void)file, (void)line;
    return hpx_strdup(text);
}

static char *copy_up_to(const char *text, size_t length, const char *file, int line)
{
    (void)file, (void)line;
    return hpx_strndup(text, strnlen(text, length));
}

static char *copy_exactly(const char *text, size_t length, const char *file, int line)
{
    (void)file, (void)line;
    return hpx_strndup(text, length);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return hpx_realloc(old, size, 1);
}

static void *reallocate_array(void *old, size_t count, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return hpx_realloc(old, count, size);
}

static void *allocate_array(size_t count, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return hpx_realloc(NULL, count, size);
}

static void take_memory_from_hpx(void)
{
    static git_allocator allocator = {
        .gmalloc = allocate,
        .gcalloc = allocate_zeroed,
        .gstrdup = copy,
        .gstrndup = copy_up_to,
        .gsubstrdup = copy_exactly,
        .grealloc = reallocate,
        .greallocarray = reallocate_array,
        .gmallocarray = allocate_array,
        .gfree = free,
    };
    hpx_git.libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator);
}

#else

static void take_memory_from_hpx(void)
{
}

#endif

/* It stays loaded: the libraries below it do not all bear to be taken out again. */
static hpx_status load(hpx_error *error)
{
    static bool loaded;
    if (loaded)
        return HPX_OK;
    void *library = dlopen(SONAME, RTLD_NOW);
    loaded = library != NULL;
#define LOOK_UP(name)                                                                                        \
    loaded = loaded && (hpx_git.name = (__typeof__(hpx_git.name))dlsym(library, "git_" #name)) != NULL;
    GIT_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return loaded ? HPX_OK : hpx_error_set(error, HPX_FAILED, "libgit2 cannot be loaded (%s)", dlerror());
}

/* Extensions that say where objects come from and settings are: neither is asked for here. */
static void allow_extensions(void)
{
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 2
    static const char *harmless[] = {"partialclone", "worktreeconfig", "preciousobjects"};
    hpx_git.libgit2_opts(GIT_OPT_SET_EXTENSIONS, harmless, sizeof harmless / sizeof harmless[0]);
#endif
}

hpx_status hpx_code_git_begin(hpx_error *error)
{
    pthread_mutex_lock(&turn);
    hpx_status status = load(error);
    if (status) {
        pthread_mutex_unlock(&turn);
        return status;
    }
    take_memory_from_hpx();
    hpx_git.libgit2_init();
    allow_extensions();
    return HPX_OK;
}

void hpx_code_git_end(void)
{
    hpx_git.libgit2_shutdown();
    pthread_mutex_unlock(&turn);
}

hpx_status hpx_code_git_failed(const char *what, hpx_error *error)
{
    const git_error *last = hpx_git.error_last();
    return hpx_error_set(error, HPX_FAILED, "%s: %s", what, last ? last->message : "libgit2 failed");
}

static int is_star(const git_config_entry *entry, void *found)
{
    if (strcmp(entry->value, "*") == 0)
        *(bool *)found = true;
    return 0;
}

/* git takes `safe.directory = *` for every repository; libgit2 does not. */
static bool trusts_every_owner(void)
{
    git_config *config = NULL;
    bool found = false;
    if (hpx_git.config_open_default(&config) == 0)
        hpx_git.config_get_multivar_foreach(config, "safe.directory", NULL, is_star, &found);
    hpx_git.config_free(config);
    return found;
}

/* libgit2 says GIT_ENOTFOUND also of a repository of another user's, for no safe.directory is found that
 * would allow it; only the message tells. */
static hpx_status open_repository(git_repository **out, const char *folder, hpx_error *error)
{
    const int code = hpx_git.repository_open_ext(out, folder, 0, NULL);
    if (code == 0)
        return HPX_OK;
    const git_error *last = hpx_git.error_last();
    const char *why = last ? last->message : "libgit2 failed";
    if (code == GIT_ENOTFOUND && strstr(why, "could not find repository"))
        return hpx_error_set(error, HPX_NOT_FOUND, "%s", why);
    if (code == GIT_EOWNER || (code == GIT_ENOTFOUND && strstr(why, "safe.directory")))
        return hpx_error_set(error, HPX_FAILED,
                             "the repository around %s is owned by another user (if you trust it: git config "
                             "--global --add safe.directory FOLDER)",
                             folder);
    return hpx_error_set(error, HPX_FAILED, "%s", why);
}

hpx_status hpx_code_repository_open(git_repository **out, const char *folder, hpx_error *error)
{
    hpx_status status = open_repository(out, folder, error);
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 5
    if (status && trusts_every_owner()) {
        hpx_git.libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
        status = open_repository(out, folder, error);
        hpx_git.libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
    }
#endif
    return status;
}

hpx_status hpx_code_work_tree_open(git_repository **out, const char *root, hpx_error *error)
{
    hpx_git.libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    int code = hpx_git.repository_open_ext(out, root, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    hpx_git.libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
    if (code == 0 && hpx_git.repository_workdir(*out))
        return HPX_OK;
    if (code == 0)
        hpx_git.repository_free(*out);
    code = hpx_git.repository_new(out);
    if (code == 0)
        code = hpx_git.repository_set_workdir(*out, root, 0);
    return code == 0 ? HPX_OK : hpx_code_git_failed(root, error);
}

/* To write what the stored objects have already would give that a new time (freshen), unless their backends
 * cannot. */
static int add_objects(git_odb *odb, git_repository *repository)
{
    char *objects = hpx_format("%sobjects", hpx_git.repository_commondir(repository));
    git_odb_backend *backend;
    int code = hpx_git.odb_add_disk_alternate(odb, objects);
    for (size_t i = 0; code == 0 && i < hpx_git.odb_num_backends(odb); i++) {
        code = hpx_git.odb_get_backend(&backend, odb, i);
        if (code == 0)
            backend->freshen = NULL;
    }
    free(objects);
    return code;
}

hpx_status hpx_code_repository_in_memory(git_repository **out, git_repository *repository, hpx_error *error)
{
    git_odb *odb = NULL;
    git_odb_backend *memory = NULL;
    int code = hpx_git.odb_new(&odb);
    if (code == 0 && repository)
        code = add_objects(odb, repository);
    if (code == 0)
        code = hpx_git.mempack_new(&memory);
    if (code == 0)
        code = hpx_git.odb_add_backend(odb, memory, 999);
    if (code == 0)
        code = hpx_git.repository_new(out);
    if (code == 0)
        code = hpx_git.repository_set_odb(*out, odb);
    hpx_git.odb_free(odb);
    return code == 0 ? HPX_OK : hpx_code_git_failed("a repository in memory", error);
}
