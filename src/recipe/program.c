/* The statement `program`: where its metrics are, how it is run, and what a cell of it is. */
#include "inside.h"

#include "base/text.h"
#include "program/words.h"

#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define WORD_OF(list) .type = HPX_SETTING_WORD, .words = (list)
#define THREADS_MAX   4096
#define GPUS_MAX      64
#define TIMEOUT_MAX   1e9 /* seconds */

/* In the order of their types. */
static const char *const metrics_words[] = {"file", "stdout", NULL};
static const char *const continue_words[] = {"no", "resume", "yes", NULL};
static const char *const repeat_words[] = {"exact", "within", "no", NULL};
static const char *const place_words[] = {"copy", "worktree", NULL};

const char *const *hpx_recipe_program_words(const char *key)
{
    static const struct {
        const char *key;
        const char *const *words;
    } choices[] = {{"metrics", metrics_words},
                   {"continue", continue_words},
                   {"repeat", repeat_words},
                   {"run-in", place_words}};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(choices[i].key, key) == 0)
            return choices[i].words;
    return NULL;
}

/* --- metrics ---------------------------------------------------------------------------------------------- */

/* \d, \t and the like of other languages; glibc knows \w, \s, \b and their opposites. NULL: there is none. */
static const char *foreign_escape(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == '\\' && c[1]) {
            const bool letter = (c[1] >= 'a' && c[1] <= 'z') || (c[1] >= 'A' && c[1] <= 'Z');
            if (letter && !strchr("wWsSbB", c[1]))
                return c;
            c++;
        }
    return NULL;
}

static void check_expression(struct parse *p, const struct word *at, const char *text)
{
    const char *escape = foreign_escape(text);
    if (escape) {
        hpx_recipe_fail(p, at, "'%.2s' means nothing in a POSIX extended regular expression%s", escape,
                        escape[1] == 'd' ? ": expected [0-9]" : "");
        return;
    }
    regex_t expression;
    const int code = regcomp(&expression, text, REG_EXTENDED);
    char why[128];
    if (code) {
        regerror(code, &expression, why, sizeof why);
        hpx_recipe_fail(p, at, "no POSIX extended regular expression: %s", why);
        return;
    }
    if (expression.re_nsub == 0)
        hpx_recipe_fail(p, at,
                        "the expression has no group: expected the number in parentheses, such as "
                        "\"accuracy: ([0-9.]+)\"");
    regfree(&expression);
}

static void read_matches(struct parse *p, hpx_program *program)
{
    const struct binding *given = hpx_recipe_binding(p->program, "match");
    hpx_program_words words = {0};
    if (!given || hpx_recipe_literals(p, "match", &words))
        return;
    if (words.count % 2 != 0) {
        hpx_recipe_fail(p, &given->values[words.count - 1],
                        "'match' has an odd number of words: expected pairs of NAME REGEX");
        return;
    }
    program->match_count = words.count / 2;
    program->matches = hpx_arena_alloc(p->arena, (program->match_count + 1) * sizeof *program->matches);
    for (size_t i = 0; i < program->match_count; i++) {
        program->matches[i] = (hpx_program_pair){words.words[2 * i], words.words[2 * i + 1]};
        if (!hpx_metric_is_name(words.words[2 * i]))
            hpx_recipe_fail(p, &given->values[2 * i],
                            "'%s' cannot name a metric: expected printable characters without blank, comma "
                            "or quote",
                            hpx_recipe_show(p, words.words[2 * i]));
        check_expression(p, &given->values[2 * i + 1], words.words[2 * i + 1]);
    }
    if (program->metrics != HPX_METRICS_STDOUT)
        hpx_recipe_fail(p, &given->key,
                        "'match' belongs to metrics stdout: expected 'metrics = stdout', or no 'match'");
}

static void read_volatiles(struct parse *p, hpx_program *program)
{
    const struct binding *given = hpx_recipe_binding(p->program, "volatile");
    hpx_recipe_literals(p, "volatile", &program->volatiles);
    for (size_t i = 0; i < program->volatiles.count; i++)
        if (!hpx_metric_is_name(program->volatiles.words[i]))
            hpx_recipe_fail(p, &given->values[i],
                            "'%s' is like no metric: expected a name, in which * and ? stand for any",
                            hpx_recipe_show(p, program->volatiles.words[i]));
}

/* --- how it is run ---------------------------------------------------------------------------------------- */

