/* The parts of what is known of a program: its data, and the outputs of its version commands. */
#ifndef HPX_IDENTITY_PROGRAM_PARTS_H
#define HPX_IDENTITY_PROGRAM_PARTS_H

#include "base/glob.h"
#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/recipe.h"
#include "hpx/source.h"
#include "hpx/sources.h"

#include <stddef.h>

/* --- what the store remembers under a name that is no path ------------------------------------------------- */

/* Appends it; false when there is none, or the options say so. */
bool hpx_program_recall(hpx_buffer *out, const hpx_source_options *options, const char *name);
hpx_status hpx_program_remember(const hpx_source_options *options, const char *name, const hpx_buffer *bytes,
                                hpx_error *error);

/* The name for what a recipe's words were found to be: `kind`, its folder and the words. free() it. */
char *hpx_program_words_name(const char *kind, const char *folder, const hpx_program_words *words);

/* The name under which the root of a code version's work tree is remembered. free() it. */
char *hpx_program_root_name(const uint8_t version[HPX_CODE_BYTES]);

/* --- data -------------------------------------------------------------------------------------------------- */

typedef struct hpx_data_file {
    /* As declared: the word, or what the glob matches, or the word and the name below the folder. */
    char *name;
    char *path; /* where its bytes are: absolute, without links */
    hpx_file_stat stat;
    int64_t hashed_ns; /* when hashing began */
    hpx_hash hash;
} hpx_data_file;

typedef struct hpx_program_data {
    hpx_data_file *files; /* sorted by name */
    size_t count, capacity;
    hpx_hash hash;          /* over names and bytes */
    hpx_path_list declared; /* the names that are linked: words, and what globs match; sorted */
    hpx_path_list places;   /* on disk, with and without links: what is no code; sorted */
    hpx_fields record;      /* as hpx_program_data_record */
} hpx_program_data;

/* `folder`: the recipe's, absolute. */
hpx_status hpx_program_data_look(hpx_program_data *out, const hpx_recipe *recipe, const char *folder,
                                 const hpx_source_options *options, hpx_error *error);
void hpx_program_data_free(hpx_program_data *data);
/* Where the files of a data set of that hash were when they were last hashed: absolute paths, each ended by NUL, in the order
 * of its record. */
bool hpx_program_data_places(hpx_buffer *out, const hpx_source_options *options, const hpx_hash *hash);
/* HPX_DIFFERS with the name of one that has not the bytes that it had. */
hpx_status hpx_program_data_check(hpx_program_data *data, hpx_error *error);

/* --- versions ---------------------------------------------------------------------------------------------- */

typedef struct hpx_version_output {
    char *command; /* as program/words.h writes it */
    hpx_buffer output;
    hpx_hash hash;
} hpx_version_output;

typedef struct hpx_program_versions {
    hpx_version_output *outputs; /* each distinct command once */
    size_t count, capacity;
    const hpx_recipe *recipe;
} hpx_program_versions;

/* Runs the command in the folder, with the variables of the program (`pass`, `env`). HPX_USAGE when it fails. */
hpx_status hpx_version_look(hpx_version_output *out, const hpx_program *program, const char *folder,
                            hpx_error *error);

hpx_status hpx_program_versions_look(hpx_program_versions *out, const hpx_recipe *recipe, const char *folder,
                                     hpx_error *error);
const hpx_version_output *hpx_program_version_of(const hpx_program_versions *versions, uint32_t cell,
                                                 size_t index);
void hpx_program_versions_free(hpx_program_versions *versions);

#endif
