/* What is known of a build that goes on. */
#ifndef HPX_LIVE_INSIDE_H
#define HPX_LIVE_INSIDE_H

#include "live/live.h"

#include <stdbool.h>
#include <stdint.h>

/* Cells of a grid that is drawn: a frame takes less than a millisecond. */
#define MAP_CELLS_MAX (1u << 16)

struct cell {
    double score;    /* after the most epochs so far; NaN: it failed */
    uint32_t epochs; /* 0: it has no score yet */
    uint32_t running;
};

struct running {
    char *name;
    uint32_t cell;
    uint32_t epoch, epochs; /* `epochs`: 0 where only its end tells */
    double value;
    char *metrics;     /* other ones that a program has told of; NULL: none */
    double left, told; /* seconds until its end, when that was told */
};

/* Where a search is. */
struct position {
    const hpx_recipe_search *search;
    uint32_t cell;
    bool done;
};

struct hpx_live {
    const hpx_recipe *recipe;
    uint32_t cell_count;
    struct cell *cells;    /* NULL: they are too many */
    size_t scored, failed; /* cells */
    uint32_t best;         /* the cell; only where `scored` > `failed` */
    double best_score;
    uint32_t best_epochs;
    struct running *running;
    size_t count, capacity;
    struct position *positions; /* of the searches that have come to a cell */
    size_t position_count, position_capacity;
    size_t done, needed, speculative; /* trials */
    size_t seen;                      /* cells */
    double left, told;
};

/* Appends a map of the grid in at most so many rows, legend included; false, with nothing added, where there is no
 * room for one. Lines end with "\n". */
bool hpx_live_map(hpx_buffer *out, const hpx_live *live, const hpx_screen *screen, size_t rows);

/* Appends so many columns of a text at most. */
void hpx_live_cut(hpx_buffer *out, const char *text, size_t columns);

#endif
