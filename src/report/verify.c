/* What a check of a store has found, and how what was trained again came out. */
#include "parts.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct hpx_verified {
    hpx_row row;
};

static const char *const verdicts[] = {
    [HPX_REBUILD_SAME] = "same", [HPX_REBUILD_DIFFERS] = "differs", [HPX_REBUILD_FAILED] = "failed"};

static void add_lines(hpx_row *row, const char *name, const hpx_faults *faults)
{
    hpx_row_open(row, name, '[');
    for (size_t i = 0; i < faults->count; i++)
        hpx_row_text(row, NULL, faults->lines[i]);
    hpx_row_close(row);
}

hpx_verified *hpx_verified_new(const hpx_findings *found)
{
    hpx_verified *verified = hpx_alloc(sizeof *verified);
    hpx_row *row = &verified->row;
    hpx_row_open(row, NULL, '{');
    hpx_row_count(row, "checked", found->checked);
    add_lines(row, "damaged", &found->damaged);
    add_lines(row, "differing", &found->differing);
    add_lines(row, "remarks", &found->remarks);
    return verified;
}

void hpx_verified_free(hpx_verified *verified)
{
    if (!verified)
        return;
    hpx_row_free(&verified->row);
    free(verified);
}

void hpx_verified_begin_rebuild(hpx_verified *verified)
{
    hpx_row_open(&verified->row, "rebuilt", '[');
}

void hpx_verified_add(hpx_verified *verified, const hpx_rebuilt *rebuilt)
{
    hpx_row *row = &verified->row;
    hpx_row_open_flat(row, NULL, '{');
    hpx_add_hash(row, "key", &rebuilt->newest->key);
    hpx_add_cell(row, &rebuilt->newest->cell);
    hpx_row_count(row, "epoch", rebuilt->newest->epoch);
    hpx_row_text(row, "verdict", verdicts[rebuilt->verdict]);
    hpx_row_text(row, "why", rebuilt->why);
    hpx_row_close(row);
}

void hpx_verified_end_rebuild(hpx_verified *verified, const hpx_rebuild_counts *counts)
{
    hpx_row_close(&verified->row);
    hpx_row_count(&verified->row, "others", counts->others);
}

/* A line for each text of a list; how many. */
static size_t print_lines(hpx_buffer *out, const hpx_row *row, const char *list, const char *word)
{
    const hpx_value *values = hpx_row_find(row, list), *value = NULL;
    size_t count = 0;
    for (; (value = hpx_value_next(row, values, value)); count++)
        hpx_buffer_printf(out, "%s: %s\n", word, hpx_value_text(row, value));
    return count;
}

/* "differs: 9f2c41d0... n1=128 n2=64 epoch 15" */
static void print_rebuilt(hpx_buffer *out, const hpx_row *row, const hpx_value *rebuilt)
{
    const hpx_value *why = hpx_value_find(row, rebuilt, "why");
    hpx_buffer_printf(out, "%s: %s ", hpx_value_text(row, hpx_value_find(row, rebuilt, "verdict")),
                      hpx_value_text(row, hpx_value_find(row, rebuilt, "key")));
    hpx_show_cell(out, row, hpx_value_find(row, rebuilt, "cell"), NULL);
    hpx_buffer_printf(out, " epoch %" PRIu64, hpx_value_find(row, rebuilt, "epoch")->count);
    if (why->kind == HPX_VALUE_TEXT)
        hpx_buffer_printf(out, ": %s", hpx_value_text(row, why));
    hpx_buffer_puts(out, "\n");
}

static void print_rebuild(hpx_buffer *out, const hpx_row *row, bool verbose)
{
    const hpx_value *list = hpx_row_find(row, "rebuilt"), *rebuilt = NULL;
    size_t all = 0, counts[COUNT_OF(verdicts)] = {0};
    if (!list)
        return;
    for (; (rebuilt = hpx_value_next(row, list, rebuilt)); all++) {
        const char *word = hpx_value_text(row, hpx_value_find(row, rebuilt, "verdict"));
        size_t verdict = 0;
        while (strcmp(word, verdicts[verdict]) != 0)
            verdict++;
        counts[verdict]++;
        if (verbose || verdict != HPX_REBUILD_SAME)
            print_rebuilt(out, row, rebuilt);
    }
    hpx_buffer_printf(out,
                      "%zu trained again: %zu the same, %zu differ, %zu failed; %" PRIu64
                      " are of other code, machines or data\n",
                      all, counts[HPX_REBUILD_SAME], counts[HPX_REBUILD_DIFFERS], counts[HPX_REBUILD_FAILED],
                      hpx_row_find(row, "others")->count);
}

void hpx_report_verified(hpx_buffer *out, hpx_verified *verified, bool verbose)
{
    hpx_row *row = &verified->row;
    hpx_row_close(row);
    const size_t damaged = print_lines(out, row, "damaged", "damaged");
    print_lines(out, row, "differing", "differs");
    print_lines(out, row, "remarks", "note");
    hpx_buffer_printf(out, "%" PRIu64 " values checked, %zu damaged\n", hpx_row_find(row, "checked")->count,
                      damaged);
    print_rebuild(out, row, verbose);
}

void hpx_report_verified_json(hpx_buffer *out, hpx_verified *verified)
{
    hpx_row_close(&verified->row);
    hpx_row_print(out, &verified->row);
}
