/* Names with *, ?, [...] and, for any folders, **. */
#ifndef HPX_GLOB_H
#define HPX_GLOB_H

#include <stdbool.h>
#include <stddef.h>

bool hpx_is_glob(const char *name);

/* Whether it matches the path, part by part. What begins with a dot is matched by a pattern that does. */
bool hpx_glob_matches(const char *glob, const char *path);

typedef struct hpx_paths {
    char **paths;
    size_t count, capacity;
} hpx_paths;
void hpx_paths_add(hpx_paths *paths, const char *path);
void hpx_paths_sort(hpx_paths *paths); /* and every path once */
void hpx_paths_free(hpx_paths *paths);

/* Adds what it matches below the folder, with names relative to that, in order; a name that is no glob if it exists. ** goes
 * through no link. `looked`, unless NULL, is told each folder whose entries decide. */
void hpx_glob_expand(hpx_paths *out, const char *folder, const char *glob,
                     void (*looked)(void *context, const char *folder), void *context);

#endif
