/* The statement `search`: a table of what each method takes, and the options that the method gets. */
#include "inside.h"

#include <string.h>

/* In the order of hpx_method. */
static const char *const method_names[] = {"grid", "hill-climb", "full-cross", "partial-cross", NULL};

enum {
    HILL_CLIMB = 1 << HPX_METHOD_HILL_CLIMB,
    FULL_CROSS = 1 << HPX_METHOD_FULL_CROSS,
    PARTIAL_CROSS = 1 << HPX_METHOD_PARTIAL_CROSS,
    CROSS = FULL_CROSS | PARTIAL_CROSS,
    EVERY = 1 << HPX_METHOD_GRID | HILL_CLIMB | CROSS,
};

enum { METHOD, START, NEIGHBOURS, FIRST, SCAN, LIMIT, PARAMETERS };

static const char *const neighbour_words[] = {"diagonal", "axes",
                                              NULL};      /* in the order of hpx_neighbourhood */
static const char *const neighbour_counts[] = {"8", "4"}; /* the same on two axes */
static const char *const scan_words[] = {"low", "outward", NULL};

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
};

const char *const *hpx_recipe_search_keys(struct parse *p)
{
    const char **keys = hpx_arena_alloc(p->arena, (PARAMETERS + 1) * sizeof *keys);
    for (size_t i = 0; i < PARAMETERS; i++)
        keys[i] = parameters[i].setting.name;
    return keys;
}

static void foreign(struct parse *p, const struct word *key, unsigned methods, const char *method)
{
    const char *owners[sizeof method_names / sizeof *method_names] = {NULL};
    size_t count = 0;
    for (size_t i = 0; method_names[i]; i++)
        if (methods >> i & 1)
            owners[count++] = method_names[i];
    hpx_recipe_fail(p, key, "'%s' belongs to %s: expected none with %s", key->text,
                    hpx_recipe_list(p, owners), method);
}

/* `methods`: the search's, or all while it is not known. */
static void unknown(struct parse *p, const struct word *key, const struct statement *search, unsigned methods)
{
    const char *taken[PARAMETERS + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < PARAMETERS; i++)
        if (parameters[i].methods & methods)
            taken[count++] = parameters[i].setting.name;
    hpx_recipe_unknown(p, key, search->keyword.text, taken, hpx_recipe_search_keys(p));
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
    hpx_setting setting = parameters[i].setting;
    const char *axes[HPX_AXES_MAX + 1] = {NULL};
    for (size_t k = 0; k < p->recipe->grid.axes; k++)
        axes[k] = p->recipe->axes[k].name;
    if (i == FIRST)
        setting.words = axes;
    const struct binding *given = out->given[i] = hpx_recipe_binding(search, setting.name);
    if (!given)
        return;
    if (i == START) {
        read_start(p, given, &out->start);
    } else if (i != NEIGHBOURS || !is_neighbour_count(p, given, &out->values[i])) {
        struct slot slot;
        if (hpx_recipe_slot(p, &slot, &setting, given, 1, NULL) == HPX_OK)
            out->values[i] = slot.operands[0].values[0];
    }
}

static unsigned index_of(const char *const *words, const char *word)
{
    unsigned i = 0;
    while (strcmp(words[i], word) != 0)
        i++;
    return i;
}

/* The keys that the method takes. Where none is given they are those of all methods; where one is given that
 * does not exist, nobody knows what it would take. */
static void check_keys(struct parse *p, struct statement *search, const arguments *a)
{
    const char *method = a->values[METHOD].text;
    unsigned methods = method ? 1u << index_of(method_names, method) : EVERY;
    if (a->given[METHOD] && !method)
        return;
    for (size_t i = 0; i < search->binding_count; i++) {
        const struct word *key = &search->bindings[i].key;
        size_t k = 0;
        while (k < PARAMETERS && strcmp(parameters[k].setting.name, key->text) != 0)
            k++;
        if (k == PARAMETERS) {
            unknown(p, key, search, methods);
            search->bad = true;
        } else if (!(parameters[k].methods & methods)) {
            foreign(p, key, parameters[k].methods, method);
        }
    }
}

/* Says what the method needs and is not given, unless something else may have been meant to be it. */
static void check_required(struct parse *p, const struct statement *search, const arguments *a)
{
    const char *method = a->values[METHOD].text;
    if (search->bad)
        return;
    if (!a->given[METHOD])
        hpx_recipe_fail(p, &search->name, "search '%s' has no method: expected 'method = ' of %s",
                        search->name.text, hpx_recipe_list(p, method_names));
    for (size_t i = METHOD + 1; method && i < PARAMETERS; i++)
        if (!a->given[i] && parameters[i].required >> index_of(method_names, method) & 1)
            hpx_recipe_fail(p, &search->name, "%s search '%s' has no '%s': expected %s", method,
                            search->name.text, parameters[i].setting.name,
                            hpx_recipe_expected(p, &parameters[i].setting));
}

static void read_search(struct parse *p, hpx_recipe_search *out, struct statement *search)
{
    arguments a = {{NULL}, {{0}}, 0};
    for (size_t i = METHOD; i < PARAMETERS; i++)
        read_parameter(p, search, &a, i);
    check_keys(p, search, &a);
    check_required(p, search, &a);
    if (p->status)
        return;
    unsigned method = index_of(method_names, a.values[METHOD].text);
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
                .neighbours = a.given[NEIGHBOURS] && a.values[NEIGHBOURS].text == neighbour_words[HPX_AXES]
                                  ? HPX_AXES
                                  : HPX_DIAGONAL,
                .first = first,
                .limit = (uint32_t)a.values[LIMIT].count,
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
