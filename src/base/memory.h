/* Memory. Small allocations never return NULL: when the system has no more, the handler set by the program
 * runs and must not return (cli/ says "out of memory" and exits; the default aborts). Large blocks whose
 * failure a caller can report (weights, checkpoints) are asked for with hpx_try_alloc. */
#ifndef HPX_MEMORY_H
#define HPX_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

void hpx_memory_on_failure(void (*handler)(size_t bytes));
void hpx_out_of_memory(size_t bytes) __attribute__((noreturn)); /* runs the handler */

void *hpx_alloc(size_t bytes); /* zeroed; free() it */
void *hpx_realloc(void *old, size_t count,
                  size_t bytes); /* count * bytes, checked for overflow; not zeroed */
char *hpx_strdup(const char *text);
char *hpx_strndup(const char *text, size_t length);
char *hpx_format(const char *format, ...) __attribute__((format(printf, 1, 2))); /* free() it */
char *hpx_vformat(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* Zeroed and aligned to 64 bytes; NULL when there is no memory. free() it. */
void *hpx_try_alloc(size_t count, size_t bytes);

/* Grows an array so that it has room for `needed` elements, doubling; `capacity` is updated. */
void *hpx_grow_more(void *array, size_t *capacity, size_t needed, size_t element_bytes); /* it has not */
static inline void *hpx_grow(void *array, size_t *capacity, size_t needed, size_t element_bytes)
{
    return needed <= *capacity ? array : hpx_grow_more(array, capacity, needed, element_bytes);
}

/* An arena: everything allocated from it lives until it is freed as a whole. */
typedef struct hpx_arena hpx_arena;

hpx_arena *hpx_arena_new(void);
void hpx_arena_free(hpx_arena *arena);                 /* NULL is fine */
void *hpx_arena_alloc(hpx_arena *arena, size_t bytes); /* zeroed, aligned for any type */
char *hpx_arena_strndup(hpx_arena *arena, const char *text, size_t length);
char *hpx_arena_format(hpx_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
