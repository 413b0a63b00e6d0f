/* What a program opened, and what of that its recipe does not declare. */
#ifndef HPX_OPENED_H
#define HPX_OPENED_H

#include "base/glob.h"
#include "hpx/fields.h"
#include "strace.h"

#include <stdbool.h>
#include <stddef.h>

/* Names are as the recipe would have them: relative to its folder, or absolute. Many of one folder are that folder. */
typedef struct hpx_undeclared {
    hpx_path_list code, data; /* opened; or missed in the copy, and in the work tree */
    hpx_path_list in_home;    /* those of `data` that are below HOME: caches, mostly */
    hpx_path_list in_place;   /* declared, but opened in the work tree, where the program should not look */
    char *import_folder; /* where Python finds the first of these as a module; NULL: they are no modules */
    size_t installed;    /* files of the system, of interpreters and of installed packages */
    bool python;         /* a Python interpreter is among these */
} hpx_undeclared;
void hpx_undeclared_free(hpx_undeclared *undeclared);

typedef struct hpx_opened_options {
    const hpx_fields *conditions; /* of the trial (hpx_experiment_prepare) */
    const hpx_fields *data;       /* the record of its data */
    const char *home, *path;      /* the variables HOME and PATH; NULL: not set */
} hpx_opened_options;

typedef struct hpx_opened hpx_opened;

/* The options must outlive it. */
hpx_opened *hpx_opened_new(const hpx_opened_options *options);
void hpx_opened_free(hpx_opened *opened); /* NULL is fine */

hpx_access_fn hpx_opened_note; /* `context` is the hpx_opened */

/* A name that its output tells it missed, as the recipe would have it (hpx_copy_undeclared). */
void hpx_opened_note_missing(hpx_opened *opened, const char *name);

/* After the last one. */
void hpx_opened_sum_up(hpx_undeclared *out, hpx_opened *opened);

#endif
