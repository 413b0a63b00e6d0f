/* The statement `search`: a table of what each method takes, and the options that the method gets. */
#include "inside.h"

#include <string.h>

/* The first ones in the order of hpx_method. */
static const char *const method_names[] = {
    "grid", "hill-climb", "full-cross", "partial-cross", "random", "bayes", "halving", "hyperband", NULL};
#define METHODS_RUN (HPX_METHOD_PARTIAL_CROSS + 1)

enum {
    HILL_CLIMB = 1 << HPX_METHOD_HILL_CLIMB,
    FULL_CROSS = 1 << HPX_METHOD_FULL_CROSS,
    PARTIAL_CROSS = 1 << HPX_METHOD_PARTIAL_CROSS,
    RANDOM = 1 << 4,
    BAYES = 1 << 5,
    HALVING = 1 << 6,
    HYPERBAND = 1 << 7,
    CROSS = FULL_CROSS | PARTIAL_CROSS,
    SAMPLED = RANDOM | BAYES | HALVING,
    BANDIT = HALVING | HYPERBAND,
    EVERY = (1 << 8) - 1,
};

enum {
    METHOD,
    START,
    NEIGHBOURS,
    FIRST,
    SCAN,
    LIMIT,
    EVALUATIONS,
    SEED,
    INITIAL,
    PER_COST,
    MIN_EPOCHS,
    ETA,
    SCREEN_EPOCHS,
    PROMOTE,
    PARAMETERS
};

static const char *const neighbour_words[] = {"8", "4", NULL};
static const char *const scan_words[] = {"low", "outward", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};

#define WORD_OF(list)  .type = HPX_SETTING_WORD, .words = (list)
#define COUNT_OF(a, b) .type = HPX_SETTING_COUNT, .min = (a), .max = (b)

/* `methods` may be given the parameter, `required` must be. The words of `first` are the axes. */
static const struct parameter {
    hpx_setting setting;
    unsigned methods, required;
} parameters[PARAMETERS] = {
    [METHOD] = {{.name = "method", WORD_OF(method_names)}, EVERY, EVERY},
    [START] = {{.name = "start"}, HILL_CLIMB | CROSS, 0},
    [NEIGHBOURS] = {{.name = "neighbours", WORD_OF(neighbour_words)}, HILL_CLIMB, 0},
    [FIRST] = {{.name = "first", WORD_OF(NULL)}, CROSS, 0},
    [SCAN] = {{.name = "scan", WORD_OF(scan_words)}, CROSS, 0},
    [LIMIT] = {{.name = "limit", COUNT_OF(1, 65536)}, PARTIAL_CROSS, PARTIAL_CROSS},
    [EVALUATIONS] = {{.name = "evaluations", COUNT_OF(1, HPX_CELLS_MAX)}, SAMPLED, SAMPLED},
    [SEED] = {{.name = "seed", COUNT_OF(0, UINT32_MAX)}, SAMPLED | HYPERBAND, 0},
    [INITIAL] = {{.name = "initial", COUNT_OF(1, 65536)}, BAYES, 0},
    [PER_COST] = {{.name = "per-cost", WORD_OF(yes_words)}, BAYES, 0},
    [MIN_EPOCHS] = {{.name = "min-epochs", COUNT_OF(1, 1000000)}, BANDIT, 0},
    [ETA] = {{.name = "eta", COUNT_OF(2, 64)}, BANDIT, 0},
    [SCREEN_EPOCHS] = {{.name = "screen-epochs", COUNT_OF(1, 1000000)}, EVERY, 0},
    [PROMOTE] = {{.name = "promote", COUNT_OF(1, HPX_CELLS_MAX)}, EVERY, 0},
};

static hpx_status foreign(struct parse *p, const struct word *key, unsigned methods, const char *method)
{
    const char *owners[sizeof method_names / sizeof *method_names] = {NULL};
    size_t count = 0;
    for (size_t i = 0; method_names[i]; i++)
        if (methods >> i & 1)
            owners[count++] = method_names[i];
    return hpx_recipe_fail(p, key, "'%s' belongs to %s: expected none with %s", key->text,
                           hpx_recipe_list(p, owners), method);
}

