/* A setting a recipe may give: its name, type, range and default. Trainers and search methods publish tables
 * of them; the recipe language checks against the tables and knows no setting by itself. */
#ifndef HPX_SETTING_H
#define HPX_SETTING_H

#include "hpx/fields.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum hpx_setting_type {
    HPX_SETTING_WORD,   /* one of `words`; the name of a metric */
    HPX_SETTING_COUNT,  /* an integer in [min, max] */
    HPX_SETTING_REAL,   /* a real number in [min, max]; the ends may be left out, see below */
    HPX_SETTING_COUNTS, /* one or more integers in [min, max], at most HPX_SETTING_LIST_MAX; with `words` each
                           may be one of these instead, and the field of a manifest is a text: "same 2" */
} hpx_setting_type;

#define HPX_SETTING_LIST_MAX 64

typedef struct hpx_setting {
    const char *section; /* the statement it belongs to: "dataset", "model", "train" */
    const char *name;
    hpx_setting_type type;
    double min, max;
    _Bool above_min, below_max; /* the range leaves out that end */
    const char *const *words;   /* NULL-terminated; HPX_SETTING_WORD and NULL: any name of a metric */
    const char *fallback;       /* the default as written in a recipe; NULL: it must be given, */
    _Bool optional;             /* or may be left out, and is not there then */
    /* The setting exists only where the word setting `only_if` of the same section has the value
     * `only_value`; NULL: always. An absent setting is not part of the identity, and giving it is an
     * error. */
    const char *only_if, *only_value;
    /* Where it has the word `needs_if`, the number `needs` of the same section must not be 0. */
    const char *needs_if, *needs;
    /* A list. In one of integers above 0 a 0 stands for nothing, and it is left out; with `empty` of all of them.
     * `per` names another list of the same section: this one has a value for each of its values, or one for all,
     * and what is left out there is left out here. So a manifest has as many in both, none of them nothing. */
    _Bool empty;
    const char *per;
    /* The cost is no polynomial in its numbers (hpx/trainer.h). */
    _Bool irregular;
    const char *help; /* a line for `hpx help recipe` */
} hpx_setting;

bool hpx_setting_in_range(const hpx_setting *setting, double value);

/* Whether the field of a manifest is of the setting's type and in its range. */
bool hpx_setting_fits(const hpx_setting *setting, const hpx_field *field);

#endif
