/* Any bytes as text to show, and as the pairs of a cell: what is shown is visible, whatever it was, and shown
 * again it is the same; a cell that is whole is walked to its end, and printed and read again it has the same
 * axes. */
#include "fuzz.h"

#include "base/text.h"
#include "hpx/cell.h"

#include <stdlib.h>
#include <string.h>

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void show(const uint8_t *data, size_t size)
{
    hpx_buffer once = {0}, twice = {0};
    hpx_text_show(&once, data, size, "");
    expect(hpx_text_is_visible(once.data, once.size));
    hpx_text_show(&twice, once.data, once.size, "");
    expect(once.size == twice.size && (once.size == 0 || memcmp(once.data, twice.data, once.size) == 0));
    hpx_buffer_free(&once);
    hpx_buffer_free(&twice);
}

/* Recipes have no names with blanks or '=', and no values with quotes. */
static bool can_be_printed(const hpx_cell *cell)
{
    const char *axis, *value;
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, cell);)
        if (strpbrk(axis, " =") || strchr(value, '"'))
            return false;
    return true;
}

static void read_cell(const uint8_t *data, size_t size)
{
    if (!hpx_cell_is_whole(data, size))
        return;
    const hpx_cell cell = {.pairs = (const char *)data, .size = size};
    const char *axis, *value;
    size_t at = 0;
    while (hpx_cell_next(&at, &axis, &value, &cell))
        expect(hpx_cell_value(&cell, axis) == value);
    expect(at == size);
    if (!can_be_printed(&cell))
        return;
    hpx_buffer again = {0};
    char *text = hpx_cell_text(&cell);
    hpx_cell_parse(&again, text);
    expect(again.size == size && (size == 0 || memcmp(again.data, data, size) == 0));
    hpx_buffer_free(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!data)
        return 0;
    show(data, size);
    read_cell(data, size);
    return 0;
}
