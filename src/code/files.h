/* The files that a source tree is made of, from the disk, from a commit or from a code record. */
#ifndef HPX_CODE_FILES_H
#define HPX_CODE_FILES_H

#include "hpx/buffer.h"
#include "hpx/code.h"
#include "hpx/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a file is, as git has it. */
#define CODE_MODE_FILE       0100644u
#define CODE_MODE_EXECUTABLE 0100755u
#define CODE_MODE_LINK       0120000u

typedef struct code_file {
    char *path; /* below the source tree */
    uint32_t mode;
    uint8_t id[HPX_CODE_BYTES]; /* of its bytes, as a git blob */
    hpx_buffer bytes;           /* of a link: the path that it holds */
    bool has_bytes;             /* else only their id is known */
} code_file;

/* Sorted by path, every path once. A zeroed struct is an empty list. */
typedef struct code_files {
    code_file *files;
    size_t count, capacity;
} code_files;

/* Whether a file of this name is a source: not one that is hidden (".mlp.c.swp") or that an editor has left
 * beside one ("mlp.c~", "#mlp.c#"). make compiles none of these. */
bool hpx_code_name_counts(const char *name);

/* Whether the path is one of these blank-separated files and folders, or below one. */
bool hpx_code_path_is_below(const char *path, const char *paths);

/* Whether a path leads down and nowhere else: it is relative, without an empty part, "." or "..". */
bool hpx_code_path_is_plain(const char *path);

/* Reads the files at and below these blank-separated paths of the source tree at `root`, bytes included; ids
 * stay empty. What is neither a file nor a link is left out. HPX_FAILED when a path is missing or a file
 * cannot be read. */
hpx_status hpx_code_files_read(code_files *out, const char *root, const char *paths, hpx_error *error);

/* The same for a list of which a version is made: a link to a file of the tree that is not in the list counts as that
 * file, whose edits would be missed otherwise. HPX_FAILED for one to a file outside of the tree. */
hpx_status hpx_code_files_read_trainer(code_files *out, const char *root, const char *paths,
                                       hpx_error *error);

/* Appends a file; its other members are zero. */
code_file *hpx_code_files_add(code_files *files, char *path, uint32_t mode); /* takes the path over */
void hpx_code_files_sort(code_files *files);
const code_file *hpx_code_files_find(const code_files *files, const char *path);
bool hpx_code_file_equal(const code_file *a, const code_file *b); /* path, mode and id; NULL: no file */
void hpx_code_files_free(code_files *files);

/* Walks the files that two lists do not have alike: `a` and `b` are those of one path, NULL where a list has
 * none. `at` begins zeroed. False at the end. */
typedef struct code_walk {
    size_t a, b;
} code_walk;
bool hpx_code_files_next_difference(code_walk *at, const code_files *a, const code_files *b,
                                    const code_file **in_a, const code_file **in_b);

/* Writes the files, all of which must have their bytes, into an empty folder, following no link there. */
hpx_status hpx_code_files_write(const char *folder, const code_files *files, hpx_error *error);

/* The list, all of whose files have their bytes, as the field "files" of a code record. It is described in
 * pack.c. The files, with their names, may have up to CODE_FILES_BYTES_MAX bytes. */
#define CODE_FILES_BYTES_MAX (16u << 20)
void hpx_code_files_pack(hpx_buffer *out, const code_files *files);
/* HPX_DAMAGED, with an empty list, for anything that hpx_code_files_pack would not have written. */
hpx_status hpx_code_files_unpack(code_files *out, const uint8_t *bytes, size_t size, hpx_error *error);

#endif
