/* Speculation of the methods that walk: the requests that a walk may come to after those it is certain to
 * visit.
 *
 * Where it goes depends on scores that nobody knows, so futures are drawn and tried out (the Monte Carlo
 * method): the method walks on from where it is, and what it asks for has the score that is known or else one
 * drawn at random. The share of the futures in which it comes to a cell is how likely the cell is to be
 * needed.
 *
 * The scores drawn are independent and normal, with the mean and the standard deviation of those that are
 * known. Models that expect more of one cell than of another (main effects of the axes, trends of lines) did
 * not foresee better over the table of M. Imai's paper: the search comes to a place because of what is known
 * there, and what it has still to find out there is mostly noise.
 *
 * A future is a walk of its own over the search's scores: it costs what it walks, and nothing of the search is
 * copied. */
#include "base/memory.h"
#include "base/random.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FUTURES = 64, PURPOSE = 'G', LINES_MAX = 64 /* of one future */ };

/* A cell at a rung that futures have come to whose score is not known. */
struct met {
    uint32_t cell, rung;
    uint16_t futures; /* how many */
    uint16_t last;    /* of them, plus 1 */
};

struct hpx_future {
    uint32_t number;
    struct met *met; /* open addressing by cell and rung; `last` 0: empty */
    size_t size, count;
    size_t cells, enough; /* come to in this future; at which it is left */
    size_t lines;         /* walked in it */
};

static void set_scatter(hpx_rung *rung)
{
    const hpx_scores *known = &rung->scores;
    double count = 0, mean = 0, squares = 0; /* B. Welford, Technometrics 4, 1962 */
    for (size_t i = 0; i >> known->bits == 0; i++) {
        const hpx_score_entry *entry = &known->slots[i];
        if (!entry->told || isnan(entry->score))
            continue;
        double off = entry->score - mean;
        mean += off / ++count;
        squares += off * (entry->score - mean);
    }
    rung->mean = mean;
    rung->sd = squares > 0 ? sqrt(squares / (count - 1)) : 1;
}

/* The sum of four uniform numbers is close to normal; its mean is 2, its variance 1/3. */
static double draw_score(const hpx_walk *walk, uint32_t cell)
{
    const hpx_rung *rung = &walk->search->rungs[walk->rung];
    uint32_t words[4];
    float sum = 0;
    hpx_random(words, walk->future->number, PURPOSE, (uint32_t)walk->rung, 0, cell);
    for (int i = 0; i < 4; i++)
        sum += hpx_random_float(words[i]);
    return rung->mean + rung->sd * sqrt(3) * ((double)sum - 2);
}

double hpx_future_score(const hpx_walk *walk, uint32_t cell)
{
    const hpx_score_entry *known = hpx_walk_known(walk, cell);
    return known ? known->score : draw_score(walk, cell);
}

static struct met *slot_of(const hpx_future *future, uint32_t cell, uint32_t rung)
{
    size_t slot = (cell + rung) * 0x9e3779b9u & (future->size - 1);
    while (future->met[slot].last && (future->met[slot].cell != cell || future->met[slot].rung != rung))
        slot = (slot + 1) & (future->size - 1);
    return &future->met[slot];
}

static void grow(hpx_future *future)
{
    struct met *old = future->met;
    const size_t size = future->size;
    future->size = size ? 2 * size : 256;
    future->met = hpx_alloc(future->size * sizeof *future->met);
    for (size_t i = 0; i < size; i++)
        if (old[i].last)
            *slot_of(future, old[i].cell, old[i].rung) = old[i];
    free(old);
}

void hpx_future_visit(hpx_walk *walk, uint32_t cell)
{
    hpx_future *future = walk->future;
    hpx_screen_visit(walk, cell);
    if (hpx_walk_known(walk, cell))
        return;
    if (future->cells == future->enough) {
        hpx_walk_stop(walk, cell, "left");
        walk->ended = true;
        return;
    }
    if (2 * future->count >= future->size)
        grow(future);
    struct met *met = slot_of(future, cell, (uint32_t)walk->rung);
    future->count += met->last == 0;
    if (met->last == future->number + 1)
        return;
    met->cell = cell;
    met->rung = (uint32_t)walk->rung;
    met->futures++;
    met->last = (uint16_t)(future->number + 1);
    future->cells++;
}

bool hpx_future_is_long(hpx_future *future)
{
    return ++future->lines > LINES_MAX;
}

/* Goes on from where the search is, until the method stops or has come to enough cells. */
static void try_future(hpx_future *future, const hpx_search *search)
{
    hpx_walk walk = hpx_walk_copy(&search->walk);
    walk.future = future;
    future->cells = future->lines = 0;
    hpx_walk_advance(&walk);
    hpx_walk_free(&walk);
}

/* Likeliest first, of equally likely ones the earlier rung and the smaller number. */
static int compare_met(const void *left, const void *right)
{
    const struct met *a = left, *b = right;
    int order = (a->futures < b->futures) - (a->futures > b->futures);
    if (order == 0)
        order = (a->rung > b->rung) - (a->rung < b->rung);
    return order ? order : (a->cell > b->cell) - (a->cell < b->cell);
}

static uint32_t rung_of(const hpx_search *search, uint32_t epochs)
{
    uint32_t rung = 0;
    while (search->rungs[rung].epochs != epochs)
        rung++;
    return rung;
}

size_t hpx_search_try_futures(hpx_search *search, hpx_request *requests, size_t certain, size_t room)
{
    hpx_future future = {.enough = certain + room};
    for (size_t i = 0; i < search->rung_count; i++)
        set_scatter(&search->rungs[i]);
    for (future.number = 0; future.number < FUTURES; future.number++)
        try_future(&future, search);
    if (future.count == 0)
        return 0;
    for (size_t i = 0; i < certain; i++) /* these are not in question */
        slot_of(&future, requests[i].cell, rung_of(search, requests[i].epochs))->futures = 0;
    qsort(future.met, future.size, sizeof *future.met, compare_met);
    size_t count = 0;
    while (count < room && count < future.size && future.met[count].futures >= FUTURES / 2) {
        const struct met *met = &future.met[count];
        requests[certain + count++] = (hpx_request){met->cell, search->rungs[met->rung].epochs};
    }
    free(future.met);
    return count;
}
