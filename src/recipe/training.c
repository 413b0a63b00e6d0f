/* What a recipe says of training that is not part of a cell: epochs, seeds, objective, keep. */
#include "inside.h"

#include "base/text.h"

#include <string.h>

static const char *const keep_words[] = {"newest", "all", "none", "best",
                                         NULL}; /* in the order of hpx_keep */

enum { EPOCHS, SEEDS, KEEP };
const hpx_setting hpx_recipe_training_settings[HPX_RECIPE_TRAINING] = {
    [EPOCHS] = {"train", "epochs", HPX_SETTING_COUNT, .min = 1, .max = 1000000, .fallback = "15",
                .help = "epochs of every trial"},
    [SEEDS] = {"train", "seeds", HPX_SETTING_COUNTS, .min = 0, .max = UINT32_MAX, .fallback = "1",
               .help = "the score of a cell is the mean over them"},
    [KEEP] = {"train", "keep", HPX_SETTING_WORD, .words = keep_words, .fallback = "newest",
              .help = "which checkpoints stay when another epoch is stored"},
};

static void read_epochs(struct parse *p)
{
    struct slot slot;
    const struct binding *given = hpx_recipe_binding(p->train, "epochs");
    hpx_setting setting = hpx_recipe_training_settings[EPOCHS];
    if (p->program)
        setting.fallback = "1";
    if (hpx_recipe_slot(p, &slot, &setting, given, 1, NULL) == HPX_OK)
        p->recipe->epochs = (uint32_t)slot.operands[0].values[0].count;
}

static void read_seeds(struct parse *p)
{
    hpx_recipe *recipe = p->recipe;
    const struct binding *given = hpx_recipe_binding(p->train, "seeds");
    struct slot slot;
    if (hpx_recipe_slot(p, &slot, &hpx_recipe_training_settings[SEEDS], given, SEEDS_MAX, NULL))
        return;
    recipe->seeds = hpx_arena_alloc(p->arena, slot.count * sizeof *recipe->seeds);
    for (size_t i = 0; i < slot.count; i++) {
        uint32_t seed = (uint32_t)slot.operands[i].values[0].count;
        for (size_t k = 0; k < i; k++)
            if (recipe->seeds[k] == seed)
                hpx_recipe_fail(p, slot.operands[i].at, "'seeds' has %u twice: expected every seed once",
                                seed);
        recipe->seeds[recipe->seed_count++] = seed;
    }
    if (p->words && p->words->trial) { /* one trial has one seed */
        if (given && given->key.line->source->is_word && recipe->seed_count > 1)
            hpx_recipe_fail(p, &given->values[0], "a trial has one seed: expected seed=S");
        recipe->seed_count = 1;
    }
}

/* A value of the count that the objective needs is 0. */
static void no_objective(struct parse *p, const struct slot *count, uint32_t value,
                         const hpx_metric_kind *kind, bool given)
{
    const char *name = count->setting->name, *of_axis = "";
    const struct word *at = count->operands->at;
    const int axis = count->operands->axis;
    if (axis >= 0) {
        at = p->recipe->inside->axis_words[axis][value];
        of_axis = hpx_arena_format(p->arena, ", a value of axis '%s'", p->recipe->axes[axis].name);
    }
    hpx_recipe_fail(
        p, at,
        "'%s' is 0%s, and the objective is %s%s: expected '%s' above 0, or 'objective = %s' under train",
        name, of_axis, kind->name, given ? "" : " (the default)", name, kind->instead);
}

static void check_need(struct parse *p, const hpx_metric_kind *kind, bool given)
{
    const struct slot *count = kind->needs ? hpx_recipe_find_slot(p->recipe->inside, kind->needs) : NULL;
    if (!count || count->count == 0)
        return;
    const int axis = count->operands->axis;
    const uint32_t values = axis < 0 ? 1 : p->recipe->axes[axis].count;
    for (uint32_t i = 0; i < values; i++)
        if (count->operands->values[i].count == 0)
            no_objective(p, count, i, kind, given);
}

static const char *const directions[] = {"maximise", "minimise", NULL};

