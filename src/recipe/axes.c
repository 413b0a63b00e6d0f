/* Axes: a list of values, written out or generated, and whether their order means something. Generated
 * numbers are rounded to clean decimals, because they are part of a result's identity and of its tables: 0.3,
 * not 0.30000000000000004. */
#include "inside.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINEAR_DIGITS 15 /* significant digits of the largest value of a linear axis */
#define LOG_DIGITS    12 /* leaves out the last bits of pow(), which differ between C libraries */

typedef struct values {
    struct parse *p;
    const char *name; /* of the axis */
    const struct word *given;
    size_t given_count;
    hpx_axis_value *list;
    const struct word **words; /* where each was written */
    uint32_t count;
    bool logarithmic;
} values;

static hpx_status add(values *v, const struct word *from, const char *text, double number)
{
    if (v->count == AXIS_VALUES_MAX)
        return hpx_recipe_fail(v->p, from, "axis '%s' has too many values: expected at most %d", v->name,
                               AXIS_VALUES_MAX);
    v->list = hpx_recipe_room(v->p, v->list, v->count, sizeof *v->list);
    v->words = hpx_recipe_room(v->p, v->words, v->count, sizeof *v->words);
    v->words[v->count] = from;
    v->list[v->count++] = (hpx_axis_value){text, number};
    return HPX_OK;
}

static hpx_status add_number(values *v, const struct word *from, double number)
{
    char text[HPX_REAL_TEXT_BYTES];
    hpx_real_text(text, number);
    return add(v, from, hpx_arena_strndup(v->p->arena, text, strlen(text)), number);
}

/* The double nearest to `number` written with that many digits: significant ones for 'g', decimal places for
 * 'f'. */
static double rounded(double number, int digits, char style)
{
    char text[2 * 330 + LINEAR_DIGITS]; /* digits before and behind the point of any double */
    hpx_print(text, sizeof text, style == 'f' ? "%.*f" : "%.*g", digits, number);
    return hpx_strtod(text, NULL);
}

typedef struct range {
    double low, high;
    const struct word *at;
} range;

static hpx_status read_range(values *v, range *out)
{
    const char *form = v->given[0].text;
    const struct word *at = &v->given[1];
    const char *low = NULL, *high;
    if (v->given_count < 2)
        return hpx_recipe_fail(
            v->p, &v->given[0],
            "'%s' has no range: expected '%s A..B'; quote the word if it is meant as a value", form, form);
    if (!hpx_recipe_range(v->p, at, &low, &high) && !hpx_parse_real(&out->low, at->text))
        return hpx_recipe_fail(v->p, at,
                               "'%s' is no range: expected '%s A..B'; quote '%s' if it is meant as a value",
                               hpx_recipe_show(v->p, at->text), form, form);
    if (!low || !hpx_parse_real(&out->low, low) || !hpx_parse_real(&out->high, high))
        return hpx_recipe_fail(v->p, at, "'%s' is no range: expected two numbers as A..B",
                               hpx_recipe_show(v->p, at->text));
    if (out->low > out->high)
        return hpx_recipe_fail(v->p, at, "the range '%s' runs down: expected the smaller number first",
                               hpx_recipe_show(v->p, at->text));
    out->at = at;
    return HPX_OK;
}

/* The number that is to stand behind `keyword`, as far as what stands there shows it: "step" for "points 5", or a number
 * alone. */
static const char *meant_number(values *v, const char *keyword, const range *r)
{
    double points;
    if (v->given_count == 3 && hpx_parse_real(&points, v->given[2].text))
        return v->given[2].text;
    if (v->given_count != 4 || !hpx_parse_real(&points, v->given[3].text))
        return "N";
    if (strcmp(keyword, "step") != 0 || strcmp(v->given[2].text, "points") != 0 || points < 2)
        return v->given[3].text;
    char text[32];
    hpx_print(text, sizeof text, "%.6g", (r->high - r->low) / (points - 1));
    return hpx_arena_strndup(v->p->arena, text, strlen(text));
}

