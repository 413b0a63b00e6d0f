/* What a program is started with: its words, its environment, and the files that hpx writes for it. */
#ifndef HPX_PROGRAM_COMMAND_H
#define HPX_PROGRAM_COMMAND_H

#include "hpx/error.h"
#include "hpx/training.h"
#include "program/copy.h"

/* Where a trial's files are; NULL: there is none. All but `out` and `tmp` are beside these, where the program does not look
 * by itself. */
typedef struct hpx_places {
    char *folder, *params, *metrics, *resume;
    char *output; /* a file that is standard output; NULL: that is a pipe */
} hpx_places;

typedef struct hpx_command {
    char **arguments, **environment; /* NULL at the end */
    const char *program;             /* its path */
    const char *folder;              /* to run in */
    struct hpx_arena *arena;
} hpx_command;

/* Fills the templates of the manifest, and the files of `fill` in the copy, and writes HPX_PARAMS. `gpus` is the value of
 * CUDA_VISIBLE_DEVICES; NULL: it is not set. HPX_NOT_FOUND when there is no such program. */
hpx_status hpx_command_make(hpx_command *out, const hpx_run *run, const hpx_copy *copy,
                            const hpx_places *places, const char *gpus, hpx_error *error);
void hpx_command_free(hpx_command *command);

#endif
