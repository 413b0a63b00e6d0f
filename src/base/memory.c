#include "base/memory.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void abort_on_failure(size_t bytes)
{
    (void)bytes;
    abort();
}

static void (*failure)(size_t bytes) = abort_on_failure;

void hpx_memory_on_failure(void (*handler)(size_t bytes))
{
    failure = handler;
}

void hpx_out_of_memory(size_t bytes)
{
    failure(bytes);
    abort();
}

static void *checked(void *block, size_t bytes)
{
    if (!block)
        hpx_out_of_memory(bytes);
    return block;
}

void *hpx_alloc(size_t bytes)
{
    return checked(calloc(1, bytes ? bytes : 1), bytes);
}

void *hpx_realloc(void *old, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        hpx_out_of_memory(SIZE_MAX);
    return checked(realloc(old, total ? total : 1), total);
}

char *hpx_strndup(const char *text, size_t length)
{
    char *copy = hpx_alloc(length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *hpx_strdup(const char *text)
{
    return hpx_strndup(text, strlen(text));
}

char *hpx_vformat(const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = hpx_vprint(NULL, 0, format, args);
    char *text = hpx_alloc((size_t)length + 1);
    hpx_vprint(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *hpx_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = hpx_vformat(format, args);
    va_end(args);
    return text;
}

void *hpx_try_alloc(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total) || total > SIZE_MAX / 2)
        return NULL;
    total = (total + 63) & ~(size_t)63;
    void *block = aligned_alloc(64, total ? total : 64);
    if (block)
        memset(block, 0, total);
    return block;
}

void *hpx_grow_more(void *array, size_t *capacity, size_t needed, size_t element_bytes)
{
    size_t room = *capacity ? *capacity : 8;
    while (room < needed)
        room *= 2;
    *capacity = room;
    return hpx_realloc(array, room, element_bytes);
}

/* Blocks double from the first size to the last: most arenas stay small, and memory that is not there has
 * neither to be cleared nor to be got from the kernel. */
#define ARENA_BLOCK_FIRST 512
#define ARENA_BLOCK_LAST  16384

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct hpx_arena {
    struct block *blocks;
};

hpx_arena *hpx_arena_new(void)
{
    return hpx_alloc(sizeof(hpx_arena));
}

void hpx_arena_free(hpx_arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void *hpx_arena_alloc(hpx_arena *arena, size_t bytes)
{
    size_t aligned = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct block *block = arena->blocks;
    if (!block || block->size - block->used < aligned) {
        size_t size = block ? 2 * block->size : ARENA_BLOCK_FIRST;
        size = size < ARENA_BLOCK_LAST ? size : ARENA_BLOCK_LAST;
        size = size > aligned ? size : aligned;
        block = hpx_alloc(sizeof *block + size);
        block->size = size;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *out = block->bytes + block->used;
    block->used += aligned;
    return out;
}

char *hpx_arena_strndup(hpx_arena *arena, const char *text, size_t length)
{
    char *copy = hpx_arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *hpx_arena_format(hpx_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = hpx_vprint(NULL, 0, format, args);
    va_end(args);
    char *text = hpx_arena_alloc(arena, (size_t)length + 1);
    hpx_vprint(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