static hpx_status unknown(struct parse *p, const struct word *key, const struct statement *search,
                          unsigned method)
{
    const char *taken[PARAMETERS + 1] = {NULL}, *all[PARAMETERS + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < PARAMETERS; i++) {
        all[i] = parameters[i].setting.name;
        if (parameters[i].methods & method)
            taken[count++] = all[i];
    }
    return hpx_recipe_unknown(p, key, search->keyword.text, taken, all);
}

static hpx_status read_start(struct parse *p, const struct binding *given, uint32_t *cell)
{
    const hpx_recipe *recipe = p->recipe;
    uint32_t indices[HPX_AXES_MAX];
    if (given->count != recipe->grid.axes) {
        const char *names[HPX_AXES_MAX + 1] = {NULL};
        for (size_t i = 0; i < recipe->grid.axes; i++)
            names[i] = recipe->axes[i].name;
        return hpx_recipe_fail(p, &given->values[0],
                               "'start' has %zu value%s: expected one per axis, in the order %s",
                               given->count, given->count == 1 ? "" : "s", hpx_recipe_list(p, names));
    }
    for (size_t i = 0; i < given->count; i++) {
        const struct word *at = &given->values[i];
        if (at->kind == WORD_REFERENCE)
            return hpx_recipe_fail(p, at, "'start' takes no axis: expected a value of axis '%s'",
                                   recipe->axes[i].name);
        if (hpx_recipe_axis_value(&indices[i], &recipe->axes[i], at->text))
            continue;
        hpx_buffer expected = {0};
        hpx_recipe_expected_values(&expected, &recipe->axes[i], at->text);
        hpx_recipe_fail(p, at, "axis '%s' has no value '%s': %s", recipe->axes[i].name,
                        hpx_recipe_show(p, at->text), hpx_buffer_text(&expected));
        hpx_buffer_free(&expected);
        return HPX_USAGE;
    }
    *cell = hpx_grid_cell(&recipe->grid, indices);
    return HPX_OK;
}

/* What one search is given, by parameter. */
typedef struct arguments {
    const struct binding *given[PARAMETERS];
    union value values[PARAMETERS];
    uint32_t start;
} arguments;

static hpx_status read_parameter(struct parse *p, const struct statement *search, arguments *out, size_t i)
{
    hpx_setting setting = parameters[i].setting;
    const char *axes[HPX_AXES_MAX + 1] = {NULL};
    for (size_t k = 0; k < p->recipe->grid.axes; k++)
        axes[k] = p->recipe->axes[k].name;
    if (i == FIRST)
        setting.words = axes;
    out->given[i] = hpx_recipe_binding(search, setting.name);
    if (!out->given[i])
        return HPX_OK;
    if (i == START)
        return read_start(p, out->given[i], &out->start);
    struct slot slot;
    hpx_status status = hpx_recipe_slot(p, &slot, &setting, out->given[i], 1, NULL);
    if (!status)
        out->values[i] = slot.operands[0].values[0];
    return status;
}

static unsigned index_of(const char *const *words, const char *word)
{
    unsigned i = 0;
    while (strcmp(words[i], word) != 0)
        i++;
    return i;
}

