#include "nn/options.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *const hpx_activation_words[] = {"relu", "tanh", "sigmoid", "gelu", NULL};
const char *const hpx_init_words[] = {"he", "glorot", NULL};
const char *const hpx_optimizer_words[] = {"adam", "sgd", NULL};
const char *const hpx_schedule_words[] = {"constant", "step", "cosine", NULL};
const char *const hpx_no_yes_words[] = {"no", "yes", NULL};

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

static hpx_status check_settings(const hpx_setting *settings, size_t count, const hpx_fields *manifest,
                                 hpx_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const hpx_setting *setting = &settings[i];
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

uint32_t hpx_options_list(uint32_t out[HPX_SETTING_LIST_MAX], const hpx_fields *settings, const char *name)
{
    const hpx_field *list = hpx_fields_find(settings, name);
    assert(list && list->type == HPX_FIELD_COUNTS && list->count <= HPX_SETTING_LIST_MAX);
    for (uint32_t i = 0; i < list->count; i++) {
        uint64_t value;
        memcpy(&value, list->bytes + i * sizeof value, sizeof value);
        out[i] = (uint32_t)value;
    }
    return (uint32_t)list->count;
}

_Bool hpx_options_need_last_epoch(const hpx_fields *settings)
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

hpx_status hpx_options_read(hpx_options *out, const hpx_setting *settings, size_t count,
                            const hpx_fields *manifest, hpx_error *error)
{
    hpx_status status = check_settings(settings, count, manifest, error);
    if (status)
        return status;
    *out = (hpx_options){
        .activation = (hpx_activation)word_of(manifest, "model.activation", hpx_activation_words),
        .dropout = real_of(manifest, "model.dropout"),
        .init = (hpx_init)word_of(manifest, "model.init", hpx_init_words),
        .optimizer =
            {
                .kind = (hpx_optimizer_kind)word_of(manifest, "train.optimizer", hpx_optimizer_words),
                .weight_decay = real_of(manifest, "train.weight-decay"),
                .beta1 = real_of(manifest, "train.beta1"),
                .beta2 = real_of(manifest, "train.beta2"),
                .epsilon = real_of(manifest, "train.epsilon"),
                .momentum = real_of(manifest, "train.momentum"),
                .nesterov = word_of(manifest, "train.nesterov", hpx_no_yes_words),
            },
        .schedule =
            {
                .kind = (hpx_schedule_kind)word_of(manifest, "train.schedule", hpx_schedule_words),
                .rate = real_of(manifest, "train.rate"),
                .step_epochs = count_of(manifest, "train.step-epochs"),
                .step_factor = real_of(manifest, "train.step-factor"),
            },
        .batch = count_of(manifest, "train.batch"),
    };
    status = read_count(&out->seed, manifest, "seed", 0, error);
    if (!status && out->schedule.kind == HPX_COSINE)
        status = read_count(&out->schedule.last_epoch, manifest, "last-epoch", 1, error);
    return status;
}
