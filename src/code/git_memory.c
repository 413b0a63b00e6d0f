#include "git_memory.h"

#include "hpx/memory.h"

#include <git2.h>
#include <git2/sys/alloc.h>
#include <stdlib.h>
#include <string.h>

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

void git_memory_from_hpx(void)
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
    git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator);
}

#else

void git_memory_from_hpx(void)
{
}

#endif
