/* Private to src/recipe: the stages between a recipe's bytes and its cells.
 *
 *     bytes --words.c--> words --statements.c--> statements (includes read, amendments made)
 *           --amend.c--> those with the command line's words
 *           --axes.c--> axes --dataset.c, trainer.c, training.c, with settings.c--> slots
 *           --program.c, command.c--> what is known of a program --searches.c--> searches
 *     recipe and cell --resolve.c, program.c--> fields
 *     any bytes --names.c--> names, for completion
 *     bytes --format.c--> the same in the usual layout
 *
 * Everything lives in the recipe's arena. Whoever detects a mistake calls hpx_recipe_fail with the word it is
 * about, and goes on with the next thing: all mistakes are told at once. What a mistake has made unknown is
 * marked (`bad`, `lost`, an axis without values, a slot without operands), so that nothing is said of what
 * only follows from it. */
#ifndef HPX_RECIPE_INSIDE_H
#define HPX_RECIPE_INSIDE_H

#include "base/memory.h"
#include "hpx/recipe.h"

#define MISTAKES_MAX        20 /* told of in one run */
#define RECIPE_BYTES_MAX    (1u << 20)
#define RECIPE_FILES_MAX    64
#define RECIPE_DEPTH_MAX    16
#define RECIPE_SEARCHES_MAX 1024
#define RECIPE_BINDINGS_MAX 64 /* of one statement */
#define RECIPE_NAME_MAX     64 /* bytes in the name of an axis or a search */
#define AXIS_VALUES_MAX     65536
#define SEEDS_MAX           4096

/* A file, and where it is included. */
struct source {
    const char *path;
    const char *bytes;
    size_t size;
    const struct source *includer; /* NULL: the recipe itself */
    uint32_t include_line;         /* of the includer */
    const char *folder;            /* where its paths begin; NULL: where it is */
    bool is_word;                  /* of the command line */
};

/* A line without its end. One that ends in '\' holds the next one too, and the '\' and the newline are a
 * blank. */
struct line {
    const struct source *source;
    const char *bytes;
    size_t size;
    uint32_t number; /* of its first part */
};

typedef enum word_kind {
    WORD_PLAIN,
    WORD_QUOTED,    /* text without the quotes, taken literally */
    WORD_REFERENCE, /* text is the axis name, without the '$' */
    WORD_WRITTEN,   /* of `program`: text as it is written, with its quotes and '$' */
} word_kind;

struct word {
    const char *text;
    const struct line *line;
    uint32_t column;
    word_kind kind;
};

struct binding {
    struct word key;
    struct word *values;
    size_t count;
    const struct line *block; /* the line of the statement that it stands under */
};

struct statement {
    struct word keyword, name;  /* `train` and `program` have no name */
    const struct source *first; /* where a program is stated that is amended here, or here */
    struct word *values;        /* of an axis */
    size_t count;
    struct binding *bindings;
    size_t binding_count;
    bool bad; /* not all that was meant to stand here is known */
};

/* A value that has been checked against its setting. Words point into the setting's list, so that equal words
 * are equal pointers. Of a list that may have words each is a text, as a manifest has it. */
union value {
    uint64_t count;
    double real;
    const char *text;
};

/* One word of a binding: a value, or one value per value of an axis. */
struct operand {
    const union value *values;
    const struct word *at; /* NULL: a default */
    int axis;              /* -1: values[0] for every cell */
};

/* A setting, ready to be resolved for any cell; without operands, if its binding is a mistake. */
struct slot {
    const hpx_setting *setting;
    const char *field;             /* "SECTION.NAME" */
    const struct binding *binding; /* NULL: the default */
    struct operand *operands;
    size_t count;
    bool varies;                  /* with an axis, or whether it exists does */
    const struct slot *condition; /* the setting exists where this one has condition_value; NULL: always */
    const char *condition_value;
    const struct slot *leader; /* of a list that has a value for each of another one; NULL: it is none */
};

enum section { SECTION_DATASET, SECTION_MODEL, SECTION_PROGRAM, SECTION_TRAIN, SECTIONS };
extern const char *const hpx_recipe_sections[SECTIONS + 1];

struct hpx_recipe_inside {
    hpx_arena *arena;
    const struct statement *statements[SECTIONS];
    const struct word **axis_words[HPX_AXES_MAX]; /* where each value of an axis is written */
    hpx_setting kind;                             /* the setting behind "model.kind" */
    struct slot *slots;                           /* of model and train, by field name */
    size_t slot_count;
    const char *dataset;
    struct operand files[HPX_INPUTS_MAX]; /* values NULL: a known data set */
    struct slot *dataset_slots;
    size_t dataset_slot_count;
    uint32_t axes_in[SECTIONS]; /* bit per axis */
    hpx_program program;
    hpx_program_words *versions; /* program.version_count of them: the templates of each */
};

struct mistake {
    size_t source; /* in order of reading */
    uint32_t line, column;
    const char *text;
};