/* The binding with its words as the other statements have them; NULL: there is none, or a mistake in it. */
static const struct binding *plain_binding(struct parse *p, const char *key)
{
    const struct binding *given = hpx_recipe_binding(p->program, key);
    hpx_program_words words = {0};
    if (!given || hpx_recipe_literals(p, key, &words))
        return NULL;
    struct binding *plain = hpx_arena_alloc(p->arena, sizeof *plain);
    *plain = *given;
    plain->values = hpx_arena_alloc(p->arena, given->count * sizeof *plain->values);
    for (size_t i = 0; i < given->count; i++) {
        plain->values[i] = given->values[i];
        plain->values[i].text = words.words[i];
        plain->values[i].kind = WORD_QUOTED;
    }
    return plain;
}

static uint32_t read_count(struct parse *p, const char *key, uint32_t least, uint32_t most)
{
    const struct binding *given = plain_binding(p, key);
    const hpx_setting setting = {.name = key, .type = HPX_SETTING_COUNT, .min = least, .max = most};
    struct slot slot;
    if (!given || hpx_recipe_slot(p, &slot, &setting, given, 1, NULL))
        return least;
    return (uint32_t)slot.operands[0].values[0].count;
}

/* Which of the words it is; the first where none is given. */
static int read_choice(struct parse *p, const char *key, const char *const *words)
{
    const struct binding *given = plain_binding(p, key);
    const hpx_setting setting = {.name = key, WORD_OF(words)};
    struct slot slot;
    int choice = 0;
    if (given && hpx_recipe_slot(p, &slot, &setting, given, 1, NULL) == HPX_OK)
        while (words[choice] != slot.operands[0].values[0].text)
            choice++;
    return choice;
}

/* exact, within X, no. */
static void read_repeat(struct parse *p, hpx_program *program)
{
    const struct binding *given = plain_binding(p, "repeat");
    const hpx_setting setting = {.name = "repeat", WORD_OF(repeat_words)};
    struct slot slot;
    if (given && hpx_parse_real(&program->within, given->values[0].text)) {
        hpx_recipe_fail(p, &given->values[0], "'repeat' is a number: expected 'repeat = within %s'",
                        given->values[0].text);
        return;
    }
    if (!given || strcmp(given->values[0].text, "within") != 0) {
        program->repeat = (hpx_program_repeat)read_choice(p, "repeat", repeat_words);
        return;
    }
    struct binding word = *given;
    word.count = 1;
    program->repeat = HPX_REPEAT_WITHIN;
    if (hpx_recipe_slot(p, &slot, &setting, &word, 1, NULL))
        return;
    const struct word *last = &given->values[given->count - 1];
    if (given->count != 2 || !hpx_parse_real(&program->within, last->text) || program->within < 0)
        hpx_recipe_fail(
            p, last,
            "'within' needs how far apart metrics may be: expected 'repeat = within X', X a number "
            "from 0");
}

typedef struct unit {
    const char *name;
    double size;
} unit;

