#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIALS_BESIDE 4 /* lines of trials that a map leaves room for */

void hpx_live_cut(hpx_buffer *out, const char *text, size_t columns)
{
    size_t at = 0, used = 0;
    for (uint32_t code; text[at];) {
        const size_t length = hpx_utf8_next(&code, text + at, strlen(text + at));
        used += length > 0 ? hpx_utf8_columns(code) : 1;
        if (used > columns)
            break;
        at += length > 0 ? length : 1;
    }
    hpx_buffer_add(out, text, at);
}

/* What a line says, the most important first: each is added where it fits with all that are before it. */
static bool add_if_it_fits(hpx_buffer *line, size_t columns, const char *text)
{
    const bool fits = hpx_text_width(line->data, line->size) + hpx_text_width(text, strlen(text)) <= columns;
    if (fits)
        hpx_buffer_puts(line, text);
    return fits;
}

static double less(double seconds, double passed)
{
    return seconds > passed ? seconds - passed : isnan(seconds) ? NAN : 0;
}

/* Behind the name of a trial. */
static void describe(hpx_buffer *out, const hpx_live *live, const struct running *running, size_t columns,
                     double now)
{
    char time[32], text[64];
    hpx_buffer epoch = {0};
    if (running->epochs > 0)
        hpx_buffer_printf(&epoch, "  %u/%u", running->epoch, running->epochs);
    else if (running->epoch > 0)
        hpx_buffer_printf(&epoch, "  %u", running->epoch);
    add_if_it_fits(out, columns, hpx_buffer_text(&epoch));
    hpx_buffer_free(&epoch);
    if (!isnan(running->value)) {
        hpx_print(text, sizeof text, "  %.*f", live->recipe->objective.minimised ? 6 : 4, running->value);
        add_if_it_fits(out, columns, text);
    }
    if (running->metrics)
        add_if_it_fits(out, columns, running->metrics);
    if (!isnan(running->left)) {
        hpx_print(text, sizeof text, "  %s left",
                  hpx_duration_text(time, less(running->left, now - running->told)));
        add_if_it_fits(out, columns, text);
    }
}

static size_t widest_name(const hpx_live *live, size_t shown)
{
    size_t widest = 0;
    for (size_t i = 0; i < shown; i++) {
        const size_t width = hpx_text_width(live->running[i].name, strlen(live->running[i].name));
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* The name has what the rest of its line leaves, at least a third of it. */
static void draw_trial(hpx_buffer *out, const hpx_live *live, const struct running *running, size_t columns,
                       size_t widest, double now)
{
    hpx_buffer rest = {0}, name = {0};
    const size_t third = widest < columns / 3 ? widest : columns / 3;
    hpx_text_show(&name, running->name, strlen(running->name), "");
    describe(&rest, live, running, columns - third, now);
    const size_t room = columns - hpx_text_width(rest.data, rest.size),
                 width = hpx_text_width(name.data, name.size);
    hpx_live_cut(out, hpx_buffer_text(&name), room);
    const size_t pad = widest < room ? widest : room;
    hpx_buffer_printf(out, "%*s%s\n", (int)(width < pad ? pad - width : 0), "", hpx_buffer_text(&rest));
    hpx_buffer_free(&rest);
    hpx_buffer_free(&name);
}

static void draw_trials(hpx_buffer *out, const hpx_live *live, const hpx_screen *screen, size_t rows,
                        double now)
{
    const size_t columns = screen->columns - 1,
                 shown = live->count <= rows ? live->count
                         : rows > 0          ? rows - 1
                                             : 0,
                 widest = widest_name(live, shown);
    for (size_t i = 0; i < shown; i++)
        draw_trial(out, live, &live->running[i], columns, widest, now);
    if (shown < live->count && rows > 0) {
        char text[48];
        hpx_print(text, sizeof text, "and %zu more", live->count - shown);
        hpx_live_cut(out, text, columns);
        hpx_buffer_puts(out, "\n");
    }
}

static void draw_best(hpx_buffer *line, const hpx_live *live, size_t columns)
{
    hpx_buffer cell = {0}, shown = {0};
    if (live->scored == live->failed)
        return;
    char *best = hpx_format("  best %.*f", live->recipe->objective.minimised ? 6 : 4, live->best_score);
    hpx_buffer_puts(&cell, " ");
    hpx_recipe_cell_text(&cell, live->recipe, live->best);
    hpx_text_show(&shown, cell.data, cell.size, "");
    if (add_if_it_fits(line, columns, best))
        add_if_it_fits(line, columns, hpx_buffer_text(&shown));
    hpx_buffer_free(&shown);
    hpx_buffer_free(&cell);
    free(best);
}

static void draw_summary(hpx_buffer *out, const hpx_live *live, const hpx_screen *screen, double now)
{
    const size_t columns = screen->columns - 1;
    char left[32], text[96];
    hpx_buffer line = {0};
    hpx_duration_text(left, less(live->left, now - live->told));
    hpx_print(text, sizeof text, "[%zu of %zu trials, %zu cells seen, %s left]", live->done, live->needed,
              live->seen, left);
    if (strlen(text) > columns)
        hpx_print(text, sizeof text, "[%zu/%zu, %s left]", live->done, live->needed, left);
    hpx_live_cut(&line, text, columns);
    if (live->speculative > 0) {
        hpx_print(text, sizeof text, "  %zu speculative", live->speculative);
        add_if_it_fits(&line, columns, text);
    }
    if (live->failed > 0) {
        hpx_print(text, sizeof text, "  %zu failed", live->failed);
        add_if_it_fits(&line, columns, text);
    }
    draw_best(&line, live, columns);
    if (!live->cells)
        add_if_it_fits(&line, columns, "  (too many cells for a map)");
    hpx_buffer_add(out, line.data, line.size);
    hpx_buffer_free(&line);
}

static size_t lines_of(const hpx_buffer *text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text->size; i++)
        lines += text->data[i] == '\n';
    return lines;
}

void hpx_live_draw(hpx_buffer *out, const hpx_live *live, const hpx_screen *screen, double now)
{
    hpx_buffer frame = {0};
    const size_t rows = screen->rows > 2 ? screen->rows - 2 : 0, /* but the summary */
        beside = live->count < TRIALS_BESIDE ? live->count : TRIALS_BESIDE;
    if (rows > beside)
        hpx_live_map(&frame, live, screen, rows - beside);
    draw_trials(&frame, live, screen, rows - lines_of(&frame), now);
    draw_summary(&frame, live, screen, now);
    hpx_buffer_add(out, frame.data, frame.size);
    hpx_buffer_free(&frame);
}