static hpx_status read_arguments(struct parse *p, const struct statement *search, arguments *out,
                                 unsigned *method)
{
    hpx_status status = read_parameter(p, search, out, METHOD);
    if (status)
        return status;
    if (!out->given[METHOD])
        return hpx_recipe_fail(p, &search->name, "search '%s' has no method: expected 'method = ' of %s",
                               search->name.text, hpx_recipe_list(p, method_names));
    const char *name = out->values[METHOD].text;
    *method = index_of(method_names, name);
    for (size_t i = 0; i < search->binding_count; i++) {
        const struct word *key = &search->bindings[i].key;
        size_t k = 0;
        while (k < PARAMETERS && strcmp(parameters[k].setting.name, key->text) != 0)
            k++;
        if (k == PARAMETERS)
            return unknown(p, key, search, 1u << *method);
        if (!(parameters[k].methods >> *method & 1))
            return foreign(p, key, parameters[k].methods, name);
    }
    for (size_t i = METHOD + 1; !status && i < PARAMETERS; i++) {
        status = read_parameter(p, search, out, i);
        if (!status && !out->given[i] && parameters[i].required >> *method & 1)
            status = hpx_recipe_fail(p, &search->name, "%s search '%s' has no '%s': expected %s", name,
                                     search->name.text, parameters[i].setting.name,
                                     hpx_recipe_expected(p, &parameters[i].setting));
    }
    return status;
}

static hpx_status check_screen(struct parse *p, const arguments *a)
{
    const struct binding *screen = a->given[SCREEN_EPOCHS], *promote = a->given[PROMOTE];
    if (!screen != !promote)
        return hpx_recipe_fail(p, screen ? &screen->key : &promote->key,
                               "'%s' without '%s': expected both or none",
                               screen ? "screen-epochs" : "promote", screen ? "promote" : "screen-epochs");
    if (screen && a->values[SCREEN_EPOCHS].count >= p->recipe->epochs)
        return hpx_recipe_fail(p, &screen->values[0],
                               "'screen-epochs' is not below 'epochs': expected less than %u",
                               p->recipe->epochs);
    return HPX_OK;
}

/* The language is ahead of this version: what it cannot run yet is checked all the same, and then refused. */
static hpx_status check_runs(struct parse *p, const arguments *a, unsigned method)
{
    if (method >= METHODS_RUN)
        return hpx_recipe_fail(
            p, &a->given[METHOD]->values[0],
            "this version of hpx runs grid, hill-climb, full-cross and partial-cross; '%s' comes later",
            method_names[method]);
    if (a->given[SCREEN_EPOCHS])
        return hpx_recipe_fail(p, &a->given[SCREEN_EPOCHS]->key,
                               "this version of hpx trains every cell that a search visits to its last "
                               "epoch; 'screen-epochs' comes later");
    return HPX_OK;
}

static hpx_status read_search(struct parse *p, hpx_recipe_search *out, const struct statement *search)
{
    arguments a = {{NULL}, {{0}}, 0};
    unsigned method = 0;
    hpx_status status = read_arguments(p, search, &a, &method);
    if (!status)
        status = check_screen(p, &a);
    if (!status)
        status = check_runs(p, &a, method);
    if (status)
        return status;
    uint32_t first = 0;
    while (a.given[FIRST] && strcmp(p->recipe->axes[first].name, a.values[FIRST].text) != 0)
        first++;
    *out = (hpx_recipe_search){
        .name = search->name.text,
        .method = method_names[method],
        .options =
            {
                .method = (hpx_method)method,
                .start = a.start,
                .neighbours = a.given[NEIGHBOURS] && strcmp(a.values[NEIGHBOURS].text, "4") == 0 ? 4 : 8,
                .first = first,
                .limit = (uint32_t)a.values[LIMIT].count,
                .outward = a.given[SCAN] && strcmp(a.values[SCAN].text, "outward") == 0,
            },
        .place = {search->name.line->source->path, search->name.line->number, search->name.column},
    };
    return HPX_OK;
}

hpx_status hpx_recipe_searches(struct parse *p)
{
    hpx_recipe *recipe = p->recipe;
    recipe->searches = hpx_arena_alloc(p->arena, p->search_count * sizeof *recipe->searches);
    for (size_t i = 0; i < p->search_count; i++) {
        hpx_status status = read_search(p, &recipe->searches[i], p->searches[i]);
        if (status)
            return status;
        recipe->search_count++;
    }
    return HPX_OK;
}
