#include "hpx/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

enum { EPOCHS = 15 };

static void tell(hpx_search *search, uint32_t cell, double score)
{
    hpx_search_tell(search, (hpx_request){cell, EPOCHS}, score);
}

/* The cells that it is certain of: writes at most `room`. */
static size_t ask(hpx_search *search, uint32_t *cells, size_t room)
{
    size_t certain;
    hpx_request *requests = calloc(room + 1, sizeof *requests);
    hpx_search_ask(search, requests, room, &certain);
    for (size_t i = 0; i < certain && i < room; i++) {
        assert_int_equal(requests[i].epochs, EPOCHS);
        cells[i] = requests[i].cell;
    }
    free(requests);
    return certain;
}

/* Tells every certain cell its score in the table until the search is done. */
static void run(hpx_search *search, const double *scores)
{
    uint32_t cell;
    while (ask(search, &cell, 1) > 0)
        tell(search, cell, scores[cell]);
}

static uint64_t equal_cost(void *context, uint32_t cell)
{
    (void)context;
    (void)cell;
    return 1;
}

static void assert_certain(hpx_search *search, const uint32_t *cells, size_t count)
{
    uint32_t certain[64];
    assert_int_equal(ask(search, certain, 64), count);
    if (count)
        assert_memory_equal(certain, cells, count * sizeof *cells);
}

static void assert_trace(const hpx_search *search, const uint32_t *cells, size_t count)
{
    const hpx_request *trace;
    assert_int_equal(hpx_search_trace(search, &trace), count);
    for (size_t i = 0; i < count; i++)
        assert_true(trace[i].cell == cells[i] && trace[i].epochs == EPOCHS);
}

#define CERTAIN(search, ...)                                                                                 \
    assert_certain(search, (const uint32_t[]){__VA_ARGS__}, LENGTH(((const uint32_t[]){__VA_ARGS__})))
#define TRACE(search, ...)                                                                                   \
    assert_trace(search, (const uint32_t[]){__VA_ARGS__}, LENGTH(((const uint32_t[]){__VA_ARGS__})))

static void test_grid_numbers(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 3, .counts = {2, 3, 4}};
    assert_int_equal(hpx_grid_cells(&grid), 24);
    uint32_t expected = 0;
    for (uint32_t a = 0; a < 2; a++)
        for (uint32_t b = 0; b < 3; b++)
            for (uint32_t c = 0; c < 4; c++, expected++) {
                uint32_t indices[HPX_AXES_MAX] = {a, b, c}, back[HPX_AXES_MAX];
                assert_int_equal(hpx_grid_cell(&grid, indices), expected);
                hpx_grid_indices(back, &grid, expected);
                assert_memory_equal(back, indices, 3 * sizeof *back);
            }
    hpx_grid largest = {.axes = HPX_AXES_MAX, .counts = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1, 1, 1, 1, 1}};
    assert_int_equal(hpx_grid_cells(&largest), HPX_CELLS_MAX);
}

/* The table of M. Imai's paper, replayed: N1 in 16 .. 512, N2 in 16 .. 16384, powers of two, start (16,
 * 16). */

enum { PAPER_N1 = 6, PAPER_N2 = 11, PAPER_CELLS = PAPER_N1 * PAPER_N2 };

static uint64_t paper_cost(void *context, uint32_t cell)
{
    (void)context;
    uint64_t n1 = UINT64_C(16) << cell / PAPER_N2, n2 = UINT64_C(16) << cell % PAPER_N2;
    return 784 * n1 + n1 * n2 + n2 * 10;
}

