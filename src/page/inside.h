/* What the parts of a page share: the results by cell, and what is drawn and written of them. */
#ifndef HPX_PAGE_INSIDE_H
#define HPX_PAGE_INSIDE_H

#include "page/page.h"

#include "report/groups.h"
#include "statistics/ranks.h"
#include "svg/svg.h"
#include "trainer/network.h"

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

/* A code that results were made with. */
struct origin {
    hpx_hash code;
    char *version, *describe, *branch;
    bool dirty;
    hpx_buffer patch; /* of its uncommitted edits; empty: it is not known, or there are none */
    size_t results;   /* epochs */
};

struct data_set {
    hpx_hash id;
    hpx_fields record;
    size_t results; /* epochs */
};

/* A trajectory of a cell. */
struct named_key {
    hpx_hash key;
    uint32_t cell;
    uint64_t seed;
};

/* What a comparison says of the searches. */
struct point {
    double cost, mean, low, high; /* of regret */
};

struct contender {
    char *name;
    struct point end; /* at the end, by its own cost */
    double mean_rank;
    struct point *curve;
    size_t count, capacity;
};

struct share {
    char *axes; /* "n1", "n1 × n2" */
    double share;
};

struct contest {
    char *objective;
    double schema;
    struct contender *contenders;
    size_t count, capacity;
    struct share *shares;
    size_t share_count, share_capacity;
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
    uint32_t shown;      /* the cell through which figures cut: where the first search ends, else the best */
    const char *limited; /* a search, and what it finds with other limits; NULL: none */
    const hpx_outcome *limits;
    struct contest *contest;                          /* NULL: none */
    const hpx_page_pictures *pictures;                /* NULL: none */
    hpx_network_layer layers[HPX_NETWORK_LAYERS_MAX]; /* of the best cell's network */
    size_t layer_count;                               /* 0: they are not known */
    struct figure *figures;                           /* in the order of the page */
    size_t figure_count, figure_capacity;
    struct origin *origins;
    size_t origin_count, origin_capacity;
    struct data_set *data;
    size_t data_count, data_capacity;
    hpx_groups numerics, hosts, imports, adoptions;
    char *const *words; /* of the command line */
    size_t word_count;
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

/* Whether all scores are shares of 1 that had better be 1. */
bool hpx_page_has_accuracies(const hpx_page *page);

/* The cells that have a score, ascending by cost, or from the worst score to the best. free() them. */
hpx_numbered *hpx_page_order(size_t *count, const hpx_page *page, bool by_cost);

/* Decimals of scores. */
int hpx_page_decimals(const hpx_page *page);

/* --- sheet.c: tables ------------------------------------------------------------------------------------------- */

/* A table, row by row. One of very many rows is text with tabs between its columns: a browser takes that at once. */
struct sheet {
    hpx_buffer *out;
    bool dense, in_head, in_row;
};

void hpx_sheet_open(struct sheet *sheet, hpx_buffer *out, const char *id, const char *label, size_t rows);
/* Of a column, before the first row. */
void hpx_sheet_head(struct sheet *sheet, const char *text, bool number);
/* The cell that it tells of, which is linked with all marks of it; NO_CELL: none. */
void hpx_sheet_row(struct sheet *sheet, uint32_t cell);
void hpx_sheet_name(struct sheet *sheet, const char *text); /* of the row */
void hpx_sheet_text(struct sheet *sheet, const char *text);
void hpx_sheet_setting(struct sheet *sheet, const char *text, bool number);    /* a value of an axis */
void hpx_sheet_code(struct sheet *sheet, const char *text, int length);        /* its first characters */
void hpx_sheet_cell(struct sheet *sheet, const hpx_page *page, uint32_t cell); /* its name */
void hpx_sheet_count(struct sheet *sheet, uint64_t count);
void hpx_sheet_number(struct sheet *sheet, int decimals, double value); /* NaN: a dash */
void hpx_sheet_close(struct sheet *sheet);

/* --- figures.c: the figures of a page -------------------------------------------------------------------------- */

/* A figure: its drawing or, where it can be looked at in two ways, two; what is said below it; its numbers as a table. */
struct figure {
    char id[24]; /* in the page */
    char *heading;
    const char *word; /* of the recipe, in the names of its files; NULL: none */
    struct view {
        const char *name, *word; /* for people, and in addresses and names of files; NULL: the only one */
        hpx_buffer svg;
    } views[2];
    size_t view_count;
    bool wide;                         /* it takes the whole width of the page */
    bool silent;                       /* a screen reader passes over it: another figure tells the same */
    hpx_buffer body, caption, numbers; /* HTML; the body is what a figure has in place of a drawing */
    hpx_buffer file;                   /* SVG: the body as a drawing, for a file; empty: none */
};

/* Appends an empty one to the page; borrowed until the next. */
struct figure *hpx_page_add_figure(hpx_page *page, const char *id, const char *heading);
/* One of several of its kind, "path-3", with a name of the recipe's that the heading ends with. */
struct figure *hpx_page_add_numbered(hpx_page *page, const char *kind, size_t number, const char *heading,
                                     const char *name);
/* Frees the drawing. */
void hpx_figure_add_view(struct figure *figure, const char *name, const char *word, hpx_svg *svg);
void hpx_figure_say(struct figure *figure, const char *html);

/* For a figure of all cells, whose numbers would be too many below it. */
#define ALL_CELLS "All cells stand in the <a href=\"#cells\">table of cells</a>."

/* Opens the table of its numbers. */
void hpx_figure_open_sheet(struct sheet *sheet, struct figure *figure, size_t rows);

void hpx_page_put_figures(hpx_buffer *out, const hpx_page *page, size_t from); /* to the last that there is */
void hpx_page_free_figures(hpx_page *page);

/* --- figure.c: what figures share ---------------------------------------------------------------------------- */

/* Of a figure beside another, and of the plot in it. */
enum { WIDTH = 530, HEIGHT = 320, LEFT = 62, TOP = 30, INNER = WIDTH - LEFT - 18, HIGH = HEIGHT - TOP - 48 };

/* A plot of such a figure, with axes of these labels that have no values yet. */
hpx_svg_plot hpx_page_plot(double height, const char *x, const char *y);

void hpx_page_include(hpx_svg_axis *axis, double value);
void hpx_page_widen(hpx_svg_axis *axis); /* so that no mark lies on its ends; to 0 .. 1 where there is none */
/* Widens it; logarithmic where values go over more than a decade, unless it is to be `linear`. */
void hpx_page_choose_scale(hpx_svg_axis *axis, bool linear);
/* As the axes are chosen and, where one is logarithmic and so there is a second, linearly (NULL: there is none). */
void hpx_figure_add_axis_views(struct figure *figure, hpx_svg *chosen, hpx_svg *linear);

/* What the longest of the names takes, up to so many bytes of it. */
double hpx_page_room(const char *const *names, size_t count, size_t most);

enum { MANY = 1000 }; /* more cells than so many share the elements of a figure */

/* Points of cells: an element each or, where they are very many, one for all. */
struct marks {
    uint32_t *cells;
    double *x, *y;
    size_t count;
};
struct marks hpx_marks_new(size_t capacity);
void hpx_marks_add(struct marks *marks, uint32_t cell, double x, double y);
void hpx_marks_put(hpx_svg *svg, const hpx_svg_plot *plot, struct marks *marks); /* and frees them */
void hpx_marks_free(struct marks *marks);
void hpx_page_point(hpx_svg *svg, const hpx_svg_plot *plot, uint32_t cell, double x, double y);

/* The names of searches, below each other in two columns. */
double hpx_page_legend_height(size_t count);
void hpx_page_legend(hpx_svg *svg, const hpx_page *page, const char *const *names, size_t count, double top);
/* The number of a search; of one that the page does not have `other`, behind all of these. */
size_t hpx_page_search(const hpx_page *page, const char *name, size_t other);

/* --- map.c: the grid as a map, of two axes through the shown cell, or of one ------------------------------------ */

struct map {
    const hpx_page *page;
    size_t rows, columns; /* axes; the same where there is one */
    const char **row_names, **column_names;
    hpx_svg_plot plot;
    hpx_svg_heat_scale scale;
};

enum { DIGIT = 7 }; /* a bit more than the width of one */

size_t hpx_axis_longest(const hpx_axis *axis); /* of the texts of its values, at most 24 */
/* The names of an axis's values; empty ones where there is no room for all. free() them. */
const char **hpx_axis_names(const hpx_axis *axis, double distance, double room);
bool hpx_axis_is_numeric(const hpx_axis *axis);
/* The cell with another value on an axis. */
uint32_t hpx_page_move(const hpx_page *page, uint32_t cell, size_t axis, uint32_t value);

/* The two axes with most values. *columns is the later one; with one axis both are it. */
void hpx_map_axes(const hpx_page *page, size_t *rows, size_t *columns);
/* In so much room, its columns and rows no larger than that. */
void hpx_map_open(struct map *map, const hpx_page *page, double width, double height, double column_max,
                  double row_max);
void hpx_map_close(struct map *map);
uint32_t hpx_map_cell(const struct map *map, size_t row, size_t column);
/* Where a cell lies on the map; its other indices do not matter. */
void hpx_map_place(const struct map *map, uint32_t cell, uint32_t *row, uint32_t *column);

typedef double value_fn(const hpx_page *page, uint32_t cell); /* NaN: none */
void hpx_map_fill(hpx_svg *svg, const struct map *map, value_fn *value_of);
/* One cell of it. */
void hpx_map_heat(hpx_svg *svg, const struct map *map, uint32_t cell, size_t row, size_t column,
                  double value);
/* The colours, and what they are at both ends. */
void hpx_map_legend(hpx_svg *svg, const struct map *map, double top, int digits);
/* " Here n3=4, n4=8.": the values at which the axes stand that a figure does not show; nothing where there are none. */
void hpx_page_say_fixed(struct figure *figure, const hpx_page *page, size_t shown, size_t other);
void hpx_map_say_fixed(struct figure *figure, const struct map *map);
void hpx_map_sheet(struct figure *figure, const struct map *map, value_fn *value_of, int decimals);

/* --- the figures, in the files of their names; points.c and curves.c have those with a mark for each cell ---------- */

void hpx_page_space(hpx_page *page);
void hpx_page_cost_space(hpx_page *page);
void hpx_page_surface(hpx_page *page, struct figure *space); /* which says so where there is none */
void hpx_page_grid(hpx_page *page);
void hpx_page_network(hpx_page *page);
void hpx_page_filters(hpx_page *page);
void hpx_page_cuts(hpx_page *page);
void hpx_page_slices(hpx_page *page);
void hpx_page_costs(hpx_page *page);
void hpx_page_distribution(hpx_page *page);
void hpx_page_epochs(hpx_page *page);
void hpx_page_parallel(hpx_page *page);

bool hpx_page_has_visits(const hpx_outcome *outcome); /* whether any search has visited a cell */
void hpx_map_path(hpx_svg *svg, const struct map *map, const hpx_search_outcome *search);
void hpx_page_paths(hpx_page *page);
void hpx_page_limits(hpx_page *page);
void hpx_page_progress(hpx_page *page);

void hpx_page_contest(hpx_page *page);               /* comparison.c: what searches are worth */
void hpx_page_contest_free(struct contest *contest); /* NULL is fine */

/* --- images.c: the data, and what the network of the best cell makes of it -------------------------------------- */

void hpx_page_images(hpx_buffer *out, hpx_page *page);
/* "The best cell's network (...)", of which the result is. */
void hpx_page_put_whose(hpx_buffer *out, const hpx_page_pictures *pictures);

/* --- picture.c ----------------------------------------------------------------------------------------------- */

/* Pixels row by row, of 1 byte (grey) or of 3 (red, green, blue). */
struct picture {
    const uint8_t *pixels;
    uint32_t width, height, channels;
};

void hpx_page_png(hpx_buffer *out, const struct picture *picture);
void hpx_page_picture_url(hpx_buffer *out, const struct picture *picture); /* with all its bytes */
/* As an image that is shown so high; `words`: for who does not see it. */
void hpx_html_picture(hpx_buffer *out, const struct picture *picture, uint32_t height, const char *words);
/* In the page an image that a screen reader names, in the file a part of the drawing, `left` and `top` in it. */
void hpx_figure_put_picture(struct figure *figure, hpx_svg *svg, double left, double top,
                            const struct picture *picture, uint32_t height, const char *words);

/* --- timeline.c: the last build ------------------------------------------------------------------------------ */

void hpx_page_timeline(hpx_buffer *out, hpx_page *page);
void hpx_page_timeline_free(struct timeline *timeline); /* NULL is fine */

/* --- provenance.c: where results come from --------------------------------------------------------------------- */

void hpx_page_provenance(hpx_buffer *out, const hpx_page *page);
size_t hpx_page_find_origin(const hpx_page *page,
                            const hpx_hash *code); /* origin_count: it is not known yet */
/* What is wanted to know of where an artifact comes from, which is, or is not, the first of its trajectory. */
unsigned hpx_page_parts(const hpx_page *page, const hpx_artifact *artifact, bool first);
void hpx_page_free_origins(hpx_page *page);

/* --- summary.c: the head of the page -------------------------------------------------------------------------- */

void hpx_page_summary(hpx_buffer *out, const hpx_page *page);

/* --- html.c -------------------------------------------------------------------------------------------------- */

enum { KEY_DIGITS = 12, CODE_DIGITS = 8 }; /* as many as are shown of them */

void hpx_html_text(hpx_buffer *out, const char *text);
void hpx_html_cell(hpx_buffer *out, const hpx_page *page,
                   uint32_t cell); /* its name, linked with its other marks */

/* --- data.c: all results as JSON, for the script -------------------------------------------------------------- */

void hpx_page_data(hpx_buffer *out, const hpx_page *page);

/* Made by the build of page.css and page.js. */
extern const unsigned char hpx_page_style[], hpx_page_script[];
extern const size_t hpx_page_style_size, hpx_page_script_size;

#endif
