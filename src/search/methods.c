/* The search methods, a row each. A new one is a row here, its algorithm in a file beside this one, its words
 * in docs/searches.md and an independent reference in tests/model/. A binding that no method has yet gets its
 * place in hpx_binding, hpx_search_options and the table of src/recipe/searches.c. */
#include "state.h"

enum {
    START = 1 << HPX_BINDING_START,
    NEIGHBOURS = 1 << HPX_BINDING_NEIGHBOURS,
    CROSS = START | 1 << HPX_BINDING_FIRST | 1 << HPX_BINDING_SCAN,
    LIMIT = 1 << HPX_BINDING_LIMIT,
    EVALUATIONS = 1 << HPX_BINDING_EVALUATIONS,
    SEED = 1 << HPX_BINDING_SEED,
    BAYES = 1 << HPX_BINDING_INITIAL | 1 << HPX_BINDING_LAG | 1 << HPX_BINDING_PER_COST,
    SCREEN = 1 << HPX_BINDING_SCREEN_EPOCHS | 1 << HPX_BINDING_PROMOTE,
    RUNGS = SEED | 1 << HPX_BINDING_ETA | 1 << HPX_BINDING_MIN_EPOCHS,
    WORKERS = 1 << HPX_BINDING_WORKERS,
};

const hpx_method hpx_methods[HPX_METHODS] = {
    [HPX_METHOD_GRID] =
        {
            .name = "grid",
            .takes = SCREEN,
            .fixed = true,
            .begin = hpx_grid_begin,
            .advance = hpx_grid_advance,
            .ask = hpx_grid_ask,
            .speculate = hpx_search_try_futures,
        },
    [HPX_METHOD_HILL_CLIMB] =
        {
            .name = "hill-climb",
            .takes = START | NEIGHBOURS | SCREEN,
            .begin = hpx_hill_begin,
            .advance = hpx_hill_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_search_try_futures,
        },
    [HPX_METHOD_FULL_CROSS] =
        {
            .name = "full-cross",
            .takes = CROSS | SCREEN,
            .begin = hpx_cross_begin,
            .advance = hpx_cross_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_search_try_futures,
        },
    [HPX_METHOD_PARTIAL_CROSS] =
        {
            .name = "partial-cross",
            .takes = CROSS | LIMIT | SCREEN,
            .needs = LIMIT,
            .begin = hpx_cross_begin,
            .advance = hpx_cross_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_search_try_futures,
        },
    [HPX_METHOD_RANDOM] =
        {
            .name = "random",
            .takes = EVALUATIONS | SEED | SCREEN,
            .needs = EVALUATIONS,
            .fixed = true,
            .begin = hpx_random_begin,
            .advance = hpx_random_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_search_try_futures,
        },
    [HPX_METHOD_BAYES] =
        {
            .name = "bayes",
            .takes = EVALUATIONS | SEED | BAYES | SCREEN,
            .needs = EVALUATIONS,
            .cells_max = 100000,
            .begin = hpx_bayes_begin,
            .advance = hpx_bayes_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_bayes_speculate,
        },
    [HPX_METHOD_HALVING] =
        {
            .name = "halving",
            .takes = EVALUATIONS | RUNGS,
            .needs = EVALUATIONS,
            .begin = hpx_halving_begin,
            .advance = hpx_halving_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_search_try_futures,
        },
    [HPX_METHOD_HYPERBAND] =
        {
            .name = "hyperband",
            .takes = RUNGS,
            .begin = hpx_halving_begin,
            .advance = hpx_halving_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_search_try_futures,
        },
    [HPX_METHOD_ASHA] =
        {
            .name = "asha",
            .takes = EVALUATIONS | RUNGS | WORKERS,
            .needs = EVALUATIONS | WORKERS,
            .begin = hpx_asha_begin,
            .advance = hpx_asha_advance,
            .ask = hpx_search_ask_list,
            .speculate = hpx_search_try_futures,
        },
};