static void read_paper_table(double scores[PAPER_CELLS])
{
    FILE *file = fopen("tests/golden/paper-table.csv", "r");
    assert_non_null(file);
    char line[64];
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "n1,n2,test_accuracy\n");
    for (uint32_t cell = 0; cell < PAPER_CELLS; cell++) {
        unsigned n1, n2;
        assert_non_null(fgets(line, sizeof line, file));
        assert_int_equal(sscanf(line, "%u,%u,%lf", &n1, &n2, &scores[cell]), 3);
        assert_int_equal(n1, 16u << cell / PAPER_N2);
        assert_int_equal(n2, 16u << cell % PAPER_N2);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

static void test_paper_table(void **state)
{
    (void)state;
    enum { L1, L2 };
    static const struct {
        hpx_search_options options;
        unsigned n1, n2;
        const char *accuracy, *relative_cost;
        size_t evaluations;
        const char *stop;
    } rows[] = {
        {{.method = &hpx_methods[HPX_METHOD_GRID], .epochs = EPOCHS},
         128,
         4096,
         "0.9803",
         "1.000",
         66,
         "complete"},
        {{.method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .epochs = EPOCHS, .neighbours = HPX_DIAGONAL},
         256,
         128,
         "0.9792",
         "0.075",
         21,
         "peak"},
        {{.method = &hpx_methods[HPX_METHOD_FULL_CROSS], .epochs = EPOCHS, .first = L2},
         128,
         4096,
         "0.9803",
         "0.273",
         30,
         "fixpoint"},
        {{.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = L2, .limit = 3},
         128,
         4096,
         "0.9803",
         "0.257",
         28,
         "fixpoint"},
        {{.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = L2, .limit = 4},
         128,
         4096,
         "0.9803",
         "0.257",
         28,
         "fixpoint"},
        {{.method = &hpx_methods[HPX_METHOD_FULL_CROSS], .epochs = EPOCHS, .first = L1},
         256,
         128,
         "0.9792",
         "0.280",
         21,
         "fixpoint"},
        {{.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = L1, .limit = 2},
         256,
         128,
         "0.9792",
         "0.063",
         16,
         "fixpoint"},
        {{.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = L2, .limit = 1},
         128,
         64,
         "0.9791",
         "0.031",
         17,
         "fixpoint"},
        {{.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = L1, .limit = 1},
         64,
         32,
         "0.9789",
         "0.034",
         13,
         "fixpoint"},
    };
    double scores[PAPER_CELLS];
    read_paper_table(scores);
    uint64_t grid_cost = 0;
    for (uint32_t cell = 0; cell < PAPER_CELLS; cell++)
        grid_cost += paper_cost(NULL, cell);
    assert_int_equal(grid_cost, 43672128); /* the one cost that the paper prints */

    hpx_grid grid = {.axes = 2, .counts = {PAPER_N1, PAPER_N2}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        hpx_search *search = hpx_search_new(&grid, &rows[i].options, paper_cost, NULL);
        run(search, scores);
        hpx_search_result result = hpx_search_result_of(search);
        assert_int_equal(16u << result.end / PAPER_N2, rows[i].n1);
        assert_int_equal(16u << result.end % PAPER_N2, rows[i].n2);
        assert_string_equal(result.stop, rows[i].stop);

        const hpx_request *trace;
        size_t evaluations = hpx_search_trace(search, &trace);
        assert_int_equal(evaluations, rows[i].evaluations);
        uint64_t cost = 0;
        for (size_t k = 0; k < evaluations; k++)
            cost += paper_cost(NULL, trace[k].cell);
        char text[16];
        snprintf(text, sizeof text, "%.4f", scores[result.end]);
        assert_string_equal(text, rows[i].accuracy);
        snprintf(text, sizeof text, "%.3f", (double)cost / (double)grid_cost);
        assert_string_equal(text, rows[i].relative_cost);
        hpx_search_free(search);
    }
}

/* What is certain. Most of these are one axis of ten cells, so that cell numbers are indices. */

static const hpx_grid ten = {.axes = 1, .counts = {10}};

static hpx_search *partial(uint32_t start, uint32_t limit, bool outward)
{
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS],
                                  .epochs = EPOCHS,
                                  .start = start,
                                  .limit = limit,
                                  .outward = outward};
    return hpx_search_new(&ten, &options, equal_cost, NULL);
}

