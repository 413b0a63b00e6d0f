/* A recipe: bytes in, a checked description of an experiment out. Nothing here opens a file: includes are
 * read through the caller's loader. The language is described in docs/recipe.md.
 *
 * Includes search.h of its own row, because a recipe's search is described by the options that a search
 * takes. */
#ifndef HPX_RECIPE_H
#define HPX_RECIPE_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/keep.h"
#include "hpx/metrics.h"
#include "hpx/search.h"
#include "hpx/trainer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where something stands: 1-based line and column (in bytes) of a file. */
typedef struct hpx_place {
    const char *file;
    uint32_t line, column;
} hpx_place;

/* One value of an axis. Numbers have one canonical text (0.001 for 1e-3); words are kept. */
typedef struct hpx_axis_value {
    const char *text;
    double number; /* NaN for a word */
} hpx_axis_value;

typedef struct hpx_axis {
    const char *name;
    hpx_axis_value *values;
    uint32_t count;
    bool ordered;     /* as stated; else unordered if a value is a word */
    bool logarithmic; /* of a form whose values are spaced geometrically */
    hpx_place place;
} hpx_axis;

typedef struct hpx_recipe_search {
    const char *name;
    hpx_search_options options;
    hpx_place place;
} hpx_recipe_search;

/* The data set of one cell: any of these may depend on an axis. */
typedef struct hpx_recipe_dataset {
    const char
        *name; /* a known data set, or the user's own name for theirs; NULL: the trainer has no inputs */
    const char *files
        [HPX_INPUTS_MAX]; /* the user's own files, joined to the recipe's folder; NULL: a known data set */
    hpx_fields settings;  /* "dataset.NAME", as the kind of inputs has them */
} hpx_recipe_dataset;

typedef enum hpx_program_metrics { HPX_METRICS_FILE, HPX_METRICS_STDOUT } hpx_program_metrics;
typedef enum hpx_program_continue {
    HPX_CONTINUE_NO,
    HPX_CONTINUE_RESUME,
    HPX_CONTINUE_YES
} hpx_program_continue;
typedef enum hpx_program_repeat { HPX_REPEAT_EXACT, HPX_REPEAT_WITHIN, HPX_REPEAT_NO } hpx_program_repeat;
typedef enum hpx_program_place { HPX_RUN_IN_COPY, HPX_RUN_IN_WORKTREE } hpx_program_place;

/* A text under a name: `env` and its template, or a metric and the expression that finds it. */
typedef struct hpx_program_pair {
    const char *name, *text;
} hpx_program_pair;

/* The words of a binding. Word `i` of `data` stands where hpx_recipe_fail_in finds (recipe, "program", "data", i). */
typedef struct hpx_program_words {
    const char **words;
    size_t count;
} hpx_program_words;

/* The user's own program (the statement `program`). Templates are those of program/words.h, of the names of axes, and
 * of seed, epochs, params, out, resume and metrics. */
typedef struct hpx_program {
    hpx_place place;
    const char *
        folder; /* in which all its paths begin, and `version` commands run: that of the file that states it */
    hpx_program_words command;                           /* templates, at least one */
    hpx_program_words code, data, fill, pass, volatiles; /* as written */
    size_t version_count;                                /* hpx_recipe_version_command has them */
    hpx_program_pair *env;                               /* templates, every name once */
    size_t env_count;
    hpx_program_pair *matches; /* POSIX extended regular expressions with a group */
    size_t match_count;
    hpx_program_metrics metrics;
    hpx_program_continue continues;
    hpx_program_repeat repeat;
    double within; /* HPX_REPEAT_WITHIN: how far a metric may be off */
    hpx_program_place run_in;
    uint32_t threads, gpus;
    double timeout;  /* seconds; 0: none */
    uint64_t memory; /* bytes; 0: no limit */
} hpx_program;

typedef struct hpx_recipe {
    const char *path; /* as given to hpx_recipe_parse */
    const hpx_trainer *trainer;
    const hpx_program *program; /* NULL: a model; else `trainer` is that of programs */
    hpx_grid grid;
    hpx_axis *axes; /* grid.axes of them, in order of declaration */
    uint32_t epochs;
    uint32_t *seeds; /* seed_count of them, distinct, in the order written */
    size_t seed_count;
    hpx_objective objective;
    hpx_keep keep;
    hpx_recipe_search *searches; /* in order of declaration */
    size_t search_count;
    struct hpx_recipe_inside *inside;
} hpx_recipe;

/* Reads an included file whole. `path` is joined to the including file's folder. */
typedef hpx_status hpx_recipe_load_fn(void *context, const char *path, hpx_buffer *out, hpx_error *error);

/* Parses and checks the whole recipe: every setting is of its type and in its range for every value of every
 * axis. HPX_USAGE: the message reads FILE:LINE:COLUMN: what is wrong, with the line and a caret under it and,
 * for a misspelt word, the nearest known one; all mistakes, up to 20, in order of place. `path` only names
 * the recipe and anchors relative paths. A recipe without axes has one axis "cell" of one value "1" (its
 * place has line 0), and a recipe without searches has none. The bytes are not needed afterwards. `load` may
 * be NULL: then an include is an error. */
hpx_status hpx_recipe_parse(hpx_recipe **out, const char *path, const void *bytes, size_t size,
                            hpx_recipe_load_fn *load, void *context, hpx_error *error);

/* NAME=VALUE words that amend a recipe as a file that includes it would: NAME alone where one statement has
 * it, else STATEMENT.NAME. Paths in them begin in the current folder. */