/* The recipe while it is made. */
struct parse {
    hpx_recipe *recipe;
    hpx_arena *arena;
    hpx_recipe_load_fn *load;
    void *context;
    hpx_recipe_amendments *words; /* NULL: none */
    hpx_status status;            /* HPX_USAGE after a mistake; the first error that is none */
    struct mistake mistakes[MISTAKES_MAX];
    size_t mistake_count; /* all of them */
    bool lost;            /* a line could not be read, or named an unknown axis: any axis may be used there */
    bool partial;         /* a file could not be included */
    const struct source *file;                      /* the recipe itself */
    const struct source *sources[RECIPE_FILES_MAX]; /* in order of reading, the recipe first */
    size_t source_count;
    struct statement *dataset, *model, *program, *train; /* NULL: not stated */
    struct statement **axes, **searches;
    size_t axis_count, search_count;
};

/* messages.c */

/* A mistake: FILE:LINE:COLUMN, the message, the line with a caret, and the includes that led there. Of one
 * word the first mistake counts. Returns HPX_USAGE. */
hpx_status hpx_recipe_fail_at(struct parse *p, const struct line *at, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
hpx_status hpx_recipe_fail(struct parse *p, const struct word *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* All mistakes in order of place. */
void hpx_recipe_tell(struct parse *p, hpx_error *error);
hpx_place hpx_recipe_place(const struct word *word);
/* Appends a message about a word as a mistake is told. */
void hpx_recipe_describe(hpx_buffer *out, const struct word *at, const char *message);
/* `text`, cut if it is too long for a message. */
const char *hpx_recipe_show(struct parse *p, const char *text);
/* "a, b, c" of a NULL-terminated list. */
const char *hpx_recipe_list(struct parse *p, const char *const *words);
/* The word of a NULL-terminated list that `wrong` is in another spelling ('_', capitals), or in that of other tools; NULL: it
 * is none. */
const char *hpx_recipe_meant(struct parse *p, const char *wrong, const char *const *words);
/* The word of a NULL-terminated list that was probably meant, also by what other tools call it; NULL: none is
 * near. */
const char *hpx_recipe_nearest(struct parse *p, const char *wrong, const char *const *words);
/* "; did you mean 'x'?", or "" when no word is near. */
const char *hpx_recipe_hint(struct parse *p, const char *wrong, const char *const *words);
/* What a setting takes, after "expected": "a number above 0, at most 1000". */
const char *hpx_recipe_expected(struct parse *p, const hpx_setting *setting);
/* Appends what values an axis has and the one nearest to `wrong`. */
void hpx_recipe_expected_values(hpx_buffer *out, const hpx_axis *axis, const char *wrong);

/* words.c */

struct reader {
    const struct source *source;
    const char *next;
    uint32_t number; /* of the lines before it */
};
bool hpx_recipe_line(struct reader *reader, struct line *out); /* false: there are no more */

struct cursor {
    const struct line *line;
    size_t at;
};

/* NUL bytes, control characters and invalid UTF-8 are errors. */
hpx_status hpx_recipe_check_text(struct parse *p, const struct source *source);
/* Moves to the next thing on the line; false: there is only the line's end or a comment. */
bool hpx_recipe_more(struct cursor *at);
/* Reads a name that may be followed by '=' without a blank between them. */
void hpx_recipe_key(struct parse *p, struct cursor *at, struct word *out);
hpx_status hpx_recipe_word(struct parse *p, struct cursor *at, struct word *out);
/* All words to the end of the line; `written`: as those of `program` are. */
hpx_status hpx_recipe_words(struct parse *p, struct cursor *at, bool written, struct word **out,
                            size_t *count);
/* Letters, digits, '-', '_' and the characters of `others`; at most RECIPE_NAME_MAX bytes. */
bool hpx_recipe_is_name(const char *text, const char *others);
/* Whether all of them are numbers. */
bool hpx_recipe_are_numbers(const struct word *words, size_t count);
/* "A..B": the texts on both sides. */
bool hpx_recipe_range(struct parse *p, const struct word *word, const char **low, const char **high);
/* Where the paths of a file begin. */
const char *hpx_recipe_folder(struct parse *p, const struct source *file);
/* `path` as seen from the folder of the file that states it. */
const char *hpx_recipe_beside(struct parse *p, const struct source *file, const char *path);
/* Room for one more element behind `count` of an array in the arena. */
void *hpx_recipe_room(struct parse *p, void *array, size_t count, size_t bytes);

/* recipe.c */

/* Makes an empty recipe to be read, in an arena of its own. `given` has the path, the bytes and the folder. */
hpx_status hpx_recipe_begin(struct parse *p, const struct source *given, hpx_error *error);
void hpx_recipe_stages(struct parse *p); /* all of them */
/* The loader that reads files. */
hpx_status hpx_recipe_load_file(void *context, const char *path, hpx_buffer *out, hpx_error *error);

/* The stages, in this order. */
void hpx_recipe_statements(struct parse *p);
void hpx_recipe_trainer(struct parse *p);
void hpx_recipe_amend(struct parse *p);
void hpx_recipe_axes(struct parse *p);
/* Fails for values of an axis that are written as in another language. */
hpx_status hpx_recipe_notation(struct parse *p, const char *axis, const struct word *words, size_t count);
void hpx_recipe_dataset_settings(struct parse *p);
void hpx_recipe_trainer_settings(struct parse *p);
void hpx_recipe_program(struct parse *p);
void hpx_recipe_training(struct parse *p);
void hpx_recipe_axes_used(struct parse *p);
void hpx_recipe_searches(struct parse *p);

/* statements.c */

/* A mistake: the recipe lacks a statement. */
void hpx_recipe_missing(struct parse *p, const char *keyword, const char *usage);
/* Where what a statement lacks is told: at its keyword or, where no file states it, at that of the model or the
 * program. */
const struct word *hpx_recipe_keyword(const struct parse *p, const struct statement *statement);
/* An axis that the recipe does not have yet. */
hpx_status hpx_recipe_add_axis(struct parse *p, struct statement *fresh);

/* axes.c */

/* The value of an axis that `text` stands for, by canonical text. */
bool hpx_recipe_axis_value(uint32_t *out, const hpx_axis *axis, const char *text);

/* settings.c */

/* Whether a 0 in a list stands for nothing: `hidden = $n1 $n2` with n2 = 0 is the same as `hidden = $n1`. */
bool hpx_recipe_takes_zero(const hpx_setting *setting);
const struct binding *hpx_recipe_binding(const struct statement *statement,
                                         const char *key); /* NULL if there is none */
/* Checks a binding (NULL: the default) against its setting, for every value of the axes it refers to, and
 * marks those in *axes. `axes` NULL: the binding is not part of a cell and may refer to none. */
hpx_status hpx_recipe_slot(struct parse *p, struct slot *out, const hpx_setting *setting,
                           const struct binding *binding, size_t list_max, uint32_t *axes);
hpx_status hpx_recipe_axis_of(struct parse *p, const struct word *reference, int *out);
/* What the trainer reads; NULL: nothing. Where it is not known, that of any is as good. */
const hpx_input_kind *hpx_recipe_inputs(const struct parse *p);
/* The keys that a section takes: those of the trainer and of its inputs, then the recipe's own. */
const char *const *hpx_recipe_known_keys(struct parse *p, enum section section);
/* Tells of a key that is none of `known`, and says where it belongs if another statement has it.
 * `near`: the words it may be a misspelling of. */
void hpx_recipe_unknown(struct parse *p, const struct word *key, const char *keyword,
                        const char *const *known, const char *const *near);
/* `statement` may be NULL. */
void hpx_recipe_check_keys(struct parse *p, struct statement *statement, enum section section);

/* language.c */

/* Appends what values a setting takes: "a number above 0, at most 1000". */
void hpx_recipe_values(hpx_buffer *out, const hpx_setting *setting);

/* training.c */

#define HPX_RECIPE_TRAINING 3
extern const hpx_setting hpx_recipe_training_settings[HPX_RECIPE_TRAINING]; /* epochs, seeds, keep */

/* What the trainer says of a metric; NULL: it does not. */
const hpx_metric_kind *hpx_recipe_metric(const hpx_trainer *trainer, const char *name);

/* searches.c */

/* The bindings of searches, in the order of a manual; NULL behind the last one. */
const hpx_setting *hpx_recipe_search_setting(size_t index);
const char *const *hpx_recipe_search_keys(struct parse *p); /* of all methods */
/* Of the method of a search, if that is known. */
const char *const *hpx_recipe_search_taken(struct parse *p, const struct statement *search);

/* resolve.c */

union value hpx_recipe_operand(const struct operand *operand, const uint32_t *indices);
bool hpx_recipe_present(const struct slot *slot, const uint32_t *indices);
void hpx_recipe_set_field(hpx_fields *out, const struct slot *slot, const uint32_t *indices);

/* command.c */

/* The words of a binding of `program` in which no axis may stand; none where it is not given. */
hpx_status hpx_recipe_literals(struct parse *p, const char *key, hpx_program_words *out);
/* `command`, `version` and `env`, with `pass`. */
void hpx_recipe_command(struct parse *p);
/* A name of what a trial has beside its axes, such as "seed". */
bool hpx_recipe_is_of_trial(const char *name);

/* program.c */

/* What hpx_recipe_settings sets of a program. */
void hpx_recipe_program_fields(hpx_fields *out, const hpx_recipe *recipe, uint32_t cell);
const char *const *hpx_recipe_program_words(const char *key); /* NULL: it has none */

/* trainer.c */

/* By its field's name; NULL: there is none. */
const struct slot *hpx_recipe_find_slot(const struct hpx_recipe_inside *inside, const char *field);

#endif
