/* Names with *, ?, [...] and, for any folders, **. */
#ifndef HPX_GLOB_H
#define HPX_GLOB_H

#include <stdbool.h>
#include <stddef.h>

bool hpx_is_glob(const char *name);

/* Whether it matches the path, part by part. What begins with a dot is matched by a pattern that does. */
bool hpx_glob_matches(const char *glob, const char *path);

typedef struct hpx_path_list {
    char **paths;
    size_t count, capacity;
} hpx_path_list;
void hpx_path_list_add(hpx_path_list *paths, const char *path);
void hpx_path_list_sort(hpx_path_list *paths); /* and every path once */
void hpx_path_list_free(hpx_path_list *paths);

/* The names in a folder, in order, `hidden`: also those that begin with a dot, but "." and ".."; none where it cannot be
 * read. */
void hpx_path_list_folder(hpx_path_list *out, const char *folder, bool hidden);

/* Adds what it matches below the folder, with names relative to that, in order; a name that is no glob if it exists. ** goes
 * through no link. `looked`, unless NULL, is told each folder whose entries decide. */
void hpx_glob_expand(hpx_path_list *out, const char *folder, const char *glob,
                     void (*looked)(void *context, const char *folder), void *context);

/* A name in a folder ("" is fine), by its text alone: without "." and, but in front, without "..". free() it. */
char *hpx_path_normal(const char *folder, const char *name);

#endif
