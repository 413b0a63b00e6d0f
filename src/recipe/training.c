/* What a recipe says of training that is not part of a cell: epochs, seeds, objective, keep. */
#include "inside.h"

#include <string.h>

static const hpx_setting epochs_setting = {
    .name = "epochs", .type = HPX_SETTING_COUNT, .min = 1, .max = 1000000, .fallback = "15"};
static const hpx_setting seeds_setting = {
    .name = "seeds", .type = HPX_SETTING_COUNTS, .min = 0, .max = UINT32_MAX, .fallback = "1"};
static const hpx_setting objective_setting = {.name = "objective",
                                              .type = HPX_SETTING_WORD,
                                              .words = hpx_metric_names,
                                              .fallback = "validation_accuracy"};

static const char *const keep_words[] = {"newest", "all", "none", "best",
                                         NULL}; /* in the order of hpx_keep */
static const hpx_setting keep_setting = {
    .name = "keep", .type = HPX_SETTING_WORD, .words = keep_words, .fallback = "newest"};

static void read_epochs(struct parse *p)
{
    struct slot slot;
    const struct binding *given = hpx_recipe_binding(p->train, "epochs");
    if (hpx_recipe_slot(p, &slot, &epochs_setting, given, 1, NULL) == HPX_OK)
        p->recipe->epochs = (uint32_t)slot.operands[0].values[0].count;
}

static void read_seeds(struct parse *p)
{
    hpx_recipe *recipe = p->recipe;
    const struct binding *given = hpx_recipe_binding(p->train, "seeds");
    struct slot slot;
    if (hpx_recipe_slot(p, &slot, &seeds_setting, given, SEEDS_MAX, NULL))
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
}

/* `value` of `validation` is 0. */
static void no_validation(struct parse *p, const struct binding *objective, uint32_t value)
{
    const struct operand *validation = p->recipe->inside->validation.operands;
    const char *axis = validation->axis < 0 ? NULL : p->recipe->axes[validation->axis].name;
    hpx_recipe_fail(
        p, axis ? p->recipe->inside->axis_words[validation->axis][value] : validation->at,
        "'validation' is 0%s%s%s, and the objective is %s%s: expected 'validation' above 0 to select on "
        "images held out, or 'objective = %s' under train to select on test images",
        axis ? ", a value of axis '" : "", axis ? axis : "", axis ? "'" : "",
        hpx_metric_names[p->recipe->objective], objective ? "" : " (the default)",
        hpx_metric_minimised(p->recipe->objective) ? "test_loss" : "test_accuracy");
}

static void read_objective(struct parse *p)
{
    const struct binding *given = hpx_recipe_binding(p->train, "objective");
    struct slot slot;
    if (hpx_recipe_slot(p, &slot, &objective_setting, given, 1, NULL))
        return;
    hpx_metric objective = HPX_TRAIN_LOSS;
    while (hpx_metric_names[objective] != slot.operands[0].values[0].text)
        objective++;
    p->recipe->objective = objective;
    const struct slot *validation = &p->recipe->inside->validation;
    if ((objective != HPX_VALIDATION_LOSS && objective != HPX_VALIDATION_ACCURACY) || validation->count == 0)
        return;
    int axis = validation->operands->axis;
    uint32_t count = axis < 0 ? 1 : p->recipe->axes[axis].count;
    for (uint32_t i = 0; i < count; i++)
        if (validation->operands->values[i].count == 0)
            no_validation(p, given, i);
}

static void read_keep(struct parse *p)
{
    const struct binding *given = hpx_recipe_binding(p->train, "keep");
    struct slot slot;
    hpx_keep keep = HPX_KEEP_NEWEST;
    if (hpx_recipe_slot(p, &slot, &keep_setting, given, 1, NULL))
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