typedef struct hpx_recipe_amendments {
    char **words;
    size_t count;
    bool cell; /* a NAME that is an axis or "seed", or nothing known, names a cell: such words are left, in
                  their order, in front of `words`, and `count` counts them */
    /* The words name one trial: NAME is an axis, which has that value alone, before it is anything else, and
     * "seed" the seed, else the first. The one search is of the grid that is left. */
    bool trial;
} hpx_recipe_amendments;

/* hpx_recipe_parse of a file, with a loader that reads files. "-" is standard input; in what is read from
 * there or from a pipe, paths begin in the current folder. `amendments` may be NULL. */
hpx_status hpx_recipe_open_amended(hpx_recipe **out, const char *path, hpx_recipe_amendments *amendments,
                                   hpx_error *error);
hpx_status hpx_recipe_open(hpx_recipe **out, const char *path, hpx_error *error);

void hpx_recipe_free(hpx_recipe *recipe); /* NULL is fine */

/* A name that stands for something on a command line: of a setting, an axis or a search. */
typedef struct hpx_recipe_name {
    const char *owner; /* "train", "model", ..., "axis", or the name of a search */
    const char *name;  /* NULL: the search itself */
    bool of_search;
    const char *const *values; /* NULL-terminated: of the axis, or the words of the setting; NULL: any */
} hpx_recipe_name;

/* Calls for all names of a file, as far as it can be read and whatever is wrong in it; for none when there is no such file.
 * The name is borrowed during the call. */
typedef void hpx_recipe_name_fn(void *context, const hpx_recipe_name *name);
void hpx_recipe_each_name(const char *path, hpx_recipe_name_fn *each, void *context);

/* Appends the recipe in the usual layout (docs/recipe.md), which is its own layout: it says the same, comments included.
 * HPX_USAGE as of hpx_recipe_parse where a line cannot be read; what is wrong otherwise, and what it includes, does not
 * matter. */
hpx_status hpx_recipe_format(hpx_buffer *out, const char *path, const void *bytes, size_t size,
                             hpx_error *error);

/* The search of that name; HPX_USAGE with the nearest name if there is none. */
hpx_status hpx_recipe_find_search(const hpx_recipe_search **out, const hpx_recipe *recipe, const char *name,
                                  hpx_error *error);

/* Sets the fields of one cell: "model.kind", and the settings of the sections "model" and "train", defaults
 * written as their values, settings that do not exist for this cell left out. Of a program: "program.command",
 * "program.threads", those of "program.fill", "program.match" and "program.metrics" that are stated, "env.NAME", and
 * "axis.NAME" of every axis. */
void hpx_recipe_settings(hpx_fields *out, const hpx_recipe *recipe, uint32_t cell);
/* Makes of the fields of some cell those of another: only what depends on an axis is set or removed. */
void hpx_recipe_change_settings(hpx_fields *fields, const hpx_recipe *recipe, uint32_t cell);

void hpx_recipe_dataset_of(hpx_recipe_dataset *out, const hpx_recipe *recipe, uint32_t cell);
void hpx_recipe_dataset_free(hpx_recipe_dataset *dataset);

/* A mistake that only the data shows, at its place, as hpx_recipe_parse words it: the value number `value` of
 * a binding, or the word on the axis that it has in this cell; the section's name where the binding is not
 * stated (or `key` NULL). Returns HPX_USAGE. */
hpx_status hpx_recipe_fail_in(hpx_error *error, const hpx_recipe *recipe, const char *section,
                              const char *key, size_t value, uint32_t cell, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

/* Adds to a manifest what a cell's training takes of a data set of that record. HPX_USAGE at its place when it asks
 * for what is not there: of a data set known by name hpx_recipe_parse has made sure. */
hpx_status hpx_recipe_take(hpx_fields *manifest, const hpx_recipe *recipe, uint32_t cell,
                           const hpx_fields *record, hpx_error *error);

/* True if two cells may have different models (or data sets): the axis is named in a binding of that
 * section. */
bool hpx_recipe_axis_in(const hpx_recipe *recipe, size_t axis, const char *section);

/* The settings of the trainer, of that section, in which an axis stands, from index 0 on; NULL: there are no more. */
const hpx_setting *hpx_recipe_axis_setting(const hpx_recipe *recipe, size_t axis, const char *section,
                                           size_t index);

/* Writes the command that `version` number `index` of a program is in a cell, as program/words.h writes words: without
 * names, and each `$` is a dollar. */
void hpx_recipe_version_command(hpx_buffer *out, const hpx_recipe *recipe, uint32_t cell, size_t index);

/* Sets the fields "run.*" that a program's statement decides: how it is run, on which no result depends. */
void hpx_recipe_conditions(hpx_fields *out, const hpx_recipe *recipe);

/* The cell that name=value words name: every axis once, values by canonical text; an axis of one value may be
 * left out. HPX_USAGE otherwise. */
hpx_status hpx_recipe_find_cell(uint32_t *out, const hpx_recipe *recipe, char *const *words, size_t count,
                                hpx_error *error);

/* Appends the pairs of a cell (hpx/cell.h), or the cell as people read it. */
void hpx_recipe_cell(hpx_buffer *pairs, const hpx_recipe *recipe, uint32_t cell);
void hpx_recipe_cell_text(hpx_buffer *out, const hpx_recipe *recipe, uint32_t cell);

/* What the language knows, in words for people. `each` is called for the settings of a statement ("dataset", "model",
 * "train", "search"), those of all trainers that are there, or for "methods" for the search methods: their names, and
 * what they mean and take. */
typedef void hpx_recipe_item_fn(void *context, const char *name, const char *meaning);
void hpx_recipe_each_item(const char *statement, hpx_recipe_item_fn *each, void *context);

#endif
