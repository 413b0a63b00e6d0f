/* What the doctor says of a program: a row for each check, and below the table what to do. */
#include "outcome.h"
#include "parts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {
    [HPX_DOCTOR_PASS] = "pass",
    [HPX_DOCTOR_FAIL] = "fail",
    [HPX_DOCTOR_NOT_TRIED] = "not tried",
};

static const hpx_column columns[] = {
    {"check", "check", 'l'},
    {"verdict", "verdict", 'l'},
    {"found", "found", 'l'},
};

/* Calls for each line of it. */
static void each_line(hpx_buffer *lines, void (*each)(void *context, const char *line), void *context)
{
    const char *text = hpx_buffer_text(lines);
    while (*text) {
        const size_t length = strcspn(text, "\n");
        char *line = hpx_strndup(text, length);
        each(context, line);
        free(line);
        text += length + (text[length] == '\n');
    }
}

static void add_line(void *context, const char *line)
{
    hpx_row_text(context, NULL, line);
}

static void add_lines(hpx_row *row, const char *name, hpx_buffer *lines)
{
    hpx_row_open(row, name, '[');
    each_line(lines, add_line, row);
    hpx_row_close(row);
}

static void fill(hpx_row *row, hpx_examination *examination, size_t i)
{
    hpx_diagnosis *check = &examination->checks[i];
    hpx_row_text(row, "check", hpx_doctor_names[i]);
    hpx_row_text(row, "verdict", verdicts[check->verdict]);
    hpx_row_text(row, "found", hpx_buffer_text(&check->found));
    add_lines(row, "advice", &check->advice);
    add_lines(row, "bindings", &check->bindings);
}

static void print_advice(void *context, const char *line)
{
    hpx_buffer_printf(context, "  %s\n", line);
}

static void print_binding(void *context, const char *line)
{
    hpx_buffer_printf(context, "      %s\n", line);
}

void hpx_report_examination(hpx_buffer *out, hpx_examination *examination)
{
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    for (size_t i = 0; i < HPX_DOCTOR_CHECKS; i++) {
        fill(hpx_rows_begin(rows), examination, i);
        hpx_rows_end(rows);
    }
    hpx_rows_finish(out, rows);
    for (size_t i = 0; i < HPX_DOCTOR_CHECKS; i++) {
        hpx_diagnosis *check = &examination->checks[i];
        if (check->advice.size + check->bindings.size == 0)
            continue;
        hpx_buffer_printf(out, "\n%s:\n", hpx_doctor_names[i]);
        each_line(&check->advice, print_advice, out);
        if (check->bindings.size > 0)
            hpx_buffer_puts(out, "  put into `program`:\n");
        each_line(&check->bindings, print_binding, out);
    }
}

void hpx_report_examination_json(hpx_buffer *out, const hpx_recipe *recipe, hpx_examination *examination)
{
    hpx_row row = {0};
    hpx_row_open(&row, NULL, '{');
    hpx_row_count(&row, "schema", 1);
    hpx_row_text(&row, "recipe", recipe->path);
    hpx_add_grid_cell(&row, "cell", recipe, 0);
    hpx_row_count(&row, "seed", recipe->seeds[0]);
    hpx_row_count(&row, "epochs", recipe->epochs);
    hpx_row_open(&row, "checks", '[');
    for (size_t i = 0; i < HPX_DOCTOR_CHECKS; i++) {
        hpx_row_open(&row, NULL, '{');
        fill(&row, examination, i);
        hpx_row_close(&row);
    }
    hpx_row_close(&row);
    hpx_row_close(&row);
    hpx_row_print(out, &row);
    hpx_row_free(&row);
}