static void test_certain_grid(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 2, .counts = {2, 3}};
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_GRID], .epochs = EPOCHS};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 0, 1, 2, 3, 4, 5);
    tell(search, 4, 1);
    tell(search, 1, 2);
    CERTAIN(search, 0, 2, 3, 5);
    assert_trace(search, NULL, 0);
    tell(search, 0, 0);
    TRACE(search, 0, 1);
    CERTAIN(search, 2, 3, 5);
    tell(search, 5, 2);
    tell(search, 3, 2);
    CERTAIN(search, 2);
    tell(search, 2, 0);
    assert_certain(search, NULL, 0);
    TRACE(search, 0, 1, 2, 3, 4, 5);
    assert_int_equal(hpx_search_result_of(search).end, 1);
    hpx_search_free(search);
}

static void test_certain_full_line(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 2, .counts = {3, 4}};
    hpx_search_options options = {
        .method = &hpx_methods[HPX_METHOD_FULL_CROSS], .epochs = EPOCHS, .start = 5, .first = 1, .limit = 1};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 4, 5, 6, 7); /* the limit is not for a full cross-search */
    tell(search, 6, 3);
    tell(search, 4, 1);
    tell(search, 7, 0);
    CERTAIN(search, 5);
    TRACE(search, 4);
    tell(search, 5, 2);
    TRACE(search, 4, 5, 6, 7);
    CERTAIN(search, 2, 10);
    hpx_search_free(search);

    options.outward = true;
    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 5, 6, 7, 4);
    hpx_search_free(search);
}

static void test_certain_low(void **state)
{
    (void)state;
    hpx_search *search = partial(5, 2, false);
    CERTAIN(search, 0, 1, 2); /* the first is no miss */
    tell(search, 0, 5);
    CERTAIN(search, 1, 2);
    tell(search, 1, 4);
    CERTAIN(search, 2);
    tell(search, 2, 6);
    CERTAIN(search, 3, 4);
    /* If 3 misses, 4 is the new best, and 5 and 6 follow; if 3 is better still, 4 and 5 follow. */
    tell(search, 4, 7);
    CERTAIN(search, 3, 5);
    TRACE(search, 0, 1, 2);
    tell(search, 3, 6.5);
    TRACE(search, 0, 1, 2, 3, 4);
    CERTAIN(search, 5, 6);
    tell(search, 6, 1);
    CERTAIN(search, 5);
    tell(search, 5, 1); /* the line ends; the next is the same line, and 4 stays its best */
    assert_certain(search, NULL, 0);
    TRACE(search, 0, 1, 2, 3, 4, 5, 6);
    assert_int_equal(hpx_search_result_of(search).end, 4);
    hpx_search_free(search);
}

static void test_certain_outward(void **state)
{
    (void)state;
    hpx_search *search = partial(5, 2, true);
    CERTAIN(search, 5, 6, 7, 4, 3); /* both directions, whatever the other brings */
    tell(search, 5, 5);
    tell(search, 4, 9);
    CERTAIN(search, 6, 7, 3); /* 4 may yet be a miss, if 6 is better */
    tell(search, 6, 4);
    tell(search, 7, 3);
    CERTAIN(search, 3, 2); /* 4 is the best */
    TRACE(search, 5, 6, 7, 4);
    tell(search, 2, 0);
    tell(search, 3, 0);
    assert_certain(search, NULL, 0); /* the line from 4 is known: two misses upward, two downward */
    TRACE(search, 5, 6, 7, 4, 3, 2);
    hpx_search_free(search);

    search = partial(8, 3, true);
    CERTAIN(search, 8, 9, 7, 6, 5); /* upward the axis ends first */
    hpx_search_free(search);
}

