/* What an import has brought. */
#include "parts.h"

#include <inttypes.h>

/* By kind of what a bundle has: how many are new to the store, and how many it had. */
static void add_kinds(hpx_row *row, const hpx_imported *done)
{
    const struct {
        const char *name;
        uint64_t added, known;
    } kinds[] = {
        {"results", done->artifacts.added, done->artifacts.known},
        {"checkpoints", done->checkpoints.added, done->checkpoints.known},
        {"conflicts", done->conflicts.added, done->conflicts.known},
        {"logs", done->logs.added, done->logs.known},
    };
    hpx_row_open(row, NULL, '{');
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hpx_row_open_flat(row, kinds[i].name, '{');
        hpx_row_count(row, "new", kinds[i].added);
        hpx_row_count(row, "known", kinds[i].known);
        hpx_row_close(row);
    }
    hpx_row_close(row);
}

static const struct line {
    const char *words, *added, *known;
    bool rare; /* said only when there are some */
} lines[] = {
    {"results", "results.new", "results.known", false},
    {"checkpoints", "checkpoints.new", "checkpoints.known", false},
    {"later runs", "conflicts.new", "conflicts.known", true},
    {"logs", "logs.new", "logs.known", true},
};

void hpx_report_imported(hpx_buffer *out, const hpx_imported *done)
{
    hpx_row row = {0};
    add_kinds(&row, done);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const uint64_t added = hpx_row_find(&row, lines[i].added)->count;
        const uint64_t known = hpx_row_find(&row, lines[i].known)->count;
        if (!lines[i].rare || added + known > 0)
            hpx_buffer_printf(out, "%s: %" PRIu64 " new, %" PRIu64 " already there\n", lines[i].words, added,
                              known);
    }
    hpx_row_free(&row);
}

void hpx_report_imported_json(hpx_buffer *out, const hpx_imported *done)
{
    hpx_row row = {0};
    add_kinds(&row, done);
    hpx_row_print(out, &row);
    hpx_row_free(&row);
}
