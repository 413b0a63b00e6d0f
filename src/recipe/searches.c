/* The statement `search`: the bindings of hpx_methods, and the options that a method gets from them. */
#include "inside.h"

#include <inttypes.h>
#include <string.h>

/* The method's own keyword, then the bindings. */
enum { METHOD, BINDING, PARAMETERS = BINDING + HPX_BINDINGS };
enum {
    START = BINDING + HPX_BINDING_START,
    NEIGHBOURS = BINDING + HPX_BINDING_NEIGHBOURS,
    FIRST = BINDING + HPX_BINDING_FIRST,
    SCAN = BINDING + HPX_BINDING_SCAN,
    LIMIT = BINDING + HPX_BINDING_LIMIT,
    EVALUATIONS = BINDING + HPX_BINDING_EVALUATIONS,
    SEED = BINDING + HPX_BINDING_SEED,
    INITIAL = BINDING + HPX_BINDING_INITIAL,
    LAG = BINDING + HPX_BINDING_LAG,
    PER_COST = BINDING + HPX_BINDING_PER_COST,
    SCREEN_EPOCHS = BINDING + HPX_BINDING_SCREEN_EPOCHS,
    PROMOTE = BINDING + HPX_BINDING_PROMOTE,
    ETA = BINDING + HPX_BINDING_ETA,
    MIN_EPOCHS = BINDING + HPX_BINDING_MIN_EPOCHS,
    WORKERS = BINDING + HPX_BINDING_WORKERS,
};

static const char *const neighbour_words[] = {"diagonal", "axes",
                                              NULL};      /* in the order of hpx_neighbourhood */
static const char *const neighbour_counts[] = {"8", "4"}; /* the same on two axes */
static const char *const scan_words[] = {"low", "outward", NULL};
static const char *const yes_words[] = {"yes", "no", NULL};

#define WORD_OF(list)  .type = HPX_SETTING_WORD, .words = (list)
#define COUNT_OF(a, b) .type = HPX_SETTING_COUNT, .min = (a), .max = (b)

/* The words of `first` are the axes. Which method takes what is said in hpx_methods. */
static const hpx_setting parameters[PARAMETERS] = {
    [METHOD] = {.name = "method", WORD_OF(NULL), .help = "which cells are visited, in which order"},
    [START] = {.name = "start",
               .help = "a value of each axis, where the search begins; the first values unless given"},
    [NEIGHBOURS] = {.name = "neighbours",
                    WORD_OF(neighbour_words),
                    .help = "which cells are near: those whose indices all differ by at most 1 (unless "
                            "given), or one index by 1; on two axes "
                            "also 8 or 4"},
    [FIRST] = {.name = "first",
               WORD_OF(NULL),
               .help = "the axis of the first line; the first one unless given"},
    [SCAN] = {.name = "scan",
              WORD_OF(scan_words),
              .help = "where a line begins: at its low end (unless given), or where the search is"},
    [LIMIT] = {.name = "limit",
               COUNT_OF(1, 65536),
               .help = "cells in a row that do not beat the best of a line, after which it is left"},
    [EVALUATIONS] = {.name = "evaluations", COUNT_OF(1, HPX_CELLS_MAX), .help = "cells that are tried"},
    [SEED] = {.name = "seed",
              COUNT_OF(0, UINT32_MAX),
              .fallback = "1",
              .help = "decides what is drawn at random"},
    [INITIAL] =
        {.name = "initial",
         COUNT_OF(1, HPX_CELLS_MAX),
         .help = "cells that are drawn before the model says which; 2 for each axis and 2 more unless given"},
    [LAG] = {.name = "lag",
             COUNT_OF(1, HPX_CELLS_MAX),
             .fallback = "1",
             .help = "cells that may train at once"},
    [PER_COST] = {.name = "per-cost",
                  WORD_OF(yes_words),
                  .fallback = "no",
                  .help = "whether cheap cells are preferred"},
    [SCREEN_EPOCHS] = {.name = "screen-epochs",
                       COUNT_OF(1, 1000000),
                       .help = "go by scores after so many epochs, fewer than the recipe's"},
    [PROMOTE] = {.name = "promote",
                 COUNT_OF(1, 65536),
                 .help = "how many of the best cells go on to all epochs, with screen-epochs"},
    [ETA] = {.name = "eta",
             COUNT_OF(2, 65536),
             .fallback = "3",
             .help = "one of so many cells goes on, to so many times the epochs"},
    [MIN_EPOCHS] = {.name = "min-epochs",
                    COUNT_OF(1, 1000000),
                    .fallback = "1",
                    .help = "epochs of the first rung, at most the recipe's"},
    [WORKERS] = {.name = "workers", COUNT_OF(1, 65536), .help = "workers of the virtual clock"},
};