static void test_certain_hill(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 2, .counts = {3, 4}};
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_HILL_CLIMB],
                                  .epochs = EPOCHS,
                                  .start = 5,
                                  .neighbours = HPX_DIAGONAL};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 5, 0, 1, 2, 4, 6, 8, 9, 10);
    hpx_search_free(search);

    options.neighbours = HPX_AXES;
    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 5, 1, 4, 6, 9);
    tell(search, 5, 1);
    tell(search, 1, 1);
    tell(search, 4, 1);
    tell(search, 9, 1);
    CERTAIN(search, 6);
    tell(search, 6, 2);
    CERTAIN(search, 2, 7, 10);
    tell(search, 2, 2);
    tell(search, 7, 2);
    tell(search, 10, 2); /* equal is no reason to move */
    TRACE(search, 5, 1, 4, 6, 9, 2, 7, 10);
    assert_int_equal(hpx_search_result_of(search).end, 6);
    assert_string_equal(hpx_search_result_of(search).stop, "peak");
    assert_int_equal(hpx_search_result_of(search).incumbent, 2);
    hpx_search_free(search);
}

static void test_told_twice_or_early(void **state)
{
    (void)state;
    hpx_search *search = partial(0, 1, false);
    tell(search, 1, 7);  /* before its turn */
    tell(search, 9, 99); /* not wanted yet, and never reached */
    tell(search, 1, -7);
    CERTAIN(search, 0);
    tell(search, 0, 6);
    CERTAIN(search, 2); /* because 1 is 7 */
    tell(search, 2, 5);
    TRACE(search, 0, 1, 2);
    assert_int_equal(hpx_search_result_of(search).end, 1);
    tell(search, 3, 100); /* after the end */
    TRACE(search, 0, 1, 2);
    assert_int_equal(hpx_search_result_of(search).incumbent, 1);
    hpx_search_free(search);
}

static uint64_t cost_of(void *context, uint32_t cell)
{
    return ((const uint64_t *)context)[cell];
}

static uint32_t grid_winner(const double scores[4], uint64_t costs[4])
{
    hpx_grid grid = {.axes = 1, .counts = {4}};
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_GRID], .epochs = EPOCHS};
    hpx_search *search = hpx_search_new(&grid, &options, cost_of, costs);
    run(search, scores);
    uint32_t winner = hpx_search_result_of(search).end;
    hpx_search_free(search);
    return winner;
}

static void test_better(void **state)
{
    (void)state;
    assert_int_equal(grid_winner((double[]){1, 2, 1, 1}, (uint64_t[]){1, 9, 1, 1}), 1);
    assert_int_equal(grid_winner((double[]){2, 2, 2, 1}, (uint64_t[]){5, 4, 3, 1}), 2);
    assert_int_equal(grid_winner((double[]){1, 2, 2, 2}, (uint64_t[]){1, 4, 3, 3}), 2);
    assert_int_equal(grid_winner((double[]){NAN, -INFINITY, NAN, NAN}, (uint64_t[]){1, 9, 1, 1}), 1);
    assert_int_equal(grid_winner((double[]){NAN, NAN, NAN, NAN}, (uint64_t[]){3, 2, 2, 4}), 1);
    assert_int_equal(grid_winner((double[]){-0.0, 0.0, NAN, NAN}, (uint64_t[]){3, 2, 1, 1}), 1);
}

/* Words have no order: misses in a row do not end their lines, and all of them are neighbours. */
static void test_unordered_axes(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 2, .counts = {4, 3}, .unordered = 1};
    hpx_search_options options = {
        .method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = 0, .limit = 1};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 0, 3, 6, 9); /* the whole line, at once */
    run(search, (double[]){5, 0, 0, 4, 0, 0, 3, 0, 0, 6, 0, 9});
    TRACE(search, 0, 3, 6, 9, 10); /* the line of the other axis ends at a miss */
    assert_int_equal(hpx_search_result_of(search).end, 9);
    hpx_search_free(search);

    options = (hpx_search_options){
        .method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .epochs = EPOCHS, .start = 1, .neighbours = HPX_AXES};
    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 1, 0, 2, 4, 7, 10);
    hpx_search_free(search);

    options.neighbours = HPX_DIAGONAL;
    options.start = 3;
    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 3, 0, 1, 4, 6, 7, 9, 10);
    hpx_search_free(search);
}

