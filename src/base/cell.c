#include "hpx/cell.h"

#include "base/memory.h"
#include "hpx/fields.h"

#include <stdlib.h>
#include <string.h>

void hpx_cell_add(hpx_buffer *pairs, const char *axis, const char *value)
{
    hpx_buffer_add(pairs, axis, strlen(axis) + 1);
    hpx_buffer_add(pairs, value, strlen(value) + 1);
}

hpx_cell hpx_cell_of(const hpx_buffer *pairs)
{
    return (hpx_cell){.pairs = (const char *)pairs->data, .size = pairs->size};
}

/* The text at *at with the NUL behind it, which must be within `size`; NULL if it is no text. */
static const char *next_text(size_t *at, const char *bytes, size_t size)
{
    const char *text = bytes + *at, *end = *at < size ? memchr(text, 0, size - *at) : NULL;
    if (!end || !hpx_field_is_text(text, (size_t)(end - text)))
        return NULL;
    *at += (size_t)(end - text) + 1;
    return text;
}

bool hpx_cell_equal(const hpx_cell *a, const hpx_cell *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->pairs, b->pairs, a->size) == 0);
}

bool hpx_cell_is_whole(const void *pairs, size_t size)
{
    for (size_t at = 0; at < size;) {
        const hpx_cell before = {.pairs = pairs, .size = at};
        const char *axis = next_text(&at, pairs, size);
        if (!axis || !*axis || hpx_cell_value(&before, axis) || !next_text(&at, pairs, size))
            return false;
    }
    return true;
}

bool hpx_cell_next(size_t *at, const char **axis, const char **value, const hpx_cell *cell)
{
    if (*at >= cell->size)
        return false;
    *axis = cell->pairs + *at;
    *value = *axis + strlen(*axis) + 1;
    *at += (size_t)(*value - *axis) + strlen(*value) + 1;
    return true;
}

const char *hpx_cell_value(const hpx_cell *cell, const char *axis)
{
    const char *name, *value;
    for (size_t at = 0; hpx_cell_next(&at, &name, &value, cell);)
        if (strcmp(name, axis) == 0)
            return value;
    return NULL;
}

void hpx_cell_print(hpx_buffer *out, const hpx_cell *cell)
{
    const char *axis, *value, *before = "";
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, cell); before = " ") {
        const char *quote = !*value || strpbrk(value, " \t") ? "\"" : "";
        hpx_buffer_printf(out, "%s%s=%s%s%s", before, axis, quote, value, quote);
    }
}

char *hpx_cell_text(const hpx_cell *cell)
{
    hpx_buffer text = {0};
    hpx_cell_print(&text, cell);
    char *copy = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return copy;
}

/* Open addressing with linear probing; a slot is free while it has no pairs. */
struct hpx_cell_set {
    hpx_arena *arena;
    hpx_cell *slots;
    size_t count, capacity; /* a power of two */
};

hpx_cell_set *hpx_cell_set_new(void)
{
    hpx_cell_set *cells = hpx_alloc(sizeof *cells);
    cells->arena = hpx_arena_new();
    cells->capacity = 64;
    cells->slots = hpx_alloc(cells->capacity * sizeof *cells->slots);
    return cells;
}

void hpx_cell_set_free(hpx_cell_set *cells)
{
    if (!cells)
        return;
    hpx_arena_free(cells->arena);
    free(cells->slots);
    free(cells);
}

/* Where the cell is, or would go. */
static hpx_cell *slot_of(const hpx_cell_set *cells, const hpx_cell *cell)
{
    const hpx_hash hash = hpx_hash_of(cell->pairs, cell->size);
    size_t at = (size_t)hpx_load_u64(hash.bytes);
    for (;; at++) {
        hpx_cell *slot = &cells->slots[at & (cells->capacity - 1)];
        if (!slot->pairs || (slot->size == cell->size && memcmp(slot->pairs, cell->pairs, cell->size) == 0))
            return slot;
    }
}

static void widen(hpx_cell_set *cells)
{
    hpx_cell_set old = *cells;
    cells->capacity *= 2;
    cells->slots = hpx_alloc(cells->capacity * sizeof *cells->slots);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].pairs)
            *slot_of(cells, &old.slots[i]) = old.slots[i];
    free(old.slots);
}

hpx_cell hpx_cell_set_keep(hpx_cell_set *cells, const hpx_cell *cell)
{
    if (cell->size == 0)
        return (hpx_cell){0};
    hpx_cell *slot = slot_of(cells, cell);
    if (slot->pairs)
        return *slot;
    *slot = (hpx_cell){.pairs = hpx_arena_strndup(cells->arena, cell->pairs, cell->size), .size = cell->size};
    const hpx_cell kept = *slot;
    if (++cells->count > cells->capacity / 2)
        widen(cells);
    return kept;
}

void hpx_cell_parse(hpx_buffer *pairs, const char *text)
{
    for (;;) {
        text += strspn(text, " ");
        const size_t split = strcspn(text, "= ");
        if (split == 0 || text[split] != '=')
            return;
        const char *value = text + split + 1;
        const bool quoted = *value == '"';
        value += quoted;
        const size_t length = strcspn(value, quoted ? "\"" : " ");
        if (quoted ? !value[length] : length == 0)
            return;
        hpx_buffer_add(pairs, text, split);
        hpx_buffer_add(pairs, "", 1);
        hpx_buffer_add(pairs, value, length);
        hpx_buffer_add(pairs, "", 1);
        text = value + length + quoted;
    }
}