static const unit durations[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
static const unit sizes[] = {{"K", 0x1p10},   {"M", 0x1p20},   {"G", 0x1p30},   {"T", 0x1p40},
                             {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
                             {"kB", 1e3},     {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12}};
#define UNITS(list) (list), sizeof(list) / sizeof *(list)

/* A number above 0 with its unit behind it, or several of these: 1h30m. 0 where it is none. */
static double read_units(struct parse *p, const char *text, const unit *units, size_t count)
{
    double sum = 0;
    while (*text) {
        const size_t digits = strspn(text, "0123456789."), letters = strcspn(text + digits, "0123456789.");
        const char *number = hpx_arena_strndup(p->arena, text, digits);
        const char *name = hpx_arena_strndup(p->arena, text + digits, letters);
        double value;
        size_t at = 0;
        while (at < count && strcmp(units[at].name, name) != 0)
            at++;
        if (at == count || !hpx_parse_real(&value, number))
            return 0;
        sum += value * units[at].size;
        text += digits + letters;
    }
    return sum;
}

/* 0 where none is given. */
static double read_amount(struct parse *p, const char *key, const unit *units, size_t count, double most,
                          const char *expected)
{
    const struct binding *given = plain_binding(p, key);
    if (!given)
        return 0;
    const double amount = given->count == 1 ? read_units(p, given->values[0].text, units, count) : 0;
    if (amount > 0 && amount <= most)
        return amount;
    hpx_recipe_fail(p, &given->values[given->count - 1], "'%s' cannot be '%s': expected %s", key,
                    hpx_recipe_show(p, given->values[given->count - 1].text), expected);
    return 0;
}

static void read_running(struct parse *p, hpx_program *program)
{
    program->metrics = (hpx_program_metrics)read_choice(p, "metrics", metrics_words);
    program->continues = (hpx_program_continue)read_choice(p, "continue", continue_words);
    program->run_in = (hpx_program_place)read_choice(p, "run-in", place_words);
    program->threads = read_count(p, "threads", 1, THREADS_MAX);
    program->gpus = read_count(p, "gpus", 0, GPUS_MAX);
    program->timeout =
        read_amount(p, "timeout", UNITS(durations), TIMEOUT_MAX, "a time such as 90s, 30m or 2h");
    program->memory =
        (uint64_t)read_amount(p, "memory", UNITS(sizes), 0x1p62, "a size such as 512MiB or 16GiB");
    read_repeat(p, program);
    if (program->continues != HPX_CONTINUE_NO && program->repeat == HPX_REPEAT_NO)
        hpx_recipe_fail(
            p, &hpx_recipe_binding(p->program, "continue")->values[0],
            "'continue = %s' beside 'repeat = no': what no run repeats cannot be proved to go on as it "
            "would have; expected 'continue = no', 'repeat = exact' or 'repeat = within X'",
            continue_words[program->continues]);
}

/* --- the statement ---------------------------------------------------------------------------------------- */

/* The name of a setting that models have in `train`. */
static bool is_model_setting(const char *name)
{
    for (const char *const *model = hpx_trainer_names(); *model; model++) {
        const hpx_trainer *trainer = hpx_trainer_find(*model);
        for (size_t i = 0; i < trainer->setting_count; i++)
            if (strcmp(trainer->settings[i].section, "train") == 0 &&
                strcmp(trainer->settings[i].name, name) == 0)
                return true;
    }
    return false;
}

static void check_train(struct parse *p)
{
    for (size_t i = 0; p->train && i < p->train->binding_count; i++) {
        const struct word *key = &p->train->bindings[i].key;
        if (!is_model_setting(key->text))
            continue;
        p->train->bad = true;
        hpx_recipe_fail(p, key,
                        "'%s' is a setting of models: a program is told its settings by its command, such as "
                        "'--%s $%s' with an axis '%s'",
                        key->text, key->text, key->text, key->text);
    }
    hpx_recipe_check_keys(p, p->train, SECTION_TRAIN);
}

static void check_axes(struct parse *p)
{
    for (size_t i = 0; i < p->axis_count; i++)
        if (hpx_recipe_is_of_trial(p->recipe->axes[i].name))
            hpx_recipe_fail(p, &p->axes[i]->name,
                            "an axis of a program cannot be called '%s': '$%s' is what hpx tells the program",
                            p->recipe->axes[i].name, p->recipe->axes[i].name);
}

void hpx_recipe_program(struct parse *p)
{
    static const char *const path_keys[] = {"code", "data", "fill"};
    struct hpx_recipe_inside *inside = p->recipe->inside;
    hpx_program *program = &inside->program;
    hpx_program_words *paths[] = {&program->code, &program->data, &program->fill};
    if (!p->program)
        return;
    p->recipe->program = program;
    program->place = hpx_recipe_place(&p->program->keyword);
    program->folder = hpx_recipe_folder(p, p->program->first);
    inside->axes_in[SECTION_MODEL] = (1u << p->axis_count) - 1;
    hpx_recipe_check_keys(p, p->program, SECTION_PROGRAM);
    check_train(p);
    check_axes(p);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        hpx_recipe_literals(p, path_keys[i], paths[i]);
    read_running(p, program);
    hpx_recipe_command(p);
    read_matches(p, program);
    read_volatiles(p, program);
}

/* --- a cell of it ----------------------------------------------------------------------------------------- */

struct place {
    const hpx_recipe *recipe;
    uint32_t indices[HPX_AXES_MAX];
};

/* The text of an axis's value in a cell; what a trial has besides is not known. */
static const char *value_of(void *context, const char *name)
{
    const struct place *cell = context;
    for (size_t i = 0; i < cell->recipe->grid.axes; i++)
        if (strcmp(cell->recipe->axes[i].name, name) == 0 && cell->recipe->axes[i].place.line > 0)
            return cell->recipe->axes[i].values[cell->indices[i]].text;
    return NULL;
}

typedef hpx_status make_fn(hpx_buffer *out, const char *template, hpx_lookup_fn *lookup, void *context,
                           hpx_error *error);

/* The words of templates in a cell. */
static void add_words(hpx_buffer *out, const hpx_program_words *templates, struct place *cell, make_fn *make)
{
    for (size_t i = 0; i < templates->count; i++) {
        hpx_error none; /* all templates have been made here */
        hpx_buffer word = {0};
        make(&word, templates->words[i], value_of, cell, &none);
        hpx_words_add(out, hpx_buffer_text(&word));
        hpx_buffer_free(&word);
    }
}

static void set_words(hpx_fields *out, const char *name, const hpx_program_words *words)
{
    hpx_buffer text = {0};
    for (size_t i = 0; i < words->count; i++)
        hpx_words_add(&text, words->words[i]);
    if (words->count > 0)
        hpx_fields_set_text(out, name, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static void set_axes(hpx_fields *out, const struct place *cell)
{
    char name[HPX_FIELD_NAME_MAX + 1];
    for (size_t i = 0; i < cell->recipe->grid.axes; i++) {
        const hpx_axis *axis = &cell->recipe->axes[i];
        const hpx_axis_value *value = &axis->values[cell->indices[i]];
        hpx_print(name, sizeof name, "axis.%s", axis->name);
        if (axis->place.line == 0)
            continue; /* the recipe has none */
        if (isnan(value->number))
            hpx_fields_set_text(out, name, value->text);
        else
            hpx_fields_set_real(out, name, value->number);
    }
}

void hpx_recipe_program_fields(hpx_fields *out, const hpx_recipe *recipe, uint32_t cell)
{
    const hpx_program *program = recipe->program;
    struct place place = {.recipe = recipe};
    char name[HPX_FIELD_NAME_MAX + 1];
    hpx_buffer text = {0};
    hpx_grid_indices(place.indices, &recipe->grid, cell);
    hpx_fields_set_text(out, "model.kind", recipe->trainer->name);
    hpx_fields_set_count(out, "program.threads", program->threads);
    add_words(&text, &program->command, &place, hpx_template_bind);
    hpx_fields_set_text(out, "program.command", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    set_axes(out, &place);
    for (size_t i = 0; i < program->env_count; i++) {
        hpx_error none;
        hpx_template_bind(&text, program->env[i].text, value_of, &place, &none);
        hpx_print(name, sizeof name, "env.%s", program->env[i].name);
        hpx_fields_set_text(out, name, hpx_buffer_text(&text));
        hpx_buffer_free(&text);
    }
    set_words(out, "program.fill", &program->fill);
    for (size_t i = 0; i < program->match_count; i++) {
        hpx_words_add(&text, program->matches[i].name);
        hpx_words_add(&text, program->matches[i].text);
    }
    if (program->match_count > 0)
        hpx_fields_set_text(out, "program.match", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    if (program->metrics == HPX_METRICS_STDOUT)
        hpx_fields_set_text(out, "program.metrics", metrics_words[program->metrics]);
}

void hpx_recipe_version_command(hpx_buffer *out, const hpx_recipe *recipe, uint32_t cell, size_t index)
{
    struct place place = {.recipe = recipe};
    hpx_grid_indices(place.indices, &recipe->grid, cell);
    add_words(out, &recipe->inside->versions[index], &place, hpx_template_fill);
}

void hpx_recipe_conditions(hpx_fields *out, const hpx_recipe *recipe)
{
    const hpx_program *program = recipe->program;
    hpx_fields_set_text(out, "run.continue", continue_words[program->continues]);
    hpx_fields_set_text(out, "run.repeat", repeat_words[program->repeat]);
    hpx_fields_set_real(out, "run.within", program->within);
    set_words(out, "run.pass", &program->pass);
    set_words(out, "run.volatile", &program->volatiles);
    hpx_fields_set_text(out, "run.in", place_words[program->run_in]);
    if (program->timeout > 0)
        hpx_fields_set_real(out, "run.timeout", program->timeout);
    if (program->memory > 0)
        hpx_fields_set_count(out, "run.memory", program->memory);
    hpx_fields_set_count(out, "run.gpus", program->gpus);
    hpx_fields_set_text(out, "run.objective", recipe->objective.name);
}
