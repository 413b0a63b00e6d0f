/* Folders in which a program may have left anything: links to elsewhere, files without permissions, folders below each
 * other without end. Everything is done relative to an open folder, by one name, and no link is followed. */
#ifndef HPX_PROGRAM_TREE_H
#define HPX_PROGRAM_TREE_H

#include "hpx/error.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Opens the folder, and makes it anew, with that mode, if anything else is there, or nothing. */
int hpx_tree_make(int at, const char *name, mode_t mode);

/* What is in the open folder, from the first entry on; closedir() it, which leaves the folder open. NULL, and errno. And the
 * next entry that is not "." or ".."; NULL: there are no more. */
DIR *hpx_tree_list(int fd);
const struct dirent *hpx_tree_next(DIR *entries);

/* Removes what has that name, whatever it is; false, and errno, when something stays. */
bool hpx_tree_remove(int at, const char *name);

/* A new file with the bytes of the open file `from`, read from its beginning: a clone where the file system can. -1, and
 * errno, when it cannot be made. */
int hpx_tree_copy(int at, const char *name, int from, mode_t mode);

/* Locks the file for this process while it is open; false when another one has it. */
bool hpx_tree_lock(int fd);

/* The space of a folder's files on disk. */
void hpx_tree_measure(unsigned long long *bytes, int at, const char *name);

#endif
