/* Importance against its definition: effects of every set of axes, by inclusion and exclusion of marginal means. */
#include "../helper/helper.h"

#include "statistics/importance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { AXES_MAX = 4, CELLS_MAX = 256, SEEDS_MAX = 5 };

struct grid {
    size_t axes, cells, seeds;
    uint32_t counts[AXES_MAX];
    double values[CELLS_MAX * SEEDS_MAX];
};

static void indices_of(uint32_t indices[AXES_MAX], const struct grid *grid, size_t cell)
{
    for (size_t a = grid->axes; a-- > 0; cell /= grid->counts[a])
        indices[a] = (uint32_t)(cell % grid->counts[a]);
}

/* The mean over all cells that share with `cell` the levels of the axes in `set`, and over seeds. */
static double marginal(const struct grid *grid, uint32_t set, size_t cell)
{
    uint32_t here[AXES_MAX], there[AXES_MAX];
    double sum = 0;
    size_t count = 0;
    indices_of(here, grid, cell);
    for (size_t other = 0; other < grid->cells; other++) {
        bool same = true;
        indices_of(there, grid, other);
        for (size_t a = 0; a < grid->axes; a++)
            same = same && (!(set >> a & 1) || here[a] == there[a]);
        for (size_t seed = 0; same && seed < grid->seeds; seed++, count++)
            sum += grid->values[other * grid->seeds + seed];
    }
    return sum / (double)count;
}

static double squares_of(const struct grid *grid, uint32_t set)
{
    double squares = 0;
    for (size_t cell = 0; cell < grid->cells; cell++) {
        double effect = 0;
        for (uint32_t part = set;; part = (part - 1) & set) {
            effect += (__builtin_popcount(set ^ part) & 1 ? -1 : 1) * marginal(grid, part, cell);
            if (part == 0)
                break;
        }
        squares += effect * effect;
    }
    return squares;
}

static double residual_mean_square(const struct grid *grid)
{
    double squares = 0;
    const double all = marginal(grid, 0, 0);
    for (size_t seed = 0; seed < grid->seeds; seed++) {
        double of_seed = 0;
        for (size_t cell = 0; cell < grid->cells; cell++)
            of_seed += grid->values[cell * grid->seeds + seed] / (double)grid->cells;
        for (size_t cell = 0; cell < grid->cells; cell++) {
            const double residual = grid->values[cell * grid->seeds + seed] -
                                    marginal(grid, (1u << grid->axes) - 1, cell) - of_seed + all;
            squares += residual * residual;
        }
    }
    return grid->seeds == 1 ? 0 : squares / (double)((grid->cells - 1) * (grid->seeds - 1));
}

struct expected {
    double of_set[1 << AXES_MAX]; /* axes and pairs */
    double rest, noise, whole;
};

static double corrected(const struct grid *grid, double squares, double degrees, double noise)
{
    return degrees == 0 ? 0
                        : fmax(0, (squares - degrees * noise / (double)grid->seeds) / (double)grid->cells);
}

static struct expected expect(const struct grid *grid)
{
    struct expected expected = {.noise = residual_mean_square(grid)};
    double rest_squares = 0, rest_degrees = 0;
    expected.whole = expected.noise;
    for (uint32_t set = 1; set < 1u << grid->axes; set++) {
        double degrees = 1;
        for (size_t a = 0; a < grid->axes; a++)
            degrees *= set >> a & 1 ? grid->counts[a] - 1 : 1;
        const double squares = squares_of(grid, set);
        if (__builtin_popcount(set) > 2) {
            rest_squares += squares;
            rest_degrees += degrees;
            continue;
        }
        expected.of_set[set] = corrected(grid, squares, degrees, expected.noise);
        expected.whole += expected.of_set[set];
    }
    expected.rest = corrected(grid, rest_squares, rest_degrees, expected.noise);
    expected.whole += expected.rest;
    return expected;
}

static hpx_importance importance_of(const struct grid *grid)
{
    hpx_importance importance;
    hpx_error error;
    expect_ok(hpx_importance_of(&importance, grid->values, grid->axes, grid->counts, grid->seeds, &error),
              &error);
    return importance;
}

static void check_grid(const struct grid *grid)
{
    hpx_importance importance = importance_of(grid);
    const struct expected expected = expect(grid);
    const double scale = expected.whole > 1e-20 ? 1 / expected.whole : 0;
    double sum = importance.rest + importance.noise;
    for (size_t a = 0; a < grid->axes; a++) {
        expect_near(importance.axis[a], expected.of_set[1u << a] * scale, 1e-10);
        assert_true(grid->counts[a] > 1 || importance.axis[a] == 0);
        sum += importance.axis[a];
        for (size_t b = 0; b < grid->axes; b++) {
            const double pair = a == b ? 0 : expected.of_set[1u << a | 1u << b] * scale;
            expect_near(importance.pair[a * grid->axes + b], pair, 1e-10);
            sum += a < b ? importance.pair[a * grid->axes + b] : 0;
        }
    }
    expect_near(importance.rest, expected.rest * scale, 1e-10);
    expect_near(importance.noise, expected.noise * scale, 1e-10);
    expect_near(sum, scale > 0, 1e-12);
    assert_true(importance.raw == (grid->seeds == 1));
    if (grid->seeds > 1)
        expect_near(importance.noise_sd, sqrt(expected.noise), 1e-12);
    else
        assert_true(isnan(importance.noise_sd));
    hpx_importance_free(&importance);
}