const hpx_setting *hpx_recipe_search_setting(size_t index)
{
    return index < PARAMETERS ? &parameters[index] : NULL;
}

static bool takes(const hpx_method *method, size_t parameter)
{
    return parameter == METHOD || method->takes >> (parameter - BINDING) & 1;
}

static bool needs(const hpx_method *method, size_t parameter)
{
    return parameter == METHOD || method->needs >> (parameter - BINDING) & 1;
}

/* The names of the methods; of those alone that take a parameter, if one is given. */
static size_t list_methods(const char *names[HPX_METHODS + 1], size_t parameter)
{
    size_t count = 0;
    for (size_t i = 0; i < HPX_METHODS; i++)
        if (takes(&hpx_methods[i], parameter))
            names[count++] = hpx_methods[i].name;
    names[count] = NULL;
    return count;
}

/* NULL: there is none. */
static const hpx_method *find_method(const char *name)
{
    for (size_t i = 0; i < HPX_METHODS; i++)
        if (strcmp(hpx_methods[i].name, name) == 0)
            return &hpx_methods[i];
    return NULL;
}

/* The names of what a method takes; of all parameters, where it is NULL: not known. */
static const char *const *list_taken(struct parse *p, const hpx_method *method)
{
    const char **taken = hpx_arena_alloc(p->arena, (PARAMETERS + 1) * sizeof *taken);
    size_t count = 0;
    for (size_t i = 0; i < PARAMETERS; i++)
        if (!method || takes(method, i))
            taken[count++] = parameters[i].name;
    return taken;
}

const char *const *hpx_recipe_search_keys(struct parse *p)
{
    return list_taken(p, NULL);
}

static void foreign(struct parse *p, const struct word *key, size_t parameter, const hpx_method *method)
{
    const char *owners[HPX_METHODS + 1];
    list_methods(owners, parameter);
    hpx_recipe_fail(p, key, "'%s' belongs to %s: expected none with %s", key->text,
                    hpx_recipe_list(p, owners), method->name);
}

/* `method` NULL: not known. */
static void unknown(struct parse *p, const struct word *key, const struct statement *search,
                    const hpx_method *method)
{
    hpx_recipe_unknown(p, key, search->keyword.text, list_taken(p, method), hpx_recipe_search_keys(p));
}

const char *const *hpx_recipe_search_taken(struct parse *p, const struct statement *search)
{
    const struct binding *given = hpx_recipe_binding(search, parameters[METHOD].name);
    return list_taken(p, given && given->count > 0 ? find_method(given->values[0].text) : NULL);
}

static bool read_index(struct parse *p, const struct word *at, const hpx_axis *axis, uint32_t *out)
{
    if (axis->count == 0)
        return false; /* as was said of the axis */
    if (at->kind == WORD_REFERENCE) {
        hpx_recipe_fail(p, at, "'start' takes no axis: expected a value of axis '%s'", axis->name);
        return false;
    }
    if (hpx_recipe_axis_value(out, axis, at->text))
        return true;
    hpx_buffer expected = {0};
    hpx_recipe_expected_values(&expected, axis, at->text);
    hpx_recipe_fail(p, at, "axis '%s' has no value '%s': %s", axis->name, hpx_recipe_show(p, at->text),
                    hpx_buffer_text(&expected));
    hpx_buffer_free(&expected);
    return false;
}

static void read_start(struct parse *p, const struct binding *given, uint32_t *cell)
{
    const hpx_recipe *recipe = p->recipe;
    uint32_t indices[HPX_AXES_MAX];
    const char *names[HPX_AXES_MAX + 1] = {NULL};
    bool good = given->count == recipe->grid.axes;
    for (size_t i = 0; i < recipe->grid.axes; i++)
        names[i] = recipe->axes[i].name;
    if (!good)
        hpx_recipe_fail(p, &given->values[0],
                        "'start' has %zu value%s: expected one per axis, in the order %s", given->count,
                        given->count == 1 ? "" : "s", hpx_recipe_list(p, names));
    for (size_t i = 0; i < given->count && i < recipe->grid.axes; i++)
        good = read_index(p, &given->values[i], &recipe->axes[i], &indices[i]) && good;
    if (good)
        *cell = hpx_grid_cell(&recipe->grid, indices);
}

/* What one search is given, by parameter. */
typedef struct arguments {
    const struct binding *given[PARAMETERS];
    union value values[PARAMETERS];
    uint32_t start;
} arguments;

