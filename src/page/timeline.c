/* Which worker was busy with which trial, in the last build that ran one of the trials shown. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDE = 1090,  /* the figure has a line for itself */
    ROW = 22,     /* of a worker */
    SPANS = 2000, /* that are drawn */
    NAME_BYTES = 16
};

struct timeline {
    int64_t started_ns;
    double seconds;
    uint64_t stored, status;
    bool has_stored; /* earlier versions did not say */
    uint32_t workers;
    hpx_build_span *spans;
    size_t count;
};

void hpx_page_timeline_free(struct timeline *timeline)
{
    if (timeline)
        free(timeline->spans);
    free(timeline);
}

/* --- a build -------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct named_key *)a)->key.bytes, ((const struct named_key *)b)->key.bytes,
                  HPX_HASH_BYTES);
}

static const struct named_key *find(const hpx_page *page, const hpx_hash *key)
{
    const struct named_key wanted = {.key = *key};
    return bsearch(&wanted, page->keys, page->key_count, sizeof wanted, by_key);
}

/* By worker, and by when they began. */
static int by_place(const void *a, const void *b)
{
    const hpx_build_span *x = a, *y = b;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

hpx_status hpx_page_add_build(void *context, const hpx_fields *entry, const hpx_build_span *spans,
                              size_t count, hpx_error *error)
{
    (void)error;
    hpx_page *page = context;
    const hpx_field *seconds = hpx_fields_find(entry, "seconds");
    size_t known = 0;
    if (page->key_count == 0)
        return HPX_OK;
    if (!page->timeline)
        qsort(page->keys, page->key_count, sizeof *page->keys, by_key);
    while (known < count && !find(page, &spans[known].key))
        known++;
    if (known == count)
        return HPX_OK;
    hpx_page_timeline_free(page->timeline);
    struct timeline *timeline = page->timeline = hpx_alloc(sizeof *timeline);
    *timeline = (struct timeline){.started_ns = (int64_t)hpx_fields_count_or_zero(entry, "started"),
                                  .seconds = seconds ? seconds->real : NAN,
                                  .stored = hpx_fields_count_or_zero(entry, "stored"),
                                  .has_stored = hpx_fields_find(entry, "stored") != NULL,
                                  .status = hpx_fields_count_or_zero(entry, "status"),
                                  .spans = hpx_alloc(count * sizeof *spans),
                                  .count = count};
    memcpy(timeline->spans, spans, count * sizeof *spans);
    qsort(timeline->spans, count, sizeof *spans, by_place);
    timeline->workers = timeline->spans[count - 1].slot + 1;
    return HPX_OK;
}

static double seconds_from(const struct timeline *timeline, int64_t ns)
{
    return (double)(ns - timeline->started_ns) * 1e-9;
}

/* --- the figure --------------------------------------------------------------------------------------------------- */

/* What a job did, told by more than its colour: a bar that is whole, or half as thick, or only its edge. */
static const struct look {
    const char *name, *words;
    double thickness;
    bool hollow;
    size_t series;
} looks[] = {
    {"train", "train, from the first epoch", 0.8, false, 0},
    {"extend", "extend, from a checkpoint", 0.4, false, 2},
    {"train, speculative", "train, speculatively", 0.8, true, 1},
    {"extend, speculative", "extend, speculatively", 0.4, true, 1},
};
#define LOOKS (sizeof looks / sizeof *looks)

static const struct look *look_of(const hpx_build_span *span)
{
    return &looks[(span->verdict == HPX_EXTEND ? 1 : 0) + (span->speculative ? 2 : 0)];
}

static void put_span(hpx_svg *svg, const hpx_svg_plot *plot, const hpx_page *page, const hpx_build_span *span)
{
    const struct look *look = look_of(span);
    const struct named_key *name = find(page, &span->key);
    if (name)
        hpx_svg_open(svg, "cell", name->cell);
    hpx_svg_span(svg, plot, look->series, seconds_from(page->timeline, span->start_ns),
                 seconds_from(page->timeline, span->end_ns), span->slot, look->thickness, look->hollow);
    if (name)
        hpx_svg_close(svg);
}

/* Those that are there. */
static void put_legend(hpx_svg *svg, const struct timeline *timeline, double top)
{
    static const char *const row[] = {""};
    bool there[LOOKS] = {false};
    double left = LEFT;
    for (size_t i = 0; i < timeline->count; i++)
        there[look_of(&timeline->spans[i]) - looks] = true;
    for (size_t i = 0; i < LOOKS; i++) {
        if (!there[i])
            continue;
        const hpx_svg_plot plot = {.left = left,
                                   .top = top - 12,
                                   .width = 24,
                                   .height = 16,
                                   .x = {.from = 0, .to = 1},
                                   .y = {.names = row, .count = 1}};
        hpx_svg_span(svg, &plot, looks[i].series, 0, 1, 0, looks[i].thickness, looks[i].hollow);
        hpx_svg_text(svg, left + 32, top, HPX_SVG_START, looks[i].words);
        left += 60 + hpx_page_room(&looks[i].words, 1, 64);
    }
}

static hpx_svg *draw(const hpx_page *page)
{
    const struct timeline *timeline = page->timeline;
    char(*names)[NAME_BYTES] = hpx_alloc(timeline->workers * sizeof *names);
    const char **list = hpx_alloc(timeline->workers * sizeof *list);
    for (uint32_t i = 0; i < timeline->workers; i++) {
        snprintf(names[i], NAME_BYTES, "%u", i + 1);
        list[i] = names[i];
    }
    hpx_svg_plot plot = {.left = LEFT,
                         .top = TOP,
                         .width = WIDE - LEFT - 18,
                         .height = ROW * (double)timeline->workers,
                         .x = {.label = "seconds", .from = 0, .to = 0},
                         .y = {.label = "worker", .names = list, .count = timeline->workers}};
    for (size_t i = 0; i < timeline->count; i++)
        hpx_page_include(&plot.x, seconds_from(timeline, timeline->spans[i].end_ns));
    plot.x.to = plot.x.to > 0 ? plot.x.to : 1;
    hpx_svg *svg = hpx_svg_new(WIDE, TOP + plot.height + 80, "Timeline of the last build",
                               "A row for each worker: from when to when it was busy with which trial.");
    hpx_svg_axes(svg, &plot);
    for (size_t i = 0; i < timeline->count && i < SPANS; i++)
        put_span(svg, &plot, page, &timeline->spans[i]);
    put_legend(svg, timeline, TOP + plot.height + 66);
    free(list);
    free(names);
    return svg;
}

/* --- the same as a table ------------------------------------------------------------------------------------------ */

static void put_line(struct sheet *sheet, const hpx_page *page, const hpx_build_span *span)
{
    const struct named_key *name = find(page, &span->key);
    char hex[HPX_HASH_HEX_BYTES];
    hpx_sheet_row(sheet, name ? name->cell : NO_CELL);
    hpx_sheet_count(sheet, span->slot + 1);
    if (name) {
        hpx_sheet_cell(sheet, page, name->cell);
        hpx_sheet_count(sheet, name->seed);
    } else {
        hpx_sheet_code(sheet, hpx_hash_hex(hex, &span->key), KEY_DIGITS);
        hpx_sheet_text(sheet, "");
    }
    hpx_sheet_text(sheet, look_of(span)->name);
    hpx_sheet_count(sheet, span->from);
    hpx_sheet_count(sheet, span->to);
    hpx_sheet_number(sheet, 2, seconds_from(page->timeline, span->start_ns));
    hpx_sheet_number(sheet, 2, seconds_from(page->timeline, span->end_ns));
}

static void put_table(struct figure *figure, const hpx_page *page)
{
    static const struct {
        const char *text;
        bool number;
    } heads[] = {{"worker", true},      {"cell", false},    {"seed", true},        {"verdict", false},
                 {"after epoch", true}, {"to epoch", true}, {"from second", true}, {"to second", true}};
    const struct timeline *timeline = page->timeline;
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, timeline->count);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        hpx_sheet_head(&sheet, heads[i].text, heads[i].number);
    for (size_t i = 0; i < timeline->count; i++)
        put_line(&sheet, page, &timeline->spans[i]);
    hpx_sheet_close(&sheet);
}

