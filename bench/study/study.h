/* The study: chapters read the tables of bench/tables, make values and figures of them, and docs/STUDY.md is its template,
 * STUDY.md.in, with the values in their places. All is decided by the tables, so that what is written is the same
 * everywhere; how sure a sentence is of itself, too, is a value. */
#ifndef STUDY_H
#define STUDY_H

#include "compare/compare.h"
#include "hpx/buffer.h"
#include "identity/experiment.h"
#include "run/measured.h"
#include "svg/svg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct study {
    const char *recipes, *tables, *docs; /* folders */
    struct study_values *values;
};

/* The tables: TABLES/NAME.csv has what RECIPES/NAME.rcp has trained. */
enum { VALIDATION_HE, PAPER_HE, PAPER_GLOROT, FASHION_HE, MNIST_CNN, TABLES };
enum { PERCEPTRONS = MNIST_CNN }; /* the first tables, over the paper's grid */

struct study_table {
    const char *name, *title;
};

extern const struct study_table study_tables[TABLES];

typedef void study_chapter_fn(struct study *study);
study_chapter_fn study_data, study_paper, study_starts, study_epochs, study_methods, study_parallel,
    study_flattery, study_convolutions;

void study_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The value of @NAME@ in the template. Every value has a place there; a place that has none says that there are no seeds. */
void study_put(struct study *study, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of a text, without line ends behind; an empty one is no value. Frees it. */
void study_take(struct study *study, const char *name, hpx_buffer *text);
void study_figure(struct study *study, const char *name, hpx_svg *svg); /* docs/study/NAME.svg; frees it */

struct lab;
/* Adds "- TABLE, OF: SENTENCE." to a list (`of` may be NULL), and makes the sentence of the first table the value of a name
 * (NULL: none), for the summary; likewise of that of convolutions. Frees it. */
void study_answer(struct study *study, hpx_buffer *list, const struct lab *lab, const char *of,
                  const char *name, hpx_buffer *sentence);

/* "**TABLE**, 5 blocks:" and the head of a table with such columns, "cost | lost". */
void put_head(hpx_buffer *out, const struct lab *lab, const char *columns);

extern const char study_no_seeds[];
void study_note_in(hpx_svg *svg, const hpx_svg_plot *plot, const char *text); /* in the middle of a plot */
void study_empty_figure(struct study *study, const char *name, const char *title); /* says nothing else */

/* --- a table with searches --------------------------------------------------------------------------------------- */

/* A table, with the recipe that it was trained by and some searches. Its blocks are its seeds. */
struct lab {
    const struct study_table *table;
    char *path;
    hpx_recipe *recipe;
    hpx_compare_metrics metrics; /* 0: what searches select on; the last: what the truth is of */
    hpx_measured *measured;
    hpx_experiment *experiment;
    size_t blocks; /* seeds */
};

/* False: there is no such table yet. `searches`: a list beside the recipes, or NULL. `objective`: what to select on, or
 * NULL: as the recipe says. */
bool lab_open(struct lab *lab, const struct study *study, size_t table, const char *searches,
              const char *objective);
void lab_close(struct lab *lab); /* a closed one is fine */

/* Of all searches of the recipe. */
hpx_contest *lab_compare(const struct lab *lab, bool all_starts, uint32_t repeat);
const hpx_recipe_search *lab_search_named(const struct lab *lab, const char *name);
const hpx_contender *lab_find(const hpx_contest *contest, const char *name);

uint32_t lab_cells(const struct lab *lab);
/* What a seed says of a cell, or, of a cell, all the other seeds: their mean; of an only seed its own. */
double lab_score(const struct lab *lab, size_t seed, hpx_request request);
double lab_test(const struct lab *lab, size_t seed, uint32_t cell);
double lab_truth(const struct lab *lab, size_t but_seed, uint32_t cell);

/* A search over the scores of a seed, on so many workers and a clock of multiplications: what is certain runs, the longest
 * first, and a job lasts as long as its epochs have multiplications. In units of the grid's. */
struct lab_run {
    double span;      /* from its start to its end */
    double continued; /* work, where a training goes on from the epochs that it has */
    double retrained; /* where each evaluation trains from the start */
    uint32_t end;     /* cell */
};

struct lab_run lab_run_search(const struct lab *lab, const hpx_search_options *options, size_t seed,
                              size_t workers);

/* --- how sure ---------------------------------------------------------------------------------------------------- */

/* One value of each block together: the interquartile mean, and its 95 % interval by resampling blocks. */
struct effect {
    size_t blocks;
    double mean;
    hpx_interval interval; /* NaN: fewer than two blocks */
    double p; /* that it is 0, by signed ranks; NaN: the blocks are too few for any p below 0.05 */
};

struct effect effect_of(const double *values, size_t blocks);
struct effect effect_of_difference(const double *a, const double *b, size_t blocks); /* a - b */
/* Of values that the other seeds judge: without blocks where there are no others. */
struct effect effect_by_others(const struct lab *lab, const double *values);

/* By block: what a search ends with less what another has lost for the same cost, or with its first result where that costs more
 * (above 0 where the other is better), and its cost as a share of the other's. */
struct effect lost_to(const struct lab *lab, const hpx_contest *contest, const hpx_contender *search,
                      const hpx_contender *other);
struct effect share_of_cost(const struct lab *lab, const hpx_contender *search, const hpx_contender *beside);

/* Takes them for one family of comparisons, of the same number of blocks each: their p are adjusted (Holm), or NaN where the
 * blocks are too few for so many. */
void effects_adjust(struct effect *effects, size_t count);

/* -1, 1: the interval is below, above 0, and no p tells otherwise; 0: else, or there is no interval. */
int effect_sign(const struct effect *effect);

#define NONE "\xe2\x80\x93" /* in place of a number */

/* "0.12 [0.05, 0.19]": times `scale`, with so many decimals. NONE of no blocks. */
void put_effect(hpx_buffer *out, const struct effect *effect, double scale, int decimals);
/* The same as one column of a row that has begun: " 0.12 [0.05, 0.19] |". */
void put_column(hpx_buffer *out, struct effect effect, double scale, int decimals);
/* "5 blocks, too few for a test", "10 blocks, p = 0.004". */
void put_sureness(hpx_buffer *out, const struct effect *effect);

/* A sentence about what one has more than another, without its full stop: of "A has %s points %s than B", "more" and "less",
 * "A has 0.12 [0.05, 0.19] points more than B (5 blocks, too few for a test)", with "no difference shows: " before it where
 * the interval holds 0. */
void put_contrast(hpx_buffer *out, const char *words, const char *more, const char *less,
                  const struct effect *effect, double scale, int decimals);

#define POINTS 100.0 /* accuracies as people say them */

/* --- figures ------------------------------------------------------------------------------------------------------ */

/* A forest plot: beside each name of the y axis an interval for each series, times `scale`; effects[series][row], those
 * without blocks left out. An x axis without a length spans them all, and 0. */
void study_forest(hpx_svg *svg, hpx_svg_plot plot, const struct effect *effects, size_t series, double scale);

/* What a method has lost by what it has spent: its curve to the end, where a point is. */
void study_curve(hpx_svg *svg, const hpx_svg_plot *plot, size_t series, const struct lab *lab,
                 const hpx_contest *contest, const hpx_contender *search);

/* The cells of the grid, coloured by their values, at a place of a figure: 374 x 126, the first axis downwards. Bright is good,
 * and a frame is around the best; where more is better colours tell the better three quarters apart. */
void study_heat_map(hpx_svg *svg, const struct lab *lab, const char *title, double left, double top,
                    const double *values, bool less_is_better);

#endif