/* What follows the range: `keyword NUMBER` ("" for nothing). */
static hpx_status read_option(values *v, const char *keyword, const range *r, double *out)
{
    size_t expected = *keyword ? 4 : 2;
    if (v->given_count > expected)
        return hpx_recipe_fail(v->p, &v->given[expected],
                               "unexpected '%s' behind the range: expected the line's end",
                               hpx_recipe_show(v->p, v->given[expected].text));
    if (!*keyword)
        return HPX_OK;
    if (v->given_count < 3 || strcmp(v->given[2].text, keyword) != 0)
        return hpx_recipe_fail(v->p, &v->given[v->given_count < 3 ? 1 : 2],
                               "'%s' needs '%s': expected '%s %s %s %s'", v->given[0].text, keyword,
                               v->given[0].text, hpx_recipe_show(v->p, r->at->text), keyword,
                               hpx_recipe_show(v->p, meant_number(v, keyword, r)));
    if (v->given_count < 4 || !hpx_parse_real(out, v->given[3].text))
        return hpx_recipe_fail(v->p, &v->given[v->given_count - 1],
                               "'%s' needs a number: expected '%s A..B %s N'", keyword, v->given[0].text,
                               keyword);
    return HPX_OK;
}

static bool power_of_two(int *exponent, double number)
{
    bool power = number > 0 && frexp(number, exponent) == 0.5;
    --*exponent; /* frexp's mantissa is in [1/2, 1) */
    return power;
}

static double two_to(int exponent)
{
    return ldexp(1, exponent);
}

static double ten_to(int exponent)
{
    char text[16];
    snprintf(text, sizeof text, "1e%d", exponent);
    return hpx_strtod(text, NULL); /* correctly rounded, unlike pow() */
}

static bool power_of_ten(int *exponent, double number)
{
    *exponent = number > 0 ? (int)lround(log10(number)) : 0;
    return number > 0 && ten_to(*exponent) == number;
}

static hpx_status make_powers(values *v, bool (*power)(int *, double), double (*raise)(int), const char *base)
{
    range r;
    hpx_status status = read_range(v, &r);
    if (!status)
        status = read_option(v, "", &r, NULL);
    int low = 0, high = 0;
    if (!status && (!power(&low, r.low) || !power(&high, r.high)))
        status = hpx_recipe_fail(v->p, r.at,
                                 "'%s' does not run between powers of %s: expected both ends to be one",
                                 hpx_recipe_show(v->p, r.at->text), base);
    v->logarithmic = true;
    for (int e = low; !status && e <= high; e++)
        status = add_number(v, r.at, raise(e));
    return status;
}

static hpx_status make_log2(values *v)
{
    return make_powers(v, power_of_two, two_to, "two");
}

static hpx_status make_log10(values *v)
{
    return make_powers(v, power_of_ten, ten_to, "ten");
}

static hpx_status make_linear(values *v)
{
    range r;
    double step;
    hpx_status status = read_range(v, &r);
    if (!status)
        status = read_option(v, "step", &r, &step);
    if (status)
        return status;
    if (step <= 0)
        return hpx_recipe_fail(v->p, &v->given[3], "step '%s': expected a number above 0",
                               hpx_recipe_show(v->p, v->given[3].text));
    double steps = (r.high - r.low) / step, last = floor(steps + 1e-9);
    if (!(last < AXIS_VALUES_MAX))
        return hpx_recipe_fail(v->p, r.at, "axis '%s' has too many values: expected at most %d", v->name,
                               AXIS_VALUES_MAX);
    double largest = fmax(fabs(r.low), fabs(r.high));
    int places = LINEAR_DIGITS - 1 - (largest > 0 ? (int)floor(log10(largest)) : 0);
    for (uint32_t i = 0; !status && i <= (uint32_t)last; i++) {
        bool is_end = i == (uint32_t)last && fabs(steps - last) <= 1e-9;
        double number = is_end ? r.high : rounded(r.low + i * step, places > 0 ? places : 0, 'f');
        status = add_number(v, r.at, i == 0 ? r.low : number == 0 ? 0 : number);
    }
    return status;
}

