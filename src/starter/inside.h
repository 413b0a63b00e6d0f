/* Private to src/starter: what is looked for in a folder, each of which makes a recipe of what it finds. */
#ifndef HPX_STARTER_INSIDE_H
#define HPX_STARTER_INSIDE_H

#include "starter.h"

#include "base/glob.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

/* starter.c */

/* The names in a folder that do not begin with a dot, in order; none where it cannot be read. */
void hpx_starter_list(hpx_path_list *out, const char *folder);

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

/* images.c, script.c: false, and nothing made, where there is nothing of the kind. `likely`: only a script that looks as
 * if it trained something. */
bool hpx_starter_images(hpx_starter *out, const char *folder);
bool hpx_starter_script(hpx_starter *out, const char *folder, bool likely);

#endif