static void test_hill_leaves_failed_start(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 1, .counts = {3}};
    hpx_search_options options = {
        .method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .epochs = EPOCHS, .neighbours = HPX_DIAGONAL};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    run(search, (double[]){NAN, 1, NAN});
    assert_int_equal(hpx_search_result_of(search).end, 1);
    hpx_search_free(search);

    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    run(search, (double[]){NAN, NAN, 1});
    assert_int_equal(hpx_search_result_of(search).end, 0); /* a failed cell is no better than another */
    hpx_search_free(search);
}

/* A limited line from the low end may end below where it began: row 1 is left before its 3 is met again. */
static void test_cycle(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 2, .counts = {3, 3}};
    static const double scores[] = {
        0, 1, 2, /* the walk: column 0 to cell 0, row 0 to 2, column 2 to 5, */
        0, 0, 3, /* row 1 to 3, column 0 to 0, from where row 0 was walked */
        9, 9, 1, /* out of sight */
    };
    hpx_search_options options = {
        .method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .limit = 1};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    run(search, scores);
    TRACE(search, 0, 3, 1, 2, 5, 8, 4);
    hpx_search_result result = hpx_search_result_of(search);
    assert_string_equal(result.stop, "cycle");
    assert_int_equal(result.end, 0);
    assert_int_equal(result.incumbent, 5);
    hpx_search_free(search);
}

/* With three axes a walk may be done only when two lines in a row stay and every axis had its line. */
static void test_three_axes(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 3, .counts = {2, 2, 2}};
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_FULL_CROSS], .epochs = EPOCHS};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    run(search,
        (double[]){5, 0, 0, 0, 4, 0, 0, 9}); /* two lines stay at 0; the third, along the last axis, too */
    TRACE(search, 0, 4, 2, 1);
    assert_int_equal(hpx_search_result_of(search).end, 0);
    hpx_search_free(search);

    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    run(search,
        (double[]){5, 6, 0, 0, 4, 7, 0, 9}); /* 0, 0, 1, then 5, then 7, and 7 stays on the two other axes */
    TRACE(search, 0, 4, 2, 1, 5, 7, 6, 3);
    assert_int_equal(hpx_search_result_of(search).end, 7);
    assert_string_equal(hpx_search_result_of(search).stop, "fixpoint");
    hpx_search_free(search);
}

/* The largest grid, told from both ends and the middle. */
/* Speculation. */

/* What it finds likely beyond what it is certain of: writes at most `room`. */
static size_t speculate(hpx_search *search, uint32_t *cells, size_t room)
{
    size_t certain;
    hpx_search_ask(search, NULL, 0, &certain);
    hpx_request *requests = calloc(certain + room, sizeof *requests);
    size_t count = hpx_search_ask(search, requests, certain + room, &certain) - certain;
    assert_true(count <= room);
    for (size_t i = 0; i < count; i++)
        cells[i] = requests[certain + i].cell;
    free(requests);
    return count;
}

static const hpx_search_options every_method[] = {
    {.method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .epochs = EPOCHS, .neighbours = HPX_DIAGONAL},
    {.method = &hpx_methods[HPX_METHOD_HILL_CLIMB], .epochs = EPOCHS, .neighbours = HPX_AXES},
    {.method = &hpx_methods[HPX_METHOD_FULL_CROSS], .epochs = EPOCHS, .first = 0},
    {.method = &hpx_methods[HPX_METHOD_FULL_CROSS], .epochs = EPOCHS, .first = 1, .outward = true},
    {.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = 0, .limit = 1},
    {.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = 1, .limit = 1},
    {.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS],
     .epochs = EPOCHS,
     .first = 1,
     .limit = 2,
     .outward = true},
    {.method = &hpx_methods[HPX_METHOD_PARTIAL_CROSS], .epochs = EPOCHS, .first = 0, .limit = 3},
};

