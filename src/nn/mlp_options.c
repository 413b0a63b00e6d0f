#include "mlp_options.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Words in the order of the enumerations they stand for. */
static const char *const activations[] = {"relu", "tanh", "sigmoid", "gelu", NULL};
static const char *const inits[] = {"he", "glorot", NULL};
static const char *const optimizers[] = {"adam", "sgd", NULL};
static const char *const schedules[] = {"constant", "step", "cosine", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};

#define COUNTS(lo, hi)  .type = HPX_SETTING_COUNTS, .min = (lo), .max = (hi)
#define COUNT(lo, hi)   .type = HPX_SETTING_COUNT, .min = (lo), .max = (hi)
#define WORD(list)      .type = HPX_SETTING_WORD, .words = (list)
#define FRACTION        .type = HPX_SETTING_REAL, .min = 0, .max = 1, .below_max = 1 /* 0 <= x < 1 */
#define FROM_0(hi)      .type = HPX_SETTING_REAL, .min = 0, .max = (hi)
#define ABOVE_0(hi)     .type = HPX_SETTING_REAL, .min = 0, .max = (hi), .above_min = 1
#define ONLY(key, word) .only_if = (key), .only_value = (word)

const hpx_setting hpx_mlp_settings[HPX_MLP_SETTINGS] = {
    {"model", "hidden", COUNTS(1, 1048576), .help = "sizes of the hidden layers"},
    {"model", "activation", WORD(activations), .fallback = "relu", .help = "activation of the hidden layers"},
    {"model", "dropout", FRACTION, .fallback = "0",
     .help = "fraction of hidden activations dropped in training"},
    {"model", "init", WORD(inits), .fallback = "he", .help = "range of the uniform initial weights"},
    {"train", "optimizer", WORD(optimizers), .fallback = "adam", .help = "how gradients become steps"},
    {"train", "rate", ABOVE_0(1000), .fallback = "0.001", .help = "learning rate"},
    {"train", "weight-decay", FROM_0(1000), .fallback = "0",
     .help = "times the parameters, added to the gradients"},
    {"train", "schedule", WORD(schedules), .fallback = "constant", .help = "learning rate over the epochs"},
    {"train", "step-epochs", COUNT(1, 1000000), .fallback = "10", ONLY("schedule", "step"),
     .help = "epochs between two cuts of the rate"},
    {"train", "step-factor", ABOVE_0(1), .fallback = "0.1", ONLY("schedule", "step"),
     .help = "what the rate is multiplied by"},
    {"train", "batch", COUNT(1, 1048576), .fallback = "128", .help = "samples per step"},
    {"train", "beta1", FRACTION, .fallback = "0.9", ONLY("optimizer", "adam"),
     .help = "decay of the first moment"},
    {"train", "beta2", FRACTION, .fallback = "0.999", ONLY("optimizer", "adam"),
     .help = "decay of the second moment"},
    {"train", "epsilon", ABOVE_0(1), .fallback = "1e-8", ONLY("optimizer", "adam"),
     .help = "added to the root of the second moment"},
    {"train", "momentum", FRACTION, .fallback = "0", ONLY("optimizer", "sgd"),
     .help = "decay of the velocity"},
    {"train", "nesterov", WORD(no_yes), .fallback = "no", ONLY("optimizer", "sgd"), .needs_if = "yes",
     .needs = "momentum", .help = "take the gradient where the velocity leads"},
};

static void field_name(char out[HPX_FIELD_NAME_MAX + 1], const char *section, const char *name)
{
    snprintf(out, HPX_FIELD_NAME_MAX + 1, "%s.%s", section, name);
}

static bool has_word(const hpx_fields *fields, const char *name, const char *word)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    return field && field->type == HPX_FIELD_TEXT && strcmp((const char *)field->bytes, word) == 0;
}

static bool applies(const hpx_setting *setting, const hpx_fields *fields)
{
    if (!setting->only_if)
        return true;
    char name[HPX_FIELD_NAME_MAX + 1];
    field_name(name, setting->section, setting->only_if);
    return has_word(fields, name, setting->only_value);
}

