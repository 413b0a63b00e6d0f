/* What a program's results depend on beside its recipe: the code and the data that it is given, the versions of what it runs
 * on. Looked at once for a command of hpx; what happens on disk afterwards changes nothing of it. */
#ifndef HPX_IDENTITY_PROGRAM_H
#define HPX_IDENTITY_PROGRAM_H

#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/recipe.h"
#include "hpx/source.h"

#include <stdint.h>

typedef struct hpx_program_state hpx_program_state;

/* Lists and hashes `code` and `data`, and runs each distinct `version` command once. Files that the store remembers are not
 * read again (options: store, remember, anew; NULL store: all are read). HPX_USAGE at its place in the recipe for a word that
 * names no file, leads out of the repository or is no file to be hashed, and for a version command that fails. The recipe must
 * outlive the state. */
hpx_status hpx_program_look(hpx_program_state **out, const hpx_recipe *recipe,
                            const hpx_source_options *options, hpx_error *error);
void hpx_program_state_free(hpx_program_state *state); /* NULL is fine */

/* What is to be said of it and was not taken yet, in lines; NULL: nothing. free() it. */
char *hpx_program_take_warnings(hpx_program_state *state);

/* Sets what it contributes to the manifest of a cell: code.version, dataset.data, version.N. Removes the ones there are none
 * of. */
void hpx_program_fields(hpx_fields *manifest, const hpx_program_state *state, uint32_t cell);

/* The record of its data (HPX_RECORD_DATASET): "name" "data", "data.hash" and the files (data_files.h). Empty where there are
 * none. Borrowed. */
const hpx_fields *hpx_program_data_record(const hpx_program_state *state);

/* What the processes of all programs of a store are known by: the beginning of job.trial, before the key. free() it. */
char *hpx_program_mark(const hpx_store *store);

/* Makes the snapshot of its code, once for a version, and sets what the conditions of a job have of it: run.folder and job.*
 * (program/copy.h), but job.trial. HPX_FAILED when a file has been edited since it was looked at. */
hpx_status hpx_program_prepare(hpx_fields *conditions, hpx_program_state *state, hpx_error *error);

/* As hpx_experiment_hand_over, of what its data declares. */
hpx_status hpx_program_hand_over(hpx_buffer *name, const hpx_program_state *state, const hpx_hash *hash,
                                 const char *scratch, hpx_error *error);

/* Which files differ between the code of a record and this one. HPX_NOT_FOUND when those of the record are not known. */
hpx_status hpx_program_code_change(hpx_code_change *out, const hpx_program_state *state,
                                   const hpx_fields *before, hpx_error *error);

/* The code record of a cell, as hpx_code_fields has it: version, commit, describe, branch, author-date, folder, dirty, patch,
 * files; and version.N.command, version.N.output. After hpx_program_prepare: the files are those of the snapshot. What git does
 * not tell is left empty, with a warning. */
hpx_status hpx_program_code_record(hpx_fields *out, hpx_program_state *state, uint32_t cell,
                                   hpx_error *error);

/* Whether the data and, with run-in = worktree, the code are on disk as they were hashed: HPX_DIFFERS names what is not. */
hpx_status hpx_program_unchanged(hpx_program_state *state, hpx_error *error);

#endif