/* Once what it asks for is known, though not told, a search can come to one place only: what it asks for
 * there has been speculated on before all else. */
static void test_speculate_what_is_decided(void **state)
{
    (void)state;
    double scores[PAPER_CELLS];
    read_paper_table(scores);
    hpx_grid grid = {.axes = 2, .counts = {PAPER_N1, PAPER_N2}};
    for (size_t i = 0; i < LENGTH(every_method); i++) {
        hpx_search_options options = every_method[i];
        for (options.start = 0; options.start < PAPER_CELLS; options.start += 13) {
            hpx_search *search = hpx_search_new(&grid, &options, paper_cost, NULL);
            uint32_t certain[PAPER_CELLS], likely[PAPER_CELLS];
            size_t count;
            while ((count = ask(search, certain, PAPER_CELLS)) > 0) {
                size_t rank[PAPER_CELLS];
                for (size_t k = 0; k < count; k++)
                    hpx_search_hint(search, (hpx_request){certain[k], EPOCHS}, scores[certain[k]]);
                assert_int_equal(ask(search, certain, PAPER_CELLS), count); /* a hint is no answer */
                size_t speculated = speculate(search, likely, PAPER_CELLS);
                for (size_t k = 0; k < PAPER_CELLS; k++)
                    rank[k] = SIZE_MAX;
                for (size_t k = 0; k < speculated; k++)
                    rank[likely[k]] = k;
                for (size_t k = 0; k < count; k++)
                    tell(search, certain[k], scores[certain[k]]);
                count = ask(search, certain, PAPER_CELLS);
                for (size_t k = 0; k < count; k++)
                    assert_true(rank[certain[k]] < speculated);
                assert_true(count == 0 ? speculated == 0 : rank[certain[0]] < PAPER_CELLS);
            }
            hpx_search_free(search);
        }
    }
}

static void test_speculate(void **state)
{
    (void)state;
    uint32_t likely[PAPER_CELLS], again[PAPER_CELLS];

    /* With a limit of 1 a line goes on as long as every cell beats the one before. Nothing is known: that may
     * be so or not, and if not, that is the end on one axis. */
    hpx_search *search = partial(0, 1, false);
    CERTAIN(search, 0, 1);
    size_t count = speculate(search, likely, PAPER_CELLS);
    assert_true(count <= 1);
    if (count)
        assert_true(likely[0] == 2);
    /* The higher the second cell, the more cells would have to be higher still. */
    tell(search, 0, 0.1);
    tell(search, 1, 0.9);
    CERTAIN(search, 2);
    assert_int_equal(speculate(search, likely, PAPER_CELLS), 0);
    CERTAIN(search, 2);
    hpx_search_free(search);

    /* A search of which all is certain, and one that is done. */
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_GRID], .epochs = EPOCHS};
    search = hpx_search_new(&ten, &options, equal_cost, NULL);
    assert_int_equal(speculate(search, likely, PAPER_CELLS), 0);
    for (uint32_t cell = 0; cell < 10; cell++)
        tell(search, cell, 0);
    assert_int_equal(speculate(search, likely, PAPER_CELLS), 0);
    hpx_search_free(search);

    /* The same every time, and no more than there is room for. */
    hpx_grid grid = {.axes = 2, .counts = {PAPER_N1, PAPER_N2}};
    options = (hpx_search_options){.method = &hpx_methods[HPX_METHOD_FULL_CROSS], .epochs = EPOCHS};
    search = hpx_search_new(&grid, &options, paper_cost, NULL);
    tell(search, 3 * PAPER_N2, 2);
    tell(search, 0, 1);
    count = speculate(search, likely, PAPER_CELLS);
    for (size_t i = 0; i < count; i++)
        assert_in_range(likely[i] % PAPER_N2, 1, PAPER_N2 - 1); /* beyond the line where it is */
    assert_int_equal(speculate(search, again, PAPER_CELLS), count);
    assert_memory_equal(again, likely, count * sizeof *likely);
    for (uint32_t n1 = 0; n1 < PAPER_N1 - 1; n1++)
        tell(search, n1 * PAPER_N2, n1 == 3 ? 2 : 1 + 0.1 * n1);
    count = speculate(search, likely, 4);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(likely[i] / PAPER_N2, 3); /* the line through the best so far */
    hpx_search_free(search);
}