/* Effects of axes, of sets of them or of none, and noise or none. */
static void draw_grid(struct grid *grid)
{
    *grid = (struct grid){.axes = 1 + draw(AXES_MAX), .seeds = 1 + draw(SEEDS_MAX), .cells = 1};
    for (size_t a = 0; a < grid->axes; a++)
        grid->cells *= grid->counts[a] = (uint32_t)(a == 0 ? 2 + draw(3) : 1 + draw(4));
    double effects[1 << AXES_MAX][CELLS_MAX];
    const uint64_t sets = draw(1u << (1u << grid->axes)), noise = draw(3) ? draw(200) : 0;
    for (uint32_t set = 1; set < 1u << grid->axes; set++)
        for (size_t i = 0; i < grid->cells; i++)
            effects[set][i] = sets >> set & 1 ? (double)draw(1000) / 1000 : 0;
    for (size_t cell = 0; cell < grid->cells; cell++) {
        uint32_t indices[AXES_MAX];
        double mean = 0.5;
        indices_of(indices, grid, cell);
        for (uint32_t set = 1; set < 1u << grid->axes; set++) {
            size_t at = 0;
            for (size_t a = 0; a < grid->axes; a++)
                at = set >> a & 1 ? at * grid->counts[a] + indices[a] : at;
            mean += effects[set][at];
        }
        for (size_t seed = 0; seed < grid->seeds; seed++)
            grid->values[cell * grid->seeds + seed] = mean + (double)draw(noise + 1) / 100;
    }
}

static void test_definition(void **state)
{
    (void)state;
    static struct grid grid;
    draw_seed(66);
    for (int round = 0; round < 1500; round++) {
        draw_grid(&grid);
        check_grid(&grid);
    }
}

/* Two levels each; effects 3, 1 and 0 of the axes and 1 of the first two together have 9 : 1 : 0 : 1. */
static void test_known_shares(void **state)
{
    (void)state;
    struct grid grid = {.axes = 3, .counts = {2, 2, 2}, .cells = 8, .seeds = 1};
    for (size_t cell = 0; cell < 8; cell++) {
        const double a = cell >> 2 & 1 ? 1 : -1, b = cell >> 1 & 1 ? 1 : -1;
        grid.values[cell] = 100 + 3 * a + b + a * b;
    }
    hpx_importance importance = importance_of(&grid);
    expect_near(importance.axis[0], 9.0 / 11, 1e-12);
    expect_near(importance.axis[1], 1.0 / 11, 1e-12);
    expect_near(importance.axis[2], 0, 1e-12);
    expect_near(importance.pair[1], 1.0 / 11, 1e-12);
    expect_near(importance.pair[3], 1.0 / 11, 1e-12);
    expect_near(importance.rest, 0, 1e-12);
    assert_true(importance.raw && importance.noise == 0);
    hpx_importance_free(&importance);
}

/* Seeds that shift all cells alike are no noise; a table of one number has no shares. */
static void test_nothing_varies(void **state)
{
    (void)state;
    struct grid grid = {.axes = 2, .counts = {3, 2}, .cells = 6, .seeds = 3};
    for (size_t i = 0; i < 18; i++)
        grid.values[i] = 0.9 + (double)(i % 3) / 70;
    hpx_importance importance = importance_of(&grid);
    for (size_t a = 0; a < 2; a++)
        assert_true(importance.axis[a] == 0 && importance.pair[1] == 0);
    assert_true(importance.rest == 0 && importance.noise == 0);
    hpx_importance_free(&importance);
}

/* Values that are noise alone have no effects on average: the shares of what is no noise stay small. */
static void test_noise_alone(void **state)
{
    (void)state;
    double noise = 0;
    draw_seed(5);
    for (int round = 0; round < 200; round++) {
        struct grid grid = {.axes = 2, .counts = {8, 8}, .cells = 64, .seeds = 5};
        for (size_t i = 0; i < 320; i++)
            grid.values[i] = (double)draw(1000);
        hpx_importance importance = importance_of(&grid);
        noise += importance.noise / 200;
        expect_near(importance.noise_sd, 1000 / sqrt(12), 40);
        hpx_importance_free(&importance);
    }
    assert_true(noise > 0.95 && noise < 1);
}

static void test_refused(void **state)
{
    (void)state;
    struct grid grid = {.axes = 2, .counts = {2, 2}, .cells = 4, .seeds = 2};
    hpx_importance importance;
    hpx_error error;
    grid.values[5] = NAN;
    assert_int_equal(hpx_importance_of(&importance, grid.values, 2, grid.counts, 2, &error), HPX_USAGE);
    expect_contains(error.message, "cell 2 has no value with seed 1");
    hpx_importance_free(&importance);
    assert_int_equal(hpx_importance_of(&importance, grid.values, 1, (uint32_t[]){1}, 2, &error), HPX_USAGE);
    expect_contains(error.message, "two cells");
    hpx_importance_free(&importance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),     cmocka_unit_test(test_known_shares),
        cmocka_unit_test(test_nothing_varies), cmocka_unit_test(test_noise_alone),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
