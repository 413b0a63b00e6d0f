/* Makes the n-th allocation fail, counted from main on, in the build (FAULT_MALLOC_IN=build) or in its
 * workers (=worker). FAULT_MALLOC_AT is n. When it has fired, FAULT_FIRED names a file that is made. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_long left; /* calls until the failing one; 0: none is to fail any more */

static bool fails(void)
{
    if (atomic_load(&left) <= 0 || atomic_fetch_sub(&left, 1) != 1)
        return false;
    const char *fired = getenv("FAULT_FIRED");
    if (fired)
        close(open(fired, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (fails())
        return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

/* What runs before main belongs to the libraries' own start. */
static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment)
{
    const char *when = getenv("FAULT_MALLOC_AT"), *where = getenv("FAULT_MALLOC_IN");
    bool is_worker = argc > 1 && strcmp(argv[1], "worker") == 0;
    if (when && where && is_worker == (strcmp(where, "worker") == 0))
        atomic_store(&left, strtol(when, NULL, 10));
    return real_main(argc, argv, environment);
}

typedef int start_fn(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                     void (*)(void), void *);
start_fn __libc_start_main;

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    real_main = start;
    start_fn *real = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");
    return real(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