static void put_caption(hpx_buffer *caption, const struct timeline *timeline)
{
    char when[32], duration[32];
    hpx_buffer_printf(caption, "The last build that ran a trial shown here began at %s and took %s",
                      hpx_report_time(when, timeline->started_ns),
                      hpx_duration_text(duration, timeline->seconds));
    if (timeline->status)
        hpx_buffer_puts(caption, timeline->status == HPX_INTERRUPTED ? ", until it was interrupted"
                                                                     : ", until an error ended it");
    hpx_buffer_puts(caption, ". ");
    if (timeline->has_stored)
        hpx_buffer_printf(caption, "%llu %s stored before (hit), and took no time. ",
                          (unsigned long long)timeline->stored,
                          hpx_plural(timeline->stored, "trial was", "trials were"));
    if (timeline->count > SPANS)
        hpx_buffer_printf(caption, "Of its %zu jobs the first %u are drawn, worker by worker.",
                          timeline->count, (unsigned)SPANS);
}

void hpx_page_timeline(hpx_buffer *out, hpx_page *page)
{
    const size_t from = page->figure_count;
    if (!page->timeline)
        return;
    struct figure *figure = hpx_page_add_figure(page, "timeline", "What the workers did");
    figure->wide = true;
    hpx_figure_add_view(figure, NULL, NULL, draw(page));
    put_caption(&figure->caption, page->timeline);
    put_table(figure, page);
    hpx_buffer_puts(out, "<section id=\"builds\"><h2>Last build</h2>\n");
    hpx_page_put_figures(out, page, from);
    hpx_buffer_puts(out, "</section>\n");
}
