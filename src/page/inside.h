/* What the parts of a page share: the results by cell, and what is drawn and written of them. */
#ifndef HPX_PAGE_INSIDE_H
#define HPX_PAGE_INSIDE_H

#include "page/page.h"

#include "svg/svg.h"

#include <stddef.h>

#define NO_CELL UINT32_MAX

/* All that is known of a cell; `values` NULL: nothing. */
struct cell {
    double *values;   /* of the objective, seed by seed, each of the recipe's epochs; NaN: there is none */
    size_t seeds;     /* that have come to the end, or have failed */
    double score, sd; /* mean and standard deviation over these; NaN: there is none */
    uint32_t epochs;  /* the most that a seed has come to */
    size_t failed;    /* seeds that failed; of the first of them: */
    uint32_t failed_epoch;
    char *failure;
    double seconds; /* of training, over all seeds */
    size_t origin;  /* of the first seed */
    hpx_hash key;   /* of the first seed */
};

/* Code, data and machine that results were made with. */
struct origin {
    hpx_hash code, dataset;
    char *version, *describe, *data, *numerics, *import;
    bool dirty;
    size_t results;
};

/* A trajectory of a cell. */
struct named_key {
    hpx_hash key;
    uint32_t cell;
    uint64_t seed;
};

struct hpx_page {
    const hpx_recipe *recipe;
    const hpx_outcome *outcome;
    uint32_t count; /* of the grid */
    struct cell *cells;
    double *costs;            /* NaN: not known */
    bool timed;               /* costs are seconds */
    uint32_t best;            /* NO_CELL: no cell has a score */
    hpx_svg_heat_scale scale; /* the colours of scores */
    uint32_t shown; /* the cell through which figures cut: where the first search ends, else the best */
    struct contest *contest;           /* NULL: none */
    unsigned reload;                   /* seconds until the page loads itself again; 0: it does not */
    const hpx_page_pictures *pictures; /* NULL: none */
    struct origin *origins;
    size_t origin_count, origin_capacity;
    struct named_key *keys; /* of all results; in order of key when the first build is added */
    size_t key_count, key_capacity;
    struct timeline *timeline; /* NULL: none */
};

/* --- cells.c: results by cell ------------------------------------------------------------------------------- */

void hpx_page_conclude(hpx_page *page); /* when all results are there */

/* The value of a cell's objective after an epoch: the mean over its seeds; NaN unless all of them have it. */
double hpx_page_after(const hpx_page *page, uint32_t cell, uint32_t epoch);
double hpx_page_seed_value(const hpx_page *page, uint32_t cell, size_t seed, uint32_t epoch);

bool hpx_page_better(const hpx_page *page, double value, double other); /* of two scores */

/* Whether two scores differ by more than two standard errors of their difference. With one seed nobody knows: false. */
bool hpx_page_is_above(const struct cell *peak, const struct cell *other);

/* Whether a cell is better than all its neighbours, the diagonal ones, too. */
enum peak { NO_PEAK, UNSURE_PEAK /* within 2 standard errors of a neighbour */, SURE_PEAK };
enum peak hpx_page_peak(const hpx_page *page, uint32_t cell);

/* Decimals of scores. */
int hpx_page_decimals(const hpx_page *page);

/* --- figure.c: what figures share ---------------------------------------------------------------------------- */

enum { WIDTH = 530, LEFT = 62, TOP = 30, INNER = WIDTH - LEFT - 18 }; /* of a figure beside another */

/* A plot of such a figure, with axes of these labels that have no values yet. */
hpx_svg_plot hpx_page_plot(double height, const char *x, const char *y);

void hpx_page_include(hpx_svg_axis *axis, double value);
void hpx_page_widen(hpx_svg_axis *axis); /* so that no mark lies on its ends; to 0 .. 1 where there is none */
void hpx_page_choose_scale(
    hpx_svg_axis *axis); /* widens it; logarithmic where values go over more than a decade */

/* What the longest of the names takes, up to so many bytes of it. */
double hpx_page_room(const char *const *names, size_t count, size_t most);

void hpx_page_point(hpx_svg *svg, const hpx_svg_plot *plot, uint32_t cell, double x, double y);

/* The names of searches, below each other in two columns. */
double hpx_page_legend_height(size_t count);
void hpx_page_legend(hpx_svg *svg, const hpx_page *page, const char *const *names, size_t count, double top);
/* The number of a search; of one that the page does not have `other`, behind all of these. */
size_t hpx_page_search(const hpx_page *page, const char *name, size_t other);

/* --- space.c: figures over the grid; lines.c: all others ----------------------------------------------------- */

void hpx_page_space(hpx_buffer *out, const hpx_page *page);
void hpx_page_cost_space(hpx_buffer *out, const hpx_page *page);
void hpx_page_paths(hpx_buffer *out, const hpx_page *page);
void hpx_page_axes(hpx_buffer *out, const hpx_page *page);
void hpx_page_costs(hpx_buffer *out, const hpx_page *page);
void hpx_page_distribution(hpx_buffer *out, const hpx_page *page);
void hpx_page_epochs(hpx_buffer *out, const hpx_page *page);
void hpx_page_parallel(hpx_buffer *out, const hpx_page *page);
void hpx_page_progress(hpx_buffer *out, const hpx_page *page);

/* --- contest.c: what searches are worth ------------------------------------------------------------------------ */

void hpx_page_contest(hpx_buffer *out, const hpx_page *page);
void hpx_page_contest_free(struct contest *contest); /* NULL is fine */

/* --- images.c: the data, and what the network of the best cell makes of it -------------------------------------- */

void hpx_page_images(hpx_buffer *out, const hpx_page *page);

/* --- picture.c ----------------------------------------------------------------------------------------------- */

/* Pixels row by row, of 1 byte (grey) or of 3 (red, green, blue). */
struct picture {
    const uint8_t *pixels;
    uint32_t width, height, channels;
};

void hpx_page_png(hpx_buffer *out, const struct picture *picture);
/* As an image that is shown so high; `words`: for who does not see it. */
void hpx_html_picture(hpx_buffer *out, const struct picture *picture, uint32_t height, const char *words);

/* --- timeline.c: the last build ------------------------------------------------------------------------------ */

void hpx_page_timeline(hpx_buffer *out, const hpx_page *page);
void hpx_page_timeline_free(struct timeline *timeline); /* NULL is fine */

/* --- summary.c: the head of the page -------------------------------------------------------------------------- */

void hpx_page_summary(hpx_buffer *out, const hpx_page *page);

/* --- html.c -------------------------------------------------------------------------------------------------- */

enum { KEY_DIGITS = 12, CODE_DIGITS = 8 }; /* as many as are shown of them */

void hpx_html_text(hpx_buffer *out, const char *text);
void hpx_html_cell(hpx_buffer *out, const hpx_page *page,
                   uint32_t cell); /* its name, linked with its other marks */

/* A figure: its heading, the SVG, and what is said below it. `id` is a word. */
void hpx_html_open_figure(hpx_buffer *out, const char *id, const char *heading);
void hpx_html_close_figure(hpx_buffer *out, const char *caption); /* HTML */

/* --- data.c: all results as JSON, for the script -------------------------------------------------------------- */

void hpx_page_data(hpx_buffer *out, const hpx_page *page);

/* Made by the build of page.css and page.js. */
extern const unsigned char hpx_page_style[], hpx_page_script[];
extern const size_t hpx_page_style_size, hpx_page_script_size;

#endif