/* Two cells as far from the only result as each other: the one of smaller number. Behind them the trace is decided, and a
 * lag lets more be asked at once. */
static void test_bayes(void **state)
{
    (void)state;
    const hpx_grid grid = {.axes = 1, .counts = {5}};
    hpx_search_options options = {
        .method = &hpx_methods[HPX_METHOD_BAYES], .epochs = EPOCHS, .evaluations = 9, .initial = 1, .lag = 1};
    hpx_search *search = NULL;
    hpx_request first = {0};
    size_t certain;
    for (; first.cell != 2; options.seed++) {
        hpx_search_free(search);
        search = hpx_search_new(&grid, &options, equal_cost, NULL);
        hpx_search_ask(search, &first, 1, &certain);
    }
    CERTAIN(search, 2);
    tell(search, 2, 0.5);
    CERTAIN(search, 0);
    tell(search, 0, 0.5);
    CERTAIN(search, 4);
    tell(search, 4, NAN);
    TRACE(search, 2, 0, 4);
    tell(search, 3, 0.75);
    tell(search, 1, 0.25);
    assert_true(hpx_search_is_done(search));
    assert_int_equal(hpx_search_result_of(search).end, 3);
    hpx_search_free(search);

    options.seed--;
    options.lag = 3;
    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    CERTAIN(search, 2, 0, 4);
    tell(search, 0, 0.5);
    CERTAIN(search, 2, 4);
    hpx_search_free(search);
}

/* As many cells as it takes, and values whose squares are too large for a number. */
static void test_bayes_extremes(void **state)
{
    (void)state;
    const hpx_grid grid = {.axes = 3, .counts = {1000, 10, 10}, .unordered = 1 << 1};
    const hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_BAYES],
                                        .epochs = EPOCHS,
                                        .evaluations = 12,
                                        .initial = 8,
                                        .lag = 2};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    const hpx_request *trace;
    hpx_request request;
    size_t certain;
    while (hpx_search_ask(search, &request, 1, &certain) > 0)
        tell(search, request.cell, -1e303 * fabs(request.cell - 31415.0));
    assert_int_equal(hpx_search_trace(search, &trace), 12);
    hpx_search_free(search);
}

/* Hyperband with 81 epochs and eta = 3: cells and epochs of every rung. */
static void test_hyperband(void **state)
{
    (void)state;
    static const hpx_request rungs[] = {/* cells at epochs */
                                        {81, 1}, {27, 3}, {9, 9},  {3, 27}, {1, 81},
                                        {34, 3}, {11, 9}, {3, 27}, {1, 81}, {15, 9},
                                        {5, 27}, {1, 81}, {8, 27}, {2, 81}, {5, 81}};
    const hpx_grid grid = {.axes = 1, .counts = {1000}};
    const hpx_search_options options = {
        .method = &hpx_methods[HPX_METHOD_HYPERBAND], .epochs = 81, .eta = 3, .min_epochs = 1, .seed = 1};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    hpx_request request;
    const hpx_request *trace;
    size_t certain, at = 0, cells = 0, retrained = 0, continued = 0;
    uint32_t most[1000] = {0};
    hpx_search_ask(search, NULL, 0, &certain);
    assert_int_equal(certain, 81 + 34 + 15 + 8 + 5); /* the first rung of every bracket */
    while (hpx_search_ask(search, &request, 1, &certain) > 0)
        hpx_search_tell(search, request, request.cell % 7 + request.epochs);
    const size_t count = hpx_search_trace(search, &trace);
    assert_int_equal(count, 206);
    for (size_t rung = 0; rung < LENGTH(rungs); rung++)
        for (uint32_t i = 0; i < rungs[rung].cell; i++)
            assert_int_equal(trace[at++].epochs, rungs[rung].epochs);
    for (size_t i = 0; i < count; i++) {
        uint32_t *before = &most[trace[i].cell];
        cells += *before == 0;
        retrained += trace[i].epochs;
        continued += trace[i].epochs - *before;
        *before = trace[i].epochs;
    }
    assert_int_equal(cells, 143);
    assert_int_equal(retrained, 1902);
    assert_int_equal(continued, 1581);
    assert_int_equal(hpx_search_result_of(search).epochs, 81);
    hpx_search_free(search);

    /* 243 is a power of 3, though log 243 / log 3 is below 5. */
    const uint32_t epochs[] = {242, 243}, first[] = {2, 1};
    for (size_t i = 0; i < LENGTH(epochs); i++) {
        hpx_search_options one = options;
        one.method = &hpx_methods[HPX_METHOD_HALVING];
        one.epochs = epochs[i];
        one.evaluations = 1;
        search = hpx_search_new(&grid, &one, equal_cost, NULL);
        assert_int_equal(hpx_search_ask(search, &request, 1, &certain), 1);
        assert_int_equal(request.epochs, first[i]);
        hpx_search_free(search);
    }
}

