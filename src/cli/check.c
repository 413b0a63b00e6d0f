/* hpx check: whether recipes are right, and the files that they name are there. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/source.h"
#include "identity/experiment.h"
#include "identity/missing.h"
#include "report/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the mistakes in a message ---------------------------------------------------------------------------- */

/* Each is a line FILE:LINE:COLUMN: TEXT, mostly with the line of the recipe and a caret below it, and where its file is
 * included. */
static size_t line_length(const char *text)
{
    return strcspn(text, "\n");
}

static const char *next_line(const char *text)
{
    text += line_length(text);
    return *text ? text + 1 : text;
}

static bool is_caret(const char *line)
{
    line += strspn(line, " \t");
    return *line == '^' && (line[1] == '\n' || !line[1]);
}

/* Behind the mistake that begins there. */
static const char *skip_mistake(const char *text)
{
    static const char included[] = "included from ";
    const char *second = next_line(text);
    text = *second && is_caret(next_line(second)) ? next_line(next_line(second)) : second;
    while (strncmp(text, included, strlen(included)) == 0)
        text = next_line(text);
    return text;
}

static void add_mistake(hpx_row *row, const char *line)
{
    char *copy = hpx_strndup(line, line_length(line));
    unsigned number = 0, column = 0;
    int length = 0;
    const char *colon = copy;
    while ((colon = strchr(colon, ':')) && sscanf(colon, ":%u:%u: %n", &number, &column, &length) != 2)
        colon++;
    hpx_row_open_flat(row, NULL, '{');
    if (colon) {
        char *file = hpx_strndup(copy, (size_t)(colon - copy));
        hpx_row_text(row, "file", file);
        hpx_row_count(row, "line", number);
        hpx_row_count(row, "column", column);
        free(file);
    }
    hpx_row_text(row, "message", colon ? colon + length : copy);
    hpx_row_close(row);
    free(copy);
}

/* --- what is said of a recipe ------------------------------------------------------------------------------ */

static void add_row(hpx_rows *rows, const char *name, const hpx_recipe *recipe, const char *mistakes)
{
    hpx_row *row = hpx_rows_begin(rows);
    hpx_row_text(row, "recipe", name);
    hpx_row_bool(row, "valid", !*mistakes);
    if (recipe) {
        hpx_row_count(row, "axes", recipe->axes[0].place.line > 0 ? recipe->grid.axes : 0);
        hpx_row_count(row, "cells", hpx_grid_cells(&recipe->grid));
        hpx_row_count(row, "seeds", recipe->seed_count);
        hpx_row_count(row, "epochs", recipe->epochs);
        hpx_row_count(row, "searches", recipe->search_count);
    }
    hpx_row_open(row, "mistakes", '[');
    for (; *mistakes; mistakes = skip_mistake(mistakes))
        add_mistake(row, mistakes);
    hpx_row_close(row);
    hpx_rows_end(rows);
}

static void add_line(hpx_buffer *text, const char *name, const hpx_recipe *recipe)
{
    const uint32_t cells = hpx_grid_cells(&recipe->grid);
    hpx_buffer_printf(text, "%s: %u %s, %zu %s, %u %s, %zu %s\n", name, cells,
                      hpx_plural(cells, "cell", "cells"), recipe->seed_count,
                      hpx_plural(recipe->seed_count, "seed", "seeds"), recipe->epochs,
                      hpx_plural(recipe->epochs, "epoch", "epochs"), recipe->search_count,
                      hpx_plural(recipe->search_count, "search", "searches"));
}

/* What the sizes of the data decide: whether there are as many images, and whether every model of the grid fits them. Files
 * that are there are read; a data set known by name need not be. */
static void check_sizes(hpx_buffer *mistakes, const hpx_recipe *recipe)
{
    const hpx_source_options options = {.folder = ".", .shape_only = true};
    hpx_experiment *experiment;
    hpx_error error;
    if (hpx_experiment_open(&experiment, recipe, &options, &error))
        hpx_buffer_puts(mistakes, error.message);
    hpx_experiment_free(experiment);
}

/* Checks one recipe, the first of the words, which the others amend. False: it has mistakes. */
static bool check(hpx_buffer *text, hpx_rows *rows, char **words, size_t count, const struct options *options)
{
    struct target target;
    hpx_error error;
    hpx_buffer mistakes = {0};
    const hpx_status status = hpx_open_target(&target, words, &count, false, &error);
    if (status)
        hpx_buffer_puts(&mistakes, error.message);
    else
        hpx_missing_files(&mistakes, target.recipe);
    if (!status && mistakes.size == 0 && !target.recipe->program)
        check_sizes(&mistakes, target.recipe);
    const bool valid = mistakes.size == 0;
    if (rows)
        add_row(rows, words[0], target.recipe, hpx_buffer_text(&mistakes));
    else if (!valid)
        hpx_say("%s", hpx_buffer_text(&mistakes));
    else if (!options->quiet)
        add_line(text, words[0], target.recipe);
    if (!status && !options->quiet)
        hpx_warn_without_code(target.recipe);
    hpx_free_target(&target);
    hpx_buffer_free(&mistakes);
    return valid;
}

int hpx_run_check(const struct options *options)
{
    char **words = hpx_alloc((options->count + 1) * sizeof *words);
    hpx_buffer text = {0};
    hpx_json json = {.out = &text};
    hpx_rows *rows = options->json ? hpx_rows_to_json(&json) : NULL;
    size_t count = 1;
    int code = EXIT_DONE;
    for (size_t i = 0; i < options->count; i++)
        if (hpx_amends(options->arguments[i]))
            words[count++] = options->arguments[i];
    const bool no_recipe = count > options->count; /* the first word is told so */
    if (rows)
        hpx_json_open(&json, NULL, '[');
    for (size_t i = 0; i < options->count; i++) {
        words[0] = options->arguments[i];
        if (hpx_amends(words[0]) && !no_recipe)
            continue;
        if (!check(&text, rows, words, count, options))
            code = EXIT_USAGE;
        if (no_recipe)
            break;
    }
    if (rows) {
        hpx_rows_free(rows);
        hpx_json_close(&json, ']');
    }
    free(words);
    const int printed = hpx_print_result(&text);
    return code ? code : printed;
}
