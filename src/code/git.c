#include "git.h"

#include "hpx/memory.h"

#include <dlfcn.h>
#include <git2/sys/alloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The very version whose headers are used: its structures differ from those of others. */
#define SONAME "libgit2.so." LIBGIT2_SOVERSION

struct libgit2 git;

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
    git.libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator);
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
    loaded = loaded && (git.name = (__typeof__(git.name))dlsym(library, "git_" #name)) != NULL;
    GIT_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return loaded ? HPX_OK : hpx_error_set(error, HPX_FAILED, "libgit2 cannot be loaded (%s)", dlerror());
}

hpx_status code_git_begin(hpx_error *error)
{
    hpx_status status = load(error);
    if (status)
        return status;
    take_memory_from_hpx();
    git.libgit2_init();
    return HPX_OK;
}

void code_git_end(void)
{
    git.libgit2_shutdown();
}
