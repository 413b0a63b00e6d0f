#include "hpx/setting.h"

#include <string.h>

bool hpx_setting_in_range(const hpx_setting *setting, double value)
{
    return (setting->above_min ? value > setting->min : value >= setting->min) &&
           (setting->below_max ? value < setting->max : value <= setting->max);
}

static bool is_word(const hpx_setting *setting, const char *text)
{
    for (const char *const *word = setting->words; *word; word++)
        if (strcmp(text, *word) == 0)
            return true;
    return false;
}

static bool counts_in_range(const hpx_setting *setting, const hpx_field *field)
{
    for (uint64_t i = 0; i < field->count; i++) {
        uint64_t value;
        memcpy(&value, field->bytes + i * sizeof value, sizeof value);
        if (!hpx_setting_in_range(setting, (double)value))
            return false;
    }
    return field->count >= 1 && field->count <= HPX_SETTING_LIST_MAX;
}

bool hpx_setting_fits(const hpx_setting *setting, const hpx_field *field)
{
    switch (setting->type) {
    case HPX_SETTING_WORD:
        return field->type == HPX_FIELD_TEXT && is_word(setting, (const char *)field->bytes);
    case HPX_SETTING_COUNT:
        return field->type == HPX_FIELD_COUNT && hpx_setting_in_range(setting, (double)field->count);
    case HPX_SETTING_REAL:
        return field->type == HPX_FIELD_REAL && hpx_setting_in_range(setting, field->real);
    case HPX_SETTING_COUNTS:
        return field->type == HPX_FIELD_COUNTS && counts_in_range(setting, field);
    }
    return false;
}