static hpx_status make_log(values *v)
{
    range r;
    double points;
    hpx_status status = read_range(v, &r);
    if (!status)
        status = read_option(v, "points", &r, &points);
    if (status)
        return status;
    if (r.low <= 0 || r.low == r.high)
        return hpx_recipe_fail(v->p, r.at, "'%s' cannot be spaced geometrically: expected 0 < A < B",
                               hpx_recipe_show(v->p, r.at->text));
    if (!(points >= 2 && points <= AXIS_VALUES_MAX) || points != floor(points))
        return hpx_recipe_fail(v->p, &v->given[3], "points '%s': expected a whole number from 2 to %d",
                               hpx_recipe_show(v->p, v->given[3].text), AXIS_VALUES_MAX);
    v->logarithmic = true;
    uint32_t last = (uint32_t)points - 1;
    double low = log(r.low), high = log(r.high);
    for (uint32_t i = 0; !status && i <= last; i++) {
        double number = rounded(exp(low + (high - low) * i / last), LOG_DIGITS, 'g');
        status = add_number(v, r.at, i == 0 ? r.low : i == last ? r.high : number);
    }
    return status;
}

static hpx_status add_integers(values *v, const struct word *from, const char *low, const char *high)
{
    uint64_t a, b;
    if (!hpx_parse_u64(&a, low) || !hpx_parse_u64(&b, high) || b > 1ull << 53)
        return hpx_recipe_fail(v->p, from,
                               "'%s' is no range of whole numbers: expected two as A..B; 'linear', 'log', "
                               "'log2' and 'log10' in front of a range make other steps",
                               hpx_recipe_show(v->p, from->text));
    if (a > b)
        return hpx_recipe_fail(v->p, from, "the range '%s' runs down: expected the smaller number first",
                               hpx_recipe_show(v->p, from->text));
    hpx_status status = HPX_OK;
    for (uint64_t i = a; !status && i <= b; i++)
        status = add_number(v, from, (double)i);
    return status;
}

static hpx_status add_plain(values *v, const struct word *w)
{
    const char *low, *high;
    double number, end;
    if (w->kind == WORD_REFERENCE)
        return hpx_recipe_fail(v->p, w, "'$%s' cannot stand here: the values of an axis depend on no other",
                               hpx_recipe_show(v->p, w->text));
    if (!*w->text)
        return hpx_recipe_fail(v->p, w, "an empty word cannot be the value of an axis");
    if (hpx_recipe_range(v->p, w, &low, &high) && (hpx_parse_real(&end, low) || hpx_parse_real(&end, high)))
        return add_integers(v, w, low, high);
    if (w->kind == WORD_PLAIN && hpx_parse_real(&number, w->text))
        return add_number(v, w, number);
    return add(v, w, w->text, NAN);
}

static hpx_status make_plain(values *v)
{
    hpx_status status = hpx_recipe_notation(v->p, v->name, v->given, v->given_count);
    if (status)
        return status;
    for (size_t i = 0; i < v->given_count; i++)
        if (add_plain(v, &v->given[i]))
            status = HPX_USAGE;
    return status;
}

static const struct form {
    const char *name;
    hpx_status (*make)(values *v);
} forms[] = {{"log2", make_log2}, {"log10", make_log10}, {"linear", make_linear}, {"log", make_log}};

static const char *const form_words[] = {"log2", "log10", "linear", "log", "ordered", "unordered", NULL};
static const char *const order_words[] = {"ordered", "unordered", NULL};

/* "linspace(0, 1, 5)". */
static const char *called_form(values *v, const char *text)
{
    const char *bracket = strchr(text, '(');
    if (!bracket || !strchr("+-.0123456789", bracket[1]))
        return NULL;
    return hpx_recipe_meant(v->p, hpx_arena_strndup(v->p->arena, text, (size_t)(bracket - text)), form_words);
}

/* The form that the first word of an axis is a misspelling of, or another language's word for, if numbers behind it show that it
 * is to be one. */
static const char *meant_form(values *v)
{
    const struct word *first = &v->given[0];
    const char *low_text, *high_text, *meant;
    double low, high;
    if (first->kind != WORD_PLAIN || hpx_recipe_are_numbers(first, 1))
        return NULL;
    if ((meant = called_form(v, first->text)) || v->given_count < 2)
        return meant;
    meant = hpx_recipe_meant(v->p, first->text, form_words);
    if (meant && hpx_recipe_are_numbers(first + 1, v->given_count - 1))
        return meant;
    if (!hpx_recipe_range(v->p, &v->given[1], &low_text, &high_text))
        return strlen(first->text) > 5 ? hpx_nearest_word(first->text, order_words) : NULL;
    const char *form = hpx_recipe_nearest(v->p, first->text, form_words);
    int exponent = 0;
    if (form && strcmp(form, "log") == 0 && v->given_count == 2 && hpx_parse_real(&low, low_text) &&
        hpx_parse_real(&high, high_text)) {
        if (power_of_two(&exponent, low) && power_of_two(&exponent, high))
            return "log2";
        if (power_of_ten(&exponent, low) && power_of_ten(&exponent, high))
            return "log10";
    }
    return form;
}

