/* What the tables are: their seeds and origin, the surface of accuracies, how much of it is noise, and what decides it. */
#include "study.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8 };

/* What the last columns of a table say: which trainers, which vectors, the first day and the last one. */
struct origin {
    struct words {
        const char *at[WORDS];
        size_t count;
    } codes, kernels;
    const char *first, *last;
};

static void add_word(struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->at[i], word) == 0)
            return;
    if (words->count == WORDS)
        study_die("a table of more than %d trainers or vectors", WORDS);
    words->at[words->count++] = word;
}

/* Cuts the last field off a row. */
static const char *last_field(char *row)
{
    char *comma = strrchr(row, ',');
    if (!comma)
        study_die("a row without a comma: %s", row);
    *comma = 0;
    return comma + 1;
}

static void read_origin(struct origin *origin, char *rows)
{
    char *save, *row = strtok_r(rows, "\n", &save);
    while ((row = strtok_r(NULL, "\n", &save))) {
        const char *day = last_field(row);
        origin->first = !origin->first || strcmp(day, origin->first) < 0 ? day : origin->first;
        origin->last = !origin->last || strcmp(day, origin->last) > 0 ? day : origin->last;
        add_word(&origin->kernels, last_field(row));
        add_word(&origin->codes, last_field(row));
    }
}

static void put_words(hpx_buffer *out, const struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        hpx_buffer_printf(out, "%s%s", i ? ", " : "", words->at[i]);
}

static void put_origin(hpx_buffer *out, const struct lab *lab)
{
    struct origin origin = {0};
    hpx_buffer text = {0};
    hpx_error error;
    if (hpx_file_read(&text, lab->path, (size_t)1 << 30, &error))
        study_die("%s", error.message);
    hpx_buffer_text(&text); /* with an end */
    read_origin(&origin, (char *)text.data);
    put_words(out, &origin.codes);
    hpx_buffer_puts(out, " | ");
    put_words(out, &origin.kernels);
    hpx_buffer_printf(out, " | %s", origin.first);
    if (strcmp(origin.first, origin.last) != 0)
        hpx_buffer_printf(out, " to %s", origin.last);
    hpx_buffer_free(&text);
}

/* Of one seed the shares have its noise in them. */
static void put_importance(hpx_buffer *out, const hpx_contest *contest)
{
    const hpx_importance *importance = &contest->importance;
    if (contest->no_importance) {
        hpx_buffer_puts(out, " | " NONE " | " NONE " | " NONE " | " NONE " |\n");
        return;
    }
    const double shares[] = {importance->axis[0], importance->axis[1], importance->pair[1]};
    for (size_t i = 0; i < 3; i++)
        hpx_buffer_printf(out, " | %.*f %%", importance->raw ? 0 : 1, 100 * shares[i]);
    if (importance->raw)
        hpx_buffer_puts(out, " | " NONE " |\n");
    else
        hpx_buffer_printf(out, " | %.1f %% |\n", 100 * importance->noise);
}

static void put_data_row(hpx_buffer *data, const struct lab *lab, const hpx_contest *contest)
{
    hpx_buffer_printf(data, "| [%s](../bench/tables/%s.csv) | %zu | ", lab->table->title, lab->table->name,
                      lab->blocks);
    put_origin(data, lab);
    if (isnan(contest->seed_sd))
        hpx_buffer_puts(data, " | " NONE " |\n");
    else
        hpx_buffer_printf(data, " | %.3f |\n", POINTS * contest->seed_sd);
}

/* --- the surface --------------------------------------------------------------------------------------------- */

static void draw_surface(hpx_svg *svg, const struct lab *lab, double left, double top)
{
    const uint32_t cells = lab_cells(lab);
    double *means = hpx_alloc(cells * sizeof *means);
    for (uint32_t cell = 0; cell < cells; cell++)
        for (size_t seed = 0; seed < lab->blocks; seed++)
            means[cell] += POINTS * lab_test(lab, seed, cell) / (double)lab->blocks;
    char *title =
        hpx_format("%s (%zu %s)", lab->table->title, lab->blocks, hpx_plural(lab->blocks, "seed", "seeds"));
    study_heat_map(svg, lab, title, left, top, means, false);
    free(title);
    free(means);
}

void study_data(struct study *study)
{
    hpx_buffer data = {0}, importance = {0};
    struct lab labs[TABLES];
    size_t count = 0, surfaces = 0;
    for (size_t table = 0; table < TABLES; table++) {
        const bool opened = lab_open(&labs[count], study, table, NULL, NULL);
        count += opened;
        surfaces += opened && table < PERCEPTRONS;
    }
    const double height = 220 * fmax(1, (double)((surfaces + 1) / 2)) + 10;
    hpx_svg *svg =
        hpx_svg_new(surfaces > 1 ? 860 : 430, height, "Accuracy over the grid",
                    "Heat maps of the mean test accuracy, in percent, of each cell of the grid, one for "
                    "each table. A frame is around the best cell.");
    for (size_t i = 0; i < count; i++) {
        hpx_contest *contest = lab_compare(&labs[i], false, 0);
        put_data_row(&data, &labs[i], contest);
        if (i < surfaces) {
            hpx_buffer_printf(&importance, "| %s | %zu", labs[i].table->title, labs[i].blocks);
            put_importance(&importance, contest);
            draw_surface(svg, &labs[i], 45 + 430 * (double)(i % 2), 48 + 220 * (double)(i / 2));
        }
        hpx_contest_free(contest);
        lab_close(&labs[i]);
    }
    if (surfaces == 0)
        hpx_svg_text(svg, 215, 115, HPX_SVG_MIDDLE, study_no_seeds);
    study_take(study, "data", &data);
    study_take(study, "importance", &importance);
    study_figure(study, "surface", svg);
}
