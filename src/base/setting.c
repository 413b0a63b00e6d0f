#include "hpx/setting.h"

#include <string.h>

bool hpx_setting_in_range(const hpx_setting *setting, double value)
{
    return (setting->above_min ? value > setting->min : value >= setting->min) &&
           (setting->below_max ? value < setting->max : value <= setting->max);
}

static bool is_word(const hpx_setting *setting, const char *text, size_t length)
{
    for (const char *const *word = setting->words; *word; word++)
        if (strncmp(text, *word, length) == 0 && (*word)[length] == 0)
            return true;
    return false;
}

/* A number as it is printed, which has no 0 in front. */
static bool is_count(const hpx_setting *setting, const char *text, size_t length)
{
    double value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = 10 * value + (text[i] - '0');
    }
    return length > 0 && (length == 1 || *text != '0') && hpx_setting_in_range(setting, value);
}

static bool fits_in_list(const hpx_setting *setting, uint64_t count)
{
    return count <= HPX_SETTING_LIST_MAX && (count > 0 || setting->empty || setting->per);
}

/* Words and numbers with one blank between two. */
static bool items_fit(const hpx_setting *setting, const char *text)
{
    uint64_t count = 0;
    while (*text) {
        const size_t length = strcspn(text, " ");
        if (!is_word(setting, text, length) && !is_count(setting, text, length))
            return false;
        count++;
        text += length;
        if (*text && !*++text)
            return false;
    }
    return fits_in_list(setting, count);
}

static bool counts_in_range(const hpx_setting *setting, const hpx_field *field)
{
    for (uint64_t i = 0; i < field->count; i++) {
        uint64_t value;
        memcpy(&value, field->bytes + i * sizeof value, sizeof value);
        if (!hpx_setting_in_range(setting, (double)value))
            return false;
    }
    return fits_in_list(setting, field->count);
}

bool hpx_setting_fits(const hpx_setting *setting, const hpx_field *field)
{
    switch (setting->type) {
    case HPX_SETTING_WORD:
        return field->type == HPX_FIELD_TEXT && is_word(setting, (const char *)field->bytes, field->size);
    case HPX_SETTING_COUNT:
        return field->type == HPX_FIELD_COUNT && hpx_setting_in_range(setting, (double)field->count);
    case HPX_SETTING_REAL:
        return field->type == HPX_FIELD_REAL && hpx_setting_in_range(setting, field->real);
    case HPX_SETTING_COUNTS:
        return setting->words
                   ? field->type == HPX_FIELD_TEXT && items_fit(setting, (const char *)field->bytes)
                   : field->type == HPX_FIELD_COUNTS && counts_in_range(setting, field);
    }
    return false;
}