static void test_largest_grid(void **state)
{
    (void)state;
    hpx_grid grid = {.axes = 2, .counts = {2048, 2048}};
    hpx_search_options options = {.method = &hpx_methods[HPX_METHOD_GRID], .epochs = EPOCHS};
    hpx_search *search = hpx_search_new(&grid, &options, equal_cost, NULL);
    const hpx_request *trace;
    uint32_t cell;
    assert_int_equal(ask(search, NULL, 0), HPX_CELLS_MAX);
    for (cell = 0; cell < 1000; cell++)
        tell(search, cell ^ 1, 0);
    assert_int_equal(ask(search, &cell, 1), HPX_CELLS_MAX - 1000);
    assert_int_equal(cell, 1000);
    for (cell = HPX_CELLS_MAX; cell-- > 1000;)
        tell(search, cell, cell == 12345);
    assert_int_equal(ask(search, NULL, 0), 0);
    assert_int_equal(hpx_search_trace(search, &trace), HPX_CELLS_MAX);
    for (uint32_t i = 0; i < HPX_CELLS_MAX; i++)
        if (trace[i].cell != i)
            fail();
    assert_int_equal(hpx_search_result_of(search).end, 12345);
    hpx_search_free(search);

    options.method = &hpx_methods[HPX_METHOD_FULL_CROSS];
    options.start = HPX_CELLS_MAX - 1;
    search = hpx_search_new(&grid, &options, equal_cost, NULL);
    assert_int_equal(ask(search, NULL, 0), 2048);
    while (ask(search, &cell, 1) > 0)
        tell(search, cell, -fabs((double)(cell % 2048) - 77) - cell / 2048);
    assert_int_equal(hpx_search_result_of(search).end, 77);
    assert_int_equal(hpx_search_trace(search, &trace), 3 * 2048 - 2);
    hpx_search_free(search);
    hpx_search_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid_numbers),
        cmocka_unit_test(test_paper_table),
        cmocka_unit_test(test_certain_grid),
        cmocka_unit_test(test_certain_full_line),
        cmocka_unit_test(test_certain_low),
        cmocka_unit_test(test_certain_outward),
        cmocka_unit_test(test_certain_hill),
        cmocka_unit_test(test_told_twice_or_early),
        cmocka_unit_test(test_better),
        cmocka_unit_test(test_hill_leaves_failed_start),
        cmocka_unit_test(test_unordered_axes),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_three_axes),
        cmocka_unit_test(test_speculate),
        cmocka_unit_test(test_speculate_what_is_decided),
        cmocka_unit_test(test_hyperband),
        cmocka_unit_test(test_largest_grid),
        cmocka_unit_test(test_bayes),
        cmocka_unit_test(test_bayes_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
