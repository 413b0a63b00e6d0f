/* Private to src/starter: what is looked for in a folder, each of which makes a recipe of what it finds. */
#ifndef HPX_STARTER_INSIDE_H
#define HPX_STARTER_INSIDE_H

#include "starter.h"

#include "base/glob.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

/* Of which the names in a recipe are made. */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* starter.c */

/* Whether a recipe may name such a file without quotes. */
bool hpx_starter_is_plain(const char *name);

/* Appends all but the data set. */
void hpx_starter_perceptron(hpx_buffer *text);

/* options.c: what a script takes, as far as its text shows. */
struct script_option {
    const char *name;   /* without its dashes */
    const char *value;  /* its default, or NULL */
    const char *values; /* those that it may have, with blanks between; NULL: any */
    char type;          /* 'i' whole numbers, 'r' numbers, 's' anything else, 'f' a flag */
};

struct script_options {
    struct script_option *at;
    size_t count, capacity;
};
/* Texts are in the arena. */
void hpx_starter_options(struct script_options *out, hpx_arena *arena, const char *text);

/* A script of the user's. */
struct script_language {
    const char *ending, *interpreter, *version;
};

#define SCRIPT_FILES_MAX 32
#define SCRIPT_AXES_MAX  3 /* that a first recipe has; further options are shown */

struct script {
    const char *folder;
    char *name;
    hpx_arena *arena;
    hpx_buffer text;
    const struct script_language *language; /* of its ending; NULL: it is not known */
    bool runs_itself;                       /* it can be executed */
    struct script_options options;
    const struct script_option *axes[SCRIPT_AXES_MAX];
    size_t axis_count;
    const char *files[SCRIPT_FILES_MAX]; /* of its code, the script first */
    size_t file_count;
    hpx_path_list data; /* the files and folders beside it that it names */
};

/* script_recipe.c: the recipe of a script that has been looked at, whose axes it chooses. */
void hpx_starter_put_script(hpx_buffer *out, struct script *script);

/* images.c, script.c: false, and nothing made, where there is nothing of the kind. `likely`: only a script that looks as
 * if it trained something. */
bool hpx_starter_images(hpx_starter *out, const char *folder);
bool hpx_starter_script(hpx_starter *out, const char *folder, bool likely);

#endif