/* "16..64 step 16": a form without its name. */
static const char *nameless_form(values *v)
{
    const char *low, *high;
    if (v->given_count < 3 || v->given[1].kind != WORD_PLAIN ||
        !hpx_recipe_range(v->p, v->given, &low, &high))
        return NULL;
    return strcmp(v->given[1].text, "step") == 0     ? "linear"
           : strcmp(v->given[1].text, "points") == 0 ? "log"
                                                     : NULL;
}

static hpx_status make_values(values *v)
{
    const struct word *first = &v->given[0];
    const char *nameless = nameless_form(v);
    if (nameless)
        return hpx_recipe_fail(v->p, first, "'%s' behind a range of whole numbers: expected '%s A..B %s N'",
                               v->given[1].text, nameless, v->given[1].text);
    for (size_t i = 0; first->kind == WORD_PLAIN && i < sizeof forms / sizeof *forms; i++)
        if (strcmp(first->text, forms[i].name) == 0)
            return forms[i].make(v);
    const char *meant = meant_form(v);
    if (meant)
        return hpx_recipe_fail(v->p, first, "unknown form '%s' of an axis: expected %s; did you mean '%s'?",
                               hpx_recipe_show(v->p, first->text), hpx_recipe_list(v->p, form_words), meant);
    return make_plain(v);
}

typedef struct entry {
    const char *text;
    uint32_t index;
} entry;