/* "8" and "4" are the words where they count the neighbours rightly. False for anything else. */
static bool is_neighbour_count(struct parse *p, const struct binding *given, union value *out)
{
    size_t axes = p->recipe->grid.axes, i = 0;
    while (i < 2 && strcmp(given->values[0].text, neighbour_counts[i]) != 0)
        i++;
    if (i == 2 || given->count > 1)
        return false;
    out->text = neighbour_words[i];
    if (axes != 2)
        hpx_recipe_fail(
            p, &given->values[0],
            "'neighbours = %s' counts those on two axes, and this recipe has %zu: expected %s; did "
            "you mean '%s'?",
            neighbour_counts[i], axes, hpx_recipe_list(p, neighbour_words), out->text);
    return true;
}

static void read_parameter(struct parse *p, const struct statement *search, arguments *out, size_t i)
{
    hpx_setting setting = parameters[i];
    const char *axes[HPX_AXES_MAX + 1] = {NULL}, *methods[HPX_METHODS + 1];
    for (size_t k = 0; k < p->recipe->grid.axes; k++)
        axes[k] = p->recipe->axes[k].name;
    list_methods(methods, METHOD);
    if (i == FIRST)
        setting.words = axes;
    if (i == METHOD)
        setting.words = methods;
    const struct binding *given = out->given[i] = hpx_recipe_binding(search, setting.name);
    if (!given && !setting.fallback)
        return;
    if (i == START) {
        read_start(p, given, &out->start);
    } else if (i != NEIGHBOURS || !is_neighbour_count(p, given, &out->values[i])) {
        struct slot slot;
        if (hpx_recipe_slot(p, &slot, &setting, given, 1, NULL) == HPX_OK)
            out->values[i] = slot.operands[0].values[0];
    }
}

/* The keys that the method takes. Where none is given they are those of all methods; where one is given that
 * does not exist, nobody knows what it would take. */
static void check_keys(struct parse *p, struct statement *search, const arguments *a)
{
    const hpx_method *method = a->values[METHOD].text ? find_method(a->values[METHOD].text) : NULL;
    if (a->given[METHOD] && !method)
        return;
    for (size_t i = 0; i < search->binding_count; i++) {
        const struct word *key = &search->bindings[i].key;
        size_t k = 0;
        while (k < PARAMETERS && strcmp(parameters[k].name, key->text) != 0)
            k++;
        if (k == PARAMETERS) {
            unknown(p, key, search, method);
            search->bad = true;
        } else if (method && !takes(method, k)) {
            foreign(p, key, k, method);
        }
    }
}

/* Says what the method needs and is not given, unless something else may have been meant to be it. */
static void check_needed(struct parse *p, const struct statement *search, const arguments *a)
{
    const char *name = a->values[METHOD].text, *methods[HPX_METHODS + 1];
    if (search->bad)
        return;
    list_methods(methods, METHOD);
    if (!a->given[METHOD])
        hpx_recipe_fail(p, &search->name, "search '%s' has no method: expected 'method = ' of %s",
                        search->name.text, hpx_recipe_list(p, methods));
    for (size_t i = BINDING; name && i < PARAMETERS; i++)
        if (!a->given[i] && needs(find_method(name), i))
            hpx_recipe_fail(p, &search->name, "%s search '%s' has no '%s': expected %s", name,
                            search->name.text, parameters[i].name, hpx_recipe_expected(p, &parameters[i]));
}

/* Says what goes with a method and not with this recipe. */
static void check_fit(struct parse *p, const struct statement *search, const arguments *a)
{
    const hpx_recipe *recipe = p->recipe;
    const uint32_t cells =
        p->status ? 0 : hpx_grid_cells(&recipe->grid); /* else there may be no such number */
    const uint32_t cells_max = a->values[METHOD].text ? find_method(a->values[METHOD].text)->cells_max : 0;
    if (cells_max && cells > cells_max)
        hpx_recipe_fail(p, &search->name,
                        "%s search '%s' has a grid of %u cells: expected at most %u, or another method",
                        a->values[METHOD].text, search->name.text, cells, cells_max);
    if (a->given[INITIAL] && a->values[EVALUATIONS].count &&
        a->values[INITIAL].count > a->values[EVALUATIONS].count)
        hpx_recipe_fail(p, &a->given[INITIAL]->values[0],
                        "'initial' is more than 'evaluations': expected at most %" PRIu64,
                        a->values[EVALUATIONS].count);
    if (a->values[PER_COST].text == yes_words[0] && recipe->trainer && !recipe->trainer->cost)
        hpx_recipe_fail(p, &a->given[PER_COST]->values[0],
                        "'per-cost' goes by multiplications, and those of %s are not known: expected 'no'",
                        recipe->program ? "a program" : recipe->trainer->name);
}