/* Takes the direction from before a metric's name, if one is stated. Of two words the first is one, or an error that says
 * which it may be; if it is like neither, the second is left, for one too many. */
static hpx_status take_direction(struct parse *p, struct binding *objective, bool *stated, bool *minimised)
{
    *stated = false;
    if (objective->count == 0 || objective->values[0].kind != WORD_PLAIN)
        return HPX_OK;
    const struct word *first = &objective->values[0];
    if (objective->count == 1 && hpx_word_is_in(directions, first->text))
        return hpx_recipe_fail(p, first, "expected the name of a metric behind '%s'", first->text);
    const char *nearest = objective->count > 1 ? hpx_recipe_nearest(p, first->text, directions) : NULL;
    if (!nearest)
        return HPX_OK;
    if (strcmp(first->text, nearest) != 0)
        return hpx_recipe_fail(p, first,
                               "unknown word '%s' before the objective: expected %s; did you mean '%s'?",
                               hpx_recipe_show(p, first->text), hpx_recipe_list(p, directions), nearest);
    *stated = true;
    *minimised = strcmp(nearest, "minimise") == 0;
    objective->values++;
    objective->count--;
    return HPX_OK;
}

/* One of the trainer's metrics; of a trainer that does not say which it reports, any. */
static hpx_setting objective_setting(struct parse *p, const hpx_trainer *trainer)
{
    const char **names = hpx_arena_alloc(p->arena, (trainer->metric_count + 1) * sizeof *names);
    for (size_t i = 0; i < trainer->metric_count; i++)
        names[i] = trainer->metrics[i].name;
    return (hpx_setting){.name = "objective",
                         .type = HPX_SETTING_WORD,
                         .words = trainer->metric_count > 0 ? names : NULL,
                         .fallback = trainer->objective};
}

const hpx_metric_kind *hpx_recipe_metric(const hpx_trainer *trainer, const char *name)
{
    for (size_t i = 0; i < trainer->metric_count; i++)
        if (strcmp(trainer->metrics[i].name, name) == 0)
            return &trainer->metrics[i];
    return NULL;
}

/* [maximise | minimise] NAME. Without the word the trainer's table says the direction, else the name's end. */
static void read_objective(struct parse *p)
{
    const hpx_trainer *trainer = p->recipe->trainer;
    const struct binding *given = hpx_recipe_binding(p->train, "objective");
    if (!trainer)
        return;
    if (!given && !trainer->objective) {
        if (!p->train || !p->train->bad)
            hpx_recipe_fail(p, hpx_recipe_keyword(p, p->train),
                            "train needs 'objective': expected the name of a metric");
        return;
    }
    struct binding name = given ? *given : (struct binding){.count = 0};
    bool stated, minimised = false;
    if (take_direction(p, &name, &stated, &minimised))
        return;
    const hpx_setting setting = objective_setting(p, trainer);
    struct slot slot;
    if (hpx_recipe_slot(p, &slot, &setting, given ? &name : NULL, 1, NULL))
        return;
    const char *metric = slot.operands[0].values[0].text;
    const hpx_metric_kind *kind = hpx_recipe_metric(trainer, metric);
    if (!stated && kind)
        minimised = kind->minimised;
    else if (!stated && !hpx_objective_guess(&minimised, metric))
        hpx_recipe_fail(p, &name.values[0],
                        "nobody knows whether more or less of '%s' is better: expected 'objective = maximise "
                        "%s' or 'objective = minimise %s'",
                        metric, metric, metric);
    p->recipe->objective = (hpx_objective){metric, minimised};
    if (kind)
        check_need(p, kind, given != NULL);
}

static void read_keep(struct parse *p)
{
    const struct binding *given = hpx_recipe_binding(p->train, "keep");
    struct slot slot;
    hpx_keep keep = HPX_KEEP_NEWEST;
    if (hpx_recipe_slot(p, &slot, &hpx_recipe_training_settings[KEEP], given, 1, NULL))
        return;
    while (keep_words[keep] != slot.operands[0].values[0].text)
        keep++;
    p->recipe->keep = keep;
}

void hpx_recipe_training(struct parse *p)
{
    read_epochs(p);
    read_seeds(p);
    read_objective(p);
    read_keep(p);
}