static hpx_status check_settings(const hpx_fields *manifest, hpx_error *error)
{
    for (size_t i = 0; i < HPX_MLP_SETTINGS; i++) {
        const hpx_setting *setting = &hpx_mlp_settings[i];
        if (!applies(setting, manifest))
            continue;
        char name[HPX_FIELD_NAME_MAX + 1];
        field_name(name, setting->section, setting->name);
        const hpx_field *field = hpx_fields_find(manifest, name);
        if (!field)
            return hpx_error_set(error, HPX_DAMAGED, "manifest: field '%s' is missing", name);
        if (!hpx_setting_fits(setting, field))
            return hpx_error_set(error, HPX_DAMAGED,
                                 "manifest: field '%s' has a value the trainer does not know", name);
    }
    return HPX_OK;
}

/* The three below are for fields that check_settings has seen, or that it found not to apply: those are 0. */
static double real_of(const hpx_fields *fields, const char *name)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    return field ? field->real : 0;
}

static uint32_t count_of(const hpx_fields *fields, const char *name)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    return field ? (uint32_t)field->count : 0;
}

static uint32_t word_of(const hpx_fields *fields, const char *name, const char *const *words)
{
    for (uint32_t i = 0; words[i]; i++)
        if (has_word(fields, name, words[i]))
            return i;
    return 0;
}

void hpx_mlp_options_shape(hpx_mlp_shape *out, const hpx_fields *settings, uint32_t features,
                           uint32_t classes)
{
    const hpx_field *hidden = hpx_fields_find(settings, "model.hidden");
    assert(hidden && hidden->type == HPX_FIELD_COUNTS && hidden->count < HPX_MLP_LAYERS_MAX);
    *out = (hpx_mlp_shape){.layers = (uint32_t)hidden->count + 1, .sizes = {features}};
    for (uint32_t l = 1; l < out->layers; l++) {
        uint64_t value;
        memcpy(&value, hidden->bytes + (l - 1) * sizeof value, sizeof value);
        out->sizes[l] = (uint32_t)value;
    }
    out->sizes[out->layers] = classes;
}

_Bool hpx_mlp_options_need_last_epoch(const hpx_fields *settings)
{
    return has_word(settings, "train.schedule", "cosine");
}

static hpx_status read_count(uint32_t *out, const hpx_fields *manifest, const char *name, uint32_t min,
                             hpx_error *error)
{
    uint64_t value;
    hpx_status status = hpx_fields_count(&value, manifest, name, error);
    if (status)
        return hpx_error_prefix(error, "manifest");
    if (value < min || value > UINT32_MAX)
        return hpx_error_set(error, HPX_DAMAGED, "manifest: %s is not in %u .. %u", name, min, UINT32_MAX);
    *out = (uint32_t)value;
    return HPX_OK;
}

hpx_status hpx_mlp_options_read(hpx_mlp_options *out, const hpx_fields *manifest, uint32_t features,
                                uint32_t classes, hpx_error *error)
{
    hpx_status status = check_settings(manifest, error);
    if (status)
        return status;
    *out = (hpx_mlp_options){
        .activation = (hpx_activation)word_of(manifest, "model.activation", activations),
        .dropout = real_of(manifest, "model.dropout"),
        .init = (hpx_init)word_of(manifest, "model.init", inits),
        .optimizer =
            {
                .kind = (hpx_optimizer_kind)word_of(manifest, "train.optimizer", optimizers),
                .weight_decay = real_of(manifest, "train.weight-decay"),
                .beta1 = real_of(manifest, "train.beta1"),
                .beta2 = real_of(manifest, "train.beta2"),
                .epsilon = real_of(manifest, "train.epsilon"),
                .momentum = real_of(manifest, "train.momentum"),
                .nesterov = word_of(manifest, "train.nesterov", no_yes),
            },
        .schedule =
            {
                .kind = (hpx_schedule_kind)word_of(manifest, "train.schedule", schedules),
                .rate = real_of(manifest, "train.rate"),
                .step_epochs = count_of(manifest, "train.step-epochs"),
                .step_factor = real_of(manifest, "train.step-factor"),
            },
        .batch = count_of(manifest, "train.batch"),
    };
    hpx_mlp_options_shape(&out->shape, manifest, features, classes);
    status = read_count(&out->seed, manifest, "seed", 0, error);
    if (!status && out->schedule.kind == HPX_COSINE)
        status = read_count(&out->schedule.last_epoch, manifest, "last-epoch", 1, error);
    return status;
}