/* Known of the trainer's own metrics, taken in their own direction. */
static hpx_scale scale_of(const hpx_recipe *recipe)
{
    const hpx_objective *objective = &recipe->objective;
    const hpx_metric_kind *kind = hpx_recipe_metric(recipe->trainer, objective->name);
    return kind && kind->minimised == objective->minimised ? hpx_metric_scale(kind) : HPX_SCALE_LINEAR;
}

/* A first idea of every axis, and one cell more of each. */
static uint32_t default_initial(const hpx_recipe *recipe, uint64_t evaluations)
{
    const uint32_t enough = 2 * (uint32_t)recipe->grid.axes + 2;
    return evaluations < enough ? (uint32_t)evaluations : enough;
}

/* Says what of the search's epochs does not go with the recipe's, and what stands alone of a pair. */
static void check_epochs(struct parse *p, const struct statement *search, const arguments *a)
{
    const uint32_t epochs = p->recipe->epochs;
    const struct binding *screen = a->given[SCREEN_EPOCHS], *least = a->given[MIN_EPOCHS];
    if (!screen != !a->given[PROMOTE])
        hpx_recipe_fail(p, screen ? &screen->key : &a->given[PROMOTE]->key,
                        "search '%s' has '%s' and no '%s': expected both or none", search->name.text,
                        parameters[screen ? SCREEN_EPOCHS : PROMOTE].name,
                        parameters[screen ? PROMOTE : SCREEN_EPOCHS].name);
    if (epochs && screen && a->values[SCREEN_EPOCHS].count >= epochs)
        hpx_recipe_fail(p, &screen->values[0],
                        "'screen-epochs' of %s: expected fewer than the recipe's epochs, %u",
                        screen->values[0].text, epochs);
    if (epochs && least && a->values[MIN_EPOCHS].count > epochs)
        hpx_recipe_fail(p, &least->values[0], "'min-epochs' of %s: expected at most the recipe's epochs, %u",
                        least->values[0].text, epochs);
}

static void read_search(struct parse *p, hpx_recipe_search *out, struct statement *search)
{
    arguments a = {{NULL}, {{0}}, 0};
    for (size_t i = METHOD; i < PARAMETERS; i++)
        read_parameter(p, search, &a, i);
    check_keys(p, search, &a);
    check_needed(p, search, &a);
    check_fit(p, search, &a);
    check_epochs(p, search, &a);
    if (p->status)
        return;
    uint32_t first = 0;
    while (a.given[FIRST] && strcmp(p->recipe->axes[first].name, a.values[FIRST].text) != 0)
        first++;
    *out = (hpx_recipe_search){
        .name = search->name.text,
        .options =
            {
                .method = find_method(a.values[METHOD].text),
                .epochs = p->recipe->epochs,
                .start = a.start,
                .neighbours = a.given[NEIGHBOURS] && a.values[NEIGHBOURS].text == neighbour_words[HPX_AXES]
                                  ? HPX_AXES
                                  : HPX_DIAGONAL,
                .first = first,
                .limit = (uint32_t)a.values[LIMIT].count,
                .evaluations = (uint32_t)a.values[EVALUATIONS].count,
                .seed = (uint32_t)a.values[SEED].count,
                .initial = a.given[INITIAL] ? (uint32_t)a.values[INITIAL].count
                                            : default_initial(p->recipe, a.values[EVALUATIONS].count),
                .lag = (uint32_t)a.values[LAG].count,
                .per_cost = a.values[PER_COST].text == yes_words[0],
                .scale = scale_of(p->recipe),
                .screen_epochs = (uint32_t)a.values[SCREEN_EPOCHS].count,
                .promote = (uint32_t)a.values[PROMOTE].count,
                .eta = (uint32_t)a.values[ETA].count,
                .min_epochs = (uint32_t)a.values[MIN_EPOCHS].count,
                .workers = (uint32_t)a.values[WORKERS].count,
                .outward = a.given[SCAN] && strcmp(a.values[SCAN].text, "outward") == 0,
            },
        .place = hpx_recipe_place(&search->name),
    };
}

void hpx_recipe_searches(struct parse *p)
{
    hpx_recipe *recipe = p->recipe;
    recipe->searches = hpx_arena_alloc(p->arena, p->search_count * sizeof *recipe->searches);
    recipe->search_count = p->search_count;
    for (size_t i = 0; i < p->search_count; i++)
        read_search(p, &recipe->searches[i], p->searches[i]);
}