static int by_text(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static hpx_status check_distinct(const values *v)
{
    entry *sorted = hpx_alloc(v->count * sizeof *sorted);
    for (uint32_t i = 0; i < v->count; i++)
        sorted[i] = (entry){v->list[i].text, i};
    qsort(sorted, v->count, sizeof *sorted, by_text);
    uint32_t second = v->count; /* the first value in the list that an earlier one equals */
    for (uint32_t i = 1; i < v->count; i++)
        if (strcmp(sorted[i - 1].text, sorted[i].text) == 0 && sorted[i].index < second)
            second = sorted[i].index;
    free(sorted);
    if (second == v->count)
        return HPX_OK;
    return hpx_recipe_fail(v->p, v->words[second],
                           "axis '%s' has the value %s twice: expected every value once", v->name,
                           hpx_recipe_show(v->p, v->list[second].text));
}

/* Takes the word in front of the values that says whether they have an order. */
static hpx_status take_order(values *v, int *ordered)
{
    const struct word *first = &v->given[0];
    bool yes = first->kind == WORD_PLAIN && strcmp(first->text, "ordered") == 0;
    bool no = first->kind == WORD_PLAIN && strcmp(first->text, "unordered") == 0;
    if (!yes && !no)
        return HPX_OK;
    *ordered = yes;
    v->given++;
    if (--v->given_count == 0)
        return hpx_recipe_fail(
            v->p, first,
            "'%s' has no values: expected them behind it; quote the word if it is meant as a value",
            first->text);
    return HPX_OK;
}

static bool has_word(const values *v)
{
    for (uint32_t i = 0; i < v->count; i++)
        if (isnan(v->list[i].number))
            return true;
    return false;
}

/* An axis with a mistake has no values. */
static void make_axis(struct parse *p, size_t i)
{
    const struct statement *axis = p->axes[i];
    values v = {.p = p, .name = axis->name.text, .given = axis->values, .given_count = axis->count};
    int ordered = -1;
    bool bad = axis->bad || take_order(&v, &ordered) || make_values(&v) || check_distinct(&v);
    p->recipe->inside->axis_words[i] = v.words;
    p->recipe->axes[i] = (hpx_axis){
        .name = axis->name.text,
        .values = v.list,
        .count = bad ? 0 : v.count,
        .ordered = ordered < 0 ? !has_word(&v) : ordered,
        .logarithmic = v.logarithmic,
        .place = hpx_recipe_place(&axis->name),
    };
}

/* What a search knows of an axis. One of words has no numbers. */
static void set_grid_axis(struct parse *p, size_t i)
{
    hpx_grid *grid = &p->recipe->grid;
    const hpx_axis *axis = &p->recipe->axes[i];
    grid->counts[i] = axis->count ? axis->count : 1;
    grid->unordered |= (uint32_t)!axis->ordered << i;
    grid->logarithmic |= (uint32_t)axis->logarithmic << i;
    double *numbers = hpx_arena_alloc(p->arena, grid->counts[i] * sizeof *numbers);
    bool words = axis->count == 0;
    for (uint32_t k = 0; k < axis->count; k++) {
        numbers[k] = axis->values[k].number;
        words |= isnan(numbers[k]);
    }
    grid->values[i] = words ? NULL : numbers;
}

/* So that the rest knows one shape only. */
static void make_single_cell(struct parse *p)
{
    hpx_axis *axis = hpx_arena_alloc(p->arena, sizeof *axis);
    axis->values = hpx_arena_alloc(p->arena, sizeof *axis->values);
    axis->values[0] = (hpx_axis_value){"1", 1};
    axis->name = "cell";
    axis->count = 1;
    axis->ordered = true;
    axis->place.file = p->file->path;
    p->recipe->axes = axis;
    p->recipe->grid = (hpx_grid){.axes = 1, .counts = {1}};
}

void hpx_recipe_axes(struct parse *p)
{
    if (p->axis_count == 0) {
        make_single_cell(p);
        return;
    }
    hpx_recipe *recipe = p->recipe;
    recipe->axes = hpx_arena_alloc(p->arena, p->axis_count * sizeof(hpx_axis));
    recipe->grid.axes = p->axis_count;
    uint64_t cells = 1;
    for (size_t i = 0; i < p->axis_count; i++) {
        make_axis(p, i);
        const hpx_axis *axis = &recipe->axes[i];
        uint32_t count = axis->count ? axis->count : 1;
        bool fits = cells <= HPX_CELLS_MAX;
        cells *= fits ? count : 1;
        if (fits && cells > HPX_CELLS_MAX)
            hpx_recipe_fail(p, &p->axes[i]->name,
                            "axis '%s' makes the grid too large: expected at most %u cells", axis->name,
                            HPX_CELLS_MAX);
        set_grid_axis(p, i);
    }
}

/* Whether a binding has the axis among its words; `plain`: also without '$'. */
static bool is_named(const struct statement *statement, const char *axis, bool plain)
{
    for (size_t i = 0; statement && i < statement->binding_count; i++) {
        const struct binding *binding = &statement->bindings[i];
        for (size_t k = 0; k < binding->count; k++)
            if ((plain || binding->values[k].kind == WORD_REFERENCE) &&
                strcmp(binding->values[k].text, axis) == 0)
                return true;
    }
    return false;
}

/* A forgotten '$' was told of where it is missing. */
void hpx_recipe_axes_used(struct parse *p)
{
    bool plain = p->mistake_count > 0;
    if (p->program) /* which is told all axes, wherever they stand */
        return;
    for (size_t i = 0; i < p->axis_count && !p->lost; i++) {
        const char *name = p->axes[i]->name.text;
        if (!is_named(p->dataset, name, plain) && !is_named(p->model, name, plain) &&
            !is_named(p->train, name, plain))
            hpx_recipe_fail(p, &p->axes[i]->name,
                            "axis '%s' is used nowhere, so all its values would be one trial: "
                            "expected '$%s' in a binding of dataset, model or train",
                            name, name);
    }
}

bool hpx_recipe_axis_value(uint32_t *out, const hpx_axis *axis, const char *text)
{
    char canonical[HPX_REAL_TEXT_BYTES];
    double number;
    const char *same = hpx_parse_real(&number, text) ? hpx_real_text(canonical, number) : text;
    for (uint32_t i = 0; i < axis->count; i++) {
        if (strcmp(axis->values[i].text, text) == 0 || strcmp(axis->values[i].text, same) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}
