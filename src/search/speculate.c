/* Speculation: the cells that a search may come to after those that it is certain to visit.
 *
 * Where it goes depends on scores that nobody knows, so futures are drawn and tried out (the Monte Carlo
 * method): a copy of the search is told a random score for whatever it asks for. The share of the futures in
 * which it comes to a cell is how likely the cell is to be needed. This holds for every method, since the
 * search itself says where it goes.
 *
 * The scores drawn are independent and normal, with the mean and the standard deviation of those that are
 * known. Models that expect more of one cell than of another (main effects of the axes, trends of lines) did
 * not foresee better over the table of M. Imai's paper: the search comes to a place because of what is known
 * there, and what it has still to find out there is mostly noise. */
#include "base/memory.h"
#include "base/random.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FUTURES = 64, PURPOSE = 'G' };

/* What the missing scores are drawn from. */
struct scatter {
    double mean, sd;
};

static struct scatter scatter_of(const hpx_scores *known)
{
    double count = 0, mean = 0, squares = 0; /* B. Welford, Technometrics 4, 1962 */
    for (size_t i = 0; i >> known->bits == 0; i++) {
        const hpx_score_entry *entry = &known->slots[i];
        if (!entry->told || isnan(entry->score))
            continue;
        double off = entry->score - mean;
        mean += off / ++count;
        squares += off * (entry->score - mean);
    }
    return (struct scatter){mean, squares > 0 ? sqrt(squares / (count - 1)) : 1};
}

/* The sum of four uniform numbers is close to normal; its mean is 2, its variance 1/3. */
static double draw_score(const struct scatter *scatter, uint32_t future, uint32_t cell)
{
    uint32_t words[4];
    float sum = 0;
    hpx_random(words, future, PURPOSE, 0, 0, cell);
    for (int i = 0; i < 4; i++)
        sum += hpx_random_float(words[i]);
    return scatter->mean + scatter->sd * sqrt(3) * ((double)sum - 2);
}

static hpx_cells copy_cells(const hpx_cells *cells)
{
    hpx_cells copy = {0};
    copy.at = hpx_grow(NULL, &copy.capacity, cells->count, sizeof *copy.at);
    if (cells->count)
        memcpy(copy.at, cells->at, cells->count * sizeof *copy.at);
    copy.count = cells->count;
    return copy;
}

static hpx_search *copy_of(const hpx_search *search)
{
    hpx_search *copy = hpx_alloc(sizeof *copy);
    *copy = *search;
    size_t slots = (size_t)1 << search->known.bits;
    copy->known.slots = hpx_alloc(slots * sizeof *copy->known.slots);
    memcpy(copy->known.slots, search->known.slots, slots * sizeof *copy->known.slots);
    copy->trace = copy_cells(&search->trace);
    copy->wanted = copy_cells(&search->wanted);
    copy->hill.around = copy_cells(&search->hill.around);
    return copy;
}

struct foresight {
    hpx_search *search;
    struct scatter scatter;
    hpx_known_fn *known;
    void *context;
    hpx_cells met; /* in any future */
};

/* Tells a cell in one future; false if its score is known and need not be drawn. */
static bool tell(const struct foresight *foresight, hpx_search *copy, uint32_t cell, uint32_t future)
{
    double score;
    bool known = foresight->known(foresight->context, cell, &score);
    hpx_search_tell(copy, cell, known ? score : draw_score(&foresight->scatter, future, cell));
    return !known;
}

/* Goes on in one future until the search is done, or has come to `room` cells beyond those it is certain of.
 */
static void try_future(struct foresight *foresight, uint32_t future, size_t room)
{
    hpx_search *copy = copy_of(foresight->search);
    const uint32_t *cells;
    size_t certain = hpx_search_wanted(foresight->search, &cells), enough = foresight->met.count + room;
    for (size_t i = 0; i < certain; i++)
        tell(foresight, copy, cells[i], future);
    while (foresight->met.count < enough && hpx_search_wanted(copy, &cells) > 0) {
        uint32_t cell = cells[0];
        if (tell(foresight, copy, cell, future))
            hpx_cells_add(&foresight->met, cell);
    }
    hpx_search_free(copy);
}

static int compare_cells(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

int hpx_speculation_compare(const void *left, const void *right)
{
    const hpx_speculation *a = left, *b = right;
    int order = (a->likelihood < b->likelihood) - (a->likelihood > b->likelihood);
    return order ? order : (a->cell > b->cell) - (a->cell < b->cell);
}

size_t hpx_search_speculate(hpx_search *search, hpx_speculation *speculations, size_t room,
                            hpx_known_fn *known, void *context)
{
    const uint32_t *cells;
    if (search->options.method == HPX_METHOD_GRID || hpx_search_wanted(search, &cells) == 0)
        return 0; /* all is certain */
    struct foresight foresight = {search, scatter_of(&search->known), known, context, {0}};
    for (uint32_t future = 0; future < FUTURES; future++)
        try_future(&foresight, future, room);
    hpx_cells *met = &foresight.met;
    if (met->count)
        qsort(met->at, met->count, sizeof *met->at, compare_cells);
    hpx_speculation *all = hpx_alloc(2 * room * sizeof *all); /* no more can be in half of the futures */
    size_t count = 0;
    for (size_t i = 0, next; i < met->count; i = next) {
        for (next = i; next < met->count && met->at[next] == met->at[i]; next++)
            ;
        if (next - i >= FUTURES / 2)
            all[count++] = (hpx_speculation){met->at[i], (double)(next - i) / FUTURES};
    }
    qsort(all, count, sizeof *all, hpx_speculation_compare);
    if (count > room)
        count = room;
    memcpy(speculations, all, count * sizeof *all);
    free(all);
    free(met->at);
    return count;
}
